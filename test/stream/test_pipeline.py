"""Messages through the pipeline: which image a prompt is for, and what is said when something does not work."""

import threading
from types import SimpleNamespace as Message

import numpy as np
import pytest

from recorded import frames
from sam2_ros.config import TimeConfig
from sam2_ros.errors import DeviceError
from sam2_ros.model.checkpoint import random_model
from sam2_ros.model.config import get_config
from sam2_ros.stream.messages import NS_PER_S, Action
from sam2_ros.stream.pipeline import MAX_WAITING, Pipeline
from sam2_ros.stream.pixels import to_rgb
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
    centre = Message(position=Message(x=25.0, y=25.0), theta=0.0)
    box = Message(center=centre, size_x=30.0, size_y=30.0)
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


def test_a_late_prompt_starts_its_object_where_it_was_and_the_answer_says_so(pipeline: Pipeline) -> None:
    for seconds in (1, 2, 3):
        ids(pipeline, seconds)
    late = prompts(2, (5, Action.ADD))
    pipeline.add_prompts(late)
    processed = pipeline.process(image(4))
    (state,) = processed.result.objects
    assert (state.object_id, state.first_seen_ns) == (5, 2 * NS_PER_S)
    (answer,) = processed.answers
    assert answer.message is late
    assert [(o.object_id, o.accepted) for o in answer.outcomes] == [(5, True)]


def test_without_history_a_late_prompt_is_for_the_next_image() -> None:
    pipeline = Pipeline(Tracker(random_model(get_config("toy", 32))), to_rgb, TimeConfig(history_seconds=0.0))
    for seconds in (1, 2, 3):
        ids(pipeline, seconds)
    pipeline.add_prompts(prompts(2, (5, Action.ADD)))
    (state,) = pipeline.process(image(4)).result.objects
    assert state.first_seen_ns == 4 * NS_PER_S


def test_a_prompt_for_an_image_that_is_no_longer_remembered_is_refused_with_the_bounds(pipeline: Pipeline) -> None:
    for seconds in range(1, 8):
        ids(pipeline, seconds)
    pipeline.add_prompts(prompts(2, (5, Action.ADD), (6, Action.ADD)))
    processed = pipeline.process(image(8))
    assert processed.result.objects == ()
    assert len(processed.notes) == 1
    assert "stamped 2.000000000 s are for no image that is remembered: those are from 5." in processed.notes[0]
    assert [o.accepted for o in processed.answers[0].outcomes] == [False, False]


def test_a_late_prompt_is_applied_once_even_if_the_step_fails(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seconds in (1, 2):
        ids(pipeline, seconds)
    pipeline.add_prompts(prompts(1, (0, Action.ADD)))
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.tracker, "step", lambda *_: (_ for _ in ()).throw(DeviceError("broken")))
        with pytest.raises(DeviceError):
            pipeline.process(image(3))
    processed = pipeline.process(image(4))
    assert [state.object_id for state in processed.result.objects] == [1]
    assert [o.object_id for o in processed.answers[0].outcomes] == [1]


def test_answers_come_in_the_order_of_what_was_asked(pipeline: Pipeline) -> None:
    ids(pipeline, 1)
    asked = prompts(0, (1, Action.ADD), (1, Action.REMOVE), (2, Action.ADD), (9, Action.REMOVE))
    pipeline.add_prompts(asked)
    processed = pipeline.process(image(2))
    assert [state.object_id for state in processed.result.objects] == [2]
    assert [(o.object_id, o.accepted) for o in processed.answers[0].outcomes] == [
        (1, True),
        (1, True),
        (2, True),
        (9, False),
    ]


def test_when_stamps_jump_back_it_is_said_once_and_objects_stay(pipeline: Pipeline) -> None:
    pipeline.add_prompts(prompts(0, (1, Action.ADD)))
    ids(pipeline, 10)
    assert ids(pipeline, 11) == [1]
    back = pipeline.process(image(5))
    assert [state.object_id for state in back.result.objects] == [1]
    assert "stamps jumped back by 6.0 s" in back.notes[0]
    assert pipeline.process(image(6)).notes == ()
    pipeline.add_prompts(prompts(10, (2, Action.ADD)))  # waits: that image is yet to come again
    assert ids(pipeline, 7) == [1]


def test_images_without_stamps_and_with_equal_stamps_are_tracked(pipeline: Pipeline) -> None:
    pipeline.add_prompts(prompts(0, (1, Action.ADD)))
    for seconds in (0, 0, 3, 3, 0, 2, 4):
        processed = pipeline.process(image(seconds))
        assert processed.notes == ()
        assert [state.object_id for state in processed.result.objects] == [1]


def test_after_a_restore_objects_go_on_and_prompts_for_lost_images_are_told_so(pipeline: Pipeline) -> None:
    pipeline.add_prompts(prompts(0, (4, Action.ADD)))
    assert [ids(pipeline, seconds) for seconds in (1, 2, 3)] == [[4]] * 3
    state = pipeline.state()
    assert state.recent_stamps == (NS_PER_S, 2 * NS_PER_S, 3 * NS_PER_S)
    again = Pipeline(Tracker(random_model(get_config("toy", 32))), to_rgb)
    again.restore(state)
    again.add_prompts(prompts(2, (5, Action.ADD)))
    processed = again.process(image(4))
    assert [state.object_id for state in processed.result.objects] == [4]
    assert "for an image of before the state was restored" in processed.notes[0]
    assert np.array_equal(processed.result.label_image, pipeline.process(image(4)).result.label_image)


def test_a_state_is_taken_between_two_images(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread asks while an image is at work: it waits for the end of that."""
    asked: list[tuple[int, ...]] = []
    step = pipeline.tracker.step

    def slow(*arguments: object) -> object:
        thread = threading.Thread(target=lambda: asked.append(pipeline.state().object_ids))
        thread.start()
        threads.append(thread)
        thread.join(0.05)
        assert thread.is_alive()
        return step(*arguments)

    threads: list[threading.Thread] = []
    monkeypatch.setattr(pipeline.tracker, "step", slow)
    pipeline.add_prompts(prompts(0, (4, Action.ADD)))
    pipeline.process(image(1))
    threads[0].join()
    assert asked == [(4,)]
