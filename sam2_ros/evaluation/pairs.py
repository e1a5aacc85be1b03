"""Which result is held against which annotated frame: its own, or the one that stands at its time."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..bag.stamps import nearest
from ..bag.tracked import Tracked
from ..bag.truth import Truth
from ..errors import EvaluationError
from ..measures.realtime import Work, simulate
from ..stream.messages import NS_PER_S
from .request import EvaluateRequest


@dataclass(frozen=True, slots=True)
class Pair:
    """Stamps in nanoseconds."""

    truth_ns: int  # of the ground truth
    image_ns: int  # of the image that it is of
    result_ns: int | None  # of the image whose result is held against it; None: there is none yet


def own_results(truth: Truth, tracked: Tracked, tolerance_s: float) -> list[Pair]:
    """Every annotated frame with the result of its image, by time. Raises EvaluationError when there is none."""
    images = nearest(truth.stamps, tracked.stamps, round(tolerance_s * NS_PER_S))
    if not images:
        raise EvaluationError(apart(truth.path, truth.stamps, tracked.path, tracked.stamps, tolerance_s))
    return [Pair(stamp, images[stamp], images[stamp]) for stamp in sorted(images)]


def clock(request: EvaluateRequest, tracked: Tracked) -> tuple[Work, ...]:
    """What a live tracker would have done with the images that ``tracked`` has results for.

    Raises EvaluationError when it is not known how long that takes.
    """
    if request.latency_s is None and not tracked.latencies_s:
        raise EvaluationError(f"{tracked.path} does not say how long the tracker took; give the time with --latency")
    stamps = tracked.stamps
    latencies_s = [request.latency_s or 0.0] * len(stamps)
    if request.latency_s is None:
        latencies_s = [tracked.latencies_s[stamp] for stamp in stamps]
    return simulate(stamps, lambda index: round(latencies_s[index] * NS_PER_S))


def standing_results(pairs: Sequence[Pair], stamps: Sequence[int], works: Sequence[Work]) -> list[Pair]:
    """The same annotated frames with the last result that is finished when they are taken.

    ``stamps``: of all images, by which ``works`` counts them.
    """
    finished = [work.finished_ns for work in works]
    places = [bisect_right(finished, pair.truth_ns) for pair in pairs]
    return [
        Pair(pair.truth_ns, pair.image_ns, stamps[works[place - 1].index] if place else None)
        for pair, place in zip(pairs, places, strict=True)
    ]


def standing_images(
    times: Iterable[int], stamps: Sequence[int], works: Sequence[Work], tolerance_s: float
) -> Mapping[int, int | None]:
    """Of the ``times`` that images have: the stamp of the image whose result stands then; None before the first.

    ``stamps``: of all images, by which ``works`` counts them.
    """
    images = nearest(times, stamps, round(tolerance_s * NS_PER_S))
    pairs = [Pair(time, image, image) for time, image in images.items()]
    return {pair.truth_ns: pair.result_ns for pair in standing_results(pairs, stamps, works)}


def frame_numbers(stamps: Sequence[int]) -> Mapping[int, int]:
    """Place of each image in its clip, by stamp."""
    return {stamp: number for number, stamp in enumerate(stamps)}


def apart(truth: Path, true: Sequence[int], results: Path, found: Sequence[int], tolerance_s: float) -> str:
    """What to say of results and truth that have no frame in common."""
    if not true or not found:
        return f"{truth if not true else results} has no frames; give one that has"
    if true[0] > found[-1] or found[0] > true[-1]:
        return (
            f"{results} and its ground truth {truth} have no time in common: the results are of {_span(found)}, "
            f"the ground truth is of {_span(true)}; give the truth of this recording"
        )
    place = nearest(true, found, max(found[-1], true[-1]))
    closest_s = min(abs(stamp - image) for stamp, image in place.items()) / NS_PER_S
    return (
        f"no stamp of the ground truth {truth} is that of an image of {results}: the closest are {closest_s:g} s "
        f"apart, and the tolerance is {tolerance_s:g} s; give a larger --stamp-tolerance"
    )


def _span(stamps: Sequence[int]) -> str:
    return f"{stamps[0] / NS_PER_S:.3f} to {stamps[-1] / NS_PER_S:.3f} s"
