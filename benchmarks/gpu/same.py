"""Same: however passes run, however many objects go together, whatever happens, the masks are those of plain torch."""

import functools
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from sam2_ros.config import TrackerConfig
from sam2_ros.model.check import TOLERANCE, worst
from sam2_ros.model.passes import Passes
from sam2_ros.model.prepared import Tier, tier_of
from sam2_ros.model.sam2 import Sam2
from sam2_ros.tracking.ready import histories
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.tracking.transfer import on

from .results import Result, Step, at_least, at_most, holds, left_out, noted, objects
from .script import Masks, Shot, agreement, box, play, shots
from .setting import Setting
from .ways import WAYS, best, passes_in

SEED = 7  # of inputs that nothing was prepared with
# Mean IoU of the masks over a whole stream: rounding grows with it, and half precision begins with more.
ALIKE = {True: 0.95, False: 0.995}
CONFIGURE = 90.0  # seconds; the first of all has nothing compiled before
FRAMES = 12  # of several objects beside one
FILM = 40  # frames of the clip, shown there and back


def steps(setting: Setting) -> list[Step]:
    """In the order of their worth."""
    found = [Step(tier.value, partial(_tier, setting, tier), needs_cuda=tier is not Tier.GRAPHS) for tier in WAYS]
    found += [Step(f"{name} set", partial(_variant, setting, name)) for name in ("num_maskmem", "look_ahead")]
    if setting.subject.trained and setting.cuda:
        found += [Step("float32 in graphs", partial(_tier, setting, Tier.GRAPHS, "float32"))]
    return found


def _config(setting: Setting) -> TrackerConfig:
    return TrackerConfig(max_objects=max(setting.amounts.together))


def _tier(setting: Setting, tier: Tier, precision: str = "auto") -> Iterator[Result]:
    network, config = setting.network(precision), _config(setting)
    begun = time.perf_counter()
    passes = passes_in(tier, network, config)
    took = time.perf_counter() - begun
    yield setting.on_cuda(at_most(f"{tier.value}, {network.dtype}: prepared within", took, CONFIGURE, "s"))
    works = tier_of(passes) is tier
    yield holds(f"{tier.value}: works", works)
    if not works:
        return
    for count in setting.amounts.together:
        with on(network.device):
            error = worst(network, passes, count, tuple(histories(network, config)), SEED)
        yield at_most(f"{tier.value}, {objects(count)}, other inputs: relative error", error, TOLERANCE[network.dtype])
    yield _like_plain(setting, precision, passes, f"{tier.value}: a whole stream, IoU with plain")
    yield from _together(setting, network, passes, tier.value)
    yield holds(f"{tier.value}: still runs so", tier_of(passes) is tier)


def _like_plain(setting: Setting, precision: str, passes: Passes, name: str) -> Result:
    network, config = setting.network(precision), _config(setting)
    found = stream(setting, Tracker(network, config, passes))
    return _judged(found, plain_stream(setting, precision, config), network, name, setting)


def _judged(found: list[Masks], expected: list[Masks], network: Sam2, name: str, setting: Setting) -> Result:
    """Of random weights only the first frames were played, and of half precision even those can differ."""
    alike, half = agreement(found, expected), network.dtype.itemsize < 4
    if not alike.same_objects:
        return holds(f"{name}: the same objects", False)
    told = f"{name} (worst {alike.worst:.3f})"
    return noted(told, alike.mean) if half and not setting.subject.trained else at_least(told, alike.mean, ALIKE[half])


def stream(setting: Setting, tracker: Tracker, look_ahead: bool = False) -> list[Masks]:
    """The masks of the whole script."""
    return [played.masks for played in play(tracker, setting.script, film(setting), look_ahead)]


def film(setting: Setting) -> list[Shot]:
    """The images of the script."""
    return shots(setting.clip(min(setting.script.frames, FILM)), setting.script)


@functools.cache
def plain_stream(setting: Setting, precision: str, config: TrackerConfig) -> list[Masks]:
    """What the network itself says."""
    return stream(setting, Tracker(setting.network(precision), config))


def _together(setting: Setting, network: Sam2, passes: Passes, name: str) -> Iterator[Result]:
    """Several objects beside each alone; there are fewer boxes than objects, so some are the same."""
    frames = FRAMES if setting.subject.trained else setting.amounts.first_frames
    images = film(setting)[:frames]
    seen = len(images[0].boxes)
    config = _config(setting)
    alone = {number: _followed(Tracker(network, config, passes), images, [number]) for number in range(1, seen + 1)}
    for count in setting.amounts.together:
        numbers = list(range(1, count + 1))
        found = _followed(Tracker(network, config, passes), images, numbers)
        expected = [
            {n: alone[(n - 1) % seen + 1][index][(n - 1) % seen + 1] for n in numbers} for index in range(frames)
        ]
        yield _judged(found, expected, network, f"{name}: {objects(count)} together, IoU with alone", setting)


def _followed(tracker: Tracker, images: list[Shot], numbers: list[int]) -> list[Masks]:
    wanted = [box(images[0], number) for number in numbers]
    results = (tracker.step(shot.image, () if index else wanted) for index, shot in enumerate(images))
    return [{state.object_id: state.mask for state in result.objects} for result in results]


def _variant(setting: Setting, name: str) -> Iterator[Result]:
    """An option, beside the same without quick passes, or without the option where it must change nothing."""
    network, config = setting.network(), TrackerConfig(max_objects=4)
    if name == "num_maskmem":
        fewer = min(4, network.config.num_maskmem - 1)
        name, config = f"num_maskmem: {fewer}", replace(config, num_maskmem=fewer)
    passes = passes_in(best(network), network, config)
    if tier_of(passes) is Tier.PLAIN:
        yield left_out(name, "nothing quick works")
        return
    found = stream(setting, Tracker(network, config, passes), look_ahead=name == "look_ahead")
    yield _judged(found, plain_stream(setting, "auto", config), network, f"{name}: IoU with plain", setting)
