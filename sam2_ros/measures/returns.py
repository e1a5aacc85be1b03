"""Whether an object that was out of sight for long is found again when it comes back."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from .record import Row

WITHIN = 10  # frames from its return in which it has to be found
FOUND = 0.5  # J from which on a mask has found its object


@dataclass(frozen=True, slots=True)
class Return:
    """An object that came back."""

    absent: int  # frames that it was out of sight
    found: bool
    area: int  # pixels, the most that was to be seen of it in the frames in which it had to be found


def returns(rows: Sequence[Row], least: int) -> list[Return]:
    """Every time that an object came back after ``least`` frames out of sight or more.

    ``rows``: of one object, in order. A return that the clip ends too soon after to judge does not count.
    """
    seen = [place for place, row in enumerate(rows) if row.visible]
    pairs = [(before, back) for before, back in itertools.pairwise(seen) if back > before + 1]
    all_returns = [_return(rows, before, back) for before, back in pairs]
    return [each for each in all_returns if each is not None and each.absent >= least]


def _return(rows: Sequence[Row], before: int, back: int) -> Return | None:
    last = rows[back].frame + WITHIN - 1
    if rows[-1].frame < last:
        return None
    after = [row for row in rows[back:] if row.frame <= last]
    return Return(
        absent=rows[back].frame - rows[before].frame - 1,
        found=any(row.visible and row.region >= FOUND for row in after),
        area=max(row.true_area for row in after),
    )
