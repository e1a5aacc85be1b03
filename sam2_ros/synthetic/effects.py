"""What light, lens and sensor do to the whole picture."""

from dataclasses import dataclass

import cv2
import numpy as np

from .chance import Stream, Wave, draw_wave, generator
from .settings import SceneSettings

SPARE = 64  # pixels by which the sheet of noise is larger than the picture
BRIGHT_NOISE = 0.8  # how much stronger noise is in white than in black, of its strength


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """Light that changes over time and across the picture."""

    strength: float
    lens: np.ndarray  # (H, W) float32, what passes the lens
    wave: Wave  # brightness, red, blue, slope right, slope down
    slope: np.ndarray  # (2,) at the beginning

    def apply(self, canvas: np.ndarray, time: float) -> np.ndarray:
        """A picture (H, W, 3) uint8 in this light, float32."""
        wave = self.wave.at(time)
        height, width = self.lens.shape
        gain = np.exp(self.strength * (0.7 * wave[0] + 0.2 * np.array([wave[1], 0, wave[2]]))).astype(np.float32)
        right, down = self.strength * (self.slope + 0.7 * wave[3:5])
        x = (right * np.linspace(-1, 1, width)).astype(np.float32)
        y = (down * np.linspace(-1, 1, height)).astype(np.float32)
        field = self.lens * (1 + x[None, :] + y[:, None])
        light = cv2.merge([field * channel for channel in gain])
        return np.asarray(cv2.multiply(canvas, light, dtype=cv2.CV_32F))


class Sensor:
    """Noise, other in every frame."""

    def __init__(self, seed: int, settings: SceneSettings) -> None:
        self._rng = generator(seed, Stream.NOISE)
        self._size = (settings.height, settings.width)
        # A piece of one large sheet, turned over at random, looks as new as fresh noise and takes no time.
        sheet = self._rng.standard_normal((settings.height + SPARE, settings.width + SPARE, 3), dtype=np.float32)
        self._sheet = sheet * np.float32(settings.noise)

    def expose(self, light: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 of light (H, W, 3) float32, 0 to 255."""
        top, left = self._rng.integers(0, SPARE, 2)
        flip_y, flip_x = self._rng.choice((-1, 1), 2)
        height, width = self._size
        grain = self._sheet[top : top + height, left : left + width][::flip_y, ::flip_x]
        # Photons come at random, so there is more noise where it is bright.
        noisy = light * np.float32(BRIGHT_NOISE / 255)
        noisy += np.float32(1 - BRIGHT_NOISE / 2)
        noisy *= grain
        noisy += light
        noisy += np.float32(0.5)
        return np.clip(noisy, 0, 255, out=noisy).astype(np.uint8)


def draw_light(rng: np.random.Generator, settings: SceneSettings) -> Light:
    """Random light as restless as the settings say."""
    x, y = np.linspace(-1, 1, settings.width)[None, :], np.linspace(-1, 1, settings.height)[:, None]
    lens = 1 - settings.vignette * rng.uniform(0.3, 1.0) * np.clip((x * x + y * y) / 2, 0, 1) ** 1.2
    return Light(settings.light, lens.astype(np.float32), draw_wave(rng, 5, 25, 120), rng.uniform(-1, 1, 2))
