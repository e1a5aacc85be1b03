#!/usr/bin/env python3
"""Attention forward and backward on the CPU in mixed precision: ours beside torch's own, at the shapes of nano.

Turn by turn in one process, on one thread, as each process of a training run has. Prints the median milliseconds of
both and the median of the ratios of turns; above 1 ours is faster.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

# This checkout is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sam2_ros.model.layers import attend

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
# Heads, and queries, keys and channels of each, of so many images or objects.
SHAPES = {
    "windows of 24 images": (3456, 1, 64, 64, 32),
    "pooled windows of 24 images": (3456, 2, 16, 64, 32),
    "whole maps of 24 images": (24, 4, 576, 2304, 32),
    "five objects to themselves": (5, 1, 576, 576, 128),
    "five objects to three memories": (5, 1, 576, 1776, 128),
    "tokens to the image": (5, 8, 8, 576, 16),
    "the image to tokens": (5, 8, 576, 8, 16),
}


def milliseconds(way: Attend, q: Tensor, k: Tensor, v: Tensor) -> float:
    """Of one pass, forward and backward."""
    begun = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16):
        found = way(q, k, v)
    found.sum().backward()
    return (time.perf_counter() - begun) * 1e3


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=15)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'':34}{'torch':>9}{'ours':>9}{'ratio':>8}")
    for name, (batch, heads, queries, keys, channels) in SHAPES.items():
        q, k, v = (
            torch.randn(batch, heads, length, channels, dtype=torch.bfloat16, requires_grad=True)
            for length in (queries, keys, keys)
        )
        turns = np.array(
            [
                [milliseconds(F.scaled_dot_product_attention, q, k, v), milliseconds(attend, q, k, v)]
                for _ in range(args.turns + 1)
            ]
        )[1:]
        theirs, ours = np.median(turns, axis=0)
        print(f"{name:34}{theirs:9.1f}{ours:9.1f}{np.median(turns[:, 0] / turns[:, 1]):8.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
