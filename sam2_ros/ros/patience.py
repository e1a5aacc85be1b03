"""How long something has been going on, told by looking at it every so often.

A process that is stopped, or whose machine stands still, does not look meanwhile, so that time does not count: clocks
would say that whatever was at work then has hung.
"""


class Patience:
    """Counts looks at one thing after the other."""

    def __init__(self, period: float) -> None:
        """``period``: seconds between two looks."""
        self._period = period
        self._thing: float | None = None
        self._looks = 0

    def look(self, thing: float | None) -> float:
        """Seconds for which it has been this very thing; 0 for None."""
        same = thing is not None and thing == self._thing
        self._thing, self._looks = thing, self._looks + 1 if same else 0
        return self._looks * self._period
