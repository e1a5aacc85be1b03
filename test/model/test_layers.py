"""Blocks that are computed in another way than torch would, and give its numbers."""

import pytest
import torch
import torch.nn.functional as F

from sam2_ros.model import layers
from sam2_ros.model.layers import MLP, by_rows, gelu


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
