"""The card: what it is, and what it can do at best."""

import os
import platform
import subprocess
import time
from collections.abc import Iterator
from functools import partial

import torch

from sam2_ros.bench.device import matmul_rate, name_of
from sam2_ros.model.kernels import quick_dtype
from sam2_ros.tracking.transfer import wait_for

from .results import Result, Step, left_out, noted
from .setting import Setting

ASKED = (
    *("name", "driver_version", "memory.total", "clocks.sm", "clocks.max.sm", "clocks.mem", "clocks.max.mem"),
    *("power.draw", "power.limit", "temperature.gpu"),
)
REPEATS = 10


def steps(setting: Setting) -> list[Step]:
    """In the order of their worth."""
    return [
        Step("what it is", partial(_what, setting)),
        Step("what it can do", partial(_rates, setting)),
        Step("nvidia-smi", _asked, needs_cuda=True),  # last: clocks are those of a card at work
    ]


def _what(setting: Setting) -> Iterator[Result]:
    yield noted("device", name_of(setting.device))
    yield noted("torch", torch.__version__)
    yield noted("Python", platform.python_version())
    yield noted("processor cores", float(os.cpu_count() or 0))
    if setting.cuda:
        yield noted("compute capability", ".".join(map(str, torch.cuda.get_device_capability(setting.device))))
        yield noted("CUDA", str(torch.version.cuda))
        yield noted("cuDNN", str(torch.backends.cudnn.version()))


def _rates(setting: Setting) -> Iterator[Result]:
    dtype = quick_dtype(setting.device)
    yield noted(f"matrix product, {dtype}", matmul_rate(setting.device, dtype) / 1e12, "TFLOP/s")
    if setting.cuda:
        yield noted("matrix product, float32", matmul_rate(setting.device, torch.float32) / 1e12, "TFLOP/s")
    yield noted("copy, read and written", copy_rate(setting.device, setting.amounts.copied) / 1e9, "GB/s")


def copy_rate(device: torch.device, size: int) -> float:
    """Bytes a second that are read and written when so many are copied: the quickest of several."""
    source = torch.randint(0, 256, (size,), dtype=torch.uint8, device=device)
    target, best = torch.empty_like(source), float("inf")
    for _ in range(REPEATS):
        wait_for(device)
        begun = time.perf_counter()
        target.copy_(source)
        wait_for(device)
        best = min(best, time.perf_counter() - begun)
    return 2 * size / best


def _asked() -> Iterator[Result]:
    command = ["nvidia-smi", f"--query-gpu={','.join(ASKED)}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        yield left_out("nvidia-smi", str(error))
        return
    for name, value in zip(ASKED, done.stdout.splitlines()[0].split(","), strict=True):
        yield noted(name, value.strip())
