"""Batch norms and branches folded into one convolution."""

import torch

from recorded import LIGHT_CASES, network


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
