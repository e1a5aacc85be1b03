#!/usr/bin/env python3
"""What a Jetson could do at best: the table of docs/jetson.md, from counts. Nothing is computed, no board is needed.

Arithmetic: floating-point operations of a frame with full memory over the board's dense half-precision rate. Traffic:
bytes that the operations of the network read and write, each from and to memory, attention as one operation, over the
board's memory bandwidth. The first is a bound for any program; the second for one that runs operation by operation, as
torch does without compiling. Fused operations need less traffic.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# This checkout is what is counted, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sam2_ros.bench.staged import Staged, count_flops
from sam2_ros.model.config import ModelConfig, get_config
from sam2_ros.model.sam2 import Sam2

SAM2 = ("tiny", "small", "base_plus", "large")
NETWORKS = {  # by size of the image, each at one that it takes
    1024: (*SAM2, "edgetam", "efficienttam_ti", "efficienttam_ti_1", "efficienttam_s", "efficienttam_s_1"),
    512: (*SAM2, "edgetam", "efficienttam_ti_512x512", "efficienttam_s_512x512"),
}


@dataclass(frozen=True)
class Board:
    """What its maker says of a board; where that is from stands in docs/jetson.md."""

    name: str
    tflop_per_s: float  # half precision, dense
    gb_per_s: float


BOARDS = (
    Board("Orin NX 16 GB", 15.0, 102.4),
    Board("AGX Orin 64 GB", 42.5, 204.8),
    Board("Thor T5000", 258.5, 273.0),
)


class Traffic(TorchDispatchMode):
    """Adds up what operations read and write; views are free."""

    bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """One operation."""
        out = func(*args, **(kwargs or {}))
        read = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        written = [leaf for leaf in tree_leaves(out) if isinstance(leaf, Tensor)]
        if not func.is_view:
            self.bytes += sum(tensor.numel() * tensor.element_size() for tensor in [*read, *written])
        return out


class Unwatched:
    """Stages that are not looked at."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Nothing."""
        yield


@torch.inference_mode()
def traffic(config: ModelConfig, objects: int) -> int:
    """Bytes that one frame moves in half precision."""
    with torch.device("meta"):
        network = Sam2(config)
    network.eval().fold()
    network = network.to("meta", torch.float16)
    staged = Staged(network, objects)
    pixels = torch.empty(1, 3, config.image_size, config.image_size, device="meta", dtype=torch.float16)
    with Traffic() as counter:  # type: ignore[no-untyped-call]

        def attend(q: Tensor, k: Tensor, v: Tensor, **options: Any) -> Tensor:
            counter.bytes += 2 * sum(tensor.numel() for tensor in (q, k, v, q))
            return q.new_empty(*q.shape[:-1], v.shape[-1])

        with patch("torch.nn.functional.scaled_dot_product_attention", attend):
            staged.look(pixels, Unwatched())
    return counter.bytes


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, nargs="+", default=[1, 4])
    options = parser.parse_args()
    heads = " | ".join(f"{board.name}: arithmetic, traffic" for board in BOARDS)
    print(f"| px | model | objects | TFLOP | GB | {heads} |")
    print("|" + "---|" * (5 + len(BOARDS)))
    for image_size, name in ((size, name) for size, names in NETWORKS.items() for name in names):
        config = get_config(name, image_size)
        for count, flops in zip(options.objects, count_flops(config, options.objects), strict=True):
            total, moved = sum(flops.values()), traffic(config, count)
            times = " | ".join(
                f"{total / board.tflop_per_s / 1e9:.1f}, {moved / board.gb_per_s / 1e6:.1f}" for board in BOARDS
            )
            print(f"| {image_size} | {name} | {count} | {total / 1e12:.2f} | {moved / 1e9:.1f} | {times} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
