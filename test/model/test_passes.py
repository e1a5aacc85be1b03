"""Passes as functions of tensors: buckets, and tensors that always lie alike."""

import pytest
import torch

from sam2_ros.model.config import ModelConfig
from sam2_ros.model.image_encoder import ImageFeatures
from sam2_ros.model.mask_decoder import DecoderOutput, MaskChoice
from sam2_ros.model.passes import bucket, packed, packed_map
from sam2_ros.model.sam2 import MaskPrediction, Memories


@pytest.mark.parametrize(("count", "filled"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (16, 16), (17, 32)])
def test_objects_are_filled_up_to_powers_of_two(count: int, filled: int) -> None:
    assert bucket(count) == filled


def test_tensors_lie_alike_whatever_strides_a_side_of_one_had() -> None:
    values = torch.arange(12.0)
    odd = values.as_strided((1, 4), (12, 1))
    assert odd.is_contiguous()  # torch does not care; a compiler does
    assert packed(odd).stride() == (4, 1)
    assert torch.equal(packed(odd), odd)
    assert packed(values.view(3, 4).T).stride() == (3, 1)


def test_maps_lie_with_channels_last() -> None:
    maps = torch.randn(1, 3, 4, 5)
    for given in (maps, maps.contiguous(memory_format=torch.channels_last)):
        assert torch.equal(packed_map(given), maps)
        assert packed_map(given).stride() == (60, 1, 15, 3)


@pytest.mark.parametrize("kind", [ImageFeatures, Memories, MaskPrediction, MaskChoice, DecoderOutput, ModelConfig])
def test_what_goes_through_the_compiler_can_be_referred_to_weakly(kind: type) -> None:
    """As torch before 2.6 does; slots make that impossible."""
    assert hasattr(kind, "__weakref__")
