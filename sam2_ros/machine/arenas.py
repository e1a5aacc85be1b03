"""One pool of memory for all threads of a process that lives for long."""

import contextlib
import ctypes
import os

M_ARENA_MAX = -8  # number of the GNU C library's mallopt(3)
SAID = "MALLOC_ARENA_MAX"


def share_one_arena() -> None:
    """Let all threads take their memory from one pool; call it before the first of them starts.

    By default the GNU C library gives threads that want memory at the same time pools of their own, eight for each
    core, and what one pool has free is of no use to another: a node that starts new threads whenever it is configured
    grew by tens of MB after some rounds, at no fixed time. What the user says of it in the environment stands; with
    another C library nothing happens.
    """
    if SAID not in os.environ:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
