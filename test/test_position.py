"""Rotary positions: turned by the angles of the table, in every precision, and back again by the gradient."""

import numpy as np
import pytest
import torch

from sam2_ros.model.position import axial_rope, rotate

ROPE = axial_rope(16, 3)  # (2, 9, 8)


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float64, 1e-14), (torch.float32, 1e-6), (torch.bfloat16, 5e-2), (torch.float16, 5e-3)],
)
def test_pairs_are_turned_as_planes_are(dtype: torch.dtype, tolerance: float) -> None:
    x = torch.randn(2, 5, 9, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).to(dtype)
    found = rotate(x, ROPE.to(dtype))
    assert found.dtype == dtype
    pairs = x.double().numpy().reshape(2, 5, 9, 8, 2)
    angle = np.arctan2(ROPE[1].numpy(), ROPE[0].numpy())
    matrix = np.stack((np.stack((np.cos(angle), -np.sin(angle)), -1), np.stack((np.sin(angle), np.cos(angle)), -1)), -2)
    wanted = np.einsum("tcij,abtcj->abtci", matrix, pairs).reshape(2, 5, 9, 16)
    assert np.abs(found.double().numpy() - wanted).max() < tolerance


def test_views_are_turned_too_and_gradients_come_back() -> None:
    whole = torch.randn(2, 12, 32, dtype=torch.float64, requires_grad=True)
    part = whole[:, 3:, 16:]  # as heads and rotated keys are
    out = rotate(part, ROPE)
    assert torch.equal(out, rotate(part.contiguous(), ROPE))
    out.square().sum().backward()  # a turn keeps lengths, so this is the gradient of the input's own square
    assert whole.grad is not None
    assert torch.allclose(whole.grad[:, 3:, 16:], 2 * part.detach())
    assert not whole.grad[:, :3].any()
