"""Frames, prompts and masks to the network's square image."""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ..errors import ImageError
from ..model.prompt_encoder import BOX_BOTTOM_RIGHT, BOX_TOP_LEFT
from ..model.sam2 import PromptTensors, Sam2
from .prompt import Prompt
from .transfer import to_device

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
BICUBIC: int = getattr(Image, "Resampling", Image).BICUBIC  # Pillow before 9.1 has no Resampling


def check_frame(frame: np.ndarray) -> None:
    """Raise ImageError unless ``frame`` is (H, W, 3) uint8 RGB with at least one pixel."""
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
        raise ImageError(
            f"a frame of shape {frame.shape} and type {frame.dtype} cannot be tracked on; "
            "give (height, width, 3) uint8 RGB with at least one pixel"
        )


def normalise(pixels: Tensor, dtype: torch.dtype) -> Tensor:
    """Pixels (B, 3, S, S) in 0..255 to the network's input in ``dtype``."""
    precise = torch.promote_types(dtype, torch.float32)
    mean, std = _mean_and_std(precise, pixels.device)
    return (pixels.to(precise) / 255).sub_(mean).div_(std).to(dtype)


@functools.cache  # copying them to a device takes longer than what is done with them there
def _mean_and_std(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    with torch.inference_mode(False):  # made for one caller, used by all
        mean, std = (torch.tensor(values, dtype=dtype, device=device).view(3, 1, 1) for values in (MEAN, STD))
    return mean, std


def to_network(frame: np.ndarray, size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """RGB frame (H, W, 3) uint8 to (1, 3, S, S), as the official video loader does.

    Resized to a square without keeping the aspect, bicubic with antialiasing, to 8-bit values: on the CPU by the
    loader's own library and equal to it, elsewhere by torch and within two levels.
    """
    resize = frame.shape[:2] != (size, size)
    if device.type == "cpu":
        return _normalise_bytes(square_pixels(frame, size) if resize else frame, dtype)
    pixels = _to_device(frame, device)
    return normalise(square_on_device(pixels, size) if resize else pixels, dtype)


def square_on_device(pixels: Tensor, size: int) -> Tensor:
    """Pixels (1, 3, H, W) in 0..255 to (1, 3, S, S) float32 in whole levels, as `square_pixels`, by torch.

    As Pillow does it: first the width, to 8-bit values, then the height; what overshoots is cut off in between, too.
    """
    height, width = pixels.shape[2:]
    pixels = pixels.float()
    for sides in ((size, width) if _height_first(height, width, size) else (height, size), (size, size)):
        pixels = F.interpolate(pixels, size=sides, mode="bicubic", align_corners=False, antialias=True)
        pixels = pixels.round_().clamp_(0, 255)
    return pixels


@functools.cache
def _height_first(height: int, width: int, size: int) -> bool:
    """Whether Pillow begins with the height of a tall image: newer ones do where that is less work, so it is asked."""
    if height <= width:
        return False
    noise = np.random.default_rng(0).integers(0, 2, (height, width, 3), dtype=np.uint8) * 255
    image = Image.fromarray(noise)
    square, height_first = (
        np.asarray(i.resize((size, size), Image.Resampling.BICUBIC))
        for i in (image, image.resize((width, size), Image.Resampling.BICUBIC))
    )
    return np.array_equal(square, height_first)


def _normalise_bytes(pixels: np.ndarray, dtype: torch.dtype) -> Tensor:
    """`normalise` of pixels (S, S, 3) uint8 on the CPU: a byte has only 256 values, so they are looked up."""
    looked_up = cv2.LUT(pixels, _normalised_bytes(torch.promote_types(dtype, torch.float32)))
    return torch.from_numpy(looked_up).permute(2, 0, 1).unsqueeze(0).to(dtype)


@functools.cache
def _normalised_bytes(dtype: torch.dtype) -> np.ndarray:
    """What each byte becomes in each channel, (1, 256, 3)."""
    every = torch.arange(256, dtype=torch.uint8).expand(1, 3, 1, 256)
    table: np.ndarray = normalise(every, dtype)[0].permute(1, 2, 0).contiguous().numpy()
    return table


def square_pixels(frame: np.ndarray, size: int) -> np.ndarray:
    """Frame (H, W, 3) uint8 to (S, S, 3) uint8 as the official video loader resizes it: Pillow's bicubic."""
    height, width = frame.shape[:2]
    image = Image.fromarray(frame)
    if height > width:  # the order in which Pillow resizes the two sides, and so its rounding, depends on its version
        return np.asarray(image.resize((size, size), BICUBIC))
    wide = Image.new("RGB", (size, height))
    square = np.empty((size, size, 3), dtype=np.uint8)

    def widen(rows: slice) -> None:
        part = image.crop((0, rows.start, width, rows.stop))
        wide.paste(part.resize((size, part.height), BICUBIC), (0, rows.start))

    def squeeze(rows: slice) -> None:
        # Pillow looks beyond the box for what its edges are mixed from, so there is no seam.
        box = 0, rows.start * height / size, size, rows.stop * height / size
        square[rows] = np.asarray(wide.resize((size, rows.stop - rows.start), BICUBIC, box))

    _in_halves(height, widen)
    _in_halves(size, squeeze)
    return square


def _in_halves(rows: int, work: Callable[[slice], None]) -> None:
    """Do the upper and the lower half of some rows at the same time: Pillow lets other threads run."""
    lower = _helper().submit(work, slice(rows // 2, rows))
    if rows > 1:
        work(slice(0, rows // 2))
    lower.result()


@functools.cache
def _helper() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "resize")


os.register_at_fork(after_in_child=_helper.cache_clear)  # threads stay behind in a fork


def _to_device(frame: np.ndarray, device: torch.device) -> Tensor:
    """(H, W, 3) uint8 as (1, 3, H, W) uint8."""
    if device.type == "cpu":  # a view of a message's read-only data is copied, torch knows none
        frame = np.require(frame, requirements=("C", "W"))
    return to_device(frame, device).permute(2, 0, 1).unsqueeze(0)


def to_network_float(frame: np.ndarray, size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """RGB frame (H, W, 3) uint8 to (1, 3, S, S), as the official image predictor does: bilinear on float values."""
    pixels = _to_device(frame, device).to(torch.promote_types(dtype, torch.float32))
    pixels = F.interpolate(pixels, size=(size, size), mode="bilinear", align_corners=False, antialias=True)
    return normalise(pixels, dtype)


def to_square(points: np.ndarray, width: int, height: int, size: int) -> np.ndarray:
    """Points (..., 2) in pixels of a width x height image to pixels of the square image."""
    return points / np.array((width, height)) * size


def mask_to_square(mask: np.ndarray, size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Mask (H, W) bool to (1, S, S) of 0 and 1: antialiased bilinear, cut at one half."""
    tensor = torch.from_numpy(mask).to(device=device, dtype=torch.promote_types(dtype, torch.float32))[None, None]
    if mask.shape != (size, size):
        tensor = F.interpolate(tensor, size=(size, size), mode="bilinear", align_corners=False, antialias=True)
    return (tensor[0] >= 0.5).to(dtype)


def prompt_tensors(
    network: Sam2, prompt: Prompt, size: tuple[int, int], mask_logits: Tensor | None = None
) -> PromptTensors:
    """Box and points of a prompt on an image of ``size`` (width, height) for the network, B = 1.

    ``mask_logits`` (1, S/4, S/4): the mask that stood before.
    """
    points, labels = prompt.points, prompt.point_labels
    if prompt.box is not None:
        points = np.concatenate((prompt.box.reshape(2, 2), points))
        labels = np.concatenate(([BOX_TOP_LEFT, BOX_BOTTOM_RIGHT], labels))
    square = to_square(points, *size, network.config.image_size)
    return PromptTensors(
        torch.from_numpy(square)[None].to(network.device, network.point_dtype),
        torch.from_numpy(labels)[None].to(network.device),
        mask_logits,
    )
