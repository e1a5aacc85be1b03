"""Pixels of image messages, raw and compressed, against references by hand and rosbags-image."""

import array
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
from rosbags.image import message_to_cvimage

from helpers.wire import HEADER, HEIGHT, PADDINGS, TYPES, WIDTH, kind, make_image, random_pixels
from sam2_ros.errors import ImageError
from sam2_ros.stream.pixels import ENCODINGS, compressed_to_rgb, image_to_rgb, to_rgb

BAYER = [name for name in ENCODINGS if name.startswith("bayer_")]
UYVY, YUYV = ("yuv422", "uyvy"), ("yuv422_yuy2", "yuyv")


def rows_of(encoding: str) -> np.ndarray:
    """All rows of an image (HEIGHT, WIDTH) of an encoding, those of colours too."""
    pixels = random_pixels(ENCODINGS[encoding].channels)
    return np.concatenate((pixels, pixels[::2, ::-1])) if ENCODINGS[encoding].colour_rows else pixels


def yuv_to_rgb(y: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """BT.601, video range: 16 and all below is black."""
    luma, blue, red = 1.164 * (np.maximum(y, 16) - 16.0), u - 128.0, v - 128.0
    rgb = np.stack((luma + 1.596 * red, luma - 0.813 * red - 0.391 * blue, luma + 2.018 * blue), axis=-1)
    return np.clip(np.rint(rgb), 0, 255)


# --- raw -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(
    ("encoding", "order"),
    [
        ("rgb8", (0, 1, 2)),
        ("bgr8", (2, 1, 0)),
        ("8UC3", (2, 1, 0)),
        ("rgba8", (0, 1, 2)),
        ("bgra8", (2, 1, 0)),
        ("8UC4", (2, 1, 0)),
    ],
)
def test_colour(encoding: str, order: tuple[int, ...], padding: int) -> None:
    pixels = random_pixels(4 if "a8" in encoding or "C4" in encoding else 3)
    assert np.array_equal(image_to_rgb(make_image(encoding, pixels, padding)), pixels[..., order])


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("encoding", ["mono8", "8UC1"])
def test_grey(encoding: str, padding: int) -> None:
    pixels = random_pixels(1)
    assert np.array_equal(image_to_rgb(make_image(encoding, pixels, padding)), np.stack((pixels,) * 3, axis=-1))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("encoding", [*UYVY, *YUYV])
