"""Memory that tensors leave behind is used again."""

import platform
import subprocess
import sys

import pytest

# Page faults of making and filling tensors of together 64 MiB, 16,384 pages, ten times.
CODE = """
import resource, torch
from sam2_ros.allocator import keep_memory
torch.set_num_threads(1)
{first}
def make():
    parts = [torch.empty(size << 20, dtype=torch.uint8).fill_(1) for size in (28, 20, 12, 4)]
for _ in range(5):
    make()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    make()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(first: str) -> int:
    """In a process of its own, since the setting is for a whole process."""
    code = CODE.format(first=first)
    return int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no mallopt")
def test_tensors_are_made_of_memory_that_is_there() -> None:
    assert 4 * page_faults("keep_memory()") < page_faults("")


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from sam2_ros import allocator

    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: object())
    allocator.keep_memory()
