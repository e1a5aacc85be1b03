"""Made-up videos with ground truth: for training, tests and demonstrations. ``scene(seed, settings)`` is the way in."""

from .depth import DepthFrame, depth_frames
from .frame import SceneFrame, visible_pixels
from .scene import scene
from .settings import DIFFICULTIES, TROUBLES, SceneSettings, changed, settings_for

__all__ = [
    "DIFFICULTIES",
    "TROUBLES",
    "DepthFrame",
    "SceneFrame",
    "SceneSettings",
    "changed",
    "depth_frames",
    "scene",
    "settings_for",
    "visible_pixels",
]
