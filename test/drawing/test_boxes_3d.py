import numpy as np
import pytest

from sam2_ros.drawing.boxes_3d import draw_boxes
from sam2_ros.drawing.overlay import colour_of
from sam2_ros.space.camera import PinholeCamera
from sam2_ros.space.place import Box3D, Nowhere, Place

CAMERA = PinholeCamera(320, 240, 200.0, 200.0, 160.0, 120.0)


def place(x: float, z: float) -> Place:
    box = Box3D(np.array((x, 0.0, z)), np.array((0.4, 0.4, 1e-6)), np.eye(3))
    nothing = np.zeros((0, 3), np.float32)
    return Place(np.array((x, 0.0, z)), np.eye(3), box, nothing, nothing[:, :2])


def test_edges_lie_where_the_box_is_seen_in_the_objects_colour() -> None:
    picture = np.zeros((480, 640, 3), np.uint8)  # twice the camera's size
    draw_boxes(picture, {3: place(0.0, 2.0), 4: Nowhere("")}, CAMERA)
    # 0.2 m at 2 m are 20 pixels of the camera to either side of its middle, 40 of the picture.
    columns = np.flatnonzero(picture[210].any(axis=-1))
    assert columns.min() in range(277, 283)
    assert columns.max() in range(359, 365)
    strongest = picture[210, columns[picture[210, columns].sum(axis=-1).argmax()]].astype(float)
    assert strongest / strongest.max() == pytest.approx(np.array(colour_of(3)) / max(colour_of(3)), abs=0.05)


@pytest.mark.parametrize(("x", "to_the_left"), [(0.0, False), (1.5, True)])
def test_the_distance_stands_beside_the_cross_and_inside_the_picture(x: float, to_the_left: bool) -> None:
    picture = np.zeros((240, 320, 3), np.uint8)
    draw_boxes(picture, {1: place(x, 2.0)}, CAMERA)
    white = np.flatnonzero((picture.min(axis=-1) > 100).any(axis=0))  # the box is coloured
    cross = round(160 + 200 * x / 2)
    assert white.max() < 319
    assert (white < cross - 20).any() == to_the_left
    assert (white > cross + 20).any() != to_the_left


def test_what_is_behind_the_camera_is_not_drawn() -> None:
    picture = np.zeros((240, 320, 3), np.uint8)
    draw_boxes(picture, {1: place(0.0, -1.0), 2: place(0.0, 0.0)}, CAMERA)
    assert not picture.any()
