"""A constant-velocity Kalman filter over a box, with SAMURAI's noise (arXiv:2411.11922).

Its state is centre x, centre y, aspect (width / height) and height, in pixels, and their velocities. All its noise is
diagonal, so that it is four filters of a value and its velocity each; they are kept side by side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

Four = tuple[float, float, float, float]
Box = tuple[float, float, float, float]  # x_min, y_min, x_end, y_end in pixels

POSITION, VELOCITY = 1 / 20, 1 / 160  # of the height: standard deviations
ASPECT, ASPECT_VELOCITY, ASPECT_MEASURED = 1e-2, 1e-5, 1e-1


@dataclass(frozen=True, slots=True)
class Kalman:
    """Means and covariances of the four values and of their velocities per frame."""

    value: Four
    velocity: Four
    variance: Four  # of the value
    covariance: Four  # of value and velocity
    velocity_variance: Four

    @classmethod
    def started(cls, box: Box) -> "Kalman":
        """At a box, standing still."""
        measured = values_of(box)
        height = measured[3]
        return cls(
            value=measured,
            velocity=(0.0, 0.0, 0.0, 0.0),
            variance=_squares(2 * POSITION * height, ASPECT),
            covariance=(0.0, 0.0, 0.0, 0.0),
            velocity_variance=_squares(10 * VELOCITY * height, ASPECT_VELOCITY),
        )

    def predicted(self, frames: float) -> "Kalman":
        """After so many frames; the noise of each adds up."""
        height = self.value[3]
        noise, drift = _squares(POSITION * height, ASPECT), _squares(VELOCITY * height, ASPECT_VELOCITY)
        return Kalman(
            value=_four(x + frames * v for x, v in zip(self.value, self.velocity, strict=True)),
            velocity=self.velocity,
            variance=_four(
                p + 2 * frames * c + frames**2 * w + frames * q
                for p, c, w, q in zip(self.variance, self.covariance, self.velocity_variance, noise, strict=True)
            ),
            covariance=_four(c + frames * w for c, w in zip(self.covariance, self.velocity_variance, strict=True)),
            velocity_variance=_four(w + frames * q for w, q in zip(self.velocity_variance, drift, strict=True)),
        )

    def updated(self, box: Box) -> "Kalman":
        """With a box that was seen."""
        spread = _squares(POSITION * self.value[3], ASPECT_MEASURED)
        total = [p + r for p, r in zip(self.variance, spread, strict=True)]
        gain = [p / s for p, s in zip(self.variance, total, strict=True)]
        turn = [c / s for c, s in zip(self.covariance, total, strict=True)]
        off = [z - x for z, x in zip(values_of(box), self.value, strict=True)]
        return Kalman(
            value=_four(x + k * d for x, k, d in zip(self.value, gain, off, strict=True)),
            velocity=_four(v + k * d for v, k, d in zip(self.velocity, turn, off, strict=True)),
            variance=_four((1 - k) * p for k, p in zip(gain, self.variance, strict=True)),
            covariance=_four((1 - k) * c for k, c in zip(gain, self.covariance, strict=True)),
            velocity_variance=_four(
                w - k * c for w, k, c in zip(self.velocity_variance, turn, self.covariance, strict=True)
            ),
        )

    def rescaled(self, across: float, down: float) -> "Kalman":
        """In an image that is so much wider and taller."""
        scale = (across, down, across / down, down)

        def times(values: Four, power: int) -> Four:
            return _four(value * s**power for value, s in zip(values, scale, strict=True))

        return Kalman(
            value=times(self.value, 1),
            velocity=times(self.velocity, 1),
            variance=times(self.variance, 2),
            covariance=times(self.covariance, 2),
            velocity_variance=times(self.velocity_variance, 2),
        )

    @property
    def box(self) -> Box:
        """The one that is expected, a pixel large at least."""
        x, y, aspect, tall = self.value
        height = max(1.0, tall)
        width = max(1.0, aspect * height)
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def values_of(box: Box) -> Four:
    """Centre, aspect and height; a height of 0 counts as 1."""
    x_min, y_min, x_end, y_end = box
    height = (y_end - y_min) or 1.0
    return (x_min + x_end) / 2, (y_min + y_end) / 2, (x_end - x_min) / height, height


def _squares(size: float, aspect: float) -> Four:
    """Variances of standard deviations: one for both places and the height, one for the aspect."""
    return size**2, size**2, aspect**2, size**2


def _four(values: object) -> Four:
    return cast(Four, tuple(cast(Sequence[float], values)))
