"""Images whose stamps are zero, or never advance: the time of recording stands for them."""

import logging
from pathlib import Path

import numpy as np
import pytest

from helpers.bags import (
    DELAY_NS,
    STEP_NS,
    Message,
    box_prompt,
    image,
    on_topic,
    prompts,
    read_bag,
    stamp_of_header,
    write_bag,
)
from helpers.bags import stamp_of as time_of
from helpers.tracked_bags import block, label_message, results
from sam2_ros.bag.reader import BagReader
from sam2_ros.bag.replay import ReplayRequest, ReplaySummary, replay
from sam2_ros.bag.stamps import clock_of
from sam2_ros.bag.topics import image_topic
from sam2_ros.config import ModelChoice
from sam2_ros.errors import BagError, EvaluationError
from sam2_ros.evaluation.one import evaluate
from sam2_ros.evaluation.request import EvaluateRequest
from sam2_ros.measures.protocol import Protocol
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network

TOY = ModelChoice(model="toy", checkpoint="random", image_size=64, device="cpu")
NOTE = (
    "the stamps of /camera/image do not advance, as of a driver that sets none; the time of recording stands for them"
)


def restamped(message: Message, stamp_ns: int) -> Message:
    stamp = message.content.header.stamp
    stamp.sec, stamp.nanosec = divmod(stamp_ns, 1_000_000_000)
    return message


def stuck_bag(path: Path, stamp_ns: int = 0, frames: int = 6, *more: Message) -> Path:
    images = [restamped(image(index), stamp_ns) for index in range(frames)]
    return write_bag(path, sorted([*images, *more], key=lambda message: message.time_ns))


def run(bag: Path, output: Path, **options: object) -> ReplaySummary:
    request = ReplayRequest(bag, output, progress=False, **options)  # type: ignore[arg-type]
    return replay(request, lambda: Tracker(load_network(TOY)))


@pytest.mark.parametrize("stamp_ns", [0, time_of(3)])
def test_prompts_by_time_find_their_image_by_recording(tmp_path, stamp_ns, caplog):
    bag = stuck_bag(tmp_path / "bag", stamp_ns)
    (tmp_path / "p.yaml").write_text("prompts: [{time: 0.2, box: [8, 10, 28, 30]}]")
    with caplog.at_level(logging.WARNING):
        summary = run(bag, tmp_path / "out", prompts=tmp_path / "p.yaml")
    assert (summary.frames, summary.prompts_applied, summary.prompts_not_applied) == (6, 1, ())
    assert [text for text in caplog.messages if "stamp" in text] == [NOTE]
    found = on_topic(read_bag(tmp_path / "out"), "/sam2_tracker/objects")
    assert [len(message.content.objects) for message in found] == [0, 0, 1, 1, 1, 1]
    times = [time_of(index) + DELAY_NS for index in range(6)]
    assert [stamp_of_header(message.content) for message in found] == times


def test_recorded_prompts_find_their_image_and_the_output_can_be_replayed(tmp_path):
    unstamped = prompts(0, time_of(1) + DELAY_NS + 1, box_prompt(1))
    stamped = prompts(time_of(3) + DELAY_NS, time_of(5), box_prompt(2, (30, 5, 50, 40)))
    run(stuck_bag(tmp_path / "bag", 0, 6, unstamped, stamped), tmp_path / "out")
    run(tmp_path / "out", tmp_path / "again")
    for name in ("out", "again"):
        found = on_topic(read_bag(tmp_path / name), "/sam2_tracker/objects")
        assert [[each.id for each in message.content.objects] for message in found] == [
            *([], [], [1]),
            *([1, 2], [1, 2], [1, 2]),
        ]


def test_what_was_tracked_live_cannot_be_told(tmp_path):
    objects = [each for index in range(3) for each in results(index, block(8))]
    with pytest.raises(BagError, match="do not advance, so it cannot be told which of them were tracked live"):
        run(stuck_bag(tmp_path / "bag", 0, 6, *objects), tmp_path / "out", as_live=True)


