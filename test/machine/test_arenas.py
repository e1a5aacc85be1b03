"""Threads that share one pool of memory: what the C library itself reports of its pools."""

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from sam2_ros.machine import arenas

PLACE = str(Path(__file__).parent.parent.parent)
# Threads that hold memory at the same time, then how many pools malloc_info(3) lists.
CODE = """
import ctypes, sys, threading
from sam2_ros.machine.arenas import share_one_arena
share_one_arena()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
together = threading.Barrier(4)
def work():
    for _ in range(50):
        together.wait()
        library.malloc(100_000)
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
library.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(library.fdopen(1, b"w"))
library.malloc_info(0, out)
library.fflush(out)
"""


def pools(environment: dict[str, str]) -> int:
    """In a process of its own, since the setting is for a whole process."""
    run = subprocess.run([sys.executable, "-c", CODE], check=True, capture_output=True, text=True, env=environment)
    return run.stdout.count("<heap nr=")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="only the GNU C library has pools")
def test_threads_share_one_pool_unless_the_user_says_otherwise() -> None:
    assert pools({"PYTHONPATH": PLACE}) == 1
    assert pools({"PYTHONPATH": PLACE, "MALLOC_ARENA_MAX": "8"}) > 1


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(arenas.SAID, raising=False)
    monkeypatch.setattr(arenas.ctypes, "CDLL", lambda name: object())
    arenas.share_one_arena()
