"""Frames to the network's input as the official video loader makes it."""

import numpy as np
import pytest
import torch
from PIL import Image

from sam2_ros.tracking.preprocess import (
    MEAN,
    STD,
    mask_to_square,
    normalise,
    square_on_device,
    square_pixels,
    to_network,
    to_square,
)

CPU = torch.device("cpu")


@pytest.mark.parametrize("shape", [(48, 80), (300, 200), (128, 128), (700, 33)])
def test_resizing_is_the_official_loaders(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(picture).resize((128, 128)), dtype=np.float64)
    network = to_network(picture, 128, CPU, torch.float64)[0].permute(1, 2, 0).numpy()
    assert np.abs((network * STD + MEAN) * 255 - expected).max() < 1e-9


def test_a_read_only_view_of_a_message_is_taken_as_it_is(recwarn: pytest.WarningsRecorder) -> None:
    picture = np.frombuffer(bytes(range(48)), np.uint8).reshape(4, 4, 3)
    network = to_network(picture, 4, CPU, torch.float64)[0].permute(1, 2, 0).numpy()
    assert np.allclose((network * STD + MEAN) * 255, picture)
    assert not recwarn.list


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_looking_bytes_up_equals_computing_them(dtype: torch.dtype) -> None:
    rows = np.arange(16 * 53, dtype=np.uint32).astype(np.uint8).reshape(16, 53)  # every byte; the rows have padding
    picture = rows[:, :48].reshape(16, 16, 3)
    computed = normalise(torch.from_numpy(picture.copy()).permute(2, 0, 1)[None], dtype)
    found = to_network(picture, 16, CPU, dtype)
    assert found.dtype == dtype
    assert torch.equal(found, computed)
    assert found.stride() == computed.stride()


def test_normalising_leaves_its_input_alone() -> None:
    pixels = torch.full((1, 3, 2, 2), 100.0)
    normalise(pixels, torch.float32)
    assert (pixels == 100).all()


def test_coordinates_are_scaled_to_the_square() -> None:
    assert to_square(np.array([[40.0, 12.0]]), 80, 48, 64).tolist() == [[32, 16]]


def test_a_mask_is_reduced_with_antialiasing_and_cut_at_one_half() -> None:
    mask = np.zeros((4, 4), bool)
    mask[:2, :2] = True  # one full quarter
    mask[2, 3] = True  # a quarter of a quarter
    assert mask_to_square(mask, 2, CPU, torch.float32).tolist() == [[[1, 0], [0, 0]]]


@pytest.mark.parametrize("size", [64, 192, 320, 1024])
@pytest.mark.parametrize(
    ("width", "height"),
    [(1280, 720), (640, 480), (641, 481), (777, 333), (100, 100), (90, 100), (5, 3), (1, 1), (320, 1)],
)
def test_halves_that_are_resized_at_the_same_time_leave_no_seam(width: int, height: int, size: int) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    whole = Image.fromarray(frame).resize((size, size), Image.BICUBIC)
    assert np.array_equal(square_pixels(frame, size), np.asarray(whole))


def pictures(height: int, width: int) -> list[np.ndarray]:
    """Noise, the hardest edges that there are, and one edge each way."""
    rng = np.random.default_rng(0)
    edges = np.zeros((height, width, 3), np.uint8)
    edges[:, width // 2 :] = 255
    edges[height // 3 :] = 255 - edges[height // 3 :]
    hard = rng.integers(0, 2, (height, width, 1), dtype=np.uint8).repeat(3, axis=2) * 255
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8), hard, edges]


@pytest.mark.parametrize("size", [64, 224, 512])
@pytest.mark.parametrize(
    ("width", "height"), [(1280, 720), (720, 1280), (481, 333), (333, 481), (100, 200), (1000, 7), (7, 1000), (1, 1)]
)
def test_a_device_resizes_as_the_official_loader_within_two_levels(width: int, height: int, size: int) -> None:
    for picture in pictures(height, width):
        found = square_on_device(torch.from_numpy(picture).permute(2, 0, 1)[None], size)[0].permute(1, 2, 0)
        assert np.abs(found.numpy() - square_pixels(picture, size)).max() <= 2
