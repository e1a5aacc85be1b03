"""From messages to places, and from places to messages; bad input never gives a wrong place without a word."""

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from helpers.space import (
    BOX,
    CAMERA,
    FRAME,
    HEIGHT,
    POSITION,
    STAMP,
    WIDTH,
    card,
    depth_message,
    header,
    info_message,
    result,
    state,
)
from sam2_ros.bag import definitions
from sam2_ros.config import SpaceConfig
from sam2_ros.errors import SpaceError
from sam2_ros.space.place import Nowhere, Place
from sam2_ros.space.transform import Transform
from sam2_ros.stream.messages import objects_message
from sam2_ros.stream.places import HIDDEN, Located, Locator, Once, Placed, Placer
from sam2_ros.stream.space_messages import cloud_message, detections_message, transform_messages

CONFIG = SpaceConfig(mask_erosion=1, min_depth_pixels=20)
TO_MAP = Transform(np.array([(0.0, 0, 1), (-1, 0, 0), (0, -1, 0)]), np.array((10.0, 0.0, 1.0)))
IN_MAP = (12.0, 0.21, 1.01)
S = 1_000_000_000


def located(
    depth: Any = None, info: Any = None, config: SpaceConfig = CONFIG, topic: str = "/image", **of: Any
) -> Located:
    locator = Locator(config, topic)
    locator.ring.put(depth_message() if depth is None else depth)
    locator.put_camera_info(info_message() if info is None else info)
    return locator.locate(of.get("header", header()), of.get("result", result()))


def reason(found: Located) -> str:
    place = found.places[1]
    assert isinstance(place, Nowhere), place
    return place.reason


def placed(config: SpaceConfig = CONFIG, find: Any = None, **of: Any) -> Placed:
    return Placer(config).place(located(config=config, **of), find or (lambda *_: TO_MAP))


def test_the_card_is_where_it_is():
    found = located(result=result(state(1), state(2, visible=False)))
    place = found.places[1]
    assert isinstance(place, Place)
    assert place.position == pytest.approx(POSITION, abs=1e-6)
    assert found.places[2] is HIDDEN
    assert found.notes == ()


@pytest.mark.parametrize("factor", [2, 0.5])
def test_depth_of_another_size_is_said(factor):
    values = card(height=int(HEIGHT * factor), width=int(WIDTH * factor))
    found = located(depth_message(values))
    place = found.places[1]
    assert isinstance(place, Place)
    assert place.position == pytest.approx(POSITION, abs=1e-6)
    assert "both are taken to show the same field of view" in found.notes[0]


