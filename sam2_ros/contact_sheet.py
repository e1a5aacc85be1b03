"""Some pictures of many on one sheet, to see a whole clip at a glance."""

import cv2
import numpy as np

COLUMNS, ROWS = 4, 3
GAP = 6  # pixels between pictures
PAPER = 255


def chosen(count: int) -> list[int]:
    """Which of ``count`` pictures go on the sheet: evenly spread, the first and the last among them."""
    return sorted({round(index) for index in np.linspace(0, count - 1, min(count, COLUMNS * ROWS))})


def contact_sheet(pictures: list[np.ndarray], captions: list[str]) -> np.ndarray:
    """Pictures (H, W, 3) uint8 of one size, in rows, each with its caption in the corner."""
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // COLUMNS)
    columns = min(len(pictures), COLUMNS)
    sheet = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), PAPER, np.uint8)
    for index, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        y, x = GAP + index // columns * (height + GAP), GAP + index % columns * (width + GAP)
        sheet[y : y + height, x : x + width] = picture
        place = (x + 5, y + height - 6)
        cv2.putText(sheet, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 3, cv2.LINE_AA)
        cv2.putText(sheet, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
    return sheet
