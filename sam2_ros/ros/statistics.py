"""What the node has done lately: counts since activation, rates and latencies of the last seconds."""

import threading
import time
from collections import deque
from dataclasses import dataclass

import numpy as np

WINDOW = 10.0  # seconds that rates and percentiles look back


@dataclass(frozen=True, slots=True)
class Timing:
    """One image that was tracked in, in seconds."""

    done: float  # monotonic time
    age: float  # from the image's stamp to publishing
    wait: float  # in the mailbox
    compute: float  # from taking it to publishing


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of some durations, in milliseconds."""

    p50: float
    p95: float
    maximum: float

    def __str__(self) -> str:
        return f"{self.p50:.1f} / {self.p95:.1f} / {self.maximum:.1f}"


class Statistics:
    """Safe between threads: the executor notes what arrives, the worker what is done."""

    def __init__(self) -> None:
        self.received = 0
        self.dropped = 0
        self.failed = 0
        self.processed = 0
        self.prompted = False  # whether anything ever said what to track
        self.failed_in_a_row = 0
        self._lock = threading.Lock()
        self._arrivals: deque[float] = deque()
        self._timings: deque[Timing] = deque()
        self._began = time.monotonic()

    def arrived(self, replaced: bool) -> None:
        """An image came; ``replaced``: another gave way to it."""
        with self._lock:
            self.received += 1
            self.dropped += replaced
            self._arrivals.append(time.monotonic())
            self._trim()

    def done(self, timing: Timing) -> None:
        """An image was tracked in and published."""
        with self._lock:
            self.processed += 1
            self.failed_in_a_row = 0
            self._timings.append(timing)
            self._trim()

    def fail(self) -> None:
        """An image could not be used."""
        with self._lock:
            self.failed += 1
            self.failed_in_a_row += 1

    @property
    def silence(self) -> float:
        """Seconds since the last image, or since activation."""
        with self._lock:
            return time.monotonic() - (self._arrivals[-1] if self._arrivals else self._began)

    def rates(self) -> tuple[float, float]:
        """Images per second that came and that were tracked in."""
        with self._lock:
            self._trim()
            span = min(WINDOW, max(time.monotonic() - self._began, 1e-3))
            since = time.monotonic() - WINDOW
            return sum(t > since for t in self._arrivals) / span, sum(t.done > since for t in self._timings) / span

    def percentiles(self, what: str) -> Percentiles | None:
        """Of a field of `Timing`; None when nothing was tracked lately."""
        with self._lock:
            values = [1e3 * getattr(timing, what) for timing in self._timings]
        if not values:
            return None
        p50, p95 = np.percentile(values, (50, 95))
        return Percentiles(float(p50), float(p95), max(values))

    def counts(self) -> str:
        """For a line in the log."""
        return (
            f"since activation {self.received} images received, {self.dropped} dropped for newer ones, "
            f"{self.failed} failed"
        )

    def _trim(self) -> None:
        """Let go of what is past; the last arrival stays, to tell how long it is ago."""
        since = time.monotonic() - WINDOW
        while len(self._arrivals) > 1 and self._arrivals[0] < since:
            self._arrivals.popleft()
        while self._timings and self._timings[0].done < since:
            self._timings.popleft()
