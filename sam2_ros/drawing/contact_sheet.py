"""Some pictures of many on one sheet, to see a whole clip at a glance."""

import cv2
import numpy as np

COLUMNS, ROWS = 4, 3
GAP = 6  # pixels between pictures
STRIP = 18  # pixels under a picture for its caption: its own corners belong to what is drawn in it
PAPER = 255
INK = (0, 0, 0)


def chosen(count: int) -> list[int]:
    """Which of ``count`` pictures go on the sheet: evenly spread, the first and the last among them."""
    return sorted({round(index) for index in np.linspace(0, count - 1, min(count, COLUMNS * ROWS))})


def contact_sheet(pictures: list[np.ndarray], captions: list[str]) -> np.ndarray:
    """Pictures (H, W, 3) uint8 of one size, in rows, each over its caption."""
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // COLUMNS)
    columns = min(len(pictures), COLUMNS)
    cell_height, cell_width = height + STRIP + GAP, width + GAP
    sheet = np.full((rows * cell_height + GAP, columns * cell_width + GAP, 3), PAPER, np.uint8)
    for index, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        y, x = GAP + index // columns * cell_height, GAP + index % columns * cell_width
        sheet[y : y + height, x : x + width] = picture
        place = (x + 2, y + height + STRIP - 5)
        cv2.putText(sheet, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK, 1, cv2.LINE_AA)
    return sheet
