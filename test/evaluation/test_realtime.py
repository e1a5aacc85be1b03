"""As fast as the robot: which result stands at each annotated frame, worked out by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.bags import Message, camera_bag, prompts, stamp_of, write_bag
from helpers.tracked_bags import block, label_message, results, results_bag, truth_bag, write_pngs
from sam2_ros.bag import definitions
from sam2_ros.bag.names import DETECTIONS_3D_TOPIC, GROUND_TRUTH_3D_TOPIC
from sam2_ros.bag.reader import BagReader
from sam2_ros.bag.seek import Seeker
from sam2_ros.bag.stamps import Clock
from sam2_ros.config import ModelChoice
from sam2_ros.errors import EvaluationError
from sam2_ros.evaluation.one import evaluate
from sam2_ros.evaluation.pictures import frame_pictures
from sam2_ros.evaluation.request import EvaluateRequest
from sam2_ros.measures.protocol import Protocol
from sam2_ros.space.place import Box3D, Place
from sam2_ros.stream.space_messages import detection_message

# A square of 10 by 10 that goes 1 pixel to the right with every image, ten images a second; it is found without a
# fault. A result that is n images old has n columns too much and n too little: J is (10 - n) / (10 + n).
SQUARES = [block(10 + index) for index in range(8)]


def aged(images: int) -> float:
    return (10 - images) / (10 + images)


@pytest.fixture
def request_of(tmp_path: Path) -> EvaluateRequest:
    return EvaluateRequest(
        results_bag(tmp_path / "found", SQUARES), truth_bag(tmp_path / "truth", SQUARES), realtime=True
    )


@pytest.mark.parametrize(
    ("latency_s", "ages", "dropped"),
    [
        # Finished before the next image comes: every annotated frame has the result of the image before.
        (0.04, [None, 1, 1, 1, 1, 1, 1, 1], 0),
        # Finished as the next image comes.
        (0.1, [None, 1, 1, 1, 1, 1, 1, 1], 0),
        # Works on 0 (to 0.15), 1 (to 0.30), 3 (to 0.45), 4 (to 0.60), 6 (to 0.75), 7.
        (0.15, [None, None, 2, 2, 3, 2, 2, 3], 2),
        # Works on 0 (to 0.25), 2 (to 0.50), 5 (to 0.75), 7.
        (0.25, [None, None, None, 3, 4, 3, 4, 5], 4),
        (0.0, [0, 0, 0, 0, 0, 0, 0, 0], 0),
    ],
)
def test_the_last_result_stands(
    request_of: EvaluateRequest, latency_s: float, ages: "list[int | None]", dropped: int
) -> None:
    evaluation = evaluate(replace(request_of, latency_s=latency_s))
    wanted = [0.0 if age is None else aged(age) for age in ages]
    assert [row.region for row in evaluation.rows] == pytest.approx(wanted)
    assert evaluation.figures.j_mean == pytest.approx(np.mean(wanted[1:-1]))
    assert [row.found for row in evaluation.rows] == [age is not None for age in ages]
    assert evaluation.figures.dropped == dropped
    assert evaluation.latencies_s == pytest.approx([latency_s] * (8 - dropped))
    assert evaluation.offline is not None
    assert evaluation.offline.j_mean == 1.0
    assert evaluation.settings.realtime
    assert evaluation.settings.latency_s == latency_s


def test_the_clock_runs_by_measured_latencies(tmp_path: Path, request_of: EvaluateRequest) -> None:
    slow_once = [results(index, SQUARES[index], latency_s=0.32 if index == 1 else 0.05) for index in range(8)]
    found = write_bag(tmp_path / "slow", [message for both in slow_once for message in both])
    evaluation = evaluate(replace(request_of, results=found))
    # 1 is finished at 0.42; then 4 is taken, finished at 0.47, and 5 at 0.55.
    wanted = [0.0, aged(1), aged(2), aged(3), aged(4), aged(1), aged(1), aged(1)]
    assert [row.region for row in evaluation.rows] == pytest.approx(wanted)
    assert evaluation.figures.dropped == 2
    assert evaluation.notes[-1].startswith("2 images would have been dropped; results of the others are as recorded")


def at(index: int, topic: str) -> Message:
    """Object 1 is 2 m away, and 0.1 m farther with every image."""
    position, nothing = np.array((0.0, 0.0, 2.0 + 0.1 * index)), np.zeros(3)
    place = Place(position, np.eye(3), Box3D(position, nothing, np.eye(3)), nothing[None], nothing[None])
    types, header = definitions.space_types(), definitions.header(stamp_of(index), "eye")
    found = [detection_message(types, header, 1, "", 1.0, place)]
    content = definitions.message(definitions.DETECTION_3D_ARRAY, header=header, detections=found)
    return Message(topic, stamp_of(index), definitions.DETECTION_3D_ARRAY, content)


def test_the_position_that_stands_is_that_of_an_older_image(tmp_path: Path) -> None:
    indices = range(8)
    found = [each for index in indices for each in (*results(index, SQUARES[index]), at(index, DETECTIONS_3D_TOPIC))]
    true = [each for i in indices for each in (label_message(i, SQUARES[i]), at(i, GROUND_TRUTH_3D_TOPIC))]
    request = EvaluateRequest(
        write_bag(tmp_path / "found", found), write_bag(tmp_path / "truth", true), realtime=True, latency_s=0.15
    )
    evaluation = evaluate(request)
    # The ages of the results are those above, in images of which each is 0.1 m.
    wanted = [np.nan, np.nan, 0.2, 0.2, 0.3, 0.2, 0.2, 0.3]
    assert [each.error_m for each in evaluation.positions] == pytest.approx(wanted, nan_ok=True)
    assert evaluation.figures.position_found == 0.75
    assert evaluation.offline is not None
    assert evaluation.offline.position_mean_m == 0.0


def test_pictures_show_the_result_that_stands(request_of: EvaluateRequest) -> None:
    shown = list(frame_pictures(replace(request_of, latency_s=0.15), {stamp_of(4)}))
    assert np.array_equal(shown[0].truth, SQUARES[4])
    assert np.array_equal(shown[0].found, SQUARES[1])


def test_results_that_say_nothing_of_time_need_a_latency(tmp_path: Path) -> None:
    pngs = write_pngs(tmp_path / "pngs", {f"{index:05d}": pixels for index, pixels in enumerate(SQUARES)})
    with pytest.raises(EvaluationError, match="does not say how long the tracker took; give the time with --latency"):
        evaluate(EvaluateRequest(pngs, pngs, realtime=True))
    evaluation = evaluate(EvaluateRequest(pngs, pngs, realtime=True, latency_s=0.15, fps=10))
    assert evaluation.rows[4].region == pytest.approx(aged(3))


def test_the_tracker_itself_sees_no_dropped_image(tmp_path: Path) -> None:
    """With a protocol that tracks, it tracks again without the images that the clock drops."""
    bag = camera_bag(tmp_path / "bag", 6, "mcap", prompts(stamp_of(0), stamp_of(0)))
    truth = truth_bag(tmp_path / "truth", [block(8 + 2 * index, size=20) for index in range(6)])
    request = EvaluateRequest(
        bag,
        truth,
        protocol=Protocol.PROMPTS,
        realtime=True,
        latency_s=0.15,
        keep=tmp_path / "keep",
        choice=ModelChoice("toy", "random", device="cpu", image_size=64),
    )
    evaluation = evaluate(request)
    assert evaluation.settings.model == "toy"
    assert evaluation.settings.checkpoint == "random"
    with BagReader(tmp_path / "keep" / "live_bag") as live:
        objects = next(topic for topic in live.topics if topic.type == definitions.TRACKED_OBJECT_ARRAY)
        stamps = [live.decode(recorded).header.stamp for recorded in live.messages(objects, live.span())]
    assert [stamp.sec * 10**9 + stamp.nanosec for stamp in stamps] == [stamp_of(index) for index in (0, 1, 3, 4, 5)]
    assert evaluation.figures.dropped == 1
    assert len(list(frame_pictures(request, {stamp_of(3)}))) == 1


def test_streams_are_not_held_in_memory(tmp_path: Path) -> None:
    bag_path = truth_bag(tmp_path / "truth", [block(10)] * 30)
    stamps = [stamp_of(index) for index in range(30)]
    with BagReader(bag_path) as bag:
        seeker = Seeker(bag.messages(bag.topics[0], bag.span()), stamps[::2], Clock())
        for stamp in stamps[::2]:
            assert seeker.get(stamp) is not None
            assert not seeker._held
        assert seeker.get(stamps[1]) is None
