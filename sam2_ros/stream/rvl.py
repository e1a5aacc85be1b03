"""Depth packed by RVL (Wilson, Fast Lossless Depth Image Compression, ACM ISS 2017), as image_transport lays it out.

Columns and rows, uint32 each; then 32-bit words, the highest four bits of each first. Four bits are three of a number,
the lowest three first, and whether more follow. The numbers are: pixels without depth, pixels with, and for each of
these the step from the one before, with its sign in the lowest bit; and so on.
"""

import numpy as np

HEAD = 8  # bytes
MORE = 8  # the highest of four bits
LONGEST = 10  # times three bits of a number; what is longer was not packed so


def rvl_size(file: np.ndarray) -> tuple[int, int] | None:
    """Width and height in pixels that a file (N,) uint8 says it has; None when it says nothing."""
    if len(file) < HEAD:
        return None
    width, height = np.frombuffer(file[:HEAD].tobytes(), "<u4").tolist()
    return (width, height) if width and height else None


def from_rvl(file: np.ndarray) -> np.ndarray | None:
    """The pixels (H, W) uint16 of a file (N,) uint8; None of a damaged one."""
    size = rvl_size(file)
    if size is None:
        return None
    depths = _depths(_numbers(file[HEAD:]), size[0] * size[1])
    return None if depths is None else depths.reshape(size[1], size[0])


def _numbers(data: np.ndarray) -> np.ndarray:
    """(N,) int64, what is written in words; none when it cannot be."""
    nothing = np.zeros(0, dtype=np.int64)
    highest_first = data[: len(data) // 4 * 4].reshape(-1, 4)[:, ::-1]
    bits = np.stack((highest_first >> 4, highest_first & 15), axis=-1).reshape(-1)  # four in each
    ends = np.flatnonzero(bits < MORE)
    if not len(ends):
        return nothing
    bits = bits[: ends[-1] + 1]
    starts = np.concatenate((ends[:1] * 0, ends[:-1] + 1))
    lengths = ends - starts + 1
    if lengths.max() > LONGEST:
        return nothing
    place = np.arange(len(bits)) - np.repeat(starts, lengths)
    return np.asarray(np.add.reduceat((bits & (MORE - 1)).astype(np.int64) << 3 * place, starts))


def _depths(numbers: np.ndarray, count: int) -> np.ndarray | None:
    """(count,) uint16 of the numbers (N,); None when they are of another count."""
    is_step = np.zeros(len(numbers), dtype=bool)
    has_depth = np.zeros(count, dtype=bool)
    pixel = at = 0
    while pixel < count:
        without, having = numbers[at : at + 2].tolist() if at + 2 <= len(numbers) else (0, 0)
        pixel, at = pixel + without, at + 2
        if not without + having or pixel + having > count or at + having > len(numbers):
            return None
        has_depth[pixel : pixel + having] = is_step[at : at + having] = True
        pixel, at = pixel + having, at + having
    steps = numbers[is_step]
    depths = np.zeros(count, dtype=np.uint16)
    depths[has_depth] = np.cumsum((steps >> 1) ^ -(steps & 1))  # counted in 16 bits: what overflows is meant to
    return depths
