"""Clicks and detections: understood by what was seen in their image, applied there."""

from types import SimpleNamespace as Message

import numpy as np
import pytest

from recorded import frames
from sam2_ros.config import DetectionConfig, TrackerConfig
from sam2_ros.errors import PromptError
from sam2_ros.model.checkpoint import random_model
from sam2_ros.model.config import get_config
from sam2_ros.stream.association import Associator
from sam2_ros.stream.history import Remembered, Seen
from sam2_ros.stream.messages import NS_PER_S
from sam2_ros.stream.pipeline import Pipeline, Processed
from sam2_ros.stream.pixels import to_rgb
from sam2_ros.stream.pointing import Click, click_from, detections_from
from sam2_ros.tracking.tracker import Tracker

FRAME = frames(1)[0]


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline(Tracker(random_model(get_config("toy", 32)), TrackerConfig(max_objects=3)), to_rgb)


def stamp(seconds: float) -> Message:
    return Message(sec=int(seconds), nanosec=round(seconds % 1 * NS_PER_S))


def process(pipeline: Pipeline, seconds: float) -> Processed:
    height, width = FRAME.shape[:2]
    head = Message(stamp=stamp(seconds), frame_id="camera")
    return pipeline.process(
        Message(header=head, height=height, width=width, encoding="rgb8", step=3 * width, data=FRAME.tobytes())
    )


def detections(seconds: float, *boxes: tuple[float, float, float, float], label: str = "cup") -> Message:
    found = []
    for x_min, y_min, x_max, y_max in boxes:
        centre = Message(position=Message(x=(x_min + x_max) / 2, y=(y_min + y_max) / 2), theta=0.0)
        hypotheses = [Message(hypothesis=Message(class_id=c, score=s)) for c, s in (("mug", 0.2), (label, 0.9))]
        bbox = Message(center=centre, size_x=x_max - x_min, size_y=y_max - y_min)
        found.append(Message(id="", bbox=bbox, results=hypotheses))
    return Message(header=Message(stamp=stamp(seconds)), detections=found)


def remembered(labels: np.ndarray, *seen: Seen) -> Remembered:
    return Remembered(0, 0, FRAME, labels, seen)


def test_a_click_means_the_object_under_it_or_a_new_one() -> None:
    labels = np.zeros((20, 30), np.uint8)
    labels[5:10, 5:10] = 7
    (on,) = Click(0, 7.9, 9.9).prompts(remembered(labels), 5)
    (beside,) = Click(0, 12.0, 7.0).prompts(remembered(labels), 5)
    assert (on.object_id, beside.object_id) == (7, 0)
    assert on.points.tolist() == [[7.9, 9.9]]
    assert on.point_labels.tolist() == [1]


@pytest.mark.parametrize(("x", "y"), [(-1.0, 5.0), (30.0, 5.0), (5.0, 20.0)])
def test_a_click_outside_is_refused(x: float, y: float) -> None:
    with pytest.raises(PromptError, match="is outside the 30x20 image"):
        Click(0, x, y).prompts(remembered(np.zeros((20, 30), np.uint8)), 5)


def test_clicks_of_both_kinds_are_understood() -> None:
    assert click_from(Message(x=3.0, y=4.0, z=0.0)) == Click(0, 3.0, 4.0)
    stamped = Message(header=Message(stamp=stamp(2.5)), point=Message(x=3.0, y=4.0, z=0.0))
    assert click_from(stamped) == Click(2_500_000_000, 3.0, 4.0)


def test_a_click_takes_effect_with_the_next_image(pipeline: Pipeline) -> None:
    pipeline.add_pointing(Click(0, 20.0, 20.0))
    assert process(pipeline, 1).result.objects == ()  # before it there was nothing to click on
    (state,) = process(pipeline, 2).result.objects
    assert (state.object_id, state.first_seen_ns) == (1, NS_PER_S)


def test_a_bad_click_is_said_and_harms_nobody(pipeline: Pipeline) -> None:
    process(pipeline, 1)
    pipeline.add_pointing(Click(0, 2000.0, 20.0))
    pipeline.add_pointing(Click(0, 20.0, 20.0))
    processed = process(pipeline, 2)
    assert processed.notes == ("the click at (2000, 20) is outside the 64x64 image; give pixels of it",)
    assert len(processed.result.objects) == 1


