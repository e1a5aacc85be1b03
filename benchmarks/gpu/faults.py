"""Faults: memory ends, the compiler fails, a recording fails. No object is lost, masks are those of plain torch."""

import gc
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from unittest.mock import patch

import torch

from sam2_ros.bench.staged import FULL_MEMORY
from sam2_ros.config import TrackerConfig
from sam2_ros.model.passes import FilledPasses
from sam2_ros.model.prepared import Tier, tier_of
from sam2_ros.tracking.ready import ready_tracker
from sam2_ros.tracking.result import FrameResult
from sam2_ros.tracking.tracker import Tracker

from .flat import growth, usage
from .results import Result, Step, at_least, holds, noted
from .same import ALIKE, plain_stream, stream
from .script import Masks, Shot, agreement, box, shots
from .setting import Setting
from .ways import Run, best, passes_in, recorder_for

CONFIG = TrackerConfig(max_objects=4)
OBJECTS = 2  # that are tracked from the start
NEW = 3  # comes later
LATER = 4  # frames after that
ROUNDS = 3
LEFT = 4.0  # MiB that may stay behind
ROOM = 1.3  # times what plain torch needs
MIB = 1 << 20


def steps(setting: Setting) -> list[Step]:
    """In the order of their worth."""
    return [
        Step("memory ends while recording", partial(_tight_recording, setting), needs_cuda=True),
        Step("memory ends for a new object", partial(_tight_object, setting), needs_cuda=True),
        Step("the compiler cannot be called", partial(_no_compiler, setting, RuntimeError("made to fail"))),
        Step("the compiler fails at first use", partial(_no_compiler, setting, None)),
        Step("passes fail mid-stream", partial(_mid_stream, setting)),
        Step("two trackers in two threads", partial(_two_threads, setting)),
        Step("let go and configured again", partial(_again, setting), needs_cuda=True),
        # The last: torch's allocator may not get over it.
        Step("a recording that must fail", partial(_broken_recording, setting)),
    ]


# --- what happens ----------------------------------------------------------------------------------------------------


def _film(setting: Setting) -> list[Shot]:
    script = setting.amounts.script
    images = shots(setting.clip(min(FULL_MEMORY + 2 + LATER, script.frames)), script)
    return [images[index % min(script.resized)] for index in range(FULL_MEMORY + 2 + LATER)]


def _until_new(tracker: Tracker, film: Sequence[Shot]) -> list[FrameResult]:
    """Two objects, until their memory is full."""
    wanted = [box(film[0], number) for number in range(1, OBJECTS + 1)]
    return [tracker.step(shot.image, () if index else wanted) for index, shot in enumerate(film[: -LATER - 1])]


def _masks(results: Sequence[FrameResult]) -> list[Masks]:
    """Of the objects that are tracked from the start."""
    return [{s.object_id: s.mask for s in result.objects if s.object_id <= OBJECTS} for result in results]


def _as_plain(setting: Setting, name: str, found: list[Masks], expected: list[Masks]) -> Iterator[Result]:
    alike = agreement(found, expected)
    yield holds(f"{name}: no object is lost", alike.same_objects)
    if setting.subject.trained:
        half = setting.network().dtype.itemsize < 4
        yield at_least(f"{name}: IoU with plain (worst {alike.worst:.3f})", alike.mean, ALIKE[half])
    else:
        yield noted(f"{name}: IoU with plain", alike.mean)


def _streams_as_plain(setting: Setting, name: str, tracker: Tracker) -> Iterator[Result]:
    yield from _as_plain(setting, name, stream(setting, tracker), plain_stream(setting, "auto", CONFIG))


@contextmanager
def _limited(device: torch.device, more: float) -> Iterator[None]:
    """No more memory than is reserved now and so many bytes."""
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, (torch.cuda.memory_reserved(device) + more) / total), device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)


def _clean() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


# --- memory ----------------------------------------------------------------------------------------------------------


def _tight_recording(setting: Setting) -> Iterator[Result]:
    """There is room for plain torch, and hardly more."""
    network, device = setting.network(), setting.device
    plain_stream(setting, "auto", CONFIG)
    _clean()
    before = torch.cuda.memory_reserved(device)
    torch.cuda.reset_peak_memory_stats(device)
    stream(setting, Tracker(network, CONFIG))
    needed = torch.cuda.max_memory_reserved(device) - before
    _clean()
    with _limited(device, ROOM * needed):
        tracker = ready_tracker(network, CONFIG, compiling=True)
        yield noted(f"with room for {ROOM * needed / MIB:,.0f} MiB the network runs", tracker.tier.value)
        yield from _streams_as_plain(setting, "memory ends while recording", tracker)
    del tracker
    _clean()
    yield holds("afterwards the best works", tier_of(passes_in(best(network), network, CONFIG)) is best(network))


def _tight_object(setting: Setting) -> Iterator[Result]:
    """The two go on; the third is refused or not, and comes when there is room again."""
    film = _film(setting)
    plain = Tracker(setting.network(), CONFIG)
    expected = [*_until_new(plain, film), *(plain.step(shot.image) for shot in film[-LATER - 1 :])]
    _clean()
    tracker = ready_tracker(setting.network(), CONFIG, compiling=True)
    found = _until_new(tracker, film)
    with _limited(setting.device, 0):
        found.append(tracker.step(film[-LATER - 1].image, [box(film[-LATER - 1], NEW)]))
        (outcome,) = found[-1].outcomes
        yield noted("the new object", "is tracked" if outcome.accepted else outcome.reason)
        found += [tracker.step(shot.image) for shot in film[-LATER:-1]]
    found.append(tracker.step(film[-1].image, [box(film[-1], NEW)]))
    yield holds("the new object comes when there is room", found[-1].outcomes[0].accepted)
    yield from _as_plain(setting, "memory ends for a new object", _masks(found), _masks(expected))
    yield noted("the network runs", tracker.tier.value)


