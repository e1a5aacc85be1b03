"""Depth, camera model, transforms and true boxes of a made-up scene, as topics of its bag."""

from collections.abc import Iterator

import numpy as np

from ..space.place import Place
from ..space.transform import Transform
from ..stream.space_messages import detection_message, transform_message
from ..synthetic import DepthFrame
from ..synthetic.depth import BODY
from . import definitions
from .ingest import FRAME_ID
from .names import CAMERA_INFO_TOPIC, DEPTH_TOPIC, GROUND_TRUTH_3D_TOPIC, TF_STATIC_TOPIC, TF_TOPIC
from .writer import BagWriter

MAP, LINK = "map", "camera_link"
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
        self._transforms(stamp_ns, frame.in_map)
        self._writer.write(CAMERA_INFO_TOPIC, stamp_ns, definitions.camera_info(head, frame.camera))
        self._writer.write(DEPTH_TOPIC, stamp_ns, definitions.image("16UC1", frame.measured, head))
        truth = frame.objects(labels)
        self._truth(GROUND_TRUTH_3D_TOPIC, stamp_ns, FRAME_ID, truth)
        self._truth(IN_MAP, stamp_ns, MAP, {each: place.moved(frame.in_map) for each, place in truth.items()})

    def _transforms(self, stamp_ns: int, in_map: Transform) -> None:
        types = definitions.space_types()
        if not self._fixed_is_told:
            self._fixed_is_told = True
            fixed = transform_message(types, definitions.header(stamp_ns, LINK), FRAME_ID, BODY)
            self._writer.write(TF_STATIC_TOPIC, stamp_ns, definitions.transforms([fixed]))
        body = transform_message(types, definitions.header(stamp_ns, MAP), LINK, in_map.after(BODY.inverse()))
        self._writer.write(TF_TOPIC, stamp_ns, definitions.transforms([body]))

    def _truth(self, topic: str, stamp_ns: int, frame_id: str, places: dict[int, Place]) -> None:
        types, head = definitions.space_types(), definitions.header(stamp_ns, frame_id)
        found = [detection_message(types, head, object_id, "", 1.0, place) for object_id, place in places.items()]
        message = definitions.message(definitions.DETECTION_3D_ARRAY, header=head, detections=found)
        self._writer.write(topic, stamp_ns, message)
