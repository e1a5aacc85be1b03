"""Attention with narrow values: what it gives is what torch's own gives after the projection."""

import pytest
import torch
import torch.nn.functional as F

from sam2_ros.model import narrow
from sam2_ros.model.config import get_config
from sam2_ros.model.latent_cross_attention import LatentCrossAttention
from sam2_ros.model.narrow import attend_narrow
from sam2_ros.model.position import axial_rope
from sam2_ros.model.rope_attention import RopeAttention


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("at_once", [1 << 23, 200, 37, 1])  # together; several queries; two; one at a time
@pytest.mark.parametrize("batch", [1, 3])
def test_blocks_give_what_the_whole_gives(at_once: int, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(narrow, "AT_ONCE", at_once)
    monkeypatch.setattr(narrow, "QUERIES_AT_ONCE", 8)
    q, k, v = noise(batch, 9, 16), noise(batch, 31, 16), noise(batch, 31, 4)
    wide = F.pad(v, (0, 12))
    assert torch.allclose(attend_narrow(q, k, v), F.scaled_dot_product_attention(q, k, wide)[..., :4], atol=1e-12)


def test_values_may_be_projected_after_they_were_attended_to() -> None:
    config = get_config("toy", 64)
    attention = RopeAttention(config.hidden_dim, 1, config.hidden_dim, config.memory_dim).double()
    rope = axial_rope(config.hidden_dim, config.feature_size)
    tokens = config.feature_size**2
    q, memory = noise(2, tokens, config.hidden_dim), noise(2, 3 * tokens + 8, config.memory_dim)
    arguments = (q, q, memory, memory + 1, rope, rope, 3 * tokens)
    before = attention.add_rotated(*arguments)  # gradients are wanted, so in the order of the formula
    with torch.no_grad():
        after = attention.add_rotated(*arguments)
    assert torch.allclose(before, after, atol=1e-12)


def test_an_image_that_is_the_same_to_all_is_worked_on_once() -> None:
    config = get_config("toy", 64)
    attention = RopeAttention(config.hidden_dim, 1, config.hidden_dim, config.memory_dim).double()
    rope = axial_rope(config.hidden_dim, config.feature_size)
    tokens = config.feature_size**2
    q, memory = noise(1, tokens, config.hidden_dim), noise(3, tokens, config.memory_dim)
    shared = attention.add_rotated(q, q, memory, memory, rope, rope, tokens)
    each = attention.add_rotated(q, q.expand(3, -1, -1), memory, memory, rope, rope, tokens)
    assert torch.allclose(shared, each, atol=1e-12)


def test_keys_that_do_not_turn_are_attended_to_unprojected() -> None:
    config = get_config("toy", 64)
    dims = config.hidden_dim, 1, config.hidden_dim, config.memory_dim
    still, turning, maps, pointers = 5, 4, 3, 8
    attention = LatentCrossAttention(*dims, still=still).double()
    turn = axial_rope(config.hidden_dim, 2)
    nothing = torch.stack((turn.new_ones(still, turn.shape[2]), turn.new_zeros(still, turn.shape[2])))
    q_rope, k_rope = axial_rope(config.hidden_dim, config.feature_size), torch.cat((nothing, turn), dim=1)
    rotated = maps * (still + turning)
    q, memory = noise(1, config.feature_size**2, config.hidden_dim), noise(2, rotated + pointers, config.memory_dim)
    arguments = (q, q, memory, memory + 1, q_rope, k_rope, rotated)
    before = attention.add_rotated(*arguments)  # gradients are wanted, so as the parent does it
    with torch.no_grad():
        after = attention.add_rotated(*arguments)
    assert torch.allclose(before, after, atol=1e-12)


def test_in_mixed_precision_the_formula_stands() -> None:
    config = get_config("toy", 64)
    attention = RopeAttention(config.hidden_dim, 1, config.hidden_dim, config.memory_dim)
    rope = axial_rope(config.hidden_dim, config.feature_size).float()
    tokens = config.feature_size**2
    q, memory = noise(2, tokens, config.hidden_dim).float(), noise(2, tokens, config.memory_dim).float()
    with torch.no_grad():
        precise = attention.add_rotated(q, q, memory, memory, rope, rope, tokens)
        with torch.autocast("cpu", torch.bfloat16):
            mixed = attention.add_rotated(q, q, memory, memory, rope, rope, tokens)
    assert torch.allclose(mixed.float(), precise, atol=0.05)
