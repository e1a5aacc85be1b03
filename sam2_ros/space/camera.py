"""The pinhole camera: from pixels with a depth to points, and back."""

import functools
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..errors import SpaceError

SAME_SHAPE = 0.02  # by which the ratio of width and height of two images of one view may differ


@dataclass(frozen=True, slots=True)
class PinholeCamera:
    """Intrinsics for images of one size, in pixels; (0, 0) is the middle of the top-left pixel.

    Points are in the optical frame of REP 103: x right, y down, z forward, metres.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = ()  # in OpenCV's order, empty: none
    fisheye: bool = False  # the distortion is that of cv2.fisheye (equidistant), four values

    @property
    def matrix(self) -> np.ndarray:
        """K, (3, 3) float64."""
        return np.array([(self.fx, 0, self.cx), (0, self.fy, self.cy), (0, 0, 1)], dtype=np.float64)

    def resized(self, width: int, height: int) -> "PinholeCamera":
        """The same view in images of another size. Raises SpaceError when their shape is another one."""
        if (width, height) == (self.width, self.height):
            return self
        x, y = width / self.width, height / self.height
        if abs(x / y - 1) > SAME_SHAPE:
            raise SpaceError(
                f"camera_info is for {self.width}x{self.height} pixels, which is not the shape of {width}x{height}: "
                "they show different fields of view; use the camera_info and the depth of the image that is tracked"
            )
        return replace(
            self,
            width=width,
            height=height,
            fx=self.fx * x,
            fy=self.fy * y,
            cx=(self.cx + 0.5) * x - 0.5,
            cy=(self.cy + 0.5) * y - 0.5,
        )

    def rays(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """(N, 2) float32 x / z and y / z of what is seen in pixels (N,) rows and (N,) columns."""
        if self.distortion:
            straight: np.ndarray = _undistorted(self)[rows, columns]
            return straight
        rays = np.empty((len(rows), 2), dtype=np.float32)
        np.multiply(columns - np.float32(self.cx), np.float32(1 / self.fx), out=rays[:, 0])
        np.multiply(rows - np.float32(self.cy), np.float32(1 / self.fy), out=rays[:, 1])
        return rays

    def points(self, rows: np.ndarray, columns: np.ndarray, depths: np.ndarray) -> np.ndarray:
        """(N, 3) float32 points of pixels (N,), (N,) with their depths (N,), which are z of REP 118, metres."""
        points = np.empty((len(rows), 3), dtype=np.float32)
        np.multiply(self.rays(rows, columns), depths[:, None], out=points[:, :2])
        points[:, 2] = depths
        return points

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """(N, 2) x, y in pixels of points (N, 3) in front of the camera, metres."""
        if not self.distortion:
            flat = points[:, :2] / points[:, 2:]
            return np.asarray(flat * (self.fx, self.fy) + (self.cx, self.cy))
        project = cv2.fisheye.projectPoints if self.fisheye else cv2.projectPoints
        zero, distortion = np.zeros(3), np.array(self.distortion)
        pixels, _ = project(points.reshape(-1, 1, 3).astype(np.float64), zero, zero, self.matrix, distortion)
        return np.asarray(pixels.reshape(-1, 2))


@functools.lru_cache(maxsize=2)
def _undistorted(camera: PinholeCamera) -> np.ndarray:
    """(H, W, 2) float32: the ray of every pixel. Once for a camera: of one image it would take too long."""
    rows, columns = np.mgrid[: camera.height, : camera.width]
    pixels = np.stack((columns, rows), axis=-1).reshape(-1, 1, 2).astype(np.float64)
    undistort = cv2.fisheye.undistortPoints if camera.fisheye else cv2.undistortPoints
    rays = undistort(pixels, camera.matrix, np.array(camera.distortion, dtype=np.float64))
    return np.asarray(rays.reshape(camera.height, camera.width, 2), dtype=np.float32)
