"""Messages about space, rclpy's or those read from a bag, to depth images, camera models and transforms."""

import sys
from typing import Any

import cv2
import numpy as np

from ..errors import ImageError, SpaceError, quoted
from ..space.camera import PinholeCamera
from ..space.depth import DepthImage
from ..space.transform import Transform, rotation_of
from .picture_size import picture_size
from .pixels import MAX_PIXELS, check_size, plane
from .rvl import from_rvl, rvl_size

# REP 118; mono16 is what some drivers call it.
DEPTH_TYPES = {"16UC1": "u2", "mono16": "u2", "32FC1": "f4"}
# compressed_depth_image_transport: an int32, two float32 with which inverse depths were made integers, then the file.
CONFIG = 12
# Such an integer for what was no depth; and that of what is nearer than the quantisation can say, among it depths of
# zero, of which some processors make it.
NO_INVERSE, TOO_NEAR = 0, 65535
BENT_BY = {"plumb_bob": 5, "rational_polynomial": 14, "equidistant": 4}  # distortion model: most coefficients


def depth_from(message: Any, max_pixels: int = MAX_PIXELS) -> DepthImage:
    """Depth of a sensor_msgs/Image, or of a CompressedImage of image_transport's compressedDepth (png or rvl).

    Shares the message's memory where it can. Raises SpaceError, also for a file of more than ``max_pixels``.
    """
    if hasattr(message, "format"):
        return DepthImage(_decompressed(message, max_pixels))
    kind = DEPTH_TYPES.get(message.encoding)
    if kind is None:
        raise SpaceError(
            f"a depth image has the encoding {quoted(message.encoding)}; depth is 16UC1 in millimetres or 32FC1 in "
            "metres: is it the right topic?"
        )
    try:
        plane(message, channels=int(kind[1]))
    except ImageError as error:
        raise SpaceError(f"a depth image cannot be read: {error}") from error
    order = ">" if message.is_bigendian else "<"
    height, width, step = int(message.height), int(message.width), int(message.step)
    values: np.ndarray = np.ndarray(
        (height, width), f"{order}{kind}", memoryview(message.data), strides=(step, int(kind[1]))
    )
    return DepthImage(values if message.is_bigendian == (sys.byteorder == "big") else values.astype(kind))


def _decompressed(message: Any, max_pixels: int) -> np.ndarray:
    """(H, W) uint16 in millimetres or float32 in metres."""
    text = message.format.lower()
    data = np.frombuffer(message.data, dtype=np.uint8)
    values = _unpacked(data[CONFIG:], "rvl" in text, max_pixels)
    if values is None or values.dtype != np.uint16 or values.ndim != 2:
        raise SpaceError(
            f"compressed depth of format {quoted(message.format)} with {len(data)} bytes cannot be decoded; it is "
            "damaged, or neither png nor rvl of image_transport's compressedDepth"
        )
    if "32fc1" not in text:
        return values
    scale, offset = data[4:CONFIG].view("<f4").tolist()
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        metres = np.float32(scale) / (values.astype(np.float32) - np.float32(offset))
    return np.where((values == NO_INVERSE) | (values == TOO_NEAR), np.float32(np.nan), metres)


def _unpacked(file: np.ndarray, rvl: bool, max_pixels: int) -> np.ndarray | None:
    """The pixels of a png or rvl (N,) uint8; None of a damaged one. Raises SpaceError for more than ``max_pixels``."""
    try:
        size = rvl_size(file) if rvl else picture_size(file)
        if size is not None:
            check_size(*size, max_pixels)
    except ImageError as error:
        raise SpaceError(f"compressed depth is not unpacked: {error}") from error
    if size is None:
        return None
    if rvl:
        return from_rvl(file)
    try:
        return cv2.imdecode(file, cv2.IMREAD_UNCHANGED)
    except cv2.error:  # a damaged file
        return None


def camera_from(message: Any, rectified: bool) -> PinholeCamera:
    """The camera model of a sensor_msgs/CameraInfo for the image that it describes, region and binning included.

    ``rectified``: P without distortion instead of K with it. Raises SpaceError.
    """
    k, p = (np.array(values, dtype=np.float64) for values in (message.k, message.p))
    fx, fy, cx, cy = (p[[0, 5, 2, 6]] if rectified and p[0] else k[[0, 4, 2, 5]]).tolist()
    if not (_is_likely(fx, cx, message.width) and _is_likely(fy, cy, message.height)):
        raise SpaceError(
            f"camera_info has a focal length of {fx:g}, {fy:g} and a principal point of {cx:g}, {cy:g} for "
            f"{message.width}x{message.height} pixels: the camera is not calibrated, or its driver does not say so; "
            "calibrate it"
        )
    roi = message.roi
    width, height = (roi.width or message.width), (roi.height or message.height)
    x, y = max(1, message.binning_x), max(1, message.binning_y)
    distortion = () if rectified else _distortion(message)
    return PinholeCamera(
        width=int(width // x),
        height=int(height // y),
        fx=fx / x,
        fy=fy / y,
        cx=(cx - roi.x_offset + 0.5) / x - 0.5,
        cy=(cy - roi.y_offset + 0.5) / y - 0.5,
        distortion=distortion,
        fisheye=bool(distortion) and message.distortion_model == "equidistant",
    )


def _is_likely(focal: float, principal: float, size: int) -> bool:
    """Whether a camera may have these: views from half a degree to nearly all of what is before it."""
    return size / 100 < focal < size * 100 and abs(principal) < size * 10


def _distortion(message: Any) -> tuple[float, ...]:
    """The coefficients in OpenCV's order; none when all are zero. Raises SpaceError."""
    values = tuple(float(value) for value in message.d)
    if not any(values):
        return ()
    model = message.distortion_model
    if model not in BENT_BY or len(values) > BENT_BY[model] or not np.isfinite(values).all():
        raise SpaceError(
            f"camera_info has {len(values)} coefficients of the distortion model {quoted(model)}, which cannot be "
            f"taken out; known are {', '.join(BENT_BY)}; rectify image and depth, and set image_rectified to yes"
        )
    return values


def transform_from(message: Any) -> Transform:
    """The transform of a geometry_msgs/Transform."""
    t, q = message.translation, message.rotation
    return Transform(rotation_of(np.array((q.x, q.y, q.z, q.w))), np.array((t.x, t.y, t.z)))