def test_detections_begin_objects_on_their_own_image_with_their_best_class(pipeline: Pipeline) -> None:
    associator = Associator(DetectionConfig())
    for seconds in (1.0, 1.1, 1.2):
        process(pipeline, seconds)
    pipeline.add_pointing(detections_from(detections(1.1, (5, 5, 20, 20), (30, 30, 60, 60)), associator))
    states = process(pipeline, 1.3).result.objects
    assert [(s.label, s.first_seen_ns) for s in states] == [("cup", 1_100_000_000)] * 2


def test_detections_wait_for_their_image_and_late_ones_are_said(pipeline: Pipeline) -> None:
    associator = Associator(DetectionConfig())
    process(pipeline, 5.0)
    pipeline.add_pointing(detections_from(detections(5.1, (5, 5, 20, 20)), associator))
    assert process(pipeline, 5.1).result.objects == ()
    assert len(process(pipeline, 5.2).result.objects) == 1
    pipeline.add_pointing(detections_from(detections(1.0, (5, 5, 20, 20)), associator))
    assert "stamped 1.000000000 s are for no image that is remembered" in process(pipeline, 5.3).notes[0]


def test_detections_on_images_before_the_object_began_do_not_double_it(pipeline: Pipeline) -> None:
    """Each detection is late by 0.4 s, so that the object begins in the past, where the next one falls as well."""
    associator = Associator(DetectionConfig(min_match_iou=0.01))
    for index in range(16):
        process(pipeline, 1 + index / 10)
        if index >= 4:
            # The masks of random weights fill the picture, so the box does as well.
            pipeline.add_pointing(detections_from(detections(1 + (index - 4) / 10, (0, 0, 64, 64)), associator))
    assert len(process(pipeline, 2.7).result.objects) == 1


def test_more_detections_than_there_is_room_for_are_left_out_silently(pipeline: Pipeline) -> None:
    associator = Associator(DetectionConfig())
    process(pipeline, 1.0)
    boxes = [(x, y, x + 10, y + 10) for x in (0, 20, 40) for y in (0, 20, 40)]
    pipeline.add_pointing(detections_from(detections(1.0, *boxes), associator))
    processed = process(pipeline, 1.1)
    assert len(processed.result.objects) == 3
    assert not any("max_objects" in note for note in processed.notes)


def test_boxes_without_an_area_and_without_classes() -> None:
    associator = Associator(DetectionConfig())
    message = detections(1.0, (5, 5, 20, 20), (5, 5, 5, 20), (float("nan"), 5, 20, 20))
    message.detections[0].results = []
    message.detections[0].id = "track 4"
    (found,) = detections_from(message, associator).found
    assert (found.score, found.label, found.name) == (1.0, "", "track 4")
    assert found.box.tolist() == [5, 5, 20, 20]


def test_boxes_that_are_turned_are_refused() -> None:
    message = detections(1.0, (5, 5, 20, 20))
    message.detections[0].bbox.center.theta = 0.5
    with pytest.raises(PromptError, match=r"a box of them is turned .*give the upright box around it"):
        detections_from(message, Associator(DetectionConfig()))


def test_a_detector_that_gives_shares_of_the_sides_is_told_to_give_pixels(pipeline: Pipeline) -> None:
    process(pipeline, 1.0)
    shares = detections(1.0, (0.1, 0.2, 0.4, 0.6), (0.5, 0.5, 0.9, 0.95))
    pipeline.add_pointing(detections_from(shares, Associator(DetectionConfig())))
    processed = process(pipeline, 1.1)
    assert processed.result.objects == ()
    assert processed.notes == (
        "no box of 2 detections is as large as a pixel, as when they are shares of the image's sides; give pixels: x "
        "times its width, y times its height",
    )


def test_a_tiny_detection_does_not_cost_the_others(pipeline: Pipeline) -> None:
    process(pipeline, 1.0)
    both = detections(1.0, (5, 5, 5.4, 20), (5, 5, 20, 20))
    pipeline.add_pointing(detections_from(both, Associator(DetectionConfig())))
    processed = process(pipeline, 1.1)
    assert [len(processed.result.objects), processed.notes] == [1, ()]
