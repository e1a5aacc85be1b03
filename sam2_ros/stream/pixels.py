"""Image messages, rclpy's or those read from a bag, to RGB pixels."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ..config import InputConfig
from ..errors import ImageError, quoted
from .picture_size import picture_size


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the bytes of one pixel become red, green and blue."""

    channels: int  # bytes per pixel
    conversion: int | None  # cv2.cvtColor code to RGB; None: it is RGB
    colour_rows: bool = False  # below the rows of brightness there are half as many of colours, each for 2x2 pixels

    @property
    def block(self) -> tuple[int, int]:
        """Width and height in pixels of what shares one colour."""
        return (2, 2) if self.colour_rows else (2, 1) if self.channels == 2 else (1, 1)


# OpenCV names a Bayer pattern after the second row's second and third pixel, ROS after the first two of both rows.
ENCODINGS = {
    "rgb8": Encoding(3, None),
    "bgr8": Encoding(3, cv2.COLOR_BGR2RGB),
    "rgba8": Encoding(4, cv2.COLOR_RGBA2RGB),
    "bgra8": Encoding(4, cv2.COLOR_BGRA2RGB),
    "mono8": Encoding(1, cv2.COLOR_GRAY2RGB),
    "8UC1": Encoding(1, cv2.COLOR_GRAY2RGB),
    "8UC3": Encoding(3, cv2.COLOR_BGR2RGB),  # nameless colours are BGR for cv_bridge
    "8UC4": Encoding(4, cv2.COLOR_BGRA2RGB),
    "yuv422": Encoding(2, cv2.COLOR_YUV2RGB_UYVY),
    "uyvy": Encoding(2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422_yuy2": Encoding(2, cv2.COLOR_YUV2RGB_YUYV),
    "yuyv": Encoding(2, cv2.COLOR_YUV2RGB_YUYV),
    "nv12": Encoding(1, cv2.COLOR_YUV2RGB_NV12, colour_rows=True),
    "nv21": Encoding(1, cv2.COLOR_YUV2RGB_NV21, colour_rows=True),
    "bayer_rggb8": Encoding(1, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr8": Encoding(1, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg8": Encoding(1, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg8": Encoding(1, cv2.COLOR_BayerGB2RGB),
}
JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
MAX_PIXELS = InputConfig().max_image_pixels
MASK_ENCODINGS = ("mono8", "8UC1")

_MEASUREMENTS = ("mono16", "16UC1", "16SC1", "32FC1", "64FC1")
_SIXTEEN_BITS = ("rgb16", "bgr16", "rgba16", "bgra16", "bayer_rggb16", "bayer_bggr16", "bayer_gbrg16", "bayer_grbg16")

_PLUGINS = {"zstd": "zstd_image_transport", "theora": "theora_image_transport"} | dict.fromkeys(
    ("h264", "h.264", "avc", "h265", "h.265", "hevc", "av1", "vp9"), "ffmpeg_image_transport"
)

# As image_transport reads it: turned by no EXIF tag, so that pixels stay those of the camera's calibration.
_DECODE = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION


def to_rgb(message: Any, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """RGB pixels (H, W, 3) uint8 of a sensor_msgs Image or CompressedImage, told apart by their fields.

    The array may share the message's memory: do not write to it. Raises ImageError.
    """
    if hasattr(message, "encoding"):
        return image_to_rgb(message, max_pixels)
    if hasattr(message, "format"):
        return compressed_to_rgb(message, max_pixels)
    raise ImageError(
        f"a message of type {type(message).__name__} holds no picture; give a sensor_msgs Image or CompressedImage"
    )


def image_to_rgb(message: Any, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """RGB pixels (H, W, 3) uint8 of a sensor_msgs/Image of one of the `ENCODINGS`.

    Of rgb8 it is a view of the message's data, its rows apart by ``step`` bytes: do not write to it. Raises ImageError.
    """
    encoding = ENCODINGS.get(message.encoding)
    if encoding is None:
        raise _refusal(message.encoding)
    pixels = _checked_plane(message, encoding, max_pixels)
    return pixels if encoding.conversion is None else cv2.cvtColor(pixels, encoding.conversion)


def is_wrong(message: Any, max_pixels: int = MAX_PIXELS) -> bool:
    """Whether `image_to_rgb` refuses this sensor_msgs/Image, found without converting it."""
    try:
        _checked_plane(message, ENCODINGS[message.encoding], max_pixels)
    except (KeyError, ImageError):
        return True
    return False


def _checked_plane(message: Any, encoding: Encoding, max_pixels: int) -> np.ndarray:
    check_size(int(message.width), int(message.height), max_pixels)
    width, height = encoding.block
    if message.width % width or message.height % height:
        raise ImageError(
            f"a {message.encoding} image is {message.width}x{message.height} pixels, but {width}x{height} neighbours "
            f"share one colour; set the camera to an even {'width and height' if height > 1 else 'width'}"
        )
    return plane(message, encoding.channels, message.height * 3 // 2 if encoding.colour_rows else message.height)


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raise ImageError when an image of so many pixels is not to be decoded."""
    if width * height > max_pixels:
        raise ImageError(
            f"an image has {width}x{height} pixels, more than max_image_pixels ({max_pixels:,}) allows, and is not "
            "decoded; raise it, or set the camera to a smaller size"
        )


def plane(message: Any, channels: int, rows: int | None = None) -> np.ndarray:
    """The pixels of a sensor_msgs/Image, a view of its data without the padding of the rows.

    (H, W) uint8 of one channel, (H, W, channels) of more; ``rows``: how many H is, by default the image's height.
    Raises ImageError when size, step and data disagree.
    """
    height, width, step = int(message.height), int(message.width), int(message.step)
    if height < 1 or width < 1:
        raise ImageError(f"an image is {width}x{height} pixels and so empty; check that the camera sends pictures")
    height = height if rows is None else int(rows)
    if step < width * channels:
        raise ImageError(
            f"an image has a step of {step} bytes, but a row of {width} {message.encoding} pixels needs "
            f"{width * channels}; correct the step in the node that sends it"
        )
    if len(message.data) < step * height:
        raise ImageError(
            f"an image has {len(message.data)} bytes of data, but {height} rows of {step} bytes need {step * height}; "
            "correct height, step or data in the node that sends it"
        )
    lines = np.frombuffer(message.data, dtype=np.uint8, count=step * height).reshape(height, step)
    pixels = lines[:, : width * channels]
    return pixels if channels == 1 else pixels.reshape(height, width, channels)


def compressed_to_rgb(message: Any, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """RGB pixels (H, W, 3) uint8 of a sensor_msgs/CompressedImage, whatever 8-bit file OpenCV reads: jpeg, png, webp.

    What the file says of itself counts, not ``format``. Raises ImageError.
    """
    name = quoted(message.format)
    if "compresseddepth" in message.format.lower():
        raise ImageError(
            f"a compressed image of format {name} holds depth, in which the network sees nothing; "
            "give the colour camera's topic"
        )
    if not len(message.data):
        raise ImageError(f"a compressed image of format {name} has no data; check the node that sends it")
    data = np.frombuffer(message.data, dtype=np.uint8)
    size = picture_size(data)
    if size is not None:
        check_size(*size, max_pixels)
    decoded = None if size is None else _decode(data)
    if decoded is None and (plugin := _plugin(message.format)):
        raise ImageError(
            f"a compressed image of format {name} is of the image_transport plugin {plugin}, which alone "
            "can unpack it: give the raw image's topic, or jpeg or png; `ros2 run image_transport republish` makes one "
            "of the other"
        )
    if decoded is None:
        raise ImageError(
            f"a compressed image of format {name} with {len(message.data)} bytes cannot be decoded; "
            "it is damaged or no picture file: send jpeg or png"
        )
    if decoded.dtype != np.uint8:
        raise ImageError(
            f"a compressed image of format {name} has {decoded.dtype.itemsize * 8} bits per channel, as "
            "depth and thermal cameras send; give the colour camera's topic or 8 bits per channel"
        )
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB, dst=decoded)


def _decode(data: np.ndarray) -> np.ndarray | None:
    # OpenCV before 5 makes the missing part of a jpeg grey without a word; only a whole one has an end marker.
    file = data.tobytes()
    if file.startswith(JPEG_START) and JPEG_END not in file:
        return None
    try:
        return cv2.imdecode(data, _DECODE)
    except cv2.error:  # for instance a header that promises more pixels than OpenCV allows
        return None


def _plugin(name: str) -> str | None:
    """The image_transport plugin that packs a CompressedImage's format so that only it can unpack it."""
    return next((plugin for part, plugin in _PLUGINS.items() if part in name.lower()), None)


def _refusal(encoding: str) -> ImageError:
    name = quoted(encoding)
    if encoding in _MEASUREMENTS:
        return ImageError(
            f"an image of encoding {name} holds depth or heat, in which the network sees nothing; "
            "give the colour image, or scale it to mono8 first"
        )
    if encoding in _SIXTEEN_BITS:
        return ImageError(
            f"an image of encoding {name} has 16 bits per channel; set the camera to 8 bits, or convert it first"
        )
    return ImageError(f"an image has the unknown encoding {name}; use one of {', '.join(ENCODINGS)}")
