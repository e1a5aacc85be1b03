"""The check of passes against their network: nothing that is wrong gets through."""

import pytest
import torch

from sam2_ros.model.check import TOLERANCE, relative_error, worst
from sam2_ros.model.checkpoint import random_model
from sam2_ros.model.config import get_config
from sam2_ros.model.passes import FilledPasses, functions_of
from sam2_ros.model.probe import History
from sam2_ros.model.sam2 import Sam2

HISTORIES = (History(7, 16), History(8, 17))
PARTS = [
    "image_encoder.trunk.blocks.0.attn.qkv.weight",
    "image_encoder.trunk.pos_embed",
    "image_encoder.neck.convs.0.conv.weight",
    "memory_attention.layers.1.cross_attn_image.k_proj.weight",
    "maskmem_tpos_enc",
    "obj_ptr_tpos_proj.weight",
    "sam_prompt_encoder.not_a_point_embed.weight",
    "sam_mask_decoder.conv_s0.weight",
    *(f"sam_mask_decoder.output_hypernetworks_mlps.{mask}.layers.2.bias" for mask in range(4)),
    "sam_mask_decoder.iou_prediction_head.layers.2.bias",
    "sam_mask_decoder.pred_obj_score_head.layers.1.bias",
    "obj_ptr_proj.layers.2.bias",
    "no_obj_ptr",
    "no_obj_embed_spatial",
    "memory_encoder.fuser.layers.1.pwconv2.weight",
]


@pytest.fixture(scope="module")
def toy() -> Sam2:
    return random_model(get_config("toy", 64), dtype=torch.float64)


def with_changed(network: Sam2, key: str | None) -> Sam2:
    """The same network, all tensors shared, but for one weight of one of them."""
    weights = dict(network.state_dict())
    if key is not None:
        weights[key] = weights[key].clone()
        weights[key].view(-1)[0] += 0.5
    other = Sam2(network.config)
    other.load_state_dict(weights, assign=True)
    other.requires_grad_(False).eval().to(torch.float64)
    other.fold()
    return other


def test_a_network_agrees_with_its_own_functions(toy: Sam2) -> None:
    error = worst(toy, FilledPasses(functions_of(with_changed(toy, None))), 3, HISTORIES, seed=0)
    assert error < TOLERANCE[torch.float64]


@pytest.mark.parametrize("key", PARTS)
def test_one_weight_that_changed_is_found(key: str, toy: Sam2) -> None:
    error = worst(toy, FilledPasses(functions_of(with_changed(toy, key))), 1, HISTORIES, seed=0)
    assert error > TOLERANCE[torch.float64]


def test_the_network_is_afterwards_what_it_was(toy: Sam2) -> None:
    before = {key: value.clone() for key, value in toy.state_dict().items()}
    worst(toy, FilledPasses(functions_of(toy)), 2, HISTORIES, seed=0)
    assert all(torch.equal(value, before[key]) for key, value in toy.state_dict().items())


def test_errors_are_relative_and_never_hidden_by_what_is_no_number() -> None:
    ones = torch.ones(4)
    assert relative_error(ones * 1.5, ones) == pytest.approx(0.5)
    assert relative_error(ones, ones) == 0
    assert relative_error(ones * float("nan"), ones) == float("inf")
    assert relative_error(ones, ones * 0) == float("inf")


def test_every_precision_has_a_tolerance() -> None:
    assert set(TOLERANCE) == {torch.float64, torch.float32, torch.float16, torch.bfloat16}
