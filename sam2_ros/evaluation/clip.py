"""One clip, open: its ground truth, its results, and which of them is held against which."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..bag.reader import BagReader
from ..bag.tracked import Tracked
from ..bag.truth import Truth
from ..errors import EvaluationError
from ..measures.labels import LabelImage, Labels
from ..measures.matching import IdMatching
from ..measures.overlap import overlaps
from ..measures.protocol import Protocol
from ..measures.scoring import Found, Place, Scorer
from .pairs import Pair, frame_numbers, own_results
from .request import EvaluateRequest
from .sources import Timeline, is_bag, open_tracked, open_truth, timeline


@dataclass(frozen=True, slots=True)
class Frame:
    """An annotated frame with the result that is held against it."""

    pair: Pair
    truth: Labels
    found: Found


@dataclass(frozen=True, slots=True)
class Clip:
    """Everything open that one pass over a clip needs."""

    images: Timeline
    truth: Truth
    tracked: Tracked
    pairs: Sequence[Pair]

    def frames(self, only: Collection[int] | None = None) -> Iterator[Frame]:
        """The annotated frames in the order of time; ``only``: stamps of images, None for all.

        Raises BagError, EvaluationError when truth and result are of different sizes.
        """
        pairs = [pair for pair in self.pairs if only is None or pair.image_ns in only]
        results = self.tracked.read([pair.result_ns for pair in pairs if pair.result_ns is not None])
        truths = self.truth.read([pair.truth_ns for pair in pairs])
        for pair, truth in zip(pairs, truths, strict=True):
            found = _nothing(truth) if pair.result_ns is None else next(results)
            if found.labels.size != truth.size:
                raise EvaluationError(
                    different_sizes(self.tracked.path, found.labels.size, self.truth.path, truth.size)
                )
            yield Frame(pair, truth, found)

    def matched_ids(self, progress: bool) -> Mapping[int, int]:
        """Found id by true id, one to one by overlap over the whole clip."""
        matching = IdMatching()
        for frame in self._bar(progress, "matching"):
            matching.add(overlaps(frame.truth, frame.found.labels))
        return matching.best()

    def scored(self, match: Mapping[int, int] | None, times_ns: Mapping[int, int], progress: bool) -> Scorer:
        """Score every annotated frame. ``times_ns``: when images were recorded, by stamp."""
        numbers = frame_numbers(self.images.stamps)
        scorer = Scorer(match)
        for frame in self._bar(progress, "scoring"):
            stamp = frame.pair.image_ns
            place = Place(numbers[stamp], stamp, times_ns.get(stamp, stamp), frame.truth.annotated)
            scorer.add(place, frame.truth, frame.found)
        return scorer

    def size(self) -> tuple[int, int]:
        """Width and height."""
        return next(self.truth.read([self.pairs[0].truth_ns])).size

    def _bar(self, progress: bool, what: str) -> "tqdm[Frame]":
        frames = self.frames()
        return tqdm(frames, total=len(self.pairs), unit=" frames", desc=what, disable=None if progress else True)


@contextmanager
def open_clip(request: EvaluateRequest, protocol: Protocol, images: Path, results: Path) -> Iterator[Clip]:
    """Open a clip: the bag or folder that was tracked on, and the bag or folder of results, no image dropped.

    Every annotated frame is paired with the result of its own image. Raises BagError, EvaluationError.
    """
    with ExitStack() as stack:
        times = timeline(request, protocol, images)
        truth = open_truth(request, times, stack)
        tracked = open_tracked(results, times, stack)
        yield Clip(times, truth, tracked, own_results(truth, tracked, request.tolerance_s))


@contextmanager
def with_results(clip: Clip, results: Path, pairs: Sequence[Pair]) -> Iterator[Clip]:
    """The same clip with results from elsewhere, paired in another way."""
    with ExitStack() as stack:
        tracked = open_tracked(results, clip.images, stack)
        yield replace(clip, tracked=tracked, pairs=pairs)


def start_ns(path: Path) -> int:
    """When the first message of a bag was recorded; 0 for a folder."""
    if not is_bag(path):
        return 0
    with BagReader(path) as bag:
        return bag.span().start_ns


def different_sizes(results: Path, found: tuple[int, int], truth: Path, true: tuple[int, int]) -> str:
    """What to say of label images that cannot lie on each other."""
    return (
        f"{results} has {found[0]}x{found[1]} pixels, but its ground truth {truth} has {true[0]}x{true[1]}; "
        "give ground truth of the size of the images"
    )


def _nothing(truth: Labels) -> Found:
    """Before the first result nothing is found."""
    width, height = truth.size
    return Found(LabelImage(np.zeros((height, width), dtype=np.uint8)), {})
