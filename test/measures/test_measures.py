"""The measures one by one, against figures that were worked out by hand."""

import itertools
import math

import numpy as np
import pytest

from sam2_ros.errors import EvaluationError
from sam2_ros.measures.calibration import calibration_error, pooled, reliability
from sam2_ros.measures.counting import counted
from sam2_ros.measures.figures import Course, clip_figures, mask_score_bins, object_figures, overall, visibility_bins
from sam2_ros.measures.identity import IdentitySwitches
from sam2_ros.measures.labels import LabelImage, Layers
from sam2_ros.measures.longterm import Sighting, long_term
from sam2_ros.measures.matching import IdMatching
from sam2_ros.measures.overlap import overlaps
from sam2_ros.measures.protocol import Measure
from sam2_ros.measures.realtime import simulate
from sam2_ros.measures.record import Evaluation, Settings
from sam2_ros.measures.scoring import Found, Place, Said, Scorer
from sam2_ros.measures.statistics import quarter, statistics
from sam2_ros.measures.visibility import visibility_score

NAN = math.nan


def block(x: int, object_id: int = 1, pixels: np.ndarray | None = None) -> np.ndarray:
    """(20, 60) with a 10 by 10 square."""
    pixels = np.zeros((20, 60), np.uint8) if pixels is None else pixels.copy()
    pixels[5:15, x : x + 10] = object_id
    return pixels


# --- over time -------------------------------------------------------------------------------------------------------


def test_mean_recall_and_decay() -> None:
    found = statistics([0.5, 0.9, NAN, 0.6, 0.1])
    assert found.mean == pytest.approx(2.1 / 4)
    assert found.recall == pytest.approx(2 / 5)  # 0.5 is not above 0.5, and what is no number is no success
    assert found.decay == pytest.approx((0.5 + 0.9) / 2 - (0.6 + 0.1) / 2)
    assert all(map(math.isnan, vars_of(statistics([]))))


def vars_of(found) -> list[float]:  # type: ignore[no-untyped-def]
    return [found.mean, found.recall, found.decay]


@pytest.mark.parametrize(
    ("count", "first", "last"),
    [(1, (0, 1), (0, 1)), (3, (0, 2), (2, 3)), (6, (0, 2), (4, 6)), (10, (0, 3), (7, 10)), (300, (0, 76), (224, 300))],
)
def test_quarters(count: int, first: tuple[int, int], last: tuple[int, int]) -> None:
    assert (quarter(count, 0).start, quarter(count, 0).stop) == first
    assert (quarter(count, 3).start, quarter(count, 3).stop) == last


def test_decay_of_a_long_clip_is_that_of_its_ends() -> None:
    values = [1.0] * 76 + [0.7] * 148 + [0.25] * 76
    assert statistics(values).decay == pytest.approx(0.75)


# --- long term -------------------------------------------------------------------------------------------------------


def test_frames_are_sorted_as_in_vot() -> None:
    frames = [
        *[Sighting(False, False, 1.0)] * 9,
        *[Sighting(False, True, 0.0)] * 3,
        *[Sighting(True, True, 0.5)] * 4,
        Sighting(True, True, 0.001),
        Sighting(True, True, 0.0),
        *[Sighting(True, False, 0.0)] * 2,
    ]
    found = long_term(frames)
    assert (found.absent, found.hallucinated, found.tracked, found.failed, found.missed) == (9, 3, 5, 1, 2)
    assert found.not_reported == pytest.approx(2 / 8)
    assert found.drift == pytest.approx(1 / 8)
    assert found.robustness == pytest.approx(5 / 8)
    assert found.absence_detected == pytest.approx(9 / 12)
    assert found.quality == pytest.approx((9 + 4 * 0.5 + 0.001) / 20)


@pytest.mark.parametrize(("absent", "wanted"), [(10, NAN), (11, 1.0)])
def test_absence_takes_more_than_ten_frames(absent: int, wanted: float) -> None:
    found = long_term([Sighting(False, False, 1.0)] * absent)
    assert found.absence_detected == pytest.approx(wanted, nan_ok=True)
    assert math.isnan(found.robustness)


def test_visibility() -> None:
    score = visibility_score([(True, True)] * 5 + [(True, False)] * 2 + [(False, True)] + [(False, False)] * 4)
    assert (score.accuracy, score.precision, score.recall) == (9 / 12, 5 / 6, 5 / 7)
    assert math.isnan(visibility_score([(False, False)]).precision)


