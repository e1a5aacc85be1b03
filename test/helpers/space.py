"""A card before a camera, as messages: image header, depth, camera_info and what the tracker says."""

from typing import Any

import numpy as np

from sam2_ros.bag import definitions
from sam2_ros.space.camera import PinholeCamera
from sam2_ros.tracking.result import FrameResult, ObjectState

WIDTH, HEIGHT = 80, 60
CAMERA = PinholeCamera(WIDTH, HEIGHT, 100.0, 100.0, 40.0, 30.0)
BOX = (20, 20, 39, 39)
POSITION = (-0.21, -0.01, 2.0)  # the middle of columns 20 to 39 is 29.5, of rows 20 to 39 29.5; 2 cm a pixel, less 0.5
STAMP = 1_000_000_000_000
FRAME = "camera_color_optical_frame"


def header(stamp_ns: int = STAMP, frame_id: str = FRAME) -> Any:
    return definitions.header(stamp_ns, frame_id)


def card(unit: str = "16UC1", height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Depth of a card at 2 m before a wall at 4 m."""
    metres = np.full((height, width), 4.0)
    x, y = width / WIDTH, height / HEIGHT
    metres[int(BOX[1] * y) : int((BOX[3] + 1) * y), int(BOX[0] * x) : int((BOX[2] + 1) * x)] = 2.0
    return (metres * 1000).astype(np.uint16) if unit == "16UC1" else metres.astype(np.float32)


def depth_message(
    values: np.ndarray | None = None, stamp_ns: int = STAMP, frame_id: str = FRAME, encoding: str = "16UC1"
) -> Any:
    return definitions.image(encoding, card(encoding) if values is None else values, header(stamp_ns, frame_id))


def info_message(camera: PinholeCamera = CAMERA, frame_id: str = FRAME) -> Any:
    return definitions.camera_info(header(frame_id=frame_id), camera)


def state(object_id: int = 1, visible: bool = True, label: str = "") -> ObjectState:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    if visible:
        mask[BOX[1] : BOX[3] + 1, BOX[0] : BOX[2] + 1] = True
    return ObjectState(
        object_id=object_id,
        label=label,
        visible=visible,
        object_score=4.0 if visible else -4.0,
        mask_score=0.9,
        mask=mask,
        box=BOX if visible else None,
        area=int(mask.sum()),
        centroid=None,
        first_seen_ns=0,
        last_seen_ns=0,
        frames_since_seen=0,
        prediction=None,  # type: ignore[arg-type]
        tracked=None,
    )


def result(*states: ObjectState) -> FrameResult:
    labels = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    return FrameResult(0, STAMP, labels, states or (state(),), ())
