"""The overlay: what it changes, what it leaves alone, where it writes."""

from typing import Any

import numpy as np
import pytest

from sam2_ros.drawing import overlay
from sam2_ros.drawing.overlay import PALETTE, Spot, colour_of, draw, pen_for
from sam2_ros.tracking.result import FrameResult, ObjectState

HEIGHT, WIDTH = 240, 320
GREY = 100


def make_state(
    object_id: int, box: tuple[int, int, int, int] | None, shape: Any = (HEIGHT, WIDTH), **fields: Any
) -> Any:
    """An object that fills its box (x_min, y_min, x_max, y_max, inclusive)."""
    mask = np.zeros(shape, dtype=bool)
    if box is not None:
        mask[box[1] : box[3] + 1, box[0] : box[2] + 1] = True
    values: dict[str, Any] = {
        "object_id": object_id,
        "label": "",
        "visible": True,
        "object_score": 4.0,
        "mask_score": 0.9,
        "mask": mask,
        "box": box,
        "area": int(mask.sum()),
        "centroid": None,
        "first_seen_ns": 0,
        "last_seen_ns": 0,
        "frames_since_seen": 0,
        "prediction": None,
        "tracked": None,
    }
    return ObjectState(**(values | fields))


def painted(*objects: ObjectState, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    frame = np.full((*shape, 3), GREY, dtype=np.uint8)
    frame.flags.writeable = False  # as frames are that share a message's memory
    picture = draw(frame, FrameResult(0, 0, np.zeros(shape, dtype=np.uint8), objects, ()))
    assert picture.shape == frame.shape
    assert picture.dtype == np.uint8
    assert (frame == GREY).all()
    assert not np.shares_memory(picture, frame)
    return picture


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that is written, in order."""
    written: list[str] = []
    write = overlay._write

    def record(picture: np.ndarray, text: str, *rest: Any) -> None:
        written.append(text)
        write(picture, text, *rest)

    monkeypatch.setattr(overlay, "_write", record)
    return written


def test_without_objects_nothing_is_painted() -> None:
    assert (painted() == GREY).all()


def test_a_mask_is_tinted_and_outlined_and_the_rest_left_alone() -> None:
    picture = painted(make_state(1, (100, 100, 200, 180)))
    colour = np.array(colour_of(1))
    blend = GREY * (1 - overlay.OPACITY) + colour * overlay.OPACITY
    assert np.abs(picture[140, 150] - blend).max() <= 1
    assert np.abs(picture[140, 100].astype(int) - colour).max() <= 40  # on the contour, smoothed
    assert (picture[190:, :] == GREY).all()
    assert (picture[:, 250:] == GREY).all()


def test_a_hole_in_a_mask_is_not_tinted() -> None:
    state = make_state(1, (100, 100, 200, 180))
    state.mask[120:160, 130:170] = False
    picture = painted(state)
    assert (picture[140, 150] == GREY).all()
    assert (picture[110, 120] != GREY).any()


@pytest.mark.parametrize("box", [(0, 0, 0, 0), (0, 0, WIDTH - 1, HEIGHT - 1), (50, 60, 50, 63), (50, 60, 55, 60)])
def test_masks_of_any_size(box: tuple[int, int, int, int]) -> None:
    assert (painted(make_state(1, box)) != GREY).any()


def test_a_frame_whose_rows_are_apart() -> None:
    padded = np.full((HEIGHT, WIDTH * 3 + 7), GREY, dtype=np.uint8)
    frame = padded[:, : WIDTH * 3].reshape(HEIGHT, WIDTH, 3)
    result = FrameResult(0, 0, np.zeros((HEIGHT, WIDTH), dtype=np.uint8), (make_state(1, (100, 100, 200, 180)),), ())
    assert np.array_equal(draw(frame, result), painted(make_state(1, (100, 100, 200, 180))))
    assert (padded == GREY).all()


def test_texts_of_a_visible_object(texts: list[str]) -> None:
    painted(make_state(7, (100, 100, 200, 180), label="red\n cup", mask_score=0.876))
    assert texts == ["7 red cup", "vis 0.98  iou 0.88"]


def test_long_labels_are_cut(texts: list[str]) -> None:
    painted(make_state(7, (100, 100, 200, 180), label="x" * 100))
    assert texts[0] == "7 " + "x" * (overlay.MAX_LABEL - 2) + ".."


def test_an_invisible_object_is_only_listed(texts: list[str]) -> None:
    picture = painted(make_state(3, (100, 20, 200, 80), label="cup", visible=False))
    assert texts == ["3 cup", "not visible"]
    height = pen_for(HEIGHT, WIDTH).height
    assert (picture[: HEIGHT - height] == GREY).all()
    assert (picture[HEIGHT - height :, :height] != GREY).any()


def test_a_visible_object_without_a_mask_is_listed(texts: list[str]) -> None:
    painted(make_state(3, None))
    assert texts == ["3", "no mask"]


def test_the_list_keeps_to_half_of_the_picture(texts: list[str]) -> None:
    picture = painted(*(make_state(number, None, visible=False) for number in range(1, 101)))
    assert (picture[: HEIGHT // 2] == GREY).all()
    listed = len(texts) // 2 - 1
    assert f"+{100 - listed}" in texts


@pytest.mark.parametrize(
    "box", [(0, 0, 30, 20), (WIDTH - 30, 0, WIDTH - 1, 20), (WIDTH - 30, HEIGHT - 20, WIDTH - 1, HEIGHT - 1)]
)
def test_tags_stay_inside_the_picture(box: tuple[int, int, int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    spots: list[Spot] = []
    monkeypatch.setattr(overlay, "_paint_tag", lambda picture, tag, spot, pen: spots.append(spot))
    painted(make_state(1, box))
    [spot] = spots
    assert spot.x >= 0
    assert spot.y >= 0
    assert spot.x + spot.width <= WIDTH
    assert spot.y + spot.height <= HEIGHT


def test_tags_of_neighbours_do_not_cover_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    spots: list[Spot] = []
    monkeypatch.setattr(overlay, "_paint_tag", lambda picture, tag, spot, pen: spots.append(spot))
    painted(
        make_state(1, (100, 100, 140, 140)), make_state(2, (110, 100, 150, 140)), make_state(3, (120, 100, 160, 140))
    )
    assert len(spots) == 3
    assert not any(one.meets(other) for index, one in enumerate(spots) for other in spots[:index])


def test_a_thumbnail_is_painted_too() -> None:
    shape = (24, 32)
    picture = painted(make_state(1, (4, 4, 20, 20), shape), make_state(2, None, shape, visible=False), shape=shape)
    assert (picture != GREY).any()


def test_text_follows_the_size_of_the_picture() -> None:
    assert pen_for(1080, 1920).height > 1.8 * pen_for(480, 640).height
    assert pen_for(1080, 1920).line > pen_for(480, 640).line


def test_colours_are_stable_and_distinct() -> None:
    assert colour_of(1) == colour_of(1 + len(PALETTE))
    colours = np.array(PALETTE)
    apart = np.abs(colours[:, None] - colours[None]).sum(axis=2) + 1000 * np.eye(len(colours), dtype=int)
    assert apart.min() > 50
    assert apart[:7, :7].min() > 100
