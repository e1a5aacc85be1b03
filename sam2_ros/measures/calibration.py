"""Whether a published probability holds: reliability curve and expected calibration error.

Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015; Guo et al., "On Calibration
of Modern Neural Networks", ICML 2017.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from .record import ReliabilityBin

BINS = 10  # of equal width, from 0 to 1


def reliability(pairs: Iterable[tuple[float, float]]) -> tuple[ReliabilityBin, ...]:
    """Bins of pairs (promised, came true), both 0..1; a promise of 1 lies in the last bin, one that is NaN in none."""
    array = np.array(list(pairs), dtype=np.float64).reshape(-1, 2)
    array = array[~np.isnan(array[:, 0])]
    places = np.clip((array[:, 0] * BINS).astype(np.int64), 0, BINS - 1)
    return tuple(_bin(number, array[places == number]) for number in range(BINS))


def calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Expected calibration error: mean distance of promise and truth over bins, by their count; NaN without any."""
    total = sum(part.count for part in bins)
    if not total:
        return float("nan")
    return sum(part.count * abs(part.promised - part.true) for part in bins if part.count) / total


def pooled(many: Sequence[Sequence[ReliabilityBin]]) -> tuple[ReliabilityBin, ...]:
    """The bins of several clips as those of one."""
    return tuple(_joined(parts) for parts in zip(*many, strict=True)) if many else ()


def _joined(parts: Sequence[ReliabilityBin]) -> ReliabilityBin:
    some = [part for part in parts if part.count]
    count = sum(part.count for part in some)
    return ReliabilityBin(
        parts[0].low,
        parts[0].high,
        count,
        promised=sum(part.count * part.promised for part in some) / count if count else float("nan"),
        true=sum(part.count * part.true for part in some) / count if count else float("nan"),
    )


def _bin(number: int, members: np.ndarray) -> ReliabilityBin:
    promised, true = members.mean(axis=0).tolist() if len(members) else (float("nan"), float("nan"))
    return ReliabilityBin(number / BINS, (number + 1) / BINS, len(members), promised, true)
