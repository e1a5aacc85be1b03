"""Depth, camera models and transforms out of messages."""

import zlib
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from helpers.space import CAMERA, HEIGHT, WIDTH, card, depth_message, info_message
from sam2_ros.errors import SpaceError
from sam2_ros.stream.depth_messages import CONFIG, camera_from, depth_from, transform_from


def metres(message: Any) -> np.ndarray:
    """(H, W) metres, NaN where nothing was measured."""
    depth = depth_from(message)
    found = np.full(depth.values.size, np.nan)
    valid, values = depth.measured(depth.values.reshape(-1))
    found[valid] = values
    return found.reshape(depth.values.shape)


@pytest.mark.parametrize("encoding", ["16UC1", "32FC1"])
@pytest.mark.parametrize("padding", [0, 6])
@pytest.mark.parametrize("big_endian", [False, True])
def test_depth_in_either_unit_with_padded_rows_and_in_both_byte_orders(encoding, padding, big_endian):
    values = card(encoding)
    rows = values.astype(values.dtype.newbyteorder(">" if big_endian else "<")).view(np.uint8).reshape(HEIGHT, -1)
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=17)
    message = SimpleNamespace(
        encoding=encoding,
        width=WIDTH,
        height=HEIGHT,
        step=padded.shape[1],
        is_bigendian=int(big_endian),
        data=padded.tobytes(),
    )
    assert metres(message) == pytest.approx(card("32FC1"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"encoding": "rgb8"}, "a depth image has the encoding 'rgb8'; depth is 16UC1 in millimetres or 32FC1"),
        ({"step": 10}, "a depth image cannot be read: an image has a step of 10 bytes"),
        ({"data": np.zeros(7, np.uint8)}, "has 7 bytes of data, but 60 rows"),
        ({"width": 0}, "is 0x60 pixels and so empty"),
    ],
)
def test_what_is_no_depth_is_refused(changes, words):
    with pytest.raises(SpaceError, match=words):
        depth_from(replace(depth_message(), **changes))


def packed(values: np.ndarray, config: tuple[float, float] = (0.0, 0.0)) -> bytes:
    """As compressed_depth_image_transport packs a png."""
    return head(*config) + cv2.imencode(".png", values)[1].tobytes()


def test_compressed_depth_in_millimetres():
    message = SimpleNamespace(format="16UC1; compressedDepth png", data=packed(card()))
    assert metres(message) == pytest.approx(card("32FC1"))


# As compressed_depth_image_transport makes them: depth_quantization 100, depth_max 10 m.
A = 100.0 * (100.0 + 1.0)
B = 1.0 - A / 10.0


