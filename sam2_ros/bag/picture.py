"""One picture on its way into a bag, and where pictures come from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture."""

    bgr: np.ndarray  # (H, W, 3) uint8; as it leaves a source
    jpeg: bytes | None  # the file it came from, when that is a jpeg that can be passed on as it is
    time_ns: int | None = None  # since the first one; None: it has none of its own


class Source(Protocol):
    """Where pictures come from."""

    @property
    def count(self) -> int | None:
        """Number of pictures, as far as it is known."""

    @property
    def fps(self) -> float:
        """Pictures per second, unless somebody knows better."""

    def pictures(self) -> Iterator[Picture]:
        """All pictures in their order. Raises BagError."""
