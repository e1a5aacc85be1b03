"""Between the host and the device, without waiting for the device longer than is needed."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor


def on(device: torch.device) -> AbstractContextManager[object]:
    """While this lasts, what is asked of CUDA in this thread without a word on where is asked of this device."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def to_device(values: np.ndarray, device: torch.device) -> Tensor:
    """An array on its way to a device; what uses it there comes after it. On the CPU it shares ``values``' memory.

    For CUDA it is copied once, into pinned memory, else CUDA would first wait for all that was asked of the device
    before. torch gives that memory to nobody else until the device has read it.
    """
    if device.type == "cuda":
        dtype = torch.from_numpy(np.empty(0, values.dtype)).dtype
        pinned = torch.empty(values.shape, dtype=dtype, pin_memory=True)
        np.copyto(pinned.numpy(), values)
        return pinned.to(device, non_blocking=True)
    return torch.from_numpy(values).to(device)


def wait_for(device: torch.device) -> None:
    """Until everything that was asked of it is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Arriving:
    """Tensors of one device on their way to the host: what is asked of the device after them is not waited for.

    On the CPU they are there already, and the very same.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._tensors = list(tensors)
        self._event: torch.cuda.Event | None = None
        device = tensors[0].device
        if device.type == "cpu":
            return
        for dtype in {tensor.dtype for tensor in tensors}:
            self._send([place for place, tensor in enumerate(tensors) if tensor.dtype == dtype])
        if device.type == "cuda":
            self._event = torch.cuda.Event()
            self._event.record(torch.cuda.current_stream(device))

    def _send(self, places: list[int]) -> None:
        """Those at some places, which are of one type, together: one copy."""
        some = [self._tensors[place] for place in places]
        together = torch.cat([tensor.flatten() for tensor in some])
        host = torch.empty_like(together, device="cpu", pin_memory=together.device.type == "cuda")
        host.copy_(together, non_blocking=True)
        parts = host.split([tensor.numel() for tensor in some])
        for place, tensor, part in zip(places, some, parts, strict=True):
            self._tensors[place] = part.view(tensor.shape)

    def wait(self) -> list[Tensor]:
        """The tensors on the host."""
        if self._event is not None:
            self._event.synchronize()
        return self._tensors
