"""Messages through the pipeline: which image a prompt is for, and what is said when something does not work."""

from types import SimpleNamespace as Message

import numpy as np
import pytest
from recorded import frames

from sam2_ros.errors import DeviceError
from sam2_ros.messages import NS_PER_S, Action
from sam2_ros.model.checkpoint import random_model
from sam2_ros.model.config import get_config
from sam2_ros.pipeline import MAX_WAITING, Pipeline
from sam2_ros.pixels import to_rgb
from sam2_ros.tracking.tracker import Tracker

FRAME = frames(1)[0]


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline(Tracker(random_model(get_config("toy", 32))), to_rgb)


def header(seconds: int) -> Message:
    return Message(stamp=Message(sec=seconds, nanosec=0), frame_id="camera")


def image(seconds: int) -> Message:
    height, width = FRAME.shape[:2]
    return Message(
        header=header(seconds), height=height, width=width, encoding="rgb8", step=3 * width, data=FRAME.tobytes()
    )


def prompts(seconds: int, *said: tuple[int, Action]) -> Message:
    """A PromptArray: a box for each id to add, or its removal."""
    box = Message(x_min=10.0, y_min=10.0, x_max=40.0, y_max=40.0)
    rest = {"label": "", "points": [], "point_labels": [], "has_box": True, "box": box, "mask": Message(data=b"")}
    return Message(header=header(seconds), prompts=[Message(object_id=i, action=action, **rest) for i, action in said])


def ids(pipeline: Pipeline, seconds: int) -> list[int]:
    return [state.object_id for state in pipeline.process(image(seconds)).result.objects]


def test_a_stamped_prompt_waits_for_its_image_and_an_unstamped_one_takes_the_next(pipeline: Pipeline) -> None:
    pipeline.add_prompts(prompts(3, (1, Action.ADD)))
    pipeline.add_prompts(prompts(0, (2, Action.ADD)))
    assert [ids(pipeline, seconds) for seconds in (1, 2, 3)] == [[2], [2], [1, 2]]
    assert pipeline.process(image(4)).result.stamp_ns == 4 * NS_PER_S


def test_prompts_survive_a_step_that_fails(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise DeviceError("no memory")

    pipeline.add_prompts(prompts(0, (1, Action.ADD)))
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.tracker, "step", fail)
        with pytest.raises(DeviceError):
            pipeline.process(image(1))
    assert ids(pipeline, 2) == [1]


def test_what_is_added_and_removed_in_one_message_never_begins(pipeline: Pipeline) -> None:
    pipeline.add_prompts(prompts(0, (1, Action.ADD), (2, Action.ADD), (1, Action.REMOVE)))
    processed = pipeline.process(image(1))
    assert [state.object_id for state in processed.result.objects] == [2]
    assert processed.notes == ()
    pipeline.add_prompts(prompts(0, (3, Action.ADD), (0, Action.RESET), (4, Action.ADD)))
    assert ids(pipeline, 2) == [4]


def test_removing_what_is_not_there_is_said(pipeline: Pipeline) -> None:
    pipeline.add_prompts(prompts(0, (7, Action.REMOVE)))
    (note,) = pipeline.process(image(1)).notes
    assert "object 7 cannot be removed: it is not tracked" in note


def test_more_prompts_than_can_wait_are_said_and_the_oldest_give_way(pipeline: Pipeline) -> None:
    for index in range(MAX_WAITING + 2):
        pipeline.add_prompts(prompts(5, (1 + index % 3, Action.ADD)))
    (note,) = pipeline.process(image(1)).notes
    assert "2 prompt messages were dropped: more than 100 waited for their image" in note
    assert pipeline.process(image(2)).notes == ()


def test_a_new_image_size_is_said_once(pipeline: Pipeline) -> None:
    pipeline.add_prompts(prompts(0, (1, Action.ADD)))
    pipeline.process(image(1))
    wide = image(2)
    wide.width, wide.step, wide.data = 32, 96, np.ascontiguousarray(FRAME[:, :32]).tobytes()
    (note,) = pipeline.process(wide).notes
    assert "the image size changed from 64x64 to 32x64; tracked objects are carried over by rescaling" in note
    assert pipeline.process(wide).notes == ()
