"""One clip held against its ground truth: bags and folders, matched by time or by name, and what is refused."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.bags import SECOND, STEP_NS, Message, box_prompt, compressed, image, prompts, stamp_of, write_bag
from helpers.tracked_bags import (
    TRUTH,
    Said,
    block,
    label_message,
    png_message,
    results,
    results_bag,
    truth_bag,
    write_pngs,
)
from sam2_ros.bag import definitions
from sam2_ros.config import ModelChoice
from sam2_ros.errors import BagError, EvaluationError
from sam2_ros.evaluation.one import evaluate
from sam2_ros.evaluation.pictures import frame_pictures
from sam2_ros.evaluation.request import EvaluateRequest
from sam2_ros.measures.protocol import Measure, Protocol

# A square that moves by 2 pixels a frame, and one that was found 5 pixels beside it on frame 2: J is 50 / 150.
TRUE = [block(10 + 2 * index) for index in range(6)]
FOUND = [block(10 + 2 * index + 5 * (index == 2)) for index in range(6)]
TOY = ModelChoice("toy", "random", device="cpu", image_size=64)
J_MEAN = (1 + 1 / 3 + 1 + 1) / 4


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    return truth_bag(tmp_path / "truth", TRUE)


@pytest.fixture
def found(tmp_path: Path) -> Path:
    return results_bag(tmp_path / "found", FOUND)


def j_mean(results: Path, truth: Path | None, **changes: object) -> float:
    request = replace(EvaluateRequest(results, truth), **changes)  # type: ignore[arg-type]
    return evaluate(request).figures.j_mean


# --- bags ------------------------------------------------------------------------------------------------------------


def test_a_bag_of_results_against_a_bag_of_truth(found: Path, truth: Path) -> None:
    evaluation = evaluate(EvaluateRequest(found, truth))
    assert evaluation.figures.j_mean == pytest.approx(J_MEAN)
    assert (evaluation.name, evaluation.width, evaluation.height) == ("found", 64, 48)
    assert evaluation.settings.protocol == evaluation.settings.model == evaluation.settings.checkpoint == "recorded"
    assert [row.stamp_ns for row in evaluation.rows] == [stamp_of(index) for index in range(6)]
    assert [row.time_ns - row.stamp_ns for row in evaluation.rows] == [7_000_000] * 6
    assert evaluation.start_ns == stamp_of(0) + 7_000_000
    assert evaluation.latencies_s == (0.02,) * 6
    assert evaluation.notes == ()
    assert evaluation.offline is None


def test_results_and_truth_in_one_bag(tmp_path: Path) -> None:
    both = [[*results(i, FOUND[i]), label_message(i, TRUE[i], "/labels")] for i in range(6)]
    bag = write_bag(tmp_path / "both", [message for each in both for message in each])
    assert j_mean(bag, None, truth_topic="/labels") == pytest.approx(J_MEAN)
    with pytest.raises(BagError, match=r"no ground truth on /ground_truth/masks.*image topics are: /labels, /sam2_tr"):
        j_mean(bag, None)


def test_what_the_tracker_says_is_in_the_rows(tmp_path: Path, truth: Path) -> None:
    said = [Said(1, visible=index != 3, visibility=0.25, mask_score=0.5, label="cup") for index in range(6)]
    messages = [message for index in range(6) for message in results(index, FOUND[index], [said[index]])]
    evaluation = evaluate(EvaluateRequest(write_bag(tmp_path / "said", messages), truth))
    assert evaluation.objects[0].label == "cup"
    assert [row.found for row in evaluation.rows] == [True, True, True, False, True, True]
    assert {(row.visibility, row.mask_score) for row in evaluation.rows} == {(0.25, 0.5)}
    assert evaluation.figures.visibility_recall == 3 / 4
    assert evaluation.figures.visibility_error == pytest.approx(0.75)
    assert evaluation.figures.mask_score_error == pytest.approx(abs(0.5 - (1 + 1 / 3 + 1) / 3))


@pytest.mark.parametrize("encoding", ["mono8", "8UC1", "mono16", "16UC1", "16SC1", "32SC1"])
def test_label_images_of_every_encoding(tmp_path: Path, found: Path, encoding: str) -> None:
    kind = {"mono8": np.uint8, "8UC1": np.uint8, "16SC1": np.int16, "32SC1": np.int32}.get(encoding, np.uint16)
    labels = [pixels.astype(kind) for pixels in TRUE]
    if kind in (np.int16, np.int32):
        labels[3][0, 0] = -1  # unknown: background
    messages = [label_message(index, pixels, encoding=encoding) for index, pixels in enumerate(labels)]
    assert j_mean(found, write_bag(tmp_path / "truth", messages)) == pytest.approx(J_MEAN)


def test_label_images_with_padded_rows_and_in_the_other_byte_order(tmp_path: Path, found: Path) -> None:
    messages = []
    for index, pixels in enumerate(TRUE):
        padded = np.full((48, 70), 9, ">u2")
        padded[:, :64] = pixels
        fields = {"height": 48, "width": 64, "encoding": "mono16", "is_bigendian": 1, "step": 140}
        content = definitions.message(
            definitions.IMAGE,
            header=definitions.header(stamp_of(index)),
            data=np.frombuffer(padded.tobytes(), np.uint8),
            **fields,
        )
        messages.append(Message(TRUTH, stamp_of(index), definitions.IMAGE, content))
    assert j_mean(found, write_bag(tmp_path / "truth", messages)) == pytest.approx(J_MEAN)


def test_label_images_as_compressed_png(tmp_path: Path, found: Path) -> None:
    messages = [png_message(index, pixels.astype(np.uint16)) for index, pixels in enumerate(TRUE)]
    assert j_mean(found, write_bag(tmp_path / "truth", messages)) == pytest.approx(J_MEAN)


@pytest.mark.parametrize("encoding", ["rgb8", "32FC1"])
def test_other_encodings_are_refused(tmp_path: Path, found: Path, encoding: str) -> None:
    pixels = np.zeros((48, 64, 3), np.uint8) if encoding == "rgb8" else np.zeros((48, 64), np.float32)
    messages = [label_message(index, pixels, encoding=encoding) for index in range(3)]
    with pytest.raises(
        BagError, match=rf"{TRUTH}.*encoding '{encoding}', whose pixels are no ids; publish one of mono8"
    ):
        j_mean(found, write_bag(tmp_path / "truth", messages))


def test_a_jpeg_of_labels_is_refused(tmp_path: Path, found: Path) -> None:
    messages = [replace(compressed(index), topic=TRUTH) for index in range(3)]
    with pytest.raises(BagError, match="is no PNG of one channel"):
        j_mean(found, write_bag(tmp_path / "truth", messages))


# --- time ------------------------------------------------------------------------------------------------------------


def test_stamps_may_differ_by_the_tolerance(tmp_path: Path, found: Path) -> None:
    late = truth_bag(tmp_path / "late", TRUE, late_ns=4_000_000)
    with pytest.raises(
        EvaluationError, match=r"closest are 0.004 s apart, and the tolerance is 0 s.*--stamp-tolerance"
    ):
        j_mean(found, late)
    assert j_mean(found, late, tolerance_s=0.004) == pytest.approx(J_MEAN)


def test_a_result_is_held_against_one_frame_of_truth_alone(tmp_path: Path, found: Path) -> None:
    # Truth at three times the rate: with a wide tolerance the frames between would take their neighbours' results.
    beside = [(index, late) for index in range(6) for late in (-STEP_NS // 3, STEP_NS // 3)]
    extra = [label_message(index, block(40), late_ns=late) for index, late in beside]
    exact = [label_message(index, pixels) for index, pixels in enumerate(TRUE)]
    bag = write_bag(tmp_path / "truth", sorted([*exact, *extra], key=lambda message: message.time_ns))
    assert j_mean(found, bag, tolerance_s=0.05) == pytest.approx(J_MEAN)


def test_messages_may_lie_in_any_order(tmp_path: Path, truth: Path) -> None:
    order = [3, 0, 5, 1, 4, 2]
    messages = [message for index in order for message in results(index, FOUND[index])]
    shuffled = [replace(message, time_ns=place) for place, message in enumerate(messages)]
    evaluation = evaluate(EvaluateRequest(write_bag(tmp_path / "found", shuffled), truth))
    assert evaluation.figures.j_mean == pytest.approx(J_MEAN)
    assert [row.frame for row in evaluation.rows] == [0, 1, 2, 3, 4, 5]


def test_only_annotated_frames_count(tmp_path: Path, found: Path) -> None:
    sparse = write_bag(tmp_path / "sparse", [label_message(index, TRUE[index]) for index in (0, 2, 5)])
    evaluation = evaluate(EvaluateRequest(found, sparse))
    assert evaluation.figures.j_mean == pytest.approx(1 / 3)
    assert [row.frame for row in evaluation.rows] == [0, 2, 5]
    assert evaluation.notes == ("3 of 6 images have ground truth; only these count",)


def test_annotated_frames_without_a_result_are_said(tmp_path: Path, truth: Path) -> None:
    some = [message for index in (0, 1, 2, 5) for message in results(index, FOUND[index])]
    evaluation = evaluate(EvaluateRequest(write_bag(tmp_path / "some", some), truth))
    assert evaluation.figures.j_mean == pytest.approx((1 + 1 / 3) / 2)
    assert evaluation.figures.dropped == 2
    assert evaluation.notes == ("2 of 6 annotated frames have no result and were not counted",)


def test_bags_of_different_times_are_refused(tmp_path: Path, found: Path) -> None:
    other = truth_bag(tmp_path / "other", TRUE, late_ns=1000 * SECOND)
    with pytest.raises(
        EvaluationError, match=r"no time in common: the results are of 100.000 to 100.500 s, .* 1100.000 to 1100.500 s"
    ):
        j_mean(found, other)


def test_label_images_of_another_size_are_refused(tmp_path: Path, found: Path) -> None:
    small = truth_bag(tmp_path / "small", [pixels[::2, ::2].copy() for pixels in TRUE])
    with pytest.raises(EvaluationError, match=r"has 64x48 pixels, but its ground truth .*small has 32x24"):
        j_mean(found, small)


# --- ids -------------------------------------------------------------------------------------------------------------


def test_ids_that_differ_are_matched_on_demand(tmp_path: Path, found: Path) -> None:
    other = truth_bag(tmp_path / "other", [np.where(pixels, 5, 0).astype(np.uint8) for pixels in TRUE])
    with pytest.raises(EvaluationError, match=r"found \(1\) and .*other \(5\) have no id in common.*--match-ids"):
        j_mean(found, other)
    evaluation = evaluate(EvaluateRequest(found, other, match_ids=True))
    assert evaluation.figures.j_mean == pytest.approx(J_MEAN)
    assert {(row.object_id, row.found_id) for row in evaluation.rows} == {(5, 1)}
    assert evaluation.notes == ("ids of ground truth and results were matched by overlap (Hungarian method): 5 is 1",)
    assert evaluation.settings.match_ids


def test_results_without_any_object_score_nothing(tmp_path: Path, truth: Path) -> None:
    empty = results_bag(tmp_path / "empty", [np.zeros((48, 64), np.uint8)] * 6)
    evaluation = evaluate(EvaluateRequest(empty, truth))
    assert evaluation.figures.j_mean == 0
    assert evaluation.figures.nre == 1


# --- folders ---------------------------------------------------------------------------------------------------------


def davis(folder: Path, labels: "list[np.ndarray]", step: int = 1) -> Path:
    return write_pngs(folder, {f"{index * step:05d}": pixels for index, pixels in enumerate(labels)})


def test_folders_as_davis_has_them(tmp_path: Path) -> None:
    truth, found = davis(tmp_path / "truth/bear", TRUE), davis(tmp_path / "found/bear", FOUND)
    evaluation = evaluate(EvaluateRequest(found, truth))
    assert evaluation.figures.j_mean == pytest.approx(J_MEAN)
    assert (evaluation.name, evaluation.start_ns) == ("bear", 0)
    assert math.isnan(evaluation.rows[0].visibility)
    assert all(row.found for row in evaluation.rows)


def test_void_is_background_in_folders(tmp_path: Path) -> None:
    void = [pixels.copy() for pixels in TRUE]
    for index in (0, 2):
        void[index][30:40] = 255
    assert j_mean(davis(tmp_path / "found", FOUND), davis(tmp_path / "truth", void)) == pytest.approx(J_MEAN)


@pytest.mark.parametrize("white", ["palette", "grey", "bits"])
def test_black_and_white_masks_are_of_one_object(tmp_path: Path, white: str) -> None:
    right = [np.where(pixels == 1, 1, 0).astype(np.uint8) for pixels in TRUE]
    right[1][:] = 0  # it is out of sight for a while
    masks = {f"{index:05d}": pixels * np.uint8(255) for index, pixels in enumerate(right)}
    if white == "palette":
        write_pngs(tmp_path / "truth", masks)
    else:
        (tmp_path / "truth").mkdir()
        for stem, pixels in masks.items():
            picture = Image.fromarray(pixels)
            (picture if white == "grey" else picture.convert("1")).save(tmp_path / "truth" / f"{stem}.png")
    found = davis(tmp_path / "found", right)
    assert j_mean(found, tmp_path / "truth") == 1.0
    assert j_mean(tmp_path / "truth", found) == 1.0  # results may be such masks as well


def test_void_alone_on_a_frame_is_no_object(tmp_path: Path) -> None:
    void = [pixels.copy() for pixels in TRUE]
    void[2] = np.where(void[2] > 0, 255, 0).astype(np.uint8)
    without = [pixels.copy() for pixels in TRUE]
    without[2][:] = 0
    expected = j_mean(davis(tmp_path / "found", FOUND), davis(tmp_path / "without", without))
    assert j_mean(tmp_path / "found", davis(tmp_path / "truth", void)) == expected


def test_sparse_folders_as_mose_or_lvos_may_have_them(tmp_path: Path, found: Path) -> None:
    truth = write_pngs(tmp_path / "truth", {f"{index:08d}": TRUE[index] for index in (0, 2, 5)})
    assert j_mean(davis(tmp_path / "found_pngs", FOUND), davis(tmp_path / "again", TRUE)) == pytest.approx(J_MEAN)
    assert j_mean(found, truth) == pytest.approx(1 / 3)  # a bag: the number is that of the image


def test_folders_as_sa_v_has_them(tmp_path: Path) -> None:
    masks = [np.where(pixels, 255, 0).astype(np.uint8) for pixels in TRUE]
    other = [np.where(block(30, 30), 1, 0).astype(np.uint8)] * 6
    for folder, first in (("truth", masks), ("found", [np.where(pixels, 1, 0) for pixels in FOUND])):
        davis(tmp_path / folder / "000", first, step=4)
        davis(tmp_path / folder / "001", other, step=4)
    evaluation = evaluate(EvaluateRequest(tmp_path / "found", tmp_path / "truth", measure=Measure.SA_V))
    assert [(each.object_id, each.label) for each in evaluation.objects] == [(1, "000"), (2, "001")]
    assert [each.figures.j_mean for each in evaluation.objects] == pytest.approx([J_MEAN, 1.0])


def test_masks_of_sa_v_may_overlap_and_be_annotated_on_different_frames(tmp_path: Path) -> None:
    whole = np.full((48, 64), 255, np.uint8)
    for folder in ("truth", "found"):
        davis(tmp_path / folder / "000", [whole] * 6)
        write_pngs(tmp_path / folder / "007", {f"{index:05d}": TRUE[index] for index in (1, 2, 3, 4)})
    evaluation = evaluate(EvaluateRequest(tmp_path / "found", tmp_path / "truth", measure=Measure.SA_V))
    assert [each.figures.j_mean for each in evaluation.objects] == [1.0, 1.0]
    assert [row.frame for row in evaluation.rows if row.object_id == 8 and row.counted] == [2, 3]


def test_an_annotated_frame_without_its_png_is_named(tmp_path: Path) -> None:
    truth, found = davis(tmp_path / "truth", TRUE), davis(tmp_path / "found", FOUND)
    (found / "00003.png").unlink()
    with pytest.raises(EvaluationError, match=r"frame 00003 of the ground truth .*truth is not among the 5 frames"):
        j_mean(found, truth)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: [file.unlink() for file in folder.iterdir()], "has no label images; give PNG files"),
        (lambda folder: (folder / "00002.png").write_bytes(b"\x89PNG"), "00002.png cannot be read: it is damaged"),
        (lambda folder: Image.new("RGB", (64, 48)).save(folder / "00002.png"), r"has colours \(RGB\) in place of ids"),
    ],
)
def test_folders_that_cannot_be_used(tmp_path: Path, found: Path, spoil, sentence: str) -> None:  # type: ignore[no-untyped-def]
    truth = davis(tmp_path / "truth", TRUE)
    spoil(truth)
    with pytest.raises(BagError, match=sentence):
        j_mean(found, truth)


def test_a_truncated_bag_is_named(found: Path, truth: Path) -> None:
    file = next(found.glob("*.mcap"))
    file.write_bytes(file.read_bytes()[:-400])
    with pytest.raises(BagError, match=r"the bag .*found.mcap cannot be read"):
        j_mean(found, truth)


def test_a_folder_without_truth_or_with_a_bag_as_truth_is_refused(tmp_path: Path, truth: Path) -> None:
    found = davis(tmp_path / "pngs", FOUND)
    with pytest.raises(EvaluationError, match="holds no ground truth; give it with --truth"):
        j_mean(found, None)
    with pytest.raises(EvaluationError, match="whose frames have names and no stamps"):
        j_mean(found, truth)


# --- with a tracker --------------------------------------------------------------------------------------------------


def test_a_bag_with_images_truth_and_prompts_is_tracked_through(tmp_path: Path) -> None:
    """The truth's topic is no camera, and its prompts are not obeyed when truth gives them."""
    wrong = box_prompt(object_id=9)
    messages = [prompts(stamp_of(0), stamp_of(0), wrong)]
    messages += [message for i in range(3) for message in (image(i), label_message(i, TRUE[i], "/labels"))]
    bag = write_bag(tmp_path / "bag", messages)
    request = EvaluateRequest(
        bag, truth_topic="/labels", protocol=Protocol.FIRST_BOX, choice=TOY, keep=tmp_path / "keep"
    )
    evaluation = evaluate(request)
    assert evaluation.settings.protocol == "first-box"
    assert {row.found_id for row in evaluation.rows} == {1}
    assert [row.attended for row in evaluation.rows] == [(), (1,), (1, 2)]
    assert not any("9" in note for note in evaluation.notes)
    assert len(evaluation.latencies_s) == 3
    assert evaluate(request).rows == evaluation.rows  # and once more into the same folder
    (shown,) = frame_pictures(request, {stamp_of(1)})
    assert np.array_equal(shown.image, camera_picture(1))
    with pytest.raises(EvaluationError, match="have no id in common"):
        evaluate(replace(request, protocol=Protocol.PROMPTS))
    with pytest.raises(EvaluationError, match="was not kept, so it cannot be shown"):
        list(frame_pictures(replace(request, keep=None), {stamp_of(1)}))


