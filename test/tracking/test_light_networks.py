"""EdgeTAM and EfficientTAM in the tracker, beyond their recorded numbers."""

import dataclasses

import numpy as np
import pytest
import torch

from recorded import EDGE_TOY, LIGHT_CASES, efficient_toy, frames, network
from sam2_ros.config import TrackerConfig
from sam2_ros.model.checkpoint import random_model
from sam2_ros.model.config import ModelConfig, get_config
from sam2_ros.tracking.memory import MemoryBank
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.tracker import Tracker

LIGHT = [EDGE_TOY, efficient_toy("full"), efficient_toy("pooled"), efficient_toy("pooled_shifted")]
BOXES = {1: [8, 30, 24, 50], 2: [25, 14, 37, 47], 3: [40, 40, 60, 60]}


def of_kind(config: ModelConfig) -> str:
    return f"{config.name}-{config.cross_attention}"


def bank_bytes(name: str) -> int:
    """Of one object."""
    return MemoryBank(get_config(name), TrackerConfig(max_objects=1), torch.device("meta"), torch.float32).nbytes


def test_a_frame_of_edgetam_is_512_tokens() -> None:
    assert get_config("edgetam").memory_tokens == 512
    assert get_config("edgetam", 256).memory_tokens == 512
    pointers = 4 * 19 * 256
    assert bank_bytes("edgetam") - pointers == (bank_bytes("tiny") - pointers) // 8
    assert bank_bytes("efficienttam_ti_512x512") - pointers == (bank_bytes("tiny") - pointers) // 4


def follow(tracker: Tracker, count: int) -> list:
    """Objects that begin one after the other, one of which is corrected."""
    prompts = {index: [Prompt(object_id, box=box)] for index, (object_id, box) in enumerate(BOXES.items())}
    prompts[7] = [Prompt(1, [[20, 24]], [0])]
    return [tracker.step(frame, prompts.get(index, [])) for index, frame in enumerate(frames(count))]


@pytest.mark.parametrize("name", LIGHT_CASES)
def test_objects_together_give_the_numbers_of_each_alone(name: str) -> None:
    model = network(LIGHT_CASES[name])
    together = follow(Tracker(model, TrackerConfig(objects_per_batch=8)), 9)
    alone = follow(Tracker(model, TrackerConfig(objects_per_batch=1)), 9)
    for a, b in zip(together, alone, strict=True):
        assert all((x.logits - y.logits).abs().max() < 1e-9 for x, y in zip(a.objects, b.objects, strict=True))


@pytest.mark.parametrize("config", LIGHT, ids=of_kind)
def test_half_precision_sees_what_full_precision_sees_at_first(config: ModelConfig) -> None:
    full, half = (random_model(config, dtype=dtype) for dtype in (torch.float32, torch.bfloat16))
    a, b = (follow(Tracker(model), 1)[0].objects[0].mask for model in (full, half))
    assert (a == b).mean() > 0.97
    assert np.isfinite(follow(Tracker(half), 3)[-1].objects[0].object_score)


@pytest.mark.parametrize("config", LIGHT, ids=of_kind)
def test_a_network_of_another_size_tracks(config: ModelConfig) -> None:
    larger = dataclasses.replace(config, image_size=config.image_size + config.image_size_multiple)
    assert len(follow(Tracker(random_model(larger)), 3)[-1].objects) == 3
