"""Rotary positions: turned by the angles of the table, in every precision, and back again by the gradient."""

import numpy as np
import pytest
import torch

from sam2_ros.model.checkpoint import random_model
from sam2_ros.model.config import get_config
from sam2_ros.model.position import axial_rope, rotate_
from sam2_ros.model.sam2 import PromptTensors

ROPE = axial_rope(16, 3)  # (2, 9, 8)


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float64, 1e-14), (torch.float32, 1e-6), (torch.bfloat16, 5e-2), (torch.float16, 5e-3)],
)
def test_pairs_are_turned_as_planes_are(dtype: torch.dtype, tolerance: float) -> None:
    x = torch.randn(2, 5, 9, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).to(dtype)
    found = rotate_(x.clone(), ROPE.to(dtype))
    assert found.dtype == dtype
    pairs = x.double().numpy().reshape(2, 5, 9, 8, 2)
    angle = np.arctan2(ROPE[1].numpy(), ROPE[0].numpy())
    matrix = np.stack((np.stack((np.cos(angle), -np.sin(angle)), -1), np.stack((np.sin(angle), np.cos(angle)), -1)), -2)
    wanted = np.einsum("tcij,abtcj->abtci", matrix, pairs).reshape(2, 5, 9, 16)
    assert np.abs(found.double().numpy() - wanted).max() < tolerance


def test_views_are_turned_too_and_gradients_come_back() -> None:
    whole = torch.randn(2, 12, 32, dtype=torch.float64, requires_grad=True)
    part = whole[:, 3:, 16:]  # as heads and rotated keys are
    out = rotate_(part * 1, ROPE)
    assert torch.equal(out, rotate_(part.detach().clone(), ROPE))
    out.square().sum().backward()  # a turn keeps lengths, so this is the gradient of the input's own square
    assert whole.grad is not None
    assert torch.allclose(whole.grad[:, 3:, 16:], 2 * part.detach())
    assert not whole.grad[:, :3].any()


def test_a_pooled_token_turns_as_the_middle_of_its_square_would() -> None:
    single, pooled = (torch.atan2(table[1], table[0]) for table in (axial_rope(16, 4), axial_rope(16, 4, pooling=2)))
    corners = single.unflatten(0, (2, 2, 2, 2)).mean(dim=(1, 3)).flatten(0, 1)  # of angles small enough for a mean
    low = slice(1, None)  # the highest frequency turns by more than half a circle
    for axis in (0, 4):
        columns = range(axis, axis + 4)[low]
        assert torch.allclose(pooled[:, columns], corners[:, columns])


def test_half_precision_keeps_the_places_of_prompts() -> None:
    """A point at 501 or 502 is told from one at 500, which bfloat16 itself could not."""
    half = random_model(get_config("toy"), dtype=torch.bfloat16)
    full = random_model(get_config("toy"), dtype=torch.float32)
    points = torch.tensor([[[200.0, 100], [201, 100], [202, 101]]], dtype=half.point_dtype)
    prompts = PromptTensors(points, torch.ones(1, 3, dtype=torch.long))
    found, wanted = (net.sam_prompt_encoder.sparse(prompts.points, prompts.labels) for net in (half, full))
    assert found.dtype == torch.bfloat16
    assert (found - wanted).abs().max() < 0.03  # its own rounding, and that of the embedding that is added


def test_what_is_folded_is_what_would_be_computed_and_follows_the_weights_when_unfolded() -> None:
    network = random_model(get_config("toy", 64))
    trunk, prompts = network.image_encoder.trunk, network.sam_prompt_encoder
    folded = trunk.position(), prompts.image_position()
    assert folded[0] is trunk.position()
    network.unfold()
    assert torch.equal(folded[0], trunk.position())
    assert torch.equal(folded[1], prompts.image_position())
    trunk.pos_embed.add_(1.0)
    assert torch.allclose(trunk.position(), folded[0] + 1)