def test_a_bag_without_prompts_says_which_protocols_need_none(tmp_path: Path, truth: Path) -> None:
    bag = write_bag(tmp_path / "bag", [image(index) for index in range(3)])
    with pytest.raises(EvaluationError, match=r"nothing was tracked; choose a protocol .* davis-semi, first-box"):
        evaluate(EvaluateRequest(bag, truth, choice=TOY))


def test_truth_of_another_time_is_refused_before_tracking(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", [image(index) for index in range(3)])
    other = truth_bag(tmp_path / "other", TRUE, late_ns=1000 * SECOND)
    nowhere = ModelChoice(checkpoint=str(tmp_path / "none.pt"))
    with pytest.raises(EvaluationError, match="no time in common"):
        evaluate(EvaluateRequest(bag, other, protocol=Protocol.FIRST_CLICK, choice=nowhere))


# --- requests and pictures -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tolerance_s": -1.0}, "tolerance is -1; give 0 or more seconds"),
        ({"fps": 0.0}, "rate is 0; give more than 0"),
        ({"latency_s": 0.1}, "nothing runs on a clock; add --realtime"),
        ({"realtime": True, "latency_s": math.nan}, "latency is nan"),
    ],
)
def test_requests_that_make_no_sense(changes: "dict[str, float]", sentence: str) -> None:
    with pytest.raises(EvaluationError, match=sentence):
        EvaluateRequest(Path("bag"), **changes)  # type: ignore[arg-type]


