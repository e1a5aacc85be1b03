"""Rigid transforms: points, covariances and turns from one frame to another."""

from dataclasses import dataclass

import numpy as np

NS_PER_S = 1_000_000_000
LEAST_LENGTH = 1e-6  # of a quaternion; shorter ones say nothing of a turn


@dataclass(frozen=True, slots=True, eq=False)
class Transform:
    """Takes what is said in a source frame to a target frame: p_target = rotation @ p_source + translation."""

    rotation: np.ndarray  # (3, 3) float64, orthonormal
    translation: np.ndarray  # (3,) float64, metres

    def points(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) points in the source frame to (..., 3) in the target frame, metres."""
        moved: np.ndarray = points @ self.rotation.T + self.translation
        return moved

    def covariance(self, covariance: np.ndarray) -> np.ndarray:
        """(3, 3) covariance of a point in the source frame to the target frame's axes, square metres."""
        turned: np.ndarray = self.rotation @ covariance @ self.rotation.T
        return turned

    def after(self, first: "Transform") -> "Transform":
        """First that one, then this one."""
        return Transform(self.rotation @ first.rotation, self.points(first.translation))

    def inverse(self) -> "Transform":
        """From the target frame back to the source frame."""
        return Transform(self.rotation.T, -self.rotation.T @ self.translation)


IDENTITY = Transform(np.eye(3), np.zeros(3))


def rotation_of(quaternion: np.ndarray) -> np.ndarray:
    """(3, 3) of a quaternion (x, y, z, w), of any length but none; the identity of one that is all zero."""
    length = float(np.sqrt((quaternion**2).sum()))
    if not length > LEAST_LENGTH:
        return np.eye(3)
    x, y, z, w = (quaternion / length).tolist()
    return np.array(
        [
            (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
            (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
            (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
        ]
    )


def quaternion_of(rotation: np.ndarray) -> np.ndarray:
    """(4,) x, y, z, w of length 1, w not negative, of a rotation (3, 3).

    From the largest of the four components, which is never near zero (Shepperd, J. Guidance and Control 1978).
    """
    m = rotation
    trace = m[0, 0] + m[1, 1] + m[2, 2]
    squares = np.array([m[0, 0], m[1, 1], m[2, 2], trace]) * 2 + 1 - trace  # four times each squared
    x, y, z = m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]
    xy, xz, yz = m[0, 1] + m[1, 0], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1]
    rows = ((squares[0], xy, xz, x), (xy, squares[1], yz, y), (xz, yz, squares[2], z), (x, y, z, squares[3]))
    quaternion = np.array(rows[int(squares.argmax())])
    quaternion /= np.sqrt((quaternion**2).sum())
    return np.asarray(-quaternion if quaternion[3] < 0 else quaternion)


def between(first: Transform, second: Transform, share: float) -> Transform:
    """The pose a share (0 to 1) of the way from one to the other: positions evenly, turns along the shortest arc.

    As tf2 interpolates: linear, and spherical linear of the quaternions.
    """
    a, b = quaternion_of(first.rotation), quaternion_of(second.rotation)
    cosine = float(a @ b)
    if cosine < 0:
        b, cosine = -b, -cosine
    angle = np.arccos(min(cosine, 1.0))
    if angle > LEAST_LENGTH:
        a, b = a * np.sin((1 - share) * angle) / np.sin(angle), b * np.sin(share * angle) / np.sin(angle)
    else:
        a, b = a * (1 - share), b * share
    translation = first.translation + (second.translation - first.translation) * share
    return Transform(rotation_of(a + b), translation)