# --- identity --------------------------------------------------------------------------------------------------------


def switches(*found: "np.ndarray | None", true_id: int = 1) -> int:
    """Of an object that stays where it is."""
    counter, truth = IdentitySwitches(), LabelImage(block(10, true_id))
    for labels in found:
        counter.add(overlaps(truth, LabelImage(np.zeros((20, 60), np.uint8) if labels is None else labels)))
    return counter.of(true_id)


def test_an_identity_switches_when_another_id_takes_over() -> None:
    assert switches(block(10, 4), block(10, 4), block(11, 7), block(10, 7), block(10, 4)) == 2
    assert switches(block(10, 4), None, block(10, 9)) == 1  # lost, and found under another id
    assert switches(block(10, 4), None, block(10, 4)) == 0
    assert switches(block(10, 4), block(14, 5), block(10, 4)) == 0  # an IoU of 6 / 14 is no match
    assert switches(block(10, 4), block(13, 5), block(10, 4)) == 2  # 7 / 13 is
    assert switches(block(10, 4), block(15, 0, block(10, 5)), block(10, 4)) == 0  # a half is none


def test_two_objects_that_change_places_are_two_switches() -> None:
    counter = IdentitySwitches()
    truth = LabelImage(block(30, 2, block(10, 1)))
    for found in (block(30, 2, block(10, 1)), block(30, 1, block(10, 2))):
        counter.add(overlaps(truth, LabelImage(found)))
    assert [counter.of(object_id) for object_id in (1, 2, 3)] == [1, 1, 0]


def test_ids_are_matched_for_the_largest_overlap_of_all() -> None:
    matching = IdMatching()
    # Greedily 1 would take 8, which overlaps it best; then 2 would be left with nothing.
    truth = LabelImage(block(20, 2, block(10, 1)))
    matching.add(overlaps(truth, LabelImage(block(14, 8))))
    matching.add(overlaps(truth, LabelImage(block(7, 9))))
    matching.add(overlaps(truth, LabelImage(block(40, 5))))
    assert matching.best() == {1: 9, 2: 8}
    assert IdMatching().best() == {}


# --- overlaps --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
def test_overlaps_do_not_depend_on_how_labels_are_kept(dtype: type[np.generic]) -> None:
    rng = np.random.default_rng(5)
    true, found = (rng.integers(0, 6, (40, 50)) * 40 for _ in range(2))
    wanted = {(a, b): int(((true == a) & (found == b)).sum()) for a in range(40, 201, 40) for b in range(40, 201, 40)}
    got = overlaps(LabelImage(true.astype(dtype)), LabelImage(found.astype(dtype)))
    assert got.common == wanted
    assert got.true_areas == {a: int((true == a).sum()) for a in range(40, 201, 40)}
    layers = Layers(50, 40, {b: found == b for b in range(40, 201, 40)})
    assert overlaps(LabelImage(true.astype(dtype)), layers) == got
    assert got.region(40, 80) == wanted[40, 80] / (got.true_areas[40] + got.found_areas[80] - wanted[40, 80])


def test_more_ids_than_a_byte_has_pairs() -> None:
    pixels = np.arange(1200, dtype=np.uint16).reshape(20, 60) % 300
    got = overlaps(LabelImage(pixels), LabelImage(pixels))
    assert got.common == {(object_id, object_id): 4 for object_id in range(1, 300)}
    small = (pixels % 20).astype(np.uint8)
    assert len(overlaps(LabelImage(small), LabelImage(small)).common) == 19


def test_areas_of_large_images_are_counted_to_the_pixel() -> None:
    pixels = np.ones((4097, 4097), np.uint8)  # more than a float32 counts one by one
    assert overlaps(LabelImage(pixels), LabelImage(pixels)).common == {(1, 1): 4097**2}


# --- calibration -----------------------------------------------------------------------------------------------------


def test_reliability_and_calibration_error() -> None:
    bins = reliability([(0.95, 1.0), (0.91, 0.5), (1.0, 0.6), (0.3, 0.1), (NAN, 0.0), (0.0, 0.0)])
    assert len(bins) == 10
    assert (bins[9].low, bins[9].high, bins[9].count) == (0.9, 1.0, 3)
    assert bins[9].promised == pytest.approx(2.86 / 3)
    assert bins[9].true == pytest.approx(0.7)
    assert (bins[3].count, bins[0].count, bins[5].count) == (1, 1, 0)
    assert math.isnan(bins[5].promised)
    assert calibration_error(bins) == pytest.approx((2.86 - 2.1 + 0.2 + 0.0) / 5)
    assert math.isnan(calibration_error(reliability([])))


