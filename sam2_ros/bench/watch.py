"""Measures the stages of a frame: how long each takes, or how much it computes."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import torch
from torch.utils.flop_counter import FlopCounterMode

from ..tracking.transfer import wait_for

# The stages of a frame, in their order.
DECODE = "decode jpeg"
UPLOAD = "resize and upload"
ENCODE = "image encoder"
ATTEND = "memory attention"
SEGMENT = "mask decoder"
MEMORISE = "memory encoder"
DESCRIBE = "post-processing"
TELL = "messages"
STAGES = (DECODE, UPLOAD, ENCODE, ATTEND, SEGMENT, MEMORISE, DESCRIBE, TELL)


class Watch(Protocol):
    """Something that looks at stages."""

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Look at what happens inside."""


class StopWatch:
    """How long each stage takes, with the device idle before and after it."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.seconds: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        wait_for(self._device)
        started = time.perf_counter()
        yield
        wait_for(self._device)
        self.seconds[name].append(time.perf_counter() - started)


class FlopWatch:
    """How many floating-point operations each stage needs: a multiplication and its addition are two."""

    def __init__(self) -> None:
        self.flops: dict[str, int] = defaultdict(int)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what happens inside."""
        with FlopCounterMode(display=False) as counter:
            yield
        self.flops[name] += counter.get_total_flops()
