"""Round numbers along an axis."""

import math


def ticks(first: float, last: float, most: int) -> list[float]:
    """At most ``most`` round numbers, evenly spaced, from ``first`` to ``last``."""
    step = _round_up((last - first) / max(1, most - 1))
    count = math.floor(last / step + 1e-9) - math.ceil(first / step - 1e-9) + 1
    begin = math.ceil(first / step - 1e-9)
    return [round((begin + place) * step, 12) for place in range(count)]


def _round_up(step: float) -> float:
    """The next of 1, 2, 2.5, 5 and 10 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= step * (1 - 1e-9))