def test_yuv(encoding: str, padding: int) -> None:
    pixels = random_pixels(2)
    luma, chroma = (1, 0) if encoding in UYVY else (0, 1)
    u, v = (pixels[:, start::2, chroma].repeat(2, axis=1) for start in (0, 1))
    expected = yuv_to_rgb(pixels[..., luma], u, v)
    assert np.abs(image_to_rgb(make_image(encoding, pixels, padding)) - expected).max() <= 1


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(("encoding", "blue"), [("nv12", 0), ("nv21", 1)])
def test_yuv_with_colours_of_four_pixels(encoding: str, blue: int, padding: int) -> None:
    pixels = rows_of(encoding)
    colours = pixels[HEIGHT:].reshape(HEIGHT // 2, WIDTH // 2, 2).repeat(2, axis=0).repeat(2, axis=1)
    expected = yuv_to_rgb(pixels[:HEIGHT], colours[..., blue], colours[..., 1 - blue])
    assert np.abs(image_to_rgb(make_image(encoding, pixels, padding, height=HEIGHT)) - expected).max() <= 1


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("encoding", BAYER)
def test_bayer(encoding: str, padding: int) -> None:
    colour = {"r": 200, "g": 90, "b": 30}
    mosaic = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    for index, letter in enumerate(encoding.removeprefix("bayer_").removesuffix("8")):
        mosaic[index // 2 :: 2, index % 2 :: 2] = colour[letter]
    rgb = image_to_rgb(make_image(encoding, mosaic, padding))
    assert rgb.shape == (HEIGHT, WIDTH, 3)
    assert (rgb == tuple(colour.values())).all()


@pytest.mark.parametrize("encoding", [name for name in ENCODINGS if not name.startswith(("8UC", "nv"))])
def test_rosbags_image_agrees(encoding: str) -> None:
    message = make_image(encoding, random_pixels(ENCODINGS[encoding].channels))
    assert np.array_equal(image_to_rgb(message), message_to_cvimage(message, "rgb8"))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_gives_rgb_and_ignores_padding(encoding: str) -> None:
    pixels = rows_of(encoding)
    tight, padded = (image_to_rgb(make_image(encoding, pixels, padding, height=HEIGHT)) for padding in PADDINGS)
    assert tight.shape == (HEIGHT, WIDTH, 3)
    assert tight.dtype == np.uint8
    assert np.array_equal(tight, padded)


def as_array(data: bytes) -> Any:
    return array.array("B", data)


def as_numpy(data: bytes) -> np.ndarray:
    return np.frombuffer(data, dtype=np.uint8)


@pytest.mark.parametrize("container", [bytes, bytearray, memoryview, as_array, as_numpy])
def test_data_types(container: Any) -> None:
    pixels = random_pixels(3)
    assert np.array_equal(image_to_rgb(make_image("rgb8", pixels, data=container(pixels.tobytes()))), pixels)


@pytest.mark.parametrize("padding", PADDINGS)
def test_rgb8_is_not_copied(padding: int) -> None:
    message = make_image("rgb8", random_pixels(3), padding)
    assert np.shares_memory(image_to_rgb(message), message.data)


def test_byte_order_and_trailing_bytes_do_not_matter() -> None:
    pixels = random_pixels(3)
    data = np.append(pixels.reshape(-1), np.zeros(7, dtype=np.uint8))
    assert np.array_equal(image_to_rgb(make_image("rgb8", pixels, data=data, is_bigendian=1)), pixels)


@pytest.mark.parametrize(
    ("encoding", "reason"),
    [
        *[(name, f"'{name}' holds depth or heat.*give the colour image") for name in ("mono16", "16UC1", "32FC1")],
        *[(name, f"'{name}' has 16 bits per channel; set the camera") for name in ("bayer_rggb16", "rgb16")],
        ("nv24", "unknown encoding 'nv24'; use one of rgb8, bgr8, .*bayer_grbg8$"),
        ("", "unknown encoding ''"),
    ],
)
def test_refused_encodings(encoding: str, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        image_to_rgb(make_image(encoding, random_pixels(3)))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"width": 0}, "is 0x6 pixels and so empty"),
        ({"height": 0}, "is 8x0 pixels and so empty"),
        ({"step": 23}, "step of 23 bytes, but a row of 8 rgb8 pixels needs 24"),
        ({"data": np.zeros(143, dtype=np.uint8)}, "143 bytes of data, but 6 rows of 24 bytes need 144"),
        ({"data": b""}, "0 bytes of data"),
    ],
)
def test_refused_sizes(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        image_to_rgb(make_image("rgb8", random_pixels(3), **fields))


@pytest.mark.parametrize("encoding", [*UYVY, *YUYV])
def test_refused_odd_width(encoding: str) -> None:
    with pytest.raises(ImageError, match=f"{encoding} image is 7x6 pixels, but 2x1 neighbours .*even width"):
        image_to_rgb(make_image(encoding, random_pixels(2, width=7)))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"height": 5}, "nv12 image is 8x5 pixels, but 2x2 neighbours .*even width and height"),
        ({"data": np.zeros(48, np.uint8), "height": 6}, "48 bytes of data, but 9 rows of 8 bytes need 72"),
    ],
)
def test_refused_nv12(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        image_to_rgb(make_image("nv12", rows_of("nv12"), **fields))


# --- compressed ------------------------------------------------------------------------------------------------------


def make_compressed(data: Any, name: str = "png") -> Any:
    return kind("sensor_msgs/msg/CompressedImage")(header=HEADER, format=name, data=data)


def encoded(extension: str, pixels: np.ndarray) -> np.ndarray:
    """A file of BGR or grey pixels."""
    file: np.ndarray = cv2.imencode(extension, pixels)[1]
    return file


def test_png_is_exact() -> None:
    rgb = random_pixels(3)
    message = make_compressed(encoded(".png", rgb[..., ::-1]))
    assert np.array_equal(compressed_to_rgb(message), rgb)
    assert np.array_equal(compressed_to_rgb(message), message_to_cvimage(message, "rgb8"))


def test_jpeg_is_close() -> None:
    rgb = np.full((32, 32, 3), (200, 90, 30), dtype=np.uint8)
    decoded = compressed_to_rgb(
        make_compressed(encoded(".jpg", rgb[..., ::-1]).tobytes(), "rgb8; jpeg compressed bgr8")
    )
    assert np.abs(decoded.astype(int) - rgb).max() <= 4


def test_grey_and_transparent_png() -> None:
    grey, bgra = random_pixels(1), random_pixels(4)
    assert np.array_equal(compressed_to_rgb(make_compressed(encoded(".png", grey))), np.stack((grey,) * 3, axis=-1))
    assert np.array_equal(compressed_to_rgb(make_compressed(encoded(".png", bgra))), bgra[..., 2::-1])


JPEG = encoded(".jpg", random_pixels(3))
DEEP = encoded(".png", random_pixels(1).astype(np.uint16) * 200)


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"", "jpeg", "format 'jpeg' has no data"),
        (b"not a picture", "jpeg", "format 'jpeg' with 13 bytes cannot be decoded"),
        (JPEG[: len(JPEG) // 2], "jpeg", "cannot be decoded; it is damaged"),
        (encoded(".png", random_pixels(3))[:60], "png", "cannot be decoded; it is damaged"),
        (JPEG, "16UC1; compressedDepth png", "holds depth.*colour camera"),
        (DEEP, "mono16; png compressed mono16", "has 16 bits per channel"),
        (b"(\xb5/\xfd packed", "zstd", "of the image_transport plugin zstd_image_transport"),
        (b"\0\0\0\1g", "h264", "of the image_transport plugin ffmpeg_image_transport"),
    ],
)
def test_refused_compressed(data: Any, name: str, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        compressed_to_rgb(make_compressed(data, name))


def test_a_file_too_large_for_opencv_is_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise cv2.error("too many pixels")

    monkeypatch.setattr(cv2, "imdecode", refuse)
    with pytest.raises(ImageError, match="cannot be decoded"):
        compressed_to_rgb(make_compressed(JPEG))


# --- large ones ------------------------------------------------------------------------------------------------------


def flat(extension: str, side: int) -> bytes:
    """A picture file of one colour, hundreds of times smaller than its pixels."""
    return encoded(extension, np.zeros((side, side), dtype=np.uint8)).tobytes()


def png_that_promises(width: int, height: int) -> bytes:
    """A PNG file of a few bytes with any size in its header."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return start + struct.pack(">I", 8) + b"IDAT" + bytes(12)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (flat(".jpg", 10_100), r"an image has 10100x10100 pixels, more than max_image_pixels \(50,000,000\) allows"),
        (flat(".png", 8000), "8000x8000 pixels"),
        (flat(".webp", 7200), "7200x7200 pixels"),
        (png_that_promises(60_000, 60_000), "more than 178,956,970 pixels"),
        (png_that_promises(2**31 - 1, 2**31 - 1), "more than 178,956,970 pixels"),
    ],
    ids=["jpeg", "png", "webp", "promises", "promises the most"],
)
def test_a_picture_that_is_too_large_is_refused_before_it_is_decoded(
    data: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(ImageError, match=reason):
        compressed_to_rgb(make_compressed(data))


def test_the_limit_of_pixels_can_be_set_and_holds_for_raw_images() -> None:
    rgb = random_pixels(3)
    height, width = rgb.shape[:2]
    for message in (make_image("rgb8", rgb), make_compressed(JPEG)):
        assert to_rgb(message, height * width).shape == rgb.shape
        with pytest.raises(ImageError, match=f"{width}x{height} pixels, more than max_image_pixels"):
            to_rgb(message, height * width - 1)


def test_every_kind_of_picture_that_opencv_writes_is_still_read() -> None:
    for extension in (".jpg", ".png", ".webp", ".bmp", ".tiff", ".ppm", ".ras"):
        assert compressed_to_rgb(make_compressed(encoded(extension, random_pixels(3)))).shape == random_pixels(3).shape


@pytest.mark.parametrize("text", ["a\nb", "\x1b[31m", "x" * 10_000])
def test_what_others_write_stays_on_its_line_and_short(text: str) -> None:
    """Else a message could write lines of its own into the log."""
    for message in (make_image(text, random_pixels(3)), make_compressed(b"", text), make_compressed(b"?", text)):
        with pytest.raises(ImageError) as refusal:
            to_rgb(message)
        assert str(refusal.value).isprintable()
        assert len(str(refusal.value)) < 400


def test_to_rgb_chooses_by_fields() -> None:
    rgb = random_pixels(3)
    assert np.array_equal(to_rgb(make_image("rgb8", rgb)), rgb)
    assert np.array_equal(to_rgb(make_compressed(encoded(".png", rgb[..., ::-1]))), rgb)
    with pytest.raises(ImageError, match="Time holds no picture"):
        to_rgb(TYPES.Time(sec=0, nanosec=0))
