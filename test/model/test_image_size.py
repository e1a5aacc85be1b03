"""Which sizes of the image each network takes."""

import pytest

from sam2_ros.config import ModelChoice
from sam2_ros.errors import ConfigError
from sam2_ros.weights.loading import named_config


@pytest.mark.parametrize(
    ("model", "size", "advice"),
    [
        ("edgetam", 1000, "multiple of 256 for edgetam: 768 or 1024"),
        ("edgetam", 384, "multiple of 256 for edgetam: 256 or 512"),
        ("edgetam", 128, "multiple of 256 for edgetam: 256"),
        ("efficienttam_ti_1", 240, "multiple of 32 for efficienttam_ti_1: 224 or 256"),
        ("efficienttam_s_2", 528, "multiple of 32 for efficienttam_s_2: 512 or 544"),
        ("efficienttam_ti", 500, "multiple of 16 for efficienttam_ti: 496 or 512"),
        ("tiny", 1000, "multiple of 32 for sam2.1_hiera_tiny: 992 or 1024"),
    ],
)
def test_a_wrong_size_is_refused_with_the_nearest_right_ones(model: str, size: int, advice: str) -> None:
    with pytest.raises(ConfigError, match=f"image_size is {size}; it has to be a positive {advice}"):
        named_config(ModelChoice(model, "random", image_size=size))


@pytest.mark.parametrize(("model", "size"), [("edgetam", 768), ("efficienttam_ti_1", 544), ("efficienttam_s", 528)])
def test_other_right_sizes_are_taken(model: str, size: int) -> None:
    assert named_config(ModelChoice(model, "random", image_size=size)).image_size == size


@pytest.mark.parametrize("model", ["edgetam", "efficienttam_ti_1", "efficienttam_ti_2"])
def test_memory_is_not_pooled_where_a_network_makes_it_smaller_itself(model: str) -> None:
    with pytest.raises(ConfigError, match=f"memory_pooling is 2, but {model} makes memory smaller by itself; choose 1"):
        named_config(ModelChoice(model, "random", memory_pooling=2))
