"""A tracker that is made ready: how many objects go through the network together, and what it tells of it."""

import logging

import pytest
import torch

from sam2_ros.config import ModelChoice, TrackerConfig
from sam2_ros.errors import DeviceError
from sam2_ros.model.checkpoint import random_model
from sam2_ros.model.config import get_config
from sam2_ros.model.sam2 import Sam2
from sam2_ros.tracking import ready
from sam2_ros.tracking.ready import quickest_batch, ready_tracker
from sam2_ros.weights.loading import wants_compiling


@pytest.fixture(scope="module")
def toy() -> Sam2:
    return random_model(get_config("toy", 64))


def took(monkeypatch: pytest.MonkeyPatch, seconds: dict[int, float]) -> list[int]:
    """Let a frame with so many objects take so long; which were tried."""
    tried: list[int] = []

    def measured(network: Sam2, passes: Sam2, objects: int) -> float:
        tried.append(objects)
        if objects not in seconds:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return seconds[objects]

    monkeypatch.setattr(ready, "_seconds", measured)
    return tried


@pytest.mark.parametrize(
    ("seconds", "best"),
    [
        ({1: 0.01, 2: 0.012, 4: 0.02, 8: 0.03}, 8),
        ({1: 0.01, 2: 0.012, 4: 0.03, 8: 0.08}, 2),  # more together is slower, as on some Jetsons
        ({1: 0.01, 2: 0.02, 4: 0.04, 8: 0.081}, 8),  # no difference worth a word: as few passes as possible
        ({1: 0.01, 2: 0.012}, 2),  # and no memory for four
    ],
)
def test_the_number_that_is_quickest_for_each_object_is_taken(
    seconds: dict[int, float], best: int, toy: Sam2, monkeypatch: pytest.MonkeyPatch
) -> None:
    took(monkeypatch, seconds)
    assert quickest_batch(toy, toy, [1, 2, 4, 8]) == best


def test_what_would_take_too_long_is_not_tried(toy: Sam2, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = took(monkeypatch, {1: 3.0, 2: 4.0})
    assert quickest_batch(toy, toy, [1, 2, 4, 8]) == 1
    assert tried == [1]


def test_the_choice_is_told_with_what_was_measured(
    toy: Sam2, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    took(monkeypatch, {1: 0.01, 2: 0.012, 4: 0.02})
    with caplog.at_level(logging.INFO):
        tracker = ready_tracker(toy, TrackerConfig(max_objects=3), compiling=False)
    assert tracker.config.objects_per_batch == 4
    assert (
        "at most 4 objects go through the network together (ms for each object: 1: 10.0, 2: 6.0, 4: 5.0)" in caplog.text
    )


def test_a_number_that_was_chosen_is_left_alone(toy: Sam2, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = took(monkeypatch, {})
    assert ready_tracker(toy, TrackerConfig(objects_per_batch=3), compiling=False).config.objects_per_batch == 3
    assert not tried


def test_a_device_without_room_for_one_object_is_one_sentence(toy: Sam2, monkeypatch: pytest.MonkeyPatch) -> None:
    took(monkeypatch, {})
    with pytest.raises(DeviceError, match="cpu has no memory for one object; choose a smaller model"):
        ready_tracker(toy, TrackerConfig(), compiling=False)


@pytest.mark.parametrize(("kernel", "warned"), [("flash", False), ("unfused", True)])
def test_slow_attention_is_said(
    kernel: str, warned: bool, toy: Sam2, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ready, "attention_kernel", lambda *_: kernel)
    ready_tracker(toy, TrackerConfig(objects_per_batch=1), compiling=False)
    assert ("torch has no fused attention for cpu in torch.float32" in caplog.text) is warned


@pytest.mark.parametrize(("dtype", "advice"), [(torch.bfloat16, "bfloat16"), (torch.float16, "float16")])
def test_the_precision_that_is_advised_is_one_that_the_device_is_quick_at(
    dtype: torch.dtype, advice: str, toy: Sam2, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ready, "attention_kernel", lambda *_: "unfused")
    monkeypatch.setattr(ready, "quick_dtype", lambda device: dtype)
    ready_tracker(toy, TrackerConfig(objects_per_batch=1), compiling=False)
    assert f"choose precision {advice}, or a newer torch" in caplog.text


def test_it_is_really_measured(toy: Sam2) -> None:
    assert quickest_batch(toy, toy, [1, 2]) in (1, 2)


def test_only_cuda_is_compiled_for_unless_it_is_asked_for() -> None:
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert ModelChoice().compile_network == "auto"
    assert [wants_compiling(wish, device) for wish in ("auto", "always", "never") for device in (cpu, cuda)] == [
        *(False, True),
        *(True, True),
        *(False, False),
    ]
