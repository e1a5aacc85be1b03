"""Whether it was told right that an object is visible."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VisibilityScore:
    """Shares of frames, 0..1; NaN where there is none to take a share of."""

    accuracy: float  # told right
    precision: float  # visible, of those said to be visible
    recall: float  # said to be visible, of the visible ones


def visibility_score(verdicts: Iterable[tuple[bool, bool]]) -> VisibilityScore:
    """Of pairs (visible in truth, said to be visible)."""
    pairs = list(verdicts)
    both = sum(visible and said for visible, said in pairs)
    return VisibilityScore(
        accuracy=_share(sum(visible == said for visible, said in pairs), len(pairs)),
        precision=_share(both, sum(said for _, said in pairs)),
        recall=_share(both, sum(visible for visible, _ in pairs)),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
