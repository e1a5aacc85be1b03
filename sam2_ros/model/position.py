"""Position encodings: two- and one-dimensional sine, random Fourier features, axial rotary embedding.

Tables are computed in float64 on the CPU and rounded once, to the precision the network runs in.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

TEMPERATURE = 10_000.0


class Table(nn.Module):
    """A constant that follows its module's device and dtype, always rounded from the same float64 values.

    A plain buffer would keep the rounding of every dtype that it has passed through.
    """

    table: Tensor

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        self._exact = values.double()
        self.register_buffer("table", self._exact.to(torch.get_default_dtype()), persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Table":
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.table = self._exact.to(self.table)
        return self

    def forward(self) -> Tensor:
        return self.table


def sine_position_2d(channels: int, size: int) -> Tensor:
    """Sine encoding of a square map, (channels, size, size) float64: the y half, then the x half.

    Sine and cosine alternate; coordinates run over (i + 1) / (size + 1e-6) * 2 pi.
    """
    half = channels // 2
    coordinate = torch.arange(1, size + 1, dtype=torch.float64, device="cpu") / (size + 1e-6) * 2 * math.pi
    wavelength = TEMPERATURE ** (2 * (torch.arange(half, dtype=torch.float64, device="cpu") // 2) / half)
    angle = coordinate[:, None] / wavelength  # (size, half)
    encoded = torch.stack((angle[:, 0::2].sin(), angle[:, 1::2].cos()), dim=2).flatten(1)  # (size, half)
    y = encoded.T[:, :, None].expand(half, size, size)
    x = encoded.T[:, None, :].expand(half, size, size)
    return torch.cat((y, x))


def sine_position_1d(position: Tensor, channels: int) -> Tensor:
    """Sine encoding of scalars (...) as (..., channels): all sines, then all cosines."""
    half = channels // 2
    wavelength = TEMPERATURE ** (2 * (torch.arange(half, dtype=position.dtype, device=position.device) // 2) / half)
    angle = position.unsqueeze(-1) / wavelength
    return torch.cat((angle.sin(), angle.cos()), dim=-1)


def fourier_position(coordinates: Tensor, gaussian: Tensor) -> Tensor:
    """Random Fourier features of coordinates (..., 2) in 0..1 with a (2, C/2) matrix: (..., C)."""
    angle = 2 * math.pi * ((2 * coordinates - 1) @ gaussian)
    return torch.cat((angle.sin(), angle.cos()), dim=-1)


def axial_rope(channels: int, size: int, pooling: int = 1) -> Tensor:
    """Rotations of axial RoPE for the tokens of a square map, (2, L, channels / 2) float64: cosine, sine.

    The first half of the pairs turns with x, the second with y; frequencies 10,000^(-4 i / channels). With ``pooling``
    p a token stands for p * p of the map's, and turns as its middle would: L = (size / p)^2.
    """
    frequency = TEMPERATURE ** (-torch.arange(0, channels, 4, dtype=torch.float64, device="cpu") / channels)
    side = size // pooling
    token = torch.arange(side * side, device="cpu")
    x, y = (place * pooling + (pooling - 1) / 2 for place in (token % side, token // side))
    angle = torch.cat((x[:, None] * frequency, y[:, None] * frequency), dim=1)
    return torch.stack((angle.cos(), angle.sin()))


def rotate_(x: Tensor, rope: Tensor) -> Tensor:
    """Turn, in place, the pairs (2i, 2i + 1) of ``x`` (..., L, C) by the rotations (2, L, C / 2)."""
    cosine, sine = rope
    pairs = x.unflatten(-1, (-1, 2))
    if x.device.type == "cpu" and x.dtype.itemsize >= 4:
        # The same as a product of complex numbers, which reads and writes everything once: on the CPU twenty times as
        # fast. Half precision has none that are complete, and torch's compiler leaves them alone.
        torch.view_as_complex(pairs).mul_(torch.complex(cosine, sine))
    else:
        even, odd = pairs.unbind(-1)
        pairs.copy_(torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), dim=-1))
    return x
