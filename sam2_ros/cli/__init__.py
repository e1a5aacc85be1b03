"""The command ``sam2-ros``: one file for each of its commands, with its options. Needs no ROS."""

from .main import main

__all__ = ["main"]