def test_pooled_bins_are_those_of_all_pairs() -> None:
    rng = np.random.default_rng(0)
    some, others = (rng.random((n, 2)).tolist() for n in (30, 4))
    together = reliability([*some, *others])
    for bin_, wanted in zip(pooled([reliability(some), reliability(others)]), together, strict=True):
        assert (bin_.count, bin_.low) == (wanted.count, wanted.low)
        assert [bin_.promised, bin_.true] == pytest.approx([wanted.promised, wanted.true], nan_ok=True)


# --- the robot's clock -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latency", "taken"),
    [
        (0, [0, 1, 2, 3, 4, 5, 6, 7]),
        (10, [0, 1, 2, 3, 4, 5, 6, 7]),  # free the moment the next one comes
        (15, [0, 1, 3, 4, 6, 7]),  # free at 15, 30, 45, 60, 75: the newest then is 1, 3, 4, 6, 7
        (25, [0, 2, 5, 7]),  # free at 25 with 1 and 2 there; then at 50 with 5, at 75 with 7
        (1000, [0, 7]),
    ],
)
def test_the_newest_image_is_taken_when_the_tracker_is_free(latency: int, taken: list[int]) -> None:
    arrivals = [10 * index for index in range(8)]
    works = simulate(arrivals, lambda index: latency)
    assert [work.index for work in works] == taken
    for work, later in itertools.pairwise(works):
        assert work.finished_ns == work.started_ns + latency
        assert later.started_ns >= work.finished_ns
        assert later.started_ns >= arrivals[later.index]


def test_every_image_may_take_its_own_time() -> None:
    latency = {0: 32, 3: 5, 4: 5}
    works = simulate([0, 10, 20, 30, 40], latency.__getitem__)
    assert [(work.index, work.started_ns, work.finished_ns) for work in works] == [(0, 0, 32), (3, 32, 37), (4, 40, 45)]


# --- what counts -----------------------------------------------------------------------------------------------------


def scorer_of(truth: "list[np.ndarray]", found: "list[np.ndarray]", match: "dict[int, int] | None" = None) -> Scorer:
    scorer = Scorer(match)
    for index, (true, answer) in enumerate(zip(truth, found, strict=True)):
        scorer.add(Place(index, index, index), LabelImage(true), Found(LabelImage(answer), None))
    return scorer


def test_davis_counts_all_frames_but_the_first_and_the_last() -> None:
    here, away = block(10), block(40)
    item = counted(scorer_of([here] * 4, [away, here, away, away]), Measure.DAVIS).objects[0]
    assert [row.counted for row in item.rows] == [False, True, True, False]
    assert object_figures(item).figures.j_mean == 0.5


def test_an_object_that_was_never_found_counts_as_empty() -> None:
    both = block(30, 2, block(10, 1))
    kept = counted(scorer_of([both] * 4, [block(10, 1)] * 4), Measure.DAVIS)
    assert [object_figures(item).figures.j_mean for item in kept.objects] == [1.0, 0.0]
    assert kept.notes == ("not found: object 2 of the ground truth, not in the results, counts as empty",)


def test_davis_leaves_out_ids_above_those_of_the_first_frame_and_sa_v_does_not() -> None:
    alone, both = block(10, 1), block(30, 2, block(10, 1))
    truth, found = [alone, alone, both, both, both], [alone, both, both, alone, both]
    davis = counted(scorer_of(truth, found), Measure.DAVIS)
    assert [item.object_id for item in davis.objects] == [1]
    assert davis.notes[0].startswith("left out: object 2 of the ground truth; as in DAVIS")
    late = counted(scorer_of(truth, found), Measure.SA_V).objects[1]
    # It counts from frame 1 on, where it was found before it was there.
    assert [row.counted for row in late.rows] == [False, True, True, True, False]
    assert object_figures(late).figures.j_mean == pytest.approx((0 + 1 + 0) / 3)


def test_sa_v_leaves_out_what_truth_shows_on_its_first_and_last_frame_alone() -> None:
    alone, both = block(10, 1), block(30, 2, block(10, 1))
    kept = counted(scorer_of([both, alone, alone, both], [both] * 4), Measure.SA_V)
    assert [item.object_id for item in kept.objects] == [1]
    assert kept.notes == (
        "left out: object 2 of the ground truth; never seen between the first and last annotated frame",
    )


