"""Batch norms and branches folded into one convolution, and the activation between them."""

import torch
import torch.nn.functional as F

from recorded import LIGHT_CASES, network
from sam2_ros.model.layers import gelu


def test_batch_norms_and_branches_folded_into_one_convolution_change_nothing() -> None:
    edge = network(LIGHT_CASES["edgetam"])
    pixels = torch.randn(2, 3, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    folded = edge.image_encoder.trunk(pixels)
    edge.unfold()
    stepwise = edge.image_encoder.trunk(pixels)
    assert all((a - b).abs().max() < 1e-10 * b.abs().max() for a, b in zip(folded, stepwise, strict=True))
    edge.get_parameter("image_encoder.trunk.body.stages_0.blocks.0.token_mixer.conv1.bn.bias").add_(1.0)
    assert not torch.allclose(edge.image_encoder.trunk(pixels)[0], stepwise[0])


def test_a_folded_block_runs_three_convolutions() -> None:
    block = network(LIGHT_CASES["edgetam"]).get_submodule("image_encoder.trunk.body.stages_1.downsample.pre_block")
    with torch.profiler.profile() as profile:
        block(torch.randn(1, 8, 16, 16, dtype=torch.float64))
    calls = {event.key: event.count for event in profile.key_averages()}
    assert calls["aten::conv2d"] == 3
    assert "aten::batch_norm" not in calls


def test_gelu_of_maps_with_channels_last_is_torchs_own() -> None:
    maps = torch.randn(2, 5, 4, 3, generator=torch.Generator().manual_seed(0))
    last = gelu(maps.contiguous(memory_format=torch.channels_last))
    assert torch.allclose(last, F.gelu(maps), atol=1e-7)
    assert last.is_contiguous(memory_format=torch.channels_last)
