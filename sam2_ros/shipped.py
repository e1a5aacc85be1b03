"""Weights that come with the package."""

from pathlib import Path

_FOLDER = Path(__file__).parent / "weights"
SHIPPED = {"nano": _FOLDER / "nano.safetensors"}  # by full name of the model; the model card lies beside it
