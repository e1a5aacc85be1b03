"""Clips with ground truth composed of cut-outs over photographs. ``collage(seed, pictures, ...)`` is the way in."""

from .clip import collage

__all__ = ["collage"]
