"""Depth, camera model, transforms and true boxes of a made-up scene, as topics of its bag."""

from collections.abc import Iterator

import numpy as np

from ..space.place import Box3D, Place
from ..space.transform import Transform
from ..stream.space_messages import detection_message, transform_message
from ..synthetic import DepthFrame
from ..synthetic.depth import TO_BODY, TrueObject
from . import definitions
from .ingest import FRAME_ID
from .names import CAMERA_INFO_TOPIC, DEPTH_TOPIC, GROUND_TRUTH_3D_TOPIC, TF_STATIC_TOPIC, TF_TOPIC
from .writer import BagWriter

MAP, BODY = "map", "camera_link"
IN_MAP = f"{GROUND_TRUTH_3D_TOPIC}/{MAP}"


class SceneSpace:
    """Writes what belongs to the frames of a scene, in their order."""

    def __init__(self, writer: BagWriter, frames: Iterator[DepthFrame]) -> None:
        self._writer = writer
        self._frames = frames
        self._fixed_is_told = False
        for topic, kind in (
            (TF_STATIC_TOPIC, definitions.TF_MESSAGE),
            (TF_TOPIC, definitions.TF_MESSAGE),
            (CAMERA_INFO_TOPIC, definitions.CAMERA_INFO),
            (DEPTH_TOPIC, definitions.IMAGE),
            (GROUND_TRUTH_3D_TOPIC, definitions.DETECTION_3D_ARRAY),
            (IN_MAP, definitions.DETECTION_3D_ARRAY),
        ):
            writer.add_topic(topic, kind)

    def write(self, labels: np.ndarray, stamp_ns: int) -> None:
        """The next frame, whose ground truth is a label image (H, W)."""
        frame = next(self._frames)
        head = definitions.header(stamp_ns, FRAME_ID)
        in_map = Transform(frame.rotation, frame.translation)
        self._transforms(stamp_ns, in_map)
        self._writer.write(CAMERA_INFO_TOPIC, stamp_ns, definitions.camera_info(head, *_intrinsics(frame)))
        self._writer.write(DEPTH_TOPIC, stamp_ns, definitions.image("16UC1", frame.measured, head))
        truth = [(true.object_id, _place(true)) for true in frame.objects(labels)]
        self._truth(GROUND_TRUTH_3D_TOPIC, stamp_ns, FRAME_ID, truth)
        self._truth(IN_MAP, stamp_ns, MAP, [(object_id, place.moved(in_map)) for object_id, place in truth])

    def _transforms(self, stamp_ns: int, in_map: Transform) -> None:
        types, optical = definitions.space_types(), Transform(TO_BODY, np.zeros(3))
        if not self._fixed_is_told:
            self._fixed_is_told = True
            fixed = transform_message(types, definitions.header(stamp_ns, BODY), FRAME_ID, optical)
            self._writer.write(TF_STATIC_TOPIC, stamp_ns, definitions.transforms([fixed]))
        body = transform_message(types, definitions.header(stamp_ns, MAP), BODY, in_map.after(optical.inverse()))
        self._writer.write(TF_TOPIC, stamp_ns, definitions.transforms([body]))

    def _truth(self, topic: str, stamp_ns: int, frame_id: str, places: list[tuple[int, Place]]) -> None:
        types, head = definitions.space_types(), definitions.header(stamp_ns, frame_id)
        found = [detection_message(types, head, object_id, "", 1.0, place) for object_id, place in places]
        message = definitions.message(definitions.DETECTION_3D_ARRAY, header=head, detections=found)
        self._writer.write(topic, stamp_ns, message)


def _intrinsics(frame: DepthFrame) -> tuple[int, int, np.ndarray]:
    """Width, height and K (3, 3)."""
    height, width = frame.depth.shape
    x, y = frame.principal
    return width, height, np.array([(frame.focal, 0, x), (0, frame.focal, y), (0, 0, 1)], dtype=np.float64)


def _place(true: TrueObject) -> Place:
    box = Box3D((true.low + true.high) / 2, true.high - true.low, np.eye(3))
    nothing = np.zeros((0, 3), dtype=np.float32)
    return Place(true.position, np.zeros((3, 3)), box, nothing, nothing[:, :2])
