"""What holds under every memory policy: independence, late prompts, bounded memory, nothing compiled while tracking."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from test_official_numbers import prompt_of
from test_tracker import BOX, OTHER_BOX, STREAM, low_res, past, same

from recorded import TOY, frames, network
from sam2_ros.config import TrackerConfig
from sam2_ros.errors import DeviceError
from sam2_ros.model import prepared as prepared_module
from sam2_ros.model.checkpoint import random_model
from sam2_ros.model.config import get_config
from sam2_ros.model.sam2 import Sam2
from sam2_ros.tracking.memory import MemoryBank
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.ready import histories
from sam2_ros.tracking.tracker import PastFrame, Tracker

POLICIES = ("official", "distractor", "motion")
Make = Callable[..., Tracker]


@pytest.fixture(scope="module")
def exact() -> Sam2:
    """The recorded case's network in float64."""
    return network(STREAM)


@pytest.fixture(params=POLICIES)
def policy(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def make(exact: Sam2, policy: str) -> Make:
    return lambda **limits: Tracker(exact, TrackerConfig(memory_policy=policy, **limits))


def test_objects_together_give_the_numbers_of_each_alone(make: Make) -> None:
    together = make()
    alone = {object_id: make() for object_id in (1, 2, 3)}
    for index, frame in enumerate(frames(20)):
        events = [e for e in STREAM.events if e["frame"] == index]
        for state in together.step(frame, [prompt_of(e) for e in events], stamp_ns=index).objects:
            prompts = [prompt_of(e) for e in events if e["object"] == state.object_id]
            (other,) = alone[state.object_id].step(frame, prompts, stamp_ns=index).objects
            assert same(state.prediction.masks, other.prediction.masks)
            assert state.memory == other.memory
        for object_id, single in alone.items():  # keep the frame count of those that have not started
            if object_id not in together.object_ids:
                single.step(frame)
    assert together.object_ids == (1, 2, 3)


def test_a_late_prompt_gives_what_a_prompt_in_time_would_have_given(make: Make) -> None:
    images = frames(8)
    in_time, late = make(), make()
    in_time.step(images[0])
    in_time.step(images[1], [Prompt(3, box=BOX)], stamp_ns=1)
    for index, image in enumerate(images[2:7], start=2):
        in_time.step(image, stamp_ns=index)
    history = past(late, images[:7])
    late.catch_up(history[1:], [Prompt(3, box=BOX)])
    wanted, found = in_time.step(images[7], stamp_ns=7), late.step(images[7], stamp_ns=7)
    assert same(low_res(found, 3), low_res(wanted, 3))
    assert found.objects[0].memory == wanted.objects[0].memory


def test_a_late_correction_rewrites_what_came_after_it_and_nobody_else(make: Make) -> None:
    images = frames(8)
    click = Prompt(1, points=[[40, 30]], point_labels=[0])
    in_time, late = make(), make()
    for tracker in (in_time, late):
        tracker.step(images[0], [Prompt(1, box=BOX), Prompt(2, box=OTHER_BOX)])
    in_time.step(images[1])
    in_time.step(images[2], [click])
    history = [PastFrame(late.step(image).frame_index, 0, image) for image in images[1:7]]
    for image in images[3:7]:
        in_time.step(image)
    late.catch_up(history[1:], [click])
    wanted, found = in_time.step(images[7]), late.step(images[7])
    assert same(low_res(found, 1), low_res(wanted, 1))
    assert same(low_res(found, 2), low_res(wanted, 2))


def test_a_late_prompt_without_room_changes_nothing(policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = network(STREAM)
    tracker, untouched = (Tracker(model, TrackerConfig(memory_policy=policy)) for _ in range(2))
    images = frames(6)
    for other in (tracker, untouched):
        other.step(images[0], [Prompt(1, box=BOX)])
        history = [PastFrame(other.step(image).frame_index, 0, image) for image in images[1:4]]
    known = tracker._bank._policies[0]

    def fail(*told: object) -> None:
        raise torch.cuda.OutOfMemoryError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(model, "encode_memory", fail)
        with pytest.raises(DeviceError, match="nothing is changed"):
            tracker.catch_up(history[1:], [Prompt(1, points=[[50, 40]], point_labels=[1])])
    assert tracker._bank._policies[0] == known
    for image in images[4:]:
        assert same(low_res(tracker.step(image), 1), low_res(untouched.step(image), 1))


def test_a_slot_that_held_another_object_leaves_no_trace(make: Make) -> None:
    used, fresh = make(max_objects=1), make(max_objects=1)
    for index, frame in enumerate(frames(12)):
        if index == 6:
            used.remove(1)
        prompts = [Prompt(2, box=BOX)] if index == 6 else []
        result = used.step(frame, [Prompt(1, [[14, 41]], [1])] if index == 0 else prompts)
        expected = fresh.step(frame, prompts)
    assert same(low_res(result, 2), low_res(expected, 2))


# --- bounded ---------------------------------------------------------------------------------------------------------

ENTRIES = {  # masks and pointers of an object besides four prompted frames
    "official": (6, 15),
    "distractor": (4 + 1 + 6, 4 + 15),  # anchors, the latest, multiples of five
    "motion": (6 + 1, 15),  # the remembered and the last
}


def test_the_bank_holds_what_the_policy_needs(policy: str) -> None:
    config = TrackerConfig(max_objects=1, memory_policy=policy)
    masks, pointers = ENTRIES[policy]
    bank = MemoryBank(TOY, config, torch.device("cpu"), torch.float32)
    assert bank.nbytes == 4 * ((4 + masks) * TOY.memory_tokens * TOY.memory_dim + (4 + pointers) * TOY.hidden_dim)


@pytest.mark.parametrize("policy", POLICIES[1:], indirect=True)
def test_many_steps_with_prompts_and_removals_stay_within_it(policy: str) -> None:
    """For the official rule see test_tracker.py; `benchmarks/memory.py` takes any number of steps, model and device."""
    tracker = Tracker(random_model(get_config("toy", 32)), TrackerConfig(max_objects=3, memory_policy=policy))
    pictures = frames(10)
    rng = np.random.default_rng(0)
    sizes = set()
    for index in range(120):
        x, y = rng.integers(5, 50, 2)
        prompts = [Prompt(int(rng.integers(1, 5)), box=[x, y, x + 9, y + 9])] if rng.random() < 0.2 else []
        if tracker.object_ids and rng.random() < 0.05:
            tracker.remove(int(rng.choice(tracker.object_ids)))
        result = tracker.step(pictures[index % 10], prompts, stamp_ns=index)
        sizes.add(tracker.memory_bytes)
        for state in result.objects:
            those = state.memory.attended
            assert those is None or len({*those.prompted, *those.recent}) == len(those.prompted) + len(those.recent)
    assert len(sizes) == 1


# --- what is prepared for --------------------------------------------------------------------------------------------


def test_objects_never_attend_to_more_than_was_prepared_for(policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model(TOY)
    config = TrackerConfig(memory_policy=policy)
    prepared = histories(model, config)
    tracker = Tracker(model, config)
    shapes = []
    follow = model.follow
    monkeypatch.setattr(
        model,
        "follow",
        lambda image, m: (shapes.append((m.frames.shape[1], m.pointers.shape[1])), follow(image, m))[1],
    )
    everything = np.ones((64, 64), bool)
    for index, frame in enumerate(frames(20) * 2):
        prompts = [Prompt(1, mask=everything)] if index in (0, 9) else []
        tracker.step(frame, prompts)
    assert max(masks for masks, _ in shapes) <= max(history.masks for history in prepared)
    assert max(pointers for _, pointers in shapes) <= max(history.pointers for history in prepared)


def test_under_no_policy_anything_is_compiled_while_tracking(policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled functions are sealed when a tracker is made; a policy only makes shapes that these take."""
    compiled: list[int] = []
    monkeypatch.setattr(
        torch, "compile", lambda function, **options: (compiled.append(1), function)[1]
    )  # what a compiler would be asked for
    model = random_model(get_config("toy", 32))
    config = TrackerConfig(memory_policy=policy, objects_per_batch=2)
    monkeypatch.setattr(torch._dynamo, "run", lambda function: function)
    passes = prepared_module.prepared(model, [1, 2], histories(model, config), lambda _, fitting: fitting[-1])
    assert passes is not model
    tracker = Tracker(model, config, passes)
    before = len(compiled)
    for index, frame in enumerate(frames(20)):
        tracker.step(frame, [Prompt(1, box=BOX), Prompt(2, box=OTHER_BOX)] if not index else [])
    assert len(compiled) == before > 0
    assert tracker.tier is prepared_module.Tier.COMPILED
