"""What a scene is like: plain numbers, the table of difficulties, and that of what else may go wrong."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ConfigError

MAX_OBJECTS = 6
MAX_LOOK_ALIKES = 16
MAX_ABSENT = 1000  # frames
MAX_PIXELS = 4096  # of one side
BLOCK = 40  # frames in which everything that has to happen happens once


@dataclass(frozen=True, slots=True)
class SceneSettings:
    """Size, content and difficulty of a scene. Raises ConfigError.

    Lengths are shares of the picture's shorter side. Motion is per frame: the frame rate only says when a frame is
    shown. A pair of fields ending in min and max is a range that each scene, object or event draws from.
    """

    width: int = 256  # pixels
    height: int = 256
    frames: int = 40
    fps: float = 15.0

    objects_min: int = 1
    objects_max: int = 2
    size_min: float = 0.24  # diameter of an object
    size_max: float = 0.42
    likeness: float = 0.3  # probability that an object's colours are the background's

    roam: float = 0.3  # how far an object gets: 0 about its place, 1 through the whole picture
    sway: float = 0.05  # smooth wandering on the way
    spin: float = 1.5  # turning, degrees per frame at most
    scale_change: float = 0.1  # growing and shrinking; 0.3 is about 30 % either way
    deform: float = 0.06  # change of the outline, share of the radius

    distractors_min: int = 0  # untracked, with the texture and shape family of an object
    distractors_max: int = 0
    resemblance: float = 0.0  # probability that a look-alike has an object's very outline and pattern
    patches: int = 3  # shapes painted on the background
    bars: int = 0  # in front of everything
    hidings: int = 0  # objects that are fully hidden once in every 40 frames and come back
    hidden_frames_min: int = 8  # fully hidden for so long; going in and out makes it 2 to 5 frames longer
    hidden_frames_max: int = 8
    crossings_min: int = 0  # look-alikes that once in every 40 frames cross an object that is tracked, and part from it
    crossings_max: int = 0
    absences: int = 0  # objects that leave the picture and come back elsewhere, again and again
    absent_frames_min: int = 10  # out of view for so long; going and coming makes it 2 to 5 frames longer
    absent_frames_max: int = 10
    return_scale: float = 0.35  # of another size when it comes back; 0.3 is about 30 % either way
    cut_frames: int = 0  # after so many, cut to another view of the same things at another time; 0: no cuts

    pan: float = 0.03  # the camera's way
    zoom: float = 0.04
    roll: float = 1.0  # degrees
    shake: float = 0.001

    blur: float = 0.2  # share of the time between two frames in which the shutter is open
    light: float = 0.08  # change of brightness and colour over time and across the picture
    vignette: float = 0.1  # loss of light in the corners
    noise: float = 2.0  # standard deviation, of 255

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value, (low, high) = getattr(self, field.name), _LIMITS[field.name]
            if isinstance(field.default, int) and not isinstance(value, int):
                raise ConfigError(f"scene setting {field.name} is {value!r}; choose a whole number")
            if not low <= value <= high:
                raise ConfigError(f"scene setting {field.name} is {value!r}; choose a value from {low:g} to {high:g}")
        for stem in (name.removesuffix("_min") for name in _LIMITS if name.endswith("_min")):
            low, high = getattr(self, f"{stem}_min"), getattr(self, f"{stem}_max")
            if low > high:
                raise ConfigError(f"scene settings {stem}_min {low} and {stem}_max {high} are the wrong way round")


_LIMITS: dict[str, tuple[float, float]] = {
    "width": (64, MAX_PIXELS),
    "height": (64, MAX_PIXELS),
    "frames": (1, 1_000_000),
    "fps": (0.1, 1000),
    "objects_min": (1, MAX_OBJECTS),
    "objects_max": (1, MAX_OBJECTS),
    "size_min": (0.08, 0.6),
    "size_max": (0.08, 0.6),
    "likeness": (0, 1),
    "roam": (0, 1),
    "sway": (0, 0.3),
    "spin": (0, 20),
    "scale_change": (0, 0.5),
    "deform": (0, 0.3),
    "distractors_min": (0, MAX_LOOK_ALIKES),
    "distractors_max": (0, MAX_LOOK_ALIKES),
    "resemblance": (0, 1),
    "patches": (0, 40),
    "bars": (0, 6),
    "hidings": (0, MAX_OBJECTS),
    "hidden_frames_min": (1, 18),
    "hidden_frames_max": (1, 18),
    "crossings_min": (0, MAX_LOOK_ALIKES),
    "crossings_max": (0, MAX_LOOK_ALIKES),
    "absences": (0, MAX_OBJECTS),
    "absent_frames_min": (1, MAX_ABSENT),
    "absent_frames_max": (1, MAX_ABSENT),
    "return_scale": (0, 0.5),
    "cut_frames": (0, 1_000_000),
    "pan": (0, 0.3),
    "zoom": (0, 0.3),
    "roll": (0, 30),
    "shake": (0, 0.02),
    "blur": (0, 1),
    "light": (0, 0.5),
    "vignette": (0, 0.8),
    "noise": (0, 40),
}

EASY = SceneSettings()
MEDIUM = SceneSettings(
    objects_min=1,
    objects_max=4,
    size_min=0.18,
    size_max=0.36,
    likeness=0.7,
    roam=0.6,
    sway=0.08,
    spin=3.0,
    scale_change=0.18,
    deform=0.1,
    distractors_min=0,
    distractors_max=1,
    patches=5,
    bars=1,
    hidings=1,
    hidden_frames_min=3,
    hidden_frames_max=6,
    pan=0.07,
    zoom=0.08,
    roll=3.0,
    shake=0.002,
    blur=0.35,
    light=0.15,
    vignette=0.2,
    noise=4.0,
)
HARD = SceneSettings(
    objects_min=2,
    objects_max=6,
    size_min=0.16,
    size_max=0.32,
    likeness=0.95,
    roam=0.9,
    sway=0.1,
    spin=4.0,
    scale_change=0.25,
    deform=0.13,
    distractors_min=1,
    distractors_max=3,
    patches=7,
    bars=2,
    hidings=2,
    hidden_frames_min=6,
    hidden_frames_max=10,
    pan=0.12,
    zoom=0.12,
    roll=6.0,
    shake=0.004,
    blur=0.5,
    light=0.22,
    vignette=0.3,
    noise=6.0,
)
DIFFICULTIES = {"easy": EASY, "medium": MEDIUM, "hard": HARD}

# What may go wrong besides: changes to any difficulty, each for one trouble alone.
TROUBLES: Mapping[str, Mapping[str, Any]] = {
    "distractors": {"frames": 80, "objects_min": 1, "objects_max": 2, "hidings": 0}
    | {"crossings_min": 2, "crossings_max": 3, "resemblance": 1.0},
    "absence": {"frames": 300, "objects_min": 1, "objects_max": 2, "hidings": 0}
    | {"absences": 2, "absent_frames_min": 10, "absent_frames_max": 200},
    "cut": {"frames": 80, "hidings": 0, "cut_frames": 20},
    "crowd": {"frames": 80, "objects_min": 2, "objects_max": 3, "hidings": 0, "size_min": 0.12, "size_max": 0.2}
    | {"distractors_min": 8, "distractors_max": 12, "resemblance": 1.0, "roam": 0.9},
}


def settings_for(difficulty: str) -> SceneSettings:
    """The settings of a difficulty by its name, such as "hard", or "hard+distractors+cut" for what goes wrong besides.

    Raises ConfigError.
    """
    name, *troubles = difficulty.split("+")
    if name not in DIFFICULTIES or not TROUBLES.keys() >= set(troubles):
        raise ConfigError(
            f"unknown difficulty {difficulty!r}; choose one of {', '.join(DIFFICULTIES)}, where you like with "
            f"{' '.join(f'+{trouble}' for trouble in TROUBLES)}, such as hard+distractors"
        )
    settings = DIFFICULTIES[name]
    for trouble in troubles:
        settings = replace(settings, **TROUBLES[trouble])
    return settings


def changed(settings: SceneSettings, changes: Iterable[str]) -> SceneSettings:
    """The settings with changes such as "absent_frames_max=30". Raises ConfigError."""
    kinds = {name: type(value) for name, value in dataclasses.asdict(settings).items()}
    given: dict[str, Any] = {}
    for change in changes:
        name, _, text = change.partition("=")
        if name not in kinds:
            raise ConfigError(f"unknown scene setting {name!r}; choose one of {', '.join(kinds)}")
        try:
            given[name] = kinds[name](text)
        except ValueError:
            raise ConfigError(
                f"scene setting {name} is {text!r}; choose a {'whole ' * (kinds[name] is int)}number"
            ) from None
    return replace(settings, **given)
