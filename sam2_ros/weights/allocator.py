"""Keeps the memory of tensors on the CPU from going back to the system after every operation, but not for ever."""

import contextlib
import ctypes
import gc

import torch

# Numbers of the GNU C library's mallopt(3).
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
LARGEST = 32 << 20  # bytes of what is taken from the kept memory; the library allows no more
KEPT = 1 << 30  # bytes that may lie unused


def keep_memory() -> None:
    """Ask the C library to use freed memory again, for the whole process; where it cannot, nothing happens.

    By default it returns large blocks to the system, which has to clear them when they are asked for again, page by
    page, for every tensor of every frame: a quarter of the time of memory attention with eight objects.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, LARGEST)
        library.mallopt(M_TRIM_THRESHOLD, KEPT)


def give_back_memory() -> None:
    """Return what was kept and lies unused to the system and the GPU; for when a network was let go.

    Without it a process that loads networks again and again holds the most that it ever needed and, as free blocks
    lie scattered, at times tens of MB more. What was recorded in CUDA graphs is given back with their pool, which is
    free when the last of them is gone, so what Python keeps in circles is collected first.
    """
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
