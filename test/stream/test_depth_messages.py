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
    head = np.zeros(CONFIG, np.uint8)
    head[4:] = np.array(config, "<f4").view(np.uint8)
    return head.tobytes() + cv2.imencode(".png", values)[1].tobytes()


def test_compressed_depth_in_millimetres():
    message = SimpleNamespace(format="16UC1; compressedDepth png", data=packed(card()))
    assert metres(message) == pytest.approx(card("32FC1"))


def test_compressed_depth_in_metres_is_kept_as_its_inverse():
    a, b = 10100.0, -1009.0  # by the plugin's defaults: 100 (100 + 1), and 1 - a / 10 m
    inverse = np.round(a / card("32FC1") + b).astype(np.uint16)
    inverse[0, :5] = 0
    found = metres(SimpleNamespace(format="32FC1; compressedDepth png", data=packed(inverse, (a, b))))
    assert np.isnan(found[0, :5]).all()
    assert found[1:] == pytest.approx(card("32FC1")[1:], rel=1e-3)


@pytest.mark.parametrize("data", [b"", b"123", bytes(40), packed(np.zeros((4, 4), np.uint8))])
def test_compressed_depth_that_is_none(data):
    with pytest.raises(SpaceError, match="cannot be decoded"):
        depth_from(SimpleNamespace(format="16UC1; compressedDepth png", data=data))


def test_compressed_depth_that_promises_too_much_is_not_decoded():
    file = bytearray(packed(np.zeros((1, 30_000), np.uint16)))
    head = slice(CONFIG + 12, CONFIG + 29)  # the first chunk's name and content, then its checksum
    file[CONFIG + 20 : CONFIG + 24] = (30_000).to_bytes(4, "big")  # rows
    file[CONFIG + 29 : CONFIG + 33] = zlib.crc32(file[head]).to_bytes(4, "big")
    with pytest.raises(SpaceError, match="compressed depth is not unpacked: an image"):
        depth_from(SimpleNamespace(format="16UC1; compressedDepth png", data=bytes(file)))


def test_what_compressed_depth_may_have_of_pixels_is_the_users_to_say():
    message = SimpleNamespace(format="16UC1; compressedDepth png", data=packed(card()))
    assert depth_from(message, WIDTH * HEIGHT).size == (WIDTH, HEIGHT)
    with pytest.raises(SpaceError, match=rf"has {WIDTH}x{HEIGHT} pixels, more than max_image_pixels \(4,799\) allows"):
        depth_from(message, WIDTH * HEIGHT - 1)


def test_rvl_is_refused_with_the_remedy():
    with pytest.raises(SpaceError, match="set the publisher's compressedDepth format to png"):
        depth_from(SimpleNamespace(format="16UC1; compressedDepth rvl", data=bytes(99)))


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