# --- the compiler and the recorder -----------------------------------------------------------------------------------


def _no_compiler(setting: Setting, refusal: Exception | None) -> Iterator[Result]:
    """It refuses at once, or gives something that fails when it is used."""
    name = "the compiler cannot be called" if refusal else "the compiler fails at first use"

    def fails(*_: object) -> None:
        raise RuntimeError("made to fail")

    with patch("torch.compile", side_effect=refusal, return_value=fails):
        tracker = ready_tracker(setting.network(), CONFIG, compiling=True)
    yield holds(f"{name}: the network runs", tracker.tier is _without_compiler(setting), tracker.tier.value)
    yield from _streams_as_plain(setting, name, tracker)


def _without_compiler(setting: Setting) -> Tier:
    return Tier.GRAPHS if setting.cuda else Tier.PLAIN


def _mid_stream(setting: Setting) -> Iterator[Result]:
    network, film = setting.network(), _film(setting)
    plain, tracker = (Tracker(network, CONFIG, p) for p in (None, passes_in(best(network), network, CONFIG)))
    expected, found = _until_new(plain, film), _until_new(tracker, film)
    with patch.object(FilledPasses, "follow", side_effect=RuntimeError("made to fail")):
        found.append(tracker.step(film[-LATER - 1].image))
    expected.append(plain.step(film[-LATER - 1].image))
    for shot in film[-LATER:]:
        found.append(tracker.step(shot.image))
        expected.append(plain.step(shot.image))
    yield holds("passes fail mid-stream: the network goes on", tracker.tier is Tier.PLAIN, tracker.tier.value)
    yield from _as_plain(setting, "passes fail mid-stream", _masks(found), _masks(expected))


class Broken:
    """A recorder of something that must not be recorded."""

    def __init__(self, setting: Setting) -> None:
        self._recorder = recorder_for(setting.network())
        self._cuda = setting.cuda
        self.turn = self._recorder.turn

    def record(self, run: Run) -> Run:
        """See `Recorder`: to wait is allowed the first time, and not while it is recorded."""

        def waits() -> None:
            run()
            if not self._cuda:
                raise RuntimeError("made to fail")
            torch.cuda.synchronize()

        return self._recorder.record(waits)


def _broken_recording(setting: Setting) -> Iterator[Result]:
    network, name = setting.network(), "a recording that must fail"
    passes = passes_in(Tier.GRAPHS, network, CONFIG, Broken(setting))
    yield holds(f"{name}: nothing is recorded", tier_of(passes) is Tier.PLAIN, tier_of(passes).value)
    if setting.cuda:
        stays = torch.cuda.current_stream(setting.device) == torch.cuda.default_stream(setting.device)
        yield holds(f"{name}: the stream is the one before", stays)
        yield from _memory_can_be_given_back(name)
    yield from _streams_as_plain(setting, name, Tracker(network, CONFIG, passes))
    again = passes_in(Tier.GRAPHS, network, CONFIG)
    yield holds(f"{name}: another one works", tier_of(again) is Tier.GRAPHS)
    yield from _streams_as_plain(setting, f"{name}, then another", Tracker(network, CONFIG, again))


def _memory_can_be_given_back(name: str) -> Iterator[Result]:
    """An allocator that still believes in the recording would refuse."""
    try:
        _clean()
    except RuntimeError as error:
        yield holds(f"{name}: memory can be given back", False, str(error))
    else:
        yield holds(f"{name}: memory can be given back", True)


# --- several ---------------------------------------------------------------------------------------------------------


def _two_threads(setting: Setting) -> Iterator[Result]:
    """One tracks while the other is made ready, then both at once by the same passes."""
    network = setting.network()
    first = passes_in(best(network), network, CONFIG)
    with ThreadPoolExecutor(2) as pool:
        tracking = pool.submit(stream, setting, Tracker(network, CONFIG, first))
        second = pool.submit(passes_in, Tier.GRAPHS, setting.another_network(), CONFIG).result()
        found = [tracking.result()]
        yield holds("recording while another tracks works", tier_of(second) is Tier.GRAPHS, tier_of(second).value)
        both = [pool.submit(stream, setting, Tracker(network, CONFIG, first)) for _ in range(2)]
        found += [done.result() for done in both]
    names = "beside one that is made ready", "both by the same passes, one", "both by the same passes, the other"
    expected = plain_stream(setting, "auto", CONFIG)
    for name, masks in zip(names, found, strict=True):
        yield from _as_plain(setting, name, masks, expected)
    yield holds("two trackers: the passes still run", tier_of(first) is best(network))


def _again(setting: Setting) -> Iterator[Result]:
    """Graphs, pools and compiled code are let go: as much is held after the third time as after the first."""
    held = []
    for _ in range(ROUNDS):
        tracker = ready_tracker(setting.network(), CONFIG, compiling=True)
        yield noted("the network runs", tracker.tier.value)
        stream(setting, tracker)
        del tracker
        _clean()
        held.append(usage(setting.device))
    yield from growth(held[0], held[-1], LEFT)
