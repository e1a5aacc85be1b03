"""What one evaluation found: all that reports, comparisons and gates need."""

from dataclasses import dataclass, field, fields
from enum import Enum

import numpy as np


class Better(Enum):
    """Which way a figure improves."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Row:
    """One object on one annotated frame."""

    object_id: int  # in truth
    found_id: int  # in the prediction: the same, or by matching; 0 when nothing matches
    frame: int  # place of the image in its clip, from 0
    stamp_ns: int  # of the image
    time_ns: int  # when it was recorded; the stamp where there is no recording
    counted: bool  # by the protocol: the first and the last annotated frame do not count
    region: float  # J, 0..1
    boundary: float  # F, 0..1
    visible: bool  # in truth: its mask has a pixel
    found: bool  # the tracker said that it is visible
    true_area: int  # pixels
    found_area: int  # pixels
    visibility: float  # as published, 0..1; NaN where nothing was published
    mask_score: float  # predicted IoU as published, 0..1; NaN where nothing was published
    state: str = ""  # as published: CONFIRMED, UNSURE, ABSENT or LOST; empty where nothing was published
    remembered: bool = True  # whether the frame entered the object's memory
    anchor: bool = False  # for long, as an anchor
    memory_note: str = ""  # why it is not remembered, or an anchor
    attended: tuple[int, ...] = ()  # by which images it was found: how many processed ones before this one, ascending


@dataclass(frozen=True, slots=True)
class Settings:
    """How an evaluation was made: equal settings on equal input give equal figures."""

    protocol: str  # prompts, davis-semi, first-box, first-click, or recorded: the bag held results already
    measure: str  # davis or sa-v: which frames and objects count
    model: str  # size, or recorded
    checkpoint: str  # name and sha256, or recorded
    match_ids: bool  # truth's and prediction's ids were matched by overlap (Hungarian), else they are taken as equal
    tolerance_s: float  # by which the stamps of image and truth may differ
    realtime: bool  # as fast as the robot: frames were dropped as the live mailbox would
    latency_s: float  # per frame, on the clock of the realtime run; NaN: as measured, or not realtime
    version: str  # of this package
    memory_policy: str = "official"  # by which objects are remembered, or recorded


def _figure(title: str, better: Better, unit: str = "") -> float:
    return field(default=float("nan"), metadata={"title": title, "better": better, "unit": unit})


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one or many clips; NaN where there is nothing to tell. Titles and directions in the metadata."""

    j_and_f: float = _figure("J&F", Better.HIGHER)
    j_mean: float = _figure("J mean", Better.HIGHER)
    j_recall: float = _figure("J recall", Better.HIGHER)
    j_decay: float = _figure("J decay", Better.LOWER)
    f_mean: float = _figure("F mean", Better.HIGHER)
    f_recall: float = _figure("F recall", Better.HIGHER)
    f_decay: float = _figure("F decay", Better.LOWER)
    visibility_accuracy: float = _figure("visibility, right", Better.HIGHER)
    visibility_precision: float = _figure("visibility, precision", Better.HIGHER)
    visibility_recall: float = _figure("visibility, recall", Better.HIGHER)
    accuracy: float = _figure("accuracy (VOT)", Better.HIGHER)
    robustness: float = _figure("robustness (VOT)", Better.HIGHER)
    nre: float = _figure("not reported (NRE)", Better.LOWER)
    dre: float = _figure("drift (DRE)", Better.LOWER)
    adq: float = _figure("absence detected (ADQ)", Better.HIGHER)
    quality: float = _figure("quality (VOT)", Better.HIGHER)
    found_again_10: float = _figure("found again after 10 to 29 frames", Better.HIGHER)
    found_again_30: float = _figure("found again after 30 to 99 frames", Better.HIGHER)
    found_again_100: float = _figure("found again after 100 frames and more", Better.HIGHER)
    identity_switches: float = _figure("identity switches", Better.LOWER)
    mask_score_error: float = _figure("calibration error of predicted IoU", Better.LOWER)
    visibility_error: float = _figure("calibration error of visibility", Better.LOWER)
    position_mean_m: float = _figure("position error, mean", Better.LOWER, "m")
    position_p95_m: float = _figure("position error, 95 %", Better.LOWER, "m")
    position_share: float = _figure("position error by distance, median", Better.LOWER)
    position_p95_share: float = _figure("position error by distance, 95 %", Better.LOWER)
    position_found: float = _figure("true positions found", Better.HIGHER)
    latency_p50_ms: float = _figure("latency, median", Better.LOWER, "ms")
    latency_p95_ms: float = _figure("latency, 95 %", Better.LOWER, "ms")
    latency_p99_ms: float = _figure("latency, 99 %", Better.LOWER, "ms")
    frames: float = _figure("annotated frames", Better.HIGHER)
    dropped: float = _figure("frames dropped", Better.LOWER)


FIGURE_NAMES = tuple(each.name for each in fields(Figures))


@dataclass(frozen=True, slots=True)
class PositionError:
    """How far off the position of one object is in one image."""

    object_id: int  # in truth
    stamp_ns: int  # of the true position
    distance_m: float  # of the true position from the origin of its frame, which is the camera if nothing else is asked
    error_m: float  # NaN: none was found


@dataclass(frozen=True, slots=True)
class ObjectFigures:
    """The figures of one object of a clip."""

    object_id: int
    label: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Rows whose published probability lies in [low, high): what was promised and what came true."""

    low: float
    high: float
    count: int
    promised: float  # mean of the published value
    true: float  # mean of J for predicted IoU, share visible for visibility


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One clip (bag or folder), evaluated."""

    name: str
    source: str  # path of the results as the user gave it
    settings: Settings
    width: int
    height: int
    figures: Figures
    objects: tuple[ObjectFigures, ...]
    rows: tuple[Row, ...]  # by frame, then object
    mask_score_bins: tuple[ReliabilityBin, ...]
    visibility_bins: tuple[ReliabilityBin, ...]
    latencies_s: tuple[float, ...]  # one per processed frame
    notes: tuple[str, ...]  # sentences for the user: ids matched, gaps in truth, objects without truth
    offline: Figures | None = None  # of a realtime evaluation: the same clip with all the time in the world
    positions: tuple[PositionError, ...] = ()  # where truth has positions in space
    start_ns: int = 0  # when the first message of the bag was recorded; 0 where there is no recording


@dataclass(frozen=True, slots=True)
class Failed:
    """A clip that could not be evaluated."""

    source: str
    reason: str  # one sentence


@dataclass(frozen=True, slots=True)
class FramePictures:
    """One frame as the report shows it: what was seen, what is true, what was found."""

    stamp_ns: int
    image: np.ndarray  # (H, W, 3) uint8 RGB
    truth: np.ndarray  # (H, W) object ids, 0 is background
    found: np.ndarray  # (H, W) object ids in the prediction's own numbers, see Row.found_id
