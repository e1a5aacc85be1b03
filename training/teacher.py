"""A larger network that a smaller one learns from: places that look alike to the teacher shall to the student."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_ros.model.checkpoint import load_model
from sam2_ros.model.config import get_config
from sam2_ros.tracking.preprocess import normalise

from .config import TeacherConfig, TrainingError


class Teacher:
    """Compares the features of two image encoders.

    Their numbers of channels differ, so it compares not the features but how alike any two places of a picture are in
    them, after Tung and Mori, Similarity-Preserving Knowledge Distillation, arXiv:1907.09682. It needs no labels and
    adds no weights.
    """

    def __init__(self, config: TeacherConfig, device: str) -> None:
        """Raises TrainingError, CheckpointError."""
        try:
            shape = get_config(config.model)
        except ValueError as error:
            raise TrainingError(f"the teacher: {error}") from None
        self._network = load_model(shape, Path(config.checkpoint).expanduser(), torch.device(device), torch.float32)
        self._weight = config.weight

    def loss(self, images: Tensor, features: Tensor) -> Tensor:
        """How far the student is off, weighted: images (B, 3, S, S) uint8 and its features of them (B, C, f, f)."""
        with torch.no_grad():
            size = self._network.config.image_size
            pixels = F.interpolate(
                normalise(images, self._network.dtype), (size, size), mode="bilinear", antialias=True
            )
            seen = self._network.encode_image(pixels).features
            seen = F.interpolate(seen, features.shape[-2:], mode="bilinear", antialias=True)
        return self._weight * F.mse_loss(likeness(features), likeness(seen))


def likeness(features: Tensor) -> Tensor:
    """(B, C, f, f) to (B, f*f, f*f) cosines between places, from -1 to 1; what all places share is taken away first."""
    places = features.float().flatten(2)
    places = F.normalize(places - places.mean(dim=2, keepdim=True), dim=1)
    return places.transpose(1, 2) @ places
