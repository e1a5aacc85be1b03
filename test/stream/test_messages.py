"""Message fields to what the tracker takes and back, through real serialisation."""

import array
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from helpers.wire import HEADER, HEIGHT, PADDINGS, TYPES, WIDTH, kind, make_image, random_pixels, through_the_wire
from sam2_ros.errors import PromptError
from sam2_ros.stream.messages import (
    Action,
    Remove,
    Reset,
    commands_from,
    masks_message,
    objects_message,
    overlay_message,
    pack_array,
    stamp_ns,
    time_message,
)
from sam2_ros.stream.pixels import image_to_rgb
from sam2_ros.tracking.policies.policy import Attended
from sam2_ros.tracking.presence import Presence
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.result import FrameResult, MemoryNote, ObjectState

# --- time ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ns", [0, 999_999_999, 1_700_000_000_123_456_789])
def test_time_there_and_back(ns: int) -> None:
    message = time_message(TYPES, ns)
    assert (message.sec, message.nanosec) == (ns // 10**9, ns % 10**9)
    assert stamp_ns(through_the_wire(message)) == ns


# --- prompts ---------------------------------------------------------------------------------------------------------

NO_MASK = make_image("", np.zeros((0, 0), dtype=np.uint8))


def box_around(x: float, y: float, size_x: float, size_y: float, theta: float = 0.0) -> Any:
    """vision_msgs/BoundingBox2D by its middle."""
    centre = TYPES.Pose2D(position=TYPES.Point2D(x=x, y=y), theta=theta)
    return TYPES.BoundingBox2D(center=centre, size_x=size_x, size_y=size_y)


NO_BOX = box_around(0.0, 0.0, 0.0, 0.0)


def make_prompt(**fields: Any) -> Any:
    values = {
        "object_id": 3,
        "label": "",
        "action": Action.ADD,
        "points": [],
        "point_labels": np.zeros(0, dtype=np.uint8),
        "has_box": False,
        "box": NO_BOX,
        "mask": NO_MASK,
    }
    return kind("sam2_ros/msg/Prompt")(**(values | fields))


def commands(*prompts: Any) -> list[Any]:
    return commands_from(through_the_wire(kind("sam2_ros/msg/PromptArray")(header=HEADER, prompts=list(prompts))))


def a_click(**fields: Any) -> Any:
    return make_prompt(points=[TYPES.Point2D(x=1.5, y=2.0)], point_labels=np.array([1], dtype=np.uint8), **fields)


def test_actions_are_those_of_the_message() -> None:
    prompt = kind("sam2_ros/msg/Prompt")
    assert {name: getattr(prompt, name) for name in Action.__members__} == {a.name: a.value for a in Action}


def test_points_and_box() -> None:
    points = [TYPES.Point2D(x=1.5, y=2.0), TYPES.Point2D(x=4.0, y=5.25)]
    box = box_around(4.0, 5.0, 6.0, 6.5)
    labels = np.array([1, 0], dtype=np.uint8)
    [prompt] = commands(make_prompt(label="cup", points=points, point_labels=labels, has_box=True, box=box))
    assert isinstance(prompt, Prompt)
    assert (prompt.object_id, prompt.label, prompt.replace, prompt.mask) == (3, "cup", False, None)
    assert prompt.points.tolist() == [[1.5, 2.0], [4.0, 5.25]]
    assert prompt.point_labels.tolist() == [1, 0]
    assert prompt.box is not None
    assert prompt.box.tolist() == [1.0, 1.75, 7.0, 8.25]


def test_point_labels_of_rclpy() -> None:
    message = a_click()
    message.point_labels = array.array("B", [1])
    [prompt] = commands_from(SimpleNamespace(prompts=[message]))
    assert isinstance(prompt, Prompt)
    assert prompt.point_labels.tolist() == [1]


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("encoding", ["mono8", "8UC1"])
def test_mask(encoding: str, padding: int) -> None:
    pixels = random_pixels(1) // 64
    [prompt] = commands(make_prompt(mask=make_image(encoding, pixels, padding)))
    assert prompt.box is None
    assert not len(prompt.points)
    assert np.array_equal(prompt.mask, pixels != 0)


def test_commands_keep_their_order() -> None:
    got = commands(make_prompt(action=Action.REMOVE), a_click(action=Action.REPLACE), make_prompt(action=Action.RESET))
    assert got[0] == Remove(3)
    assert got[1].replace
    assert got[2] == Reset()
    assert commands() == []


SMALL_MASK = make_image("mono8", random_pixels(1), data=np.zeros(47, dtype=np.uint8))


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        (make_prompt(), "prompt for object 3: it is empty"),
        (make_prompt(object_id=0), "prompt for a new object: it is empty"),
        (make_prompt(points=[TYPES.Point2D(x=1.0, y=2.0)]), "1 points but 0 labels"),
        (make_prompt(has_box=True), "has no area"),
        (
            make_prompt(has_box=True, box=box_around(4.0, 5.0, 6.0, 4.0, theta=0.3)),
            r"object 3: its box is turned .*give the upright box around it",
        ),
        (
            a_click(action=9),
            r"object 3: its action is 9; use one of 0 \(ADD\), 1 \(REPLACE\), 2 \(REMOVE\), 3 \(RESET\)",
        ),
        (
            make_prompt(mask=make_image("rgb8", random_pixels(3))),
            "object 3: its mask has the encoding 'rgb8'; give mono8",
        ),
        (make_prompt(object_id=0, mask=SMALL_MASK), "a new object: its mask cannot be read: .*47 bytes of data"),
        (a_click(mask=make_image("mono8", random_pixels(1))), "a mask together with points"),
    ],
)
def test_a_prompt_that_cannot_be_used_is_an_error_among_the_others(prompt: Any, reason: str) -> None:
    first, refused, last = commands(a_click(), prompt, make_prompt(action=Action.REMOVE))
    assert isinstance(first, Prompt)
    assert isinstance(refused, PromptError)
    assert last == Remove(3)
    with pytest.raises(PromptError, match=reason):
        raise refused


