"""How long the memory bank's own methods take within something else."""

from collections.abc import Callable
from typing import Any

from sam2_ros.tracking.memory import MemoryBank


class Stopwatch:
    """Adds up the seconds of methods of all banks."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.seconds = 0.0
        self._clock = clock

    def wrap(self, name: str) -> None:
        """Measure this one, too."""
        method = getattr(MemoryBank, name)

        def timed(*told: Any) -> Any:
            begun = self._clock()
            try:
                return method(*told)
            finally:
                self.seconds += self._clock() - begun

        setattr(MemoryBank, name, timed)
