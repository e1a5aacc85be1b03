"""What to evaluate and how: plain values, so that a request travels to another process."""

import math
from dataclasses import dataclass, field
from pathlib import Path

from ..bag.names import GROUND_TRUTH_3D_TOPIC, GROUND_TRUTH_TOPIC
from ..bag.space_request import SpaceRequest
from ..config import ModelChoice, TrackerConfig
from ..errors import EvaluationError
from ..measures.protocol import Measure, Protocol

DEFAULT_FPS = 24.0  # of folders; DAVIS and SA-V have it


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """One clip. Raises EvaluationError for values that cannot be."""

    results: Path  # a bag or a folder: with results, or to be tracked through
    truth: Path | None = None  # a bag or a folder; None: the bag itself
    truth_topic: str = GROUND_TRUTH_TOPIC
    truth_3d_topic: str = GROUND_TRUTH_3D_TOPIC  # true positions, vision_msgs/Detection3DArray
    image_topic: str | None = None  # to track on; None: the only image topic of the bag
    protocol: Protocol | None = None  # None: results as they are, where there are any; see `sources.protocol_of`
    measure: Measure = Measure.DAVIS
    match_ids: bool = False  # ids of truth and results have nothing to do with each other
    tolerance_s: float = 0.0  # by which the stamps of image and truth may differ
    realtime: bool = False  # as fast as the robot
    latency_s: float | None = None  # per image, on the clock of the realtime run; None: as measured
    fps: float = DEFAULT_FPS  # images per second of a folder
    name: str = ""  # empty: that of the bag or folder
    choice: ModelChoice = field(default_factory=ModelChoice)
    config: TrackerConfig = field(default_factory=TrackerConfig)
    space: SpaceRequest | None = None  # also say where objects are; None: only what results have already
    keep: Path | None = None  # where the results of a tracker that runs are left; None: nowhere

    def __post_init__(self) -> None:
        _check("tolerance", self.tolerance_s, self.tolerance_s >= 0, "0 or more seconds")
        _check("rate", self.fps, self.fps > 0, "more than 0 images per second")
        if self.latency_s is not None:
            _check("latency", self.latency_s, self.latency_s >= 0, "0 or more seconds")
            if not self.realtime:
                raise EvaluationError("a latency is given, but nothing runs on a clock; add --realtime")

    @property
    def title(self) -> str:
        """What the clip is called."""
        return self.name or self.results.absolute().name


def _check(what: str, value: float, good: bool, wanted: str) -> None:
    if not (math.isfinite(value) and good):
        raise EvaluationError(f"the {what} is {value:g}; give {wanted}")
