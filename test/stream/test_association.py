"""What detections ask of the tracker: only what it does not know."""

import numpy as np
import pytest

from sam2_ros.config import DetectionConfig
from sam2_ros.stream.association import Associator, Detection, overlap
from sam2_ros.stream.history import Seen
from sam2_ros.tracking.prompt import Prompt

HERE, NEAR, THERE = (10, 10, 50, 50), (14, 12, 54, 52), (100, 100, 140, 140)


@pytest.fixture
def associator() -> Associator:
    return Associator(DetectionConfig())


def detection(box: tuple[int, ...], score: float = 0.9, label: str = "cup", name: str = "") -> Detection:
    return Detection(np.array(box, float), score, label, name)


def seen(object_id: int, box: tuple[int, int, int, int] | None, label: str = "cup") -> Seen:
    return Seen(object_id, label, box is not None, box)


def unsure(object_id: int, box: tuple[int, int, int, int]) -> Seen:
    return Seen(object_id, "cup", True, box, unsure=True)


def asked(prompts: list[Prompt]) -> list[tuple[int, str, list[float]]]:
    return [(p.object_id, p.label, [] if p.box is None else p.box.tolist()) for p in prompts]


def test_what_is_new_begins_with_its_class_as_label(associator: Associator) -> None:
    prompts = associator.prompts([detection(HERE), detection(THERE, label="pan")], [], 5)
    assert asked(prompts) == [(0, "cup", [*HERE]), (0, "pan", [*THERE])]


def test_what_is_tracked_already_asks_for_nothing_however_often(associator: Associator) -> None:
    for _ in range(20):
        assert associator.prompts([detection(NEAR), detection(THERE)], [seen(1, HERE), seen(2, THERE)], 5) == []


def test_the_pairs_with_the_largest_overlap_belong_together(associator: Associator) -> None:
    # The first detection overlaps both objects; alone it would take the one that the second needs.
    objects = [seen(1, (0, 0, 40, 40)), seen(2, (20, 0, 60, 40))]
    assert associator.prompts([detection((14, 0, 54, 40)), detection((22, 0, 62, 40))], objects, 5) == []


def test_where_the_tracker_is_unsure_one_detection_that_disagrees_corrects_it(associator: Associator) -> None:
    apart = (10, 10, 50, 26)  # less than half of the object's box
    assert associator.prompts([detection(apart)], [seen(1, HERE)], 5) == []
    assert asked(associator.prompts([detection(apart)], [unsure(1, HERE)], 5)) == [(1, "cup", [*apart])]
    assert associator.prompts([detection(NEAR)], [unsure(1, HERE)], 5) == []  # it says the same
    assert associator.prompts([detection(apart, score=0.4)], [unsure(1, HERE)], 5) == []  # too weak to correct


def test_a_weak_detection_starts_nothing(associator: Associator) -> None:
    assert associator.prompts([detection(HERE, score=0.49)], [], 5) == []
    assert len(associator.prompts([detection(HERE, score=0.5)], [], 5)) == 1


def test_two_detections_of_one_thing_start_one_object(associator: Associator) -> None:
    assert asked(associator.prompts([detection(HERE, 0.7), detection(NEAR, 0.9)], [], 5)) == [(0, "cup", [*NEAR])]


def test_without_room_the_surest_begin(associator: Associator) -> None:
    found = [detection(HERE, 0.6), detection(THERE, 0.8)]
    assert asked(associator.prompts(found, [], 1)) == [(0, "cup", [*THERE])]
    assert associator.prompts(found, [], 0) == []


@pytest.mark.parametrize("name", ["7", "my cup"])
def test_a_named_object_is_told_again_when_it_is_lost(associator: Associator, name: str) -> None:
    prompts = associator.prompts([detection(THERE, name=name)], [seen(7, None, "my cup")], 5)
    assert [(p.object_id, p.box.tolist()) for p in prompts if p.box is not None] == [(7, [*THERE])]


def test_a_named_object_that_is_seen_elsewhere_is_corrected_at_the_third_time(associator: Associator) -> None:
    elsewhere = [detection(THERE, name="7")]
    counts = [len(associator.prompts(elsewhere, [seen(7, HERE)], 5)) for _ in range(6)]
    assert counts == [0, 0, 1, 0, 0, 1]


def test_an_agreement_in_between_starts_the_count_again(associator: Associator) -> None:
    places = (THERE, THERE, NEAR, THERE, THERE)
    assert [associator.prompts([detection(p, name="7")], [seen(7, HERE)], 5) for p in places] == [[]] * 5


def test_a_lost_object_is_found_again_by_its_class_and_not_doubled(associator: Associator) -> None:
    objects = [seen(1, HERE), seen(2, None), seen(3, None, "pan")]
    prompts = associator.prompts([detection(HERE), detection(THERE)], objects, 5)
    assert [p.object_id for p in prompts] == [2]


def test_a_name_that_nobody_has_starts_an_object_of_that_label_once(associator: Associator) -> None:
    assert asked(associator.prompts([detection(HERE, name="track 12")], [], 5)) == [(0, "track 12", [*HERE])]
    assert associator.prompts([detection(HERE, name="track 12")], [seen(1, HERE, "track 12")], 5) == []
    # The detector's own tracker lost it and calls it differently now.
    assert associator.prompts([detection(HERE, name="track 13")], [seen(1, HERE, "track 12")], 5) == []


def test_overlap_of_boxes() -> None:
    assert overlap(np.array([0.0, 0, 2, 2]), np.array([1.0, 1, 3, 3])) == pytest.approx(1 / 7)
    assert overlap(np.array([0.0, 0, 2, 2]), np.array([2.0, 0, 3, 3])) == 0
