"""What the device could do at best, and how much memory was used."""

import platform
import resource
import sys
import time
from pathlib import Path

import torch

from ..tracking.transfer import wait_for

SIDE = {"cpu": 1024, "cuda": 8192}  # of the matrices, by device
REPEATS = 5


def name_of(device: torch.device) -> str:
    """Of the device, for people."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{_processor()}, {torch.get_num_threads()} threads"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def matmul_rate(device: torch.device, dtype: torch.dtype, side: int | None = None) -> float:
    """Operations per second of a large square matrix product: the quickest of several."""
    side = side or SIDE[device.type]
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    best = float("inf")
    for _ in range(REPEATS):
        wait_for(device)
        started = time.perf_counter()
        a @ b
        wait_for(device)
        best = min(best, time.perf_counter() - started)
    return 2 * side**3 / best


def forget_peak(device: torch.device) -> None:
    """Begin anew with the peak of the memory, where that can be done."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def reserved_bytes(device: torch.device) -> int:
    """What torch holds of a CUDA device, in use or not."""
    return torch.cuda.memory_reserved(device) if device.type == "cuda" else 0


def peak_bytes(device: torch.device) -> int:
    """Most memory that was held: on CUDA by torch since `forget_peak`, else by the process since it began."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