def quantised(metres: np.ndarray) -> np.ndarray:
    """Inverse depths, cut off to integers; 0 for what is no depth, or too far."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(metres < 10.0, A / metres + B, 0).astype(np.uint16)


@pytest.mark.parametrize("kind", ["png", "rvl"])
def test_compressed_depth_in_metres_is_kept_as_its_inverse(kind):
    true = np.linspace(0.3, 9.99, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH)
    true[0, :4] = np.nan, np.inf, 10.0, 50.0
    inverse = quantised(true)
    pixels = cv2.imencode(".png", inverse)[1].tobytes() if kind == "png" else as_rvl(inverse)
    found = metres(SimpleNamespace(format=f"32FC1; compressedDepth {kind}", data=head(A, B) + pixels))
    assert np.isnan(found[0, :4]).all()
    # One step of the inverse depth is z^2 / A of depth; cut off, not rounded, it is too deep by at most so much.
    off = found[1:] - true[1:]
    assert (off > -1e-5).all()
    assert (off < 1.001 * found[1:] ** 2 / A + 1e-5).all()


def test_inverse_depth_that_is_full_is_no_depth():
    """A depth of 0 becomes infinite and then, by the processor, 0 or the largest number."""
    inverse = quantised(np.full((HEIGHT, WIDTH), 2.0))
    inverse[:, :3] = 65535
    found = metres(SimpleNamespace(format="32FC1; compressedDepth png", data=packed(inverse, (A, B))))
    assert np.isnan(found[:, :3]).all()
    assert found[:, 3:] == pytest.approx(2.0, abs=1e-3)


def as_rvl(values: np.ndarray) -> bytes:
    """As compressed_depth_image_transport packs rvl, number by number."""
    numbers: list[int] = []
    before, flat = 0, values.reshape(-1).astype(int)
    edges = np.flatnonzero(np.diff(flat != 0, prepend=False, append=False)).reshape(-1, 2)
    at = 0
    for first, end in edges.tolist():
        numbers += [first - at, end - first]
        for value in flat[first:end].tolist():
            step, before = value - before, value
            numbers.append(2 * step if step >= 0 else -2 * step - 1)
        at = end
    if at < len(flat):
        numbers += [len(flat) - at, 0]
    digits = ""
    for number in numbers:
        while number > 7:
            digits, number = f"{digits}{number & 7 | 8:x}", number >> 3
        digits += f"{number:x}"
    words = bytes.fromhex(digits + "0" * (-len(digits) % 8))
    return np.array(values.shape[::-1], "<u4").tobytes() + np.frombuffer(words, ">u4").astype("<u4").tobytes()


def head(a: float = 0.0, b: float = 0.0) -> bytes:
    return bytes(4) + np.array((a, b), "<f4").tobytes()


def test_rvl_by_hand():
    """0, 5, 7, 0: one without depth, two with, steps of 5 and 2, one without, none with."""
    # Steps with their sign: 10 and 4; 10 is 2 and more (a), then 1. Digits: 1 2 a 1 4 1 0, in a little-endian word.
    data = head() + bytes.fromhex("02000000 02000000 0041a112")
    found = depth_from(SimpleNamespace(format="16UC1; compressedDepth rvl", data=data))
    assert found.values.tolist() == [[0, 5], [7, 0]]
    assert as_rvl(found.values) == data[CONFIG:]


def test_rvl_in_millimetres():
    values = card()
    values[10:30, 5:60:7] = 0
    values[3, 3], values[59, 79] = 65535, 1
    found = depth_from(SimpleNamespace(format="16UC1; compressedDepth rvl", data=head() + as_rvl(values)))
    assert np.array_equal(found.values, values)


@pytest.mark.parametrize("data", [b"", b"123", bytes(40), packed(np.zeros((4, 4), np.uint8))])
def test_compressed_depth_that_is_none(data):
    with pytest.raises(SpaceError, match="cannot be decoded"):
        depth_from(SimpleNamespace(format="16UC1; compressedDepth png", data=data))


def test_compressed_depth_that_promises_too_much_is_not_decoded():
    file = bytearray(packed(np.zeros((1, 30_000), np.uint16)))
    chunk = slice(CONFIG + 12, CONFIG + 29)  # the first chunk's name and content, then its checksum
    file[CONFIG + 20 : CONFIG + 24] = (30_000).to_bytes(4, "big")  # rows
    file[CONFIG + 29 : CONFIG + 33] = zlib.crc32(file[chunk]).to_bytes(4, "big")
    with pytest.raises(SpaceError, match="compressed depth is not unpacked: an image"):
        depth_from(SimpleNamespace(format="16UC1; compressedDepth png", data=bytes(file)))


def test_what_compressed_depth_may_have_of_pixels_is_the_users_to_say():
    message = SimpleNamespace(format="16UC1; compressedDepth png", data=packed(card()))
    assert depth_from(message, WIDTH * HEIGHT).size == (WIDTH, HEIGHT)
    with pytest.raises(SpaceError, match=rf"has {WIDTH}x{HEIGHT} pixels, more than max_image_pixels \(4,799\) allows"):
        depth_from(message, WIDTH * HEIGHT - 1)


WHOLE = head() + as_rvl(card())


@pytest.mark.parametrize("data", [WHOLE[:16], WHOLE[:20], WHOLE[:-9], head() + bytes(99), WHOLE[:20] + b"\xff" * 900])
def test_damaged_rvl_is_refused(data):
    with pytest.raises(SpaceError, match="cannot be decoded; it is damaged"):
        depth_from(SimpleNamespace(format="16UC1; compressedDepth rvl", data=data))


def test_rvl_that_promises_too_much_is_not_unpacked():
    data = head() + np.array((30_000, 30_000), "<u4").tobytes() + bytes(8)
    with pytest.raises(SpaceError, match="has 30000x30000 pixels, more than max_image_pixels"):
        depth_from(SimpleNamespace(format="16UC1; compressedDepth rvl", data=data))


def test_a_camera_model_as_it_is():
    assert camera_from(info_message(), rectified=False) == CAMERA
    assert camera_from(info_message(), rectified=True) == CAMERA


def test_of_a_rectified_image_p_counts_and_no_distortion():
    bent = replace(info_message(), d=np.array([-0.3, 0.1, 0.0, 0.0, 0.0]))
    bent.p[0], bent.p[2] = 90.0, 41.0
    straight, raw = camera_from(bent, rectified=True), camera_from(bent, rectified=False)
    assert (straight.fx, straight.cx, straight.distortion) == (90.0, 41.0, ())
    assert (raw.fx, raw.cx, raw.distortion) == (100.0, 40.0, (-0.3, 0.1, 0.0, 0.0, 0.0))


def test_a_region_and_binning_are_those_of_the_image():
    info = replace(info_message(), binning_x=2, binning_y=2)
    info = replace(info, roi=replace(info.roi, x_offset=20, y_offset=10, width=40, height=40))
    camera = camera_from(info, rectified=False)
    assert (camera.width, camera.height, camera.fx) == (20, 20, 50.0)
    assert camera.cx == pytest.approx((40 - 20 + 0.5) / 2 - 0.5)


@pytest.mark.parametrize("wrong", [0.0, np.nan, -5.0, np.inf])
def test_a_camera_without_calibration_is_refused(wrong):
    info = info_message()
    info.k[0] = wrong
    with pytest.raises(SpaceError, match="the camera is not calibrated"):
        camera_from(info, rectified=False)


def test_an_unknown_distortion_is_refused():
    info = replace(info_message(), distortion_model="thin_prism", d=np.ones(5))
    with pytest.raises(SpaceError, match="'thin_prism', which cannot be taken out; known are plumb_bob"):
        camera_from(info, rectified=False)


def test_a_transform():
    half = np.sqrt(0.5)
    message = SimpleNamespace(
        translation=SimpleNamespace(x=1.0, y=2.0, z=3.0), rotation=SimpleNamespace(x=0.0, y=0.0, z=half, w=half)
    )
    assert transform_from(message).points(np.array((1.0, 0.0, 0.0))) == pytest.approx((1, 3, 3))
