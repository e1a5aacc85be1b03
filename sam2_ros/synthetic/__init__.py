"""Made-up videos with ground truth: for training, tests and demonstrations. ``scene(seed, settings)`` is the way in."""

from .frame import SceneFrame, visible_pixels
from .scene import scene
from .settings import DIFFICULTIES, TROUBLES, SceneSettings, changed, settings_for

__all__ = [
    "DIFFICULTIES",
    "TROUBLES",
    "SceneFrame",
    "SceneSettings",
    "changed",
    "scene",
    "settings_for",
    "visible_pixels",
]