# --- outgoing --------------------------------------------------------------------------------------------------------


def make_state(object_id: int, mask: np.ndarray, **fields: Any) -> ObjectState:
    ys, xs = np.nonzero(mask)
    values: dict[str, Any] = {
        "object_id": object_id,
        "label": "cup",
        "visible": True,
        "object_score": 2.0,
        "mask_score": 0.75,
        "mask": mask,
        "box": (int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max())) if len(xs) else None,
        "area": len(xs),
        "centroid": (float(xs.mean()), float(ys.mean())) if len(xs) else None,
        "first_seen_ns": 1_000_000_002,
        "last_seen_ns": 3_000_000_004,
        "frames_since_seen": 0,
        "prediction": None,
        "tracked": None,
    }
    return ObjectState(**(values | fields))


def make_result(label_image: np.ndarray, *objects: ObjectState) -> FrameResult:
    return FrameResult(0, 12_000_000_034, label_image, objects, ())


@pytest.mark.parametrize(("dtype", "encoding"), [(np.uint8, "mono8"), (np.uint16, "mono16")])
def test_masks_message(dtype: Any, encoding: str) -> None:
    ids = np.zeros((HEIGHT, WIDTH), dtype=dtype)
    ids[1:3, 2:5] = np.iinfo(dtype).max - 1
    message = masks_message(TYPES, HEADER, make_result(ids))
    assert message.header is HEADER
    message = through_the_wire(message)
    assert message.header == HEADER
    assert (message.height, message.width, message.encoding) == (HEIGHT, WIDTH, encoding)
    assert message.step == WIDTH * ids.itemsize
    assert message.is_bigendian == (sys.byteorder == "big")
    order = ">" if message.is_bigendian else "<"
    received = np.frombuffer(message.data, dtype=np.dtype(dtype).newbyteorder(order)).reshape(HEIGHT, WIDTH)
    assert np.array_equal(received, ids)


@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray])
def test_overlay_message(layout: Any) -> None:
    rgb = random_pixels(3)
    message = overlay_message(TYPES, HEADER, layout(rgb))
    assert message.header is HEADER
    assert message.encoding == "rgb8"
    assert np.array_equal(image_to_rgb(through_the_wire(message)), rgb)


def two_objects() -> FrameResult:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[1:4, 2:7] = True
    mask[1, 2] = False
    hidden = make_state(
        9, np.zeros_like(mask), visible=False, object_score=-3.0, mask_score=0.0, label="", frames_since_seen=4
    )
    return make_result(mask.astype(np.uint8) * 5, make_state(5, mask), hidden)


def test_objects_message() -> None:
    message = objects_message(TYPES, HEADER, two_objects(), latency=0.125, cropped_masks=False)
    assert message.header is HEADER
    message = through_the_wire(message)
    assert message.header == HEADER
    assert (message.image_width, message.image_height, message.processing_latency) == (WIDTH, HEIGHT, 0.125)
    seen, hidden = message.objects
    assert (seen.id, seen.label, seen.visible, seen.area, seen.frames_since_seen) == (5, "cup", True, 14, 0)
    assert (seen.object_score, seen.mask_score) == (2.0, 0.75)
    assert seen.visibility == pytest.approx(1 / (1 + np.exp(-2.0)), rel=1e-6)
    assert seen.box == box_around(4.5, 2.5, 5.0, 3.0)  # columns 2 to 6, rows 1 to 3
    assert (seen.centroid.x, seen.centroid.y) == pytest.approx((58 / 14, 29 / 14), rel=1e-6)
    assert seen.first_seen == TYPES.Time(sec=1, nanosec=2)
    assert seen.last_seen == TYPES.Time(sec=3, nanosec=4)
    assert (hidden.id, hidden.label, hidden.visible, hidden.area, hidden.frames_since_seen) == (9, "", False, 0, 4)
    assert hidden.object_score == -3.0
    assert hidden.box == NO_BOX
    assert hidden.centroid == TYPES.Point2D(x=0.0, y=0.0)


