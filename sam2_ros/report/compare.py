"""Two runs over the same clips, side by side: which is better, and is that more than chance?"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from ..errors import EvaluationError
from ..measures.record import Better, Evaluation, Figures, ObjectFigures, Settings
from ..measures.statistics import mean
from .bootstrap import Interval, paired_interval
from .wording import setting

SHOWN = 3  # names in an error
FEW = 10  # pairs, below which percentile intervals are too narrow


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of both runs, and what B has more than A."""

    name: str  # field of Figures
    a: float  # mean over what is paired
    b: float
    interval: Interval
    better: str  # A, B, or nothing where it may be chance


@dataclass(frozen=True, slots=True)
class ClipPair:
    """One clip in both runs."""

    name: str
    a: Figures
    b: Figures


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs side by side."""

    over: str  # clips, or objects of the only clip: what was resampled
    count: int  # of them
    differences: tuple[Difference, ...]
    clips: tuple[ClipPair, ...]
    settings: tuple[tuple[str, str, str], ...]  # name, A, B of those that differ
    notes: tuple[str, ...]


def compare(a: Sequence[Evaluation], b: Sequence[Evaluation]) -> Comparison:
    """B against A, clip by clip; of one clip object by object. Raises EvaluationError for runs over different clips."""
    pairs = _paired(a, b)
    if len(pairs) > 1:
        over, figures = "clips", [(first.figures, second.figures) for first, second in pairs]
    else:
        over, figures = "objects", _objects(*pairs[0])
    whole = [(first.figures, second.figures) for first, second in pairs]
    differences = [_difference(each.name, each.metadata["better"], figures, whole) for each in fields(Figures)]
    return Comparison(
        over,
        len(figures),
        tuple(each for each in differences if each.interval.count),
        tuple(ClipPair(first.name, first.figures, second.figures) for first, second in pairs),
        tuple(_settings(a, b)),
        tuple(_notes(pairs, len(figures))),
    )


def _difference(
    name: str, better: Better, figures: Sequence[tuple[Figures, Figures]], whole: Sequence[tuple[Figures, Figures]]
) -> Difference:
    first, second = _columns(name, figures)
    if np.isnan(second - first).all():
        first, second = _columns(name, whole)  # of clips alone, such as latency: without interval for a single clip
    both = ~np.isnan(second - first)
    interval = paired_interval(first, second)
    return Difference(name, mean(first[both]), mean(second[both]), interval, _verdict(interval, better))


def _columns(name: str, figures: Sequence[tuple[Figures, Figures]]) -> tuple[np.ndarray, np.ndarray]:
    values = np.array([[getattr(each, name) for each in pair] for pair in figures], dtype=np.float64).reshape(-1, 2)
    return values[:, 0], values[:, 1]


def _verdict(interval: Interval, better: Better) -> str:
    if not interval.is_told:
        return ""
    return "B" if (interval.mean > 0) == (better is Better.HIGHER) else "A"


# --- pairs -----------------------------------------------------------------------------------------------------------


def _paired(a: Sequence[Evaluation], b: Sequence[Evaluation]) -> list[tuple[Evaluation, Evaluation]]:
    """Clips by name; several of one name in their order."""
    if not a or not b:
        raise EvaluationError(f"run {'A' if not a else 'B'} has no evaluated clips; there is nothing to compare")
    for one, other, names in (("A", "B", _missing(a, b)), ("B", "A", _missing(b, a))):
        if names:
            raise EvaluationError(
                f"the runs are over different clips: {one} has {_listed(names)}, which {other} lacks; "
                "evaluate both on the same"
            )
    pairs = list(zip(_by_name(a), _by_name(b), strict=True))
    for first, second in pairs:
        _check_same(first, second)
    order = {id(each): place for place, each in enumerate(a)}
    return sorted(pairs, key=lambda pair: order[id(pair[0])])


def _by_name(run: Sequence[Evaluation]) -> list[Evaluation]:
    return sorted(run, key=lambda each: each.name)


def _missing(run: Sequence[Evaluation], other: Sequence[Evaluation]) -> list[str]:
    return sorted((Counter(each.name for each in run) - Counter(each.name for each in other)).elements())


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _check_same(a: Evaluation, b: Evaluation) -> None:
    """Raise EvaluationError when two clips of one name are not the same."""
    if (a.width, a.height) != (b.width, b.height):
        raise EvaluationError(
            f"clip {a.name} is {a.width} x {a.height} pixels in A and {b.width} x {b.height} in B; "
            "evaluate both on the same clips"
        )
    if a.rows and b.rows and not _frames(a) & _frames(b):
        raise EvaluationError(
            f"clip {a.name} has no annotated frame in A that it has in B; evaluate both on the same clips"
        )


def _frames(evaluation: Evaluation) -> set[int]:
    return {row.stamp_ns for row in evaluation.rows}


def _objects(a: Evaluation, b: Evaluation) -> list[tuple[Figures, Figures]]:
    """Objects of one clip by id. Raises EvaluationError when the runs have none in common."""
    by_id = _of_ids(b.objects)
    common = [(each.figures, by_id[each.object_id]) for each in a.objects if each.object_id in by_id]
    if not common:
        raise EvaluationError(f"the runs have no object of clip {a.name} in common; evaluate both on the same truth")
    return common


def _of_ids(objects: Sequence[ObjectFigures]) -> dict[int, Figures]:
    return {each.object_id: each.figures for each in objects}


# --- what else differs -----------------------------------------------------------------------------------------------


def _settings(a: Sequence[Evaluation], b: Sequence[Evaluation]) -> list[tuple[str, str, str]]:
    lines = []
    for each in fields(Settings):
        first, second = _values(a, each.name), _values(b, each.name)
        if first != second:
            lines.append((each.name.replace("_", " "), first, second))
    return lines


def _values(run: Sequence[Evaluation], name: str) -> str:
    return ", ".join(dict.fromkeys(setting(getattr(each.settings, name)) for each in run))


def _notes(pairs: Sequence[tuple[Evaluation, Evaluation]], count: int) -> list[str]:
    notes = []
    others = [a.name for a, b in pairs if _frames(a) != _frames(b)]
    if others:
        notes.append(f"not on the same annotated frames: {_listed(others)}")
    objects = [a.name for a, b in pairs if _of_ids(a.objects).keys() != _of_ids(b.objects).keys()]
    if objects:
        notes.append(f"not with the same objects: {_listed(objects)}")
    if len(pairs) == 1:
        notes.append("there is one clip only, so intervals are over its objects and say nothing about other clips")
    if count < FEW:
        notes.append(
            f"there are only {count} pairs, too few to trust the intervals: they are narrower than they should be"
        )
    return notes