@pytest.mark.parametrize(
    ("depth", "info", "words"),
    [
        (depth_message(frame_id="depth_frame"), None, "is in frame depth_frame and the image in camera_color_optical"),
        (None, info_message(frame_id="left"), "the camera_info is in frame left"),
        (None, info_message(replace(CAMERA, height=45)), "not the shape of 80x60"),
        (depth_message(card(width=WIDTH // 2)), None, "not the shape of 40x60"),
        (depth_message(stamp_ns=STAMP + 3600 * S), None, r"3600\.0000 s away from the image"),
        (depth_message(np.zeros((HEIGHT, WIDTH), np.uint16)), None, "0 pixels of its mask have a depth"),
        (depth_message(np.zeros((HEIGHT, WIDTH), np.uint16), encoding="mono8"), None, "has the encoding 'mono8'"),
        (None, info_message(replace(CAMERA, fx=0.0)), "the camera is not calibrated"),
    ],
)
def test_without_what_is_needed_there_is_no_place_and_a_reason(depth, info, words):
    found = located(depth, info)
    assert re.search(words, reason(found))


def test_without_camera_info_it_is_said_once():
    locator = Locator(CONFIG, "/image")
    locator.ring.put(depth_message())
    first, second = (locator.locate(header(), result()) for _ in range(2))
    assert first.notes == (f"objects have no position: {reason(first)}",)
    assert second.notes == ()
    assert "no camera_info has come" in reason(second)


def test_the_users_limit_of_pixels_is_that_of_compressed_depth():
    png = cv2.imencode(".png", card())[1].tobytes()
    packed = SimpleNamespace(format="16UC1; compressedDepth png", header=header(), data=bytes(12) + png)
    for limit, words in ((WIDTH * HEIGHT, None), (1000, r"more than max_image_pixels \(1,000\) allows")):
        locator = Locator(CONFIG, "/image", limit)
        locator.ring.put(packed)
        locator.put_camera_info(info_message())
        found = locator.locate(header(), result())
        assert isinstance(found.places[1], Place) if words is None else re.search(words, reason(found))


def test_frames_without_a_name_are_taken_to_be_the_images():
    found = located(depth_message(frame_id=""))
    assert isinstance(found.places[1], Place)
    assert "the depth image is in frame ''" in found.notes[0]


@pytest.mark.parametrize(("topic", "choice", "bent"), [("/image_rect", "auto", False), ("/image_raw", "auto", True)])
def test_distortion_is_taken_out_of_images_that_are_not_rectified(topic, choice, bent):
    info = replace(info_message(), d=np.array([-0.3, 0.1, 0.0, 0.0, 0.0]))
    found = located(info=info, topic=topic, config=replace(CONFIG, image_rectified=choice))
    place = found.places[1]
    assert isinstance(place, Place)
    assert (abs(place.position[0] - POSITION[0]) > 1e-4) == bent
    assert any("set image_rectified to yes" in note for note in found.notes) == bent


def test_a_mask_that_is_most_likely_wrong_has_no_place():
    wrong = result(replace(state(1), mask_score=0.22))
    assert "predicted IoU is 0.22, and position_mask_score is 0.3" in reason(located(result=wrong))
    assert isinstance(located(result=wrong, config=replace(CONFIG, position_mask_score=0.0)).places[1], Place)


def test_an_object_stays_at_its_depth_when_its_mask_leaks():
    locator = Locator(CONFIG, "/image", WIDTH * HEIGHT)
    locator.put_camera_info(info_message())
    leaking = card()
    leaking[:, 29:40] = 1500  # eleven of twenty columns of the mask, nine are left

    def depth_at(seconds: int, values: np.ndarray, *states: Any) -> float:
        stamp = STAMP + seconds * S // 10
        locator.ring.put(depth_message(values, stamp))
        place = locator.locate(header(stamp), result(*states)).places[1]
        assert isinstance(place, Place)
        return float(place.position[2])

    assert depth_at(0, leaking) == pytest.approx(1.5)  # nothing is known yet
    locator = Locator(CONFIG, "/image", WIDTH * HEIGHT)
    locator.put_camera_info(info_message())
    assert depth_at(0, card()) == pytest.approx(2.0)
    assert depth_at(1, leaking) == pytest.approx(2.0)
    assert depth_at(2, leaking) == pytest.approx(2.0)
    # Stamps that jump back are of another time, and after ten seconds it may be anywhere.
    assert depth_at(-900, leaking) == pytest.approx(1.5)


def test_numbers_alone_make_no_new_sentence():
    once = Once()
    assert once.new("3.5 s away", "no depth") == ("3.5 s away", "no depth")
    assert once.new("4.25 s away", "no tf") == ("no tf",)


# --- in the frame that is wanted -------------------------------------------------------------------------------------


def test_in_the_map_position_covariance_box_and_points_are_turned():
    here, there = placed(), placed(replace(CONFIG, target_frame="map"))
    assert (here.frame_id, there.frame_id) == (FRAME, "map")
    before, after = here.objects[1].place, there.objects[1].place
    assert isinstance(before, Place)
    assert isinstance(after, Place)
    assert after.position == pytest.approx(IN_MAP, abs=1e-6)
    assert after.covariance[0, 0] == pytest.approx(before.covariance[2, 2])  # the map's x is the camera's z
    assert after.points.mean(axis=0) == pytest.approx(IN_MAP, abs=1e-4)
    corners = after.box.corners
    assert corners.max(axis=0)[1] - corners.min(axis=0)[1] == pytest.approx(before.box.size[0])


def fail(*_: Any) -> Transform:
    raise SpaceError("there is no transform from camera to map")


def test_without_a_transform_the_cameras_frame_or_none_as_asked():
    config = replace(CONFIG, target_frame="map")
    camera, none = placed(config, fail), placed(replace(config, without_transform="none"), fail)
    assert camera.frame_id == FRAME
    assert isinstance(camera.objects[1].place, Place)
    assert camera.notes == (f"positions are in {FRAME}: there is no transform from camera to map",)
    assert none.frame_id == "map"
    assert none.objects[1].place == Nowhere("there is no transform from camera to map")
    assert none.notes == ("objects have no position: there is no transform from camera to map",)


def test_a_hidden_object_has_its_last_place_with_its_age():
    placer = Placer(replace(CONFIG, target_frame="map"))
    placer.place(located(), lambda *_: TO_MAP)
    later = located(header=header(STAMP + 5 * S // 2), result=result(state(visible=False)))
    known = placer.place(later, lambda *_: TO_MAP)
    message = objects_message(definitions.message_types(), header(), result(state(visible=False)), 0.0, False, known)
    (one,) = message.objects
    assert not one.has_position
    assert one.no_position == "it is not visible"
    assert one.has_last_position
    assert (one.last_position.x, one.last_position.y, one.last_position.z) == pytest.approx(IN_MAP, abs=1e-6)
    assert one.last_position_age == 2.5


# --- messages --------------------------------------------------------------------------------------------------------


def test_an_objects_position_and_covariance_are_in_its_message():
    known = placed()
    message = objects_message(definitions.message_types(), header(), result(), 0.0, False, known)
    (one,) = message.objects
    assert message.position_frame == FRAME
    assert one.has_position
    assert (one.position.x, one.position.y, one.position.z) == pytest.approx(POSITION, abs=1e-6)
    place = known.objects[1].place
    assert isinstance(place, Place)
    assert one.position_covariance.reshape(3, 3) == pytest.approx(place.covariance)
    back = definitions.typestore().serialize_cdr(message, definitions.TRACKED_OBJECT_ARRAY)
    assert len(back)


def test_without_depth_nothing_is_said():
    message = objects_message(definitions.message_types(), header(), result(), 0.0, False)
    assert message.position_frame == ""
    assert not message.objects[0].has_position


def test_a_detection_in_space_has_the_box_and_the_position_with_its_covariance():
    known, states = placed(), (state(label="cup"), state(2, visible=False))
    message = detections_message(definitions.space_types(), header().stamp, known, states)
    (one,) = message.detections
    assert (one.id, one.results[0].hypothesis.class_id, one.header.frame_id) == ("1", "cup", FRAME)
    size = one.bbox.size
    assert (size.x, size.y) == pytest.approx((0.38, 0.38), abs=0.05)  # 20 pixels of 2 cm, from middle to middle
    assert one.bbox.center.orientation.w == 1.0
    covariance = one.results[0].pose.covariance.reshape(6, 6)
    place = known.objects[1].place
    assert isinstance(place, Place)
    assert covariance[:3, :3] == pytest.approx(place.covariance)
    assert (np.diag(covariance)[3:] > 3).all()  # the direction is not estimated
    definitions.typestore().serialize_cdr(message, definitions.DETECTION_3D_ARRAY)


def test_the_cloud_has_each_objects_points_with_the_colours_of_the_image():
    frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    frame[BOX[1] : BOX[3] + 1, BOX[0] : BOX[2] + 1] = (10, 20, 30)
    both = result(state(1), state(7))
    known = placed(result=both)
    cloud = cloud_message(definitions.space_types(), header().stamp, known, both.objects, frame)
    points = cloud.data.view(np.dtype([("xyz", "f4", 3), ("rgb", "u4"), ("id", "u4")]))
    assert (cloud.width * cloud.point_step, cloud.row_step) == (len(cloud.data),) * 2
    assert points["id"].tolist() == sorted(points["id"].tolist())
    assert set(points["id"]) == {1, 7}
    assert set(points["rgb"]) == {10 << 16 | 20 << 8 | 30}
    assert points["xyz"].mean(axis=0) == pytest.approx(POSITION, abs=1e-4)
    definitions.typestore().serialize_cdr(cloud, definitions.POINT_CLOUD)


def test_frames_are_called_by_id_or_by_a_label_of_their_own():
    states = (state(1, label="red cup"), state(2, label="box"), state(3, label="box"))
    known = placed(result=result(*states))

    def names(by_label: bool) -> list[str]:
        found = transform_messages(definitions.space_types(), header().stamp, known, states, by_label)
        return [each.child_frame_id for each in found]

    assert names(False) == ["sam2_object_1", "sam2_object_2", "sam2_object_3"]
    assert names(True) == ["red_cup", "sam2_object_2", "sam2_object_3"]


# --- anything at all -------------------------------------------------------------------------------------------------


def broken(rng: np.random.Generator) -> tuple[Any, Any]:
    """Depth and camera_info, each with some of all that may be wrong."""
    values = card("32FC1") if rng.random() < 0.5 else card()
    share = rng.random()
    if values.dtype == np.float32:
        nonsense = rng.choice(np.array([np.nan, np.inf, -np.inf, 0, -3, 1e30, 1e-30], np.float32), values.shape)
    else:
        nonsense = rng.choice(np.array([0, 1, 65535], np.uint16), values.shape)
    values = np.where(rng.random(values.shape) < share, nonsense, values)
    depth = depth_message(values, encoding="32FC1" if values.dtype == np.float32 else "16UC1")
    info = info_message()
    wrong: dict[str, list[Any]] = {
        "encoding": ["rgb8", "", "16UC1", "32FC1", "mono16", "8UC1"],
        "width": [0, 1, 40, 81, 2**31],
        "height": [0, 1, 45, 2**31],
        "step": [0, 1, 159, 2**31],
        "is_bigendian": [0, 1],
        "data": [np.zeros(0, np.uint8), depth.data[:100]],
        "header": [header(0), header(STAMP + 3600 * S), header(frame_id=""), header(frame_id="elsewhere")],
    }
    for name in rng.choice(list(wrong), rng.integers(0, 3), replace=False):
        depth = replace(depth, **{name: wrong[name][rng.integers(len(wrong[name]))]})
    camera: dict[str, list[Any]] = {
        "k": [np.zeros(9), np.full(9, np.nan), np.full(9, 1e300), -info.k],
        "p": [np.zeros(12), np.full(12, np.inf)],
        "d": [np.zeros(0), np.full(5, 1e5), np.full(14, np.nan), np.array([-0.3, 0.1, 0, 0, 0])],
        "distortion_model": ["", "equidistant", "fish"],
        "width": [0, 40, 1000],
        "binning_x": [2, 7],
    }
    for name in rng.choice(list(camera), rng.integers(0, 3), replace=False):
        info = replace(info, **{name: camera[name][rng.integers(len(camera[name]))]})
    return depth, info


@pytest.mark.parametrize("seed", range(300))
def test_whatever_comes_there_is_a_right_place_or_a_reason(seed):
    rng = np.random.default_rng(seed)
    depth, info = broken(rng)
    found = located(depth, info, topic=str(rng.choice(["/image_rect", "/image_raw"])))
    place = found.places[1]
    if isinstance(place, Nowhere):
        assert place.reason
        return
    assert 0 < place.position[2] < 1000
    assert np.isfinite(place.position).all()
    assert np.isfinite(place.covariance).all()
    assert np.isfinite(place.box.size).all()
    assert np.linalg.eigvalsh(place.covariance).min() > 0


@pytest.mark.parametrize("seed", range(60))
def test_nonsense_in_less_than_half_of_the_pixels_moves_nothing(seed):
    rng = np.random.default_rng(seed)
    values = card("32FC1")
    nonsense = rng.choice(np.array([np.nan, np.inf, 0, -3, 1e30, 0.3, 2.6, 8.0], np.float32), values.shape)
    values = np.where(rng.random(values.shape) < rng.uniform(0, 0.45), nonsense, values)
    place = located(depth_message(values, encoding="32FC1")).places[1]
    assert isinstance(place, Place)
    off = place.position - POSITION
    assert np.abs(off).max() < 0.02  # a pixel
    assert off @ np.linalg.solve(place.covariance, off) < 16