@pytest.mark.parametrize(
    ("note", "remembered", "anchor", "said"),
    [
        (None, True, False, ""),
        (MemoryNote(None, kept=True, promoted=False, why="no distractor is seen"), True, False, ""),
        (MemoryNote(None, kept=False, promoted=False, why="it is absent"), False, False, "it is absent"),
        (MemoryNote(None, kept=True, promoted=True, why="a distractor is seen"), True, True, "a distractor is seen"),
    ],
)
def test_why_an_object_is_not_remembered_stands_in_its_message(
    note: MemoryNote | None, remembered: bool, anchor: bool, said: str
) -> None:
    mask = np.ones((HEIGHT, WIDTH), dtype=bool)
    result = make_result(mask.astype(np.uint8), make_state(1, mask, memory=note, state=Presence.UNSURE))
    (item,) = through_the_wire(objects_message(TYPES, HEADER, result, 0.1, cropped_masks=False)).objects
    assert (item.remembered, item.anchor, item.memory_note) == (remembered, anchor, said)
    assert item.state == item.UNSURE == 1


def test_a_message_tells_how_far_back_the_images_lie_that_its_object_was_found_by() -> None:
    mask = np.ones((HEIGHT, WIDTH), dtype=bool)
    # Frame 20 goes by prompts on 3 and, late, on 25, which is still to come, and by frames 15 and 19.
    note = MemoryNote(Attended((3, 25), (15, 19), (1, 0), (19, 18)), kept=True, promoted=False, why="")
    result = FrameResult(20, 0, mask.astype(np.uint8), (make_state(1, mask, memory=note), make_state(2, mask)), ())
    found, begun = through_the_wire(objects_message(TYPES, HEADER, result, 0.1, cropped_masks=False)).objects
    assert found.attended.tolist() == [1, 5, 17]
    assert begun.attended.tolist() == []


@pytest.mark.parametrize(("dtype", "code"), [(np.uint8, "B"), (np.uint32, "I")])
def test_numbers_are_packed_as_they_are(dtype: Any, code: str) -> None:
    for numbers in (np.array([[1, 2], [3, 200]], dtype), np.zeros(0, dtype)):
        packed = pack_array(numbers)
        assert (packed.typecode, packed.tolist()) == (code, numbers.reshape(-1).tolist())


def test_states_are_those_of_the_message() -> None:
    message = TYPES.TrackedObject
    assert {name: getattr(message, name) for name in Presence.__members__} == {p.name: p.value for p in Presence}


def test_the_box_of_an_object_is_a_prompt_around_the_pixels_that_it_has() -> None:
    seen, _ = objects_message(TYPES, HEADER, two_objects(), latency=0.0, cropped_masks=False).objects
    [prompt] = commands(make_prompt(has_box=True, box=seen.box))
    assert prompt.box.tolist() == [2, 1, 7, 4]


def test_masks_are_left_out_of_objects() -> None:
    message = through_the_wire(objects_message(TYPES, HEADER, two_objects(), latency=0.0, cropped_masks=False))
    for tracked in message.objects:
        assert not len(tracked.mask.data)
        assert (tracked.mask.height, tracked.mask.width, tracked.mask.step) == (0, 0, 0)
        assert (tracked.mask_x_offset, tracked.mask_y_offset) == (0, 0)


def test_cropped_masks_of_objects() -> None:
    result = two_objects()
    message = through_the_wire(objects_message(TYPES, HEADER, result, latency=0.0, cropped_masks=True))
    seen, hidden = message.objects
    crop = image_to_rgb(seen.mask)[..., 0]
    assert seen.mask.encoding == "mono8"
    assert seen.mask.header == HEADER
    assert set(np.unique(crop)) == {0, 255}
    restored = np.zeros((HEIGHT, WIDTH), dtype=bool)
    y, x = seen.mask_y_offset, seen.mask_x_offset
    restored[y : y + seen.mask.height, x : x + seen.mask.width] = crop > 0
    assert np.array_equal(restored, result.objects[0].mask)
    assert not len(hidden.mask.data)


def test_values_are_plain_python() -> None:
    """The message classes of rclpy refuse numpy's numbers."""
    state = make_state(np.int64(5), np.ones((HEIGHT, WIDTH), dtype=bool), area=np.int64(48), object_score=np.float32(1))
    result = make_result(np.ones((HEIGHT, WIDTH), dtype=np.uint8), state)
    message = objects_message(TYPES, HEADER, result, latency=np.float64(0.5), cropped_masks=True)
    tracked = message.objects[0]
    assert type(message.processing_latency) is float
    assert type(message.image_width) is int
    for name, wanted in {"id": int, "area": int, "object_score": float, "visibility": float, "visible": bool}.items():
        assert type(getattr(tracked, name)) is wanted
    assert type(tracked.mask.height) is int
    assert type(tracked.mask_x_offset) is int


@pytest.mark.parametrize("shape", [(0,), (0, 0), (7,), (HEIGHT, WIDTH), (HEIGHT, WIDTH, 3)])
def test_pack_array(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    packed = pack_array(pixels)
    assert isinstance(packed, array.array)
    assert packed.typecode == "B"
    assert packed == array.array("B", pixels.reshape(-1).tolist())
