"""Between host and device: what goes up together, what comes down first, and what half precision can take."""

import numpy as np
import pytest
import torch

from recorded import CASES, SIZE, frames, network
from sam2_ros.model.checkpoint import random_model
from sam2_ros.model.config import get_config
from sam2_ros.model.sam2 import Sam2
from sam2_ros.tracking import memory, vision
from sam2_ros.tracking import tracker as tracker_module
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.tracker import Tracker

BOX = np.array([25.0, 14, 37, 47])
OTHER_BOX = np.array([5.0, 5, 22, 30])


@pytest.fixture(scope="module")
def exact() -> Sam2:
    """The recorded case's network in float64."""
    return network(CASES["stream"])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_masks_are_prompts_in_half_precision_too(dtype: torch.dtype) -> None:
    tracker = Tracker(random_model(get_config("toy", SIZE), dtype=dtype))
    mask = np.zeros((90, 120), bool)
    mask[20:70, 30:90] = True
    (state,) = tracker.step(np.zeros((90, 120, 3), np.uint8), [Prompt(1, mask=mask)]).objects
    assert (state.mask & mask).sum() / (state.mask | mask).sum() > 0.9


def test_a_frame_of_several_objects_sends_its_numbers_up_together(exact: Sam2, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = Tracker(exact)
    stream = frames(20)
    tracker.step(stream[0], [Prompt(1, box=BOX), Prompt(2, box=OTHER_BOX), Prompt(3, [[40, 40]], [1])])
    for frame in stream[1:18]:
        tracker.step(frame)
    uploads: list[int] = []
    send = memory.to_device
    for module in (memory, vision):
        monkeypatch.setattr(module, "to_device", lambda *told: (uploads.append(1), send(*told))[1])
    tracker.step(stream[18])
    assert len(uploads) == 1  # what of its memories each looks at; that is the whole batch's


def test_results_leave_the_device_before_the_memory_is_made(exact: Sam2, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    words, memorise = tracker_module.Words, vision.Vision.memorise
    monkeypatch.setattr(tracker_module, "Words", lambda *seen: (order.append("results"), words(*seen))[1])
    monkeypatch.setattr(vision.Vision, "memorise", lambda *told: (order.append("memory"), memorise(*told))[1])
    Tracker(exact).step(frames(1)[0], [Prompt(1, box=BOX)])
    assert order == ["results", "memory"]