@pytest.mark.parametrize(
    ("stamps", "by_recording"),
    [
        ([0], True),
        ([5], False),
        ([5, 6], False),
        ([5, 5], True),
        ([0, 0, 0], True),
        ([5, 5, 6], False),  # one message came twice
        ([1, 1, 1, 1, 2, 2, 2, 2], True),  # whole seconds
        ([0, 7, 8, 9], False),  # until the driver knew the time
    ],
)
def test_when_stamps_are_believed(tmp_path, stamps, by_recording):
    bag = write_bag(tmp_path / "bag", [restamped(image(index), stamp) for index, stamp in enumerate(stamps)])
    with BagReader(bag) as reader:
        assert clock_of(reader, image_topic(reader, None)).by_recording == by_recording


def with_truth(index: int, truth_ns: int | None, image_ns: int | None) -> "list[Message]":
    """An image and its ground truth, recorded at the same time; None: with their own stamp."""
    pair = [image(index), label_message(index, block(8 + 2 * index, size=20))]
    stamps = (image_ns, truth_ns)
    return [each if stamp is None else restamped(each, stamp) for each, stamp in zip(pair, stamps, strict=True)]


@pytest.mark.parametrize(("truth_ns", "image_ns"), [(0, 0), (7, 7), (0, None), (None, 0)])
@pytest.mark.parametrize("realtime", [False, True])
def test_every_image_is_scored(tmp_path, truth_ns, image_ns, realtime):
    messages = [each for index in range(6) for each in with_truth(index, truth_ns, image_ns)]
    good = [each for index in range(6) for each in with_truth(index, None, None)]
    requests = [
        EvaluateRequest(write_bag(tmp_path / name, content), protocol=Protocol.FIRST_BOX, choice=TOY, realtime=realtime)
        for name, content in (("bag", messages), ("good", good))
    ]
    if realtime:
        requests = [
            EvaluateRequest(one.results, protocol=one.protocol, choice=TOY, realtime=True, latency_s=0.15)
            for one in requests
        ]
    stuck, right = map(evaluate, requests)
    assert len(stuck.rows) == len(right.rows) == 6
    assert [row.region for row in stuck.rows] == [row.region for row in right.rows]
    assert any("do not advance" in note for note in stuck.notes)
    assert not any("do not advance" in note for note in right.notes)


def test_recorded_results_are_scored_by_the_time_of_recording(tmp_path):
    messages = [
        restamped(each, 0) for index in range(5) for each in (label_message(index, block(8)), *results(index, block(8)))
    ]
    assert [row.region for row in evaluate(EvaluateRequest(write_bag(tmp_path / "bag", messages))).rows] == [1.0] * 5


def test_masks_and_objects_of_different_times_cannot_be_paired(tmp_path):
    messages = [
        restamped(Message(each.topic, each.time_ns + late, each.type, each.content), 0)
        for index in range(5)
        for late, each in enumerate((label_message(index, block(8)), *results(index, block(8))))
    ]
    with pytest.raises(BagError, match="masks and objects were recorded at different times"):
        evaluate(EvaluateRequest(write_bag(tmp_path / "bag", messages)))


def test_when_nothing_advances_it_is_said(tmp_path):
    messages = [each for index in range(5) for each in with_truth(index, 0, 0)]
    still = [Message(each.topic, STEP_NS, each.type, each.content) for each in messages]
    with pytest.raises(EvaluationError, match=r"neither the stamps of /camera/image in .* advance nor the times at wh"):
        evaluate(EvaluateRequest(write_bag(tmp_path / "bag", still), protocol=Protocol.FIRST_BOX, choice=TOY))


def test_images_that_share_a_stamp_are_said(tmp_path):
    messages = [each for index in range(6) for each in with_truth(index, None, None)]
    messages.append(image(2))
    found = evaluate(EvaluateRequest(write_bag(tmp_path / "bag", messages), protocol=Protocol.FIRST_BOX, choice=TOY))
    assert "1 images of /camera/image have the stamp of another one; of equals one counts" in found.notes
    assert np.isfinite(found.figures.j_mean)
