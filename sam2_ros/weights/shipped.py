"""Weights that come with the package."""

from pathlib import Path

_FOLDER = Path(__file__).parent
SHIPPED = {"nano": _FOLDER / "nano.safetensors"}  # by full name of the model; the model card lies beside it

ABOUT_NANO = "for a first look, tests and slow machines; it is small, so take tiny or larger for real work"
