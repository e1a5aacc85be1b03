"""What a training run is: one YAML file, read into plain dataclasses."""

import math
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from types import GenericAlias
from typing import Any, get_args, get_type_hints

import yaml


class TrainingError(Exception):
    """A run cannot start; the text names the thing and the remedy."""


@dataclass(frozen=True, slots=True)
class SceneData:
    """Made-up scenes: ``clips`` of them, with seeds from ``seed`` on."""

    difficulty: str
    seed: int
    clips: int
    sizes: tuple[tuple[int, int], ...] = ((256, 256),)  # width, height in pixels; they take turns


@dataclass(frozen=True, slots=True)
class BagData:
    """A bag with images and label images of equal stamps."""

    bag: str
    images: str
    labels: str
    clip_frames: int = 40


@dataclass(frozen=True, slots=True)
class CollageData:
    """Clips composed of real pictures: ``clips`` of them, with seeds from ``seed`` on."""

    pictures: str  # the file that `python -m training.pictures` packs
    seed: int
    clips: int
    sizes: tuple[tuple[int, int], ...] = ((384, 288),)  # width, height in pixels; they take turns
    frames: int = 24


@dataclass(frozen=True, slots=True)
class DataConfig:
    """Where clips come from."""

    scenes: tuple[SceneData, ...] = ()
    collages: tuple[CollageData, ...] = ()
    bags: tuple[BagData, ...] = ()


@dataclass(frozen=True, slots=True)
class StageConfig:
    """Steps that are alike."""

    name: str
    steps: int
    clips: int  # in one step
    objects: int  # of one clip, at most
    frames: int  # of one clip: 1 is a still image
    learning_rate: tuple[float, float]  # at the stage's beginning and end, linear between
    image_size: int | None = None  # cut out of the pictures, which saves time; None: whole pictures
    widest: float = math.inf  # a part that is cut out is at most so many times ``image_size`` wide, then made smaller
    strides: tuple[int, ...] = (1,)  # frames from one to the next are drawn from these
    jumps: float = 0.0  # probability that frames are left out before one, as if everything had been hidden meanwhile
    natural: float = 0.0  # share of clips that keep their colours, and what is above and below
    returns: float = 0.0  # share of clips in which an object that is asked for goes out of sight and comes back
    twins: float = 0.0  # share of clips in which copies of an object that is asked for are pasted beside it
    lapses: float = 0.0  # share of objects that are taken for gone on a few frames: they have to be found again
    leaks: float = 0.0  # share of objects in whose memory another thing is on a few frames: it has to be let go again
    presence_told: float = 0.0  # share of steps in which memories and pointers know who is out of sight: a start
    corrections: int = 0  # clicks into the wrong part: on a still up to so many, in a clip on so many frames at most
    kinds: tuple[tuple[str, float], ...] = (("box", 0.5), ("point", 0.5))  # first prompt (box, point, mask), weight

    def __post_init__(self) -> None:
        if self.frames == 1 and "mask" in dict(self.kinds):
            raise TrainingError(f"the stage {self.name} asks for masks on still images, where they teach nothing")


@dataclass(frozen=True, slots=True)
class LossConfig:
    """Weights of the losses (SAM 2, arXiv:2408.00714, appendix D: 20, 1, 1, 1)."""

    focal: float = 20.0
    dice: float = 1.0
    iou: float = 1.0
    occlusion: float = 1.0
    others: float = 0.0  # share of the candidates that were not the best: a network from nothing starts better with it
    followed: float | None = None  # the same while an object is followed, when nothing is ambiguous; None: as many

    def while_following(self) -> "LossConfig":
        """The weights of frames that have no prompt."""
        return self if self.followed is None else replace(self, others=self.followed)


@dataclass(frozen=True, slots=True)
class TeacherConfig:
    """A network to learn from, see `teacher`."""

    model: str
    checkpoint: str
    weight: float = 10.0  # of its loss beside the others; a mean over pairs of places, it is small


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """A run. ``start`` is a checkpoint to go on from, None for a network from nothing."""

    model: str
    stages: tuple[StageConfig, ...]
    data: DataConfig
    together: bool = False  # stages do not follow each other: their steps take turns from beginning to end
    image_size: int | None = None
    seed: int = 0
    start: str | None = None
    freeze: tuple[str, ...] = ()  # beginnings of the names of parameters that stay as they are
    renew: tuple[str, ...] = ()  # names of modules that do not go on from ``start`` but begin anew
    teacher: TeacherConfig | None = None
    loss: LossConfig = LossConfig()
    muon: bool = False  # moves the matrices by Muon (torch 2.9 or newer) instead of AdamW: learns more in a step
    weight_decay: float = 0.05
    clip_gradient: float = 1.0  # norm
    warm_up_steps: int = 200
    average_steps: float = 300.0  # the published weights are a running mean over about so many steps
    save_every: int = 200
    device: str = "cpu"
    loaders: int = 0  # processes that draw the next batches meanwhile; a GPU would wait for them otherwise
    mixed_precision: bool = False  # matrix products in bfloat16: faster on a GPU, and on a CPU that knows that type


def read_config(path: Path) -> TrainingConfig:
    """The run that a YAML file describes. Raises TrainingError."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise TrainingError(f"the configuration {path} cannot be read: {error}") from error
    config: TrainingConfig = _build(TrainingConfig, content, str(path))
    return config


def _build(kind: Any, value: Any, where: str) -> Any:
    """``value`` as it came from YAML, as the type that the dataclasses ask for."""
    if isinstance(kind, type) and is_dataclass(kind):
        if not isinstance(value, dict):
            raise TrainingError(f"{where} has to be a mapping of settings, not {value!r}")
        hints = get_type_hints(kind)
        known = {field.name for field in fields(kind)}
        unknown = sorted(set(value) - known)
        if unknown:
            raise TrainingError(f"{where} has no setting {unknown[0]!r}; it has {', '.join(sorted(known))}")
        try:
            return kind(**{name: _build(hints[name], part, f"{where}: {name}") for name, part in value.items()})
        except TypeError as error:
            raise TrainingError(f"{where} is incomplete: {error}") from error
    if isinstance(kind, GenericAlias) and kind.__origin__ is tuple:
        return _build_tuple(get_args(kind), value, where)
    options = get_args(kind) or (kind,)
    if is_dataclass(options[0]):
        return None if value is None else _build(options[0], value, where)
    if float in options and isinstance(value, int):
        return float(value)
    if not isinstance(value, options) or (isinstance(value, bool) and bool not in options):
        names = " or ".join(option.__name__ for option in options)
        raise TrainingError(f"{where} is {value!r}; it has to be of type {names}")
    return value


def _build_tuple(parts: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise TrainingError(f"{where} has to be a list, not {value!r}")
    if parts[-1] is Ellipsis:
        return tuple(_build(parts[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if len(parts) != len(value):
        raise TrainingError(f"{where} has to have {len(parts)} parts, not {len(value)}")
    return tuple(
        _build(part, item, f"{where}[{index}]") for index, (part, item) in enumerate(zip(parts, value, strict=True))
    )
