"""A first look without camera, bag or weights: makes a short clip, tracks through it and leaves pictures to look at."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .bag.ingest import IngestRequest, ingest
from .bag.replay import ReplayRequest, ReplaySummary, replay
from .bag.staging import check_free, staged
from .config import ModelChoice
from .download import cache_folder, official_file
from .loading import load_network
from .tracking.tracker import Tracker

FRAMES = 24
WIDTH, HEIGHT = 320, 240
DISC_RADIUS, SQUARE_SIDE = 34, 60


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What the demo made."""

    choice: ModelChoice
    clip: Path  # the bag that it made
    replay: ReplaySummary


def choose_model() -> ModelChoice:
    """The official tiny network when its weights are in the cache, else a small one with random weights."""
    if (cache_folder() / official_file("tiny").file_name).is_file():
        return ModelChoice("tiny")
    return ModelChoice("toy", "random")


def run_demo(folder: Path, choice: ModelChoice) -> DemoSummary:
    """Make a clip, its bag and its prompts in ``folder``, replay them there. Raises BagError."""
    check_free(folder)
    with staged(folder) as part:
        part.mkdir()
        write_clip(part / "clip")
        ingest(IngestRequest(part / "clip", part / "clip_bag"))
        request = ReplayRequest(
            bag=part / "clip_bag",
            output=part / "tracked_bag",
            prompts=part / "clip" / "prompts.yaml",
            video=part / "overlay.mp4",
            overlays=part / "overlays",
        )
        summary = replay(request, lambda: Tracker(load_network(choice)))
    return DemoSummary(choice, folder / "clip_bag", summary)


def write_clip(folder: Path) -> None:
    """Write the clip as PNG files, with prompts for its two objects: a box for the disc, a mask for the square."""
    folder.mkdir()
    for index in range(FRAMES):
        cv2.imwrite(str(folder / f"{index:05d}.png"), picture(index)[..., ::-1])
    x, y = disc_centre(0)
    # Beside the frames, not among them: a folder of images is imported whole.
    (folder / "masks").mkdir()
    cv2.imwrite(str(folder / "masks" / "square.png"), square_mask(0))
    (folder / "prompts.yaml").write_text(
        "prompts:\n"
        "  - frame: 0\n    object: 1\n    label: disc\n"
        f"    box: [{x - DISC_RADIUS}, {y - DISC_RADIUS}, {x + DISC_RADIUS}, {y + DISC_RADIUS}]\n"
        "  - frame: 0\n    object: 2\n    label: square\n    mask: masks/square.png\n"
    )


def disc_centre(index: int) -> tuple[int, int]:
    """Centre x, y of the disc in one frame, in pixels: it goes right and passes behind the square."""
    return 60 + 8 * index, 130 + round(20 * np.sin(index / 4))


def square_mask(index: int) -> np.ndarray:
    """The square in one frame, (HEIGHT, WIDTH) uint8 0 or 255: it sinks slowly and turns."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    corners = cv2.boxPoints(((200.0, 100.0 + 2 * index), (SQUARE_SIDE, SQUARE_SIDE), 3.0 * index))
    cv2.fillConvexPoly(mask, corners.astype(np.int32), 255)
    return mask


def picture(index: int) -> np.ndarray:
    """One frame, (HEIGHT, WIDTH, 3) uint8 RGB."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    weave = 12 * np.sin(x / 9) * np.cos(y / 7)
    frame = np.stack((90 + y / 4 + weave, 105 + x / 8 + weave, 120 - y / 5 + weave), axis=-1).astype(np.uint8)
    cv2.circle(frame, disc_centre(index), DISC_RADIUS, (215, 120, 50), -1, cv2.LINE_AA)
    frame[square_mask(index) > 0] = (60, 70, 160)
    return frame
