"""The two convolutions between the trunk and the mask decoder, folded into one."""

import torch

from sam2_ros.model.checkpoint import random_model
from sam2_ros.model.config import get_config


def test_folded_into_one_they_give_the_same_features_and_follow_the_weights_when_unfolded() -> None:
    network = random_model(get_config("toy", 64), dtype=torch.float64)
    pixels = torch.randn(1, 3, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    folded = network.encode_image(pixels)
    network.unfold()
    stepwise = network.encode_image(pixels)
    assert (folded.stride8 - stepwise.stride8).abs().max() < 1e-12
    assert (folded.stride4 - stepwise.stride4).abs().max() < 1e-12
    network.image_encoder.neck.lateral(4).bias.add_(1.0)
    assert not torch.allclose(network.encode_image(pixels).stride4, stepwise.stride4)
