"""CUDA graphs without CUDA: what is recorded runs again on the same tensors, and nothing else of it is as on a GPU."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

Run = Callable[[], None]


class Replays:
    """A `Recorder` that runs the function again. Like a graph it reads and writes only what it was recorded with."""

    def __init__(self) -> None:
        self.recorded = 0
        self.turns = 0
        self.fails_at: dict[int, Exception] = {}  # by the number of the recording, from 1

    def record(self, run: Run) -> Run:
        """See `Recorder`."""
        self.recorded += 1
        if error := self.fails_at.get(self.recorded):
            raise error
        run()
        return run

    @contextmanager
    def turn(self) -> Iterator[None]:
        """See `Recorder`."""
        self.turns += 1
        yield


def out_of_memory() -> torch.cuda.OutOfMemoryError:
    """What torch raises."""
    return torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nand a long story")
