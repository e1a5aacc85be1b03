"""How many threads torch and OpenCV compute with."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def limited_threads(count: int) -> Iterator[None]:
    """Compute with ``count`` threads for as long as the block runs; 0 leaves that to the libraries."""
    if not count:
        yield
        return
    import cv2  # only here: torch takes seconds
    import torch

    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(count)
    cv2.setNumThreads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
