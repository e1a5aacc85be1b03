"""Trained weights as a file that the package loads."""

from pathlib import Path

import torch
from safetensors.torch import save_file

from sam2_ros.model.sam2 import Sam2

WEIGHTS_FILE = "weights.safetensors"


def export(network: Sam2, file: Path, dtype: torch.dtype = torch.float16) -> None:
    """Write the weights in half precision, which is enough to keep them: the tracker computes in its own.

    What is not trained, as statistics of batch norms, which may lie beyond its range, keeps its own.
    """
    part = file.with_suffix(".part")
    statistics = {name for name, _ in network.named_buffers()}
    state = {
        key: value.detach().to(value.dtype if key in statistics else dtype).contiguous()
        for key, value in network.state_dict().items()
    }
    save_file(state, part)
    part.rename(file)
