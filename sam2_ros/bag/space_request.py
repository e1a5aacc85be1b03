"""What is asked for of where objects are; apart from what finds it, so that it loads at once."""

from dataclasses import dataclass, field

from ..config import SpaceConfig


@dataclass(frozen=True, slots=True)
class SpaceRequest:
    """Where objects are is to be found out."""

    config: SpaceConfig = field(default_factory=SpaceConfig)
    depth_topic: str | None = None  # None: found by itself
    camera_info_topic: str | None = None
    points: bool = False  # write the points of the objects as well
    object_frames: bool = False  # write a frame for each object to /tf