def test_protocols_that_a_folder_cannot_have(tmp_path: Path) -> None:
    pngs, jpegs = davis(tmp_path / "pngs", FOUND), tmp_path / "jpegs"
    jpegs.mkdir()
    Image.new("RGB", (64, 48)).save(jpegs / "0.jpg")
    with pytest.raises(EvaluationError, match="has no prompts; choose the protocol davis-semi"):
        j_mean(pngs, pngs, protocol=Protocol.PROMPTS)
    with pytest.raises(EvaluationError, match="holds images, not results"):
        j_mean(jpegs, pngs, protocol=Protocol.RECORDED)


def test_pictures_of_frames(tmp_path: Path, found: Path) -> None:
    messages = [message for index in range(6) for message in (image(index), label_message(index, TRUE[index]))]
    truth = write_bag(tmp_path / "with_images", messages)
    request = EvaluateRequest(found, truth)
    shown = list(frame_pictures(request, {stamp_of(4), stamp_of(2), 7}))
    assert [each.stamp_ns for each in shown] == [stamp_of(2), stamp_of(4)]
    assert np.array_equal(shown[0].truth, TRUE[2])
    assert np.array_equal(shown[0].found, FOUND[2])
    assert np.array_equal(shown[1].image, camera_picture(4))
    bare = list(frame_pictures(replace(request, truth=truth_bag(tmp_path / "bare", TRUE)), {stamp_of(2)}))
    assert bare[0].image.shape == (48, 64, 3)
    assert not bare[0].image.any()


def camera_picture(index: int) -> np.ndarray:
    return np.asarray(image(index).content.data).reshape(48, 64, 3)


@pytest.mark.parametrize("sides", [(1, 1), (1, 9), (9, 1)])
def test_an_object_of_a_pixel_across_is_prompted_by_a_box(tmp_path: Path, sides: "tuple[int, int]") -> None:
    small = np.zeros((48, 64), np.uint8)
    small[10 : 10 + sides[0], 20 : 20 + sides[1]] = 1
    messages = [each for index in range(3) for each in (image(index), label_message(index, small))]
    bag = write_bag(tmp_path / "bag", messages)
    toy = ModelChoice(model="toy", checkpoint="random", image_size=64, device="cpu")
    assert len(evaluate(EvaluateRequest(bag, protocol=Protocol.FIRST_BOX, choice=toy)).rows) == 3
