"""Blocks that are computed in another way than torch would, and give its numbers."""

import pytest
import torch
import torch.nn.functional as F

from sam2_ros.model import layers
from sam2_ros.model.layers import MLP, add_linear, attend, by_rows, gelu


def test_gelu_of_maps_with_channels_last_is_torchs_own() -> None:
    maps = torch.randn(2, 5, 4, 3, generator=torch.Generator().manual_seed(0))
    last = gelu(maps.contiguous(memory_format=torch.channels_last))
    assert torch.allclose(last, F.gelu(maps), atol=1e-7)
    assert last.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("at_once", [1, 7, 30])
def test_rows_together_give_the_numbers_of_some_at_a_time(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    mlp = MLP((6, 24, 5)).double()
    x = torch.randn(2, 3, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    whole = mlp(x)  # gradients are wanted, so all at once
    monkeypatch.setattr(layers, "ROWS_AT_ONCE", at_once)
    with torch.no_grad():
        assert torch.allclose(mlp(x), whole, atol=1e-12)
    assert mlp(x).requires_grad


def test_wide_layers_see_some_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "ROWS_AT_ONCE", 4)
    seen = []

    def watched(rows: torch.Tensor) -> torch.Tensor:
        seen.append(len(rows))
        return rows

    with torch.no_grad():
        assert by_rows(watched, torch.zeros(2, 5, 3)).shape == (2, 5, 3)
    assert seen == [4, 4, 2]


@pytest.mark.parametrize("at_once", [7, 100])
def test_a_sum_in_parts_is_the_sum_of_the_whole_and_leaves_its_terms_alone(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "ROWS_AT_ONCE", at_once)
    generator = torch.Generator().manual_seed(0)
    x, y, weight, bias = (
        torch.randn(*shape, dtype=torch.float64, generator=generator)
        for shape in ((2, 3, 5, 4), (2, 3, 5, 6), (4, 6), (4,))
    )
    strided = x.permute(0, 2, 1, 3).contiguous().permute(0, 2, 1, 3)  # as maps with channels last may lie
    kept = x.clone()
    with torch.no_grad():
        found = add_linear(strided, torch.tanh, y, weight, bias)
    assert torch.allclose(found, x + F.linear(y.tanh(), weight, bias), atol=1e-12)
    assert torch.equal(strided, kept)


@pytest.mark.parametrize("at_once", [1, 700, 2**20])
def test_attention_trained_in_mixed_precision_has_torchs_numbers(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "SCORES_AT_ONCE", at_once)
    generator = torch.Generator().manual_seed(0)
    queries = torch.randn(1, 2, 9, 8, generator=generator, requires_grad=True)
    keys, values = (torch.randn(5, 2, 30, 8, generator=generator, requires_grad=True) for _ in range(2))
    inputs = queries, keys, values
    wanted = F.scaled_dot_product_attention(queries.expand(5, -1, -1, -1), keys, values)
    with torch.autocast("cpu", torch.bfloat16):
        found = attend(queries.expand(5, -1, -1, -1), keys, values)
    assert torch.allclose(found.float(), wanted, atol=0.05)
    slopes = torch.randn(wanted.shape, generator=generator)
    for exact, mixed in zip(
        torch.autograd.grad((wanted * slopes).sum(), inputs),
        torch.autograd.grad((found * slopes).sum(), inputs),
        strict=True,
    ):
        assert torch.allclose(mixed, exact, atol=0.03 * float(exact.abs().max()))


@pytest.mark.parametrize(("most", "kept"), [(2 * 9 * 30 - 1, False), (2 * 9 * 30, True)])
def test_many_scores_are_not_kept_for_the_way_back(most: int, kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "MOST_SCORES", most)
    q, k = torch.randn(3, 2, 9, 8, requires_grad=True), torch.randn(3, 2, 30, 8, requires_grad=True)
    shapes = set()

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        shapes.add(tuple(tensor.shape[-2:]))
        return tensor

    with torch.autocast("cpu", torch.bfloat16), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        attend(q, k, k)
    assert ((9, 30) in shapes) is kept
