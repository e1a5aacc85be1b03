"""Between the host and the device, without waiting for the device longer than is needed."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def to_device(values: np.ndarray, device: torch.device) -> Tensor:
    """An array on its way to a device; what uses it there comes after it. On the CPU it shares ``values``' memory."""
    tensor = torch.from_numpy(values)
    if device.type == "cuda":
        tensor = tensor.pin_memory()  # else CUDA would first wait for all that was asked of the device before
    return tensor.to(device, non_blocking=True)


def wait_for(device: torch.device) -> None:
    """Until everything that was asked of it is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def in_one_copy(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Tensors of one device on the host: each copy from a device waits for it, so there is only one.

    Different types become the one that holds them all.
    """
    device = tensors[0].device
    together = torch.cat([tensor.flatten() for tensor in tensors])
    host = torch.empty_like(together, device="cpu", pin_memory=device.type == "cuda")
    host.copy_(together, non_blocking=True)
    if device.type == "cuda":
        torch.cuda.current_stream(device).synchronize()
    flat = host.split([tensor.numel() for tensor in tensors])
    return [values.view(tensor.shape) for values, tensor in zip(flat, tensors, strict=True)]
