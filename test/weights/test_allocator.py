"""Memory that tensors leave behind is used again."""

import ctypes
import subprocess
import sys

import pytest

from sam2_ros.weights import allocator

SIZE = 24 << 20
# What the C library keeps at hand after a block was freed: the last of the ten numbers that mallinfo2(3) tells.
CODE = """
import ctypes
from sam2_ros.weights.allocator import give_back_memory, keep_memory
{first}
class Information(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "abcdefghij"]
library = ctypes.CDLL(None)
library.mallinfo2.restype = Information
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]
library.free(library.malloc({size}))
{last}
print(library.mallinfo2().j)
"""


def kept(first: str, last: str = "") -> int:
    """Bytes, in a process of its own, since the setting is for a whole process."""
    code = CODE.format(first=first, size=SIZE, last=last)
    return int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="only the GNU C library tells")
def test_freed_memory_is_kept() -> None:
    assert kept("") < SIZE <= kept("keep_memory()")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="only the GNU C library tells")
def test_memory_that_was_kept_can_be_given_back() -> None:
    assert kept("keep_memory()", "give_back_memory()") < SIZE


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: object())
    allocator.keep_memory()
    allocator.give_back_memory()