def test_an_object_has_rows_from_the_beginning_wherever_it_first_appears() -> None:
    alone, both = block(10, 2), block(30, 1, block(10, 2))
    kept = counted(scorer_of([alone, alone, both, both], [alone, alone, alone, both]), Measure.DAVIS)
    late = kept.objects[0]
    assert [(row.frame, row.region, row.visible) for row in late.rows] == [
        (0, 1.0, False),
        (1, 1.0, False),
        (2, 0.0, True),
        (3, 1.0, True),
    ]


def test_matched_ids_are_scored_and_strangers_are_said() -> None:
    truth = [block(10, 1)] * 3
    found = [block(40, 3, block(10, 7))] * 3
    kept = counted(scorer_of(truth, found, {1: 7}), Measure.DAVIS)
    assert object_figures(kept.objects[0]).figures.j_mean == 1.0
    assert {row.found_id for row in kept.objects[0].rows} == {7}
    assert kept.notes == ("not scored: object 3 of the results, not in the ground truth",)


def test_truth_without_objects_is_refused() -> None:
    empty = np.zeros((20, 60), np.uint8)
    with pytest.raises(EvaluationError, match="shows no object on any frame"):
        counted(scorer_of([empty] * 3, [block(1)] * 3), Measure.SA_V)
    with pytest.raises(EvaluationError, match=r"first annotated frame shows no object.*choose the measure sa-v"):
        counted(scorer_of([empty, block(1), block(1)], [block(1)] * 3), Measure.DAVIS)


# --- many objects and clips ------------------------------------------------------------------------------------------


def evaluation(
    name: str, truth: "list[np.ndarray]", found: "list[np.ndarray]", latencies_s: tuple[float, ...]
) -> Evaluation:
    scorer = Scorer()
    for index, (true, answer) in enumerate(zip(truth, found, strict=True)):
        said = {object_id: Said(True, 0.9, 0.7) for object_id in np.unique(answer).tolist() if object_id}
        scorer.add(Place(index, index, index), LabelImage(true), Found(LabelImage(answer), said))
    kept = counted(scorer, Measure.DAVIS)
    objects = tuple(map(object_figures, kept.objects))
    rows = tuple(row for item in kept.objects for row in item.rows)
    return Evaluation(
        name=name,
        source=name,
        settings=Settings("recorded", "davis", "recorded", "recorded", False, 0.0, False, NAN, "0"),
        width=60,
        height=20,
        figures=clip_figures(objects, rows, Course(scorer.frames, 1, latencies_s)),
        objects=objects,
        rows=rows,
        mask_score_bins=mask_score_bins(rows),
        visibility_bins=visibility_bins(rows),
        latencies_s=latencies_s,
        notes=(),
    )


def test_clips_are_joined_by_object_rows_and_images() -> None:
    one, two = block(10, 1), block(30, 2, block(10, 1))
    first = evaluation("a", [two] * 5, [two, two, two, one, two], (0.01, 0.02, 0.03))
    second = evaluation("b", [one] * 4, [one, block(40), block(40), one], (0.05,))
    assert first.figures.j_mean == pytest.approx((1 + 2 / 3) / 2)
    assert first.figures.visibility_recall == pytest.approx(5 / 6)
    assert first.figures.latency_p50_ms == pytest.approx(20)
    assert first.figures.latency_p95_ms == pytest.approx(29)
    assert first.figures.visibility_error == pytest.approx(0.1)
    # 5 rows are said to be visible; all promise 0.7 and have J of 1.
    assert first.figures.mask_score_error == pytest.approx(0.3)
    total = overall([first, second])
    assert total.j_mean == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert total.j_and_f == pytest.approx((total.j_mean + total.f_mean) / 2)
    assert total.visibility_recall == pytest.approx(7 / 8)
    assert total.mask_score_error == pytest.approx(abs(7 * 0.7 - 5) / 7)
    assert total.robustness == pytest.approx(((1 + 4 / 5) / 2 + 2 / 4) / 2)
    assert total.dre == pytest.approx((0 + 2 / 4) / 2)
    assert (total.frames, total.dropped, total.identity_switches) == (9, 2, 0)
    assert total.latency_p50_ms == pytest.approx(25)
