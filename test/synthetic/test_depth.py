"""The depth of made-up scenes: it fits the pictures, and errs as a stereo camera does."""

from dataclasses import replace

import numpy as np
import pytest

from sam2_ros.synthetic import DepthFrame, SceneFrame, depth_frames, scene, settings_for

SETTINGS = replace(settings_for("medium"), width=160, height=120, frames=12, scale_change=0.3)


@pytest.fixture(scope="module")
def clip() -> list[tuple[SceneFrame, DepthFrame]]:
    return list(zip(scene(3, SETTINGS), depth_frames(3, SETTINGS), strict=True))


def test_objects_are_nearer_than_the_background_where_the_labels_show_them(clip):
    for frame, depth in clip:
        background = depth.depth.max()
        assert (depth.depth[frame.labels > 0] < background).all()
        assert 3.5 < background < 5.5


def test_what_grows_comes_nearer(clip):
    areas, distances = [], []
    for frame, depth in clip:
        mask = frame.labels == 1
        if mask.any():
            areas.append(mask.sum())
            distances.append(np.median(depth.depth[mask]))
    assert max(areas) > 1.2 * min(areas)
    assert np.corrcoef(np.sqrt(areas), 1 / np.array(distances))[0, 1] > 0.9


def test_the_sensor_is_off_by_one_percent_at_two_metres_and_the_square_of_it(clip):
    shares = []
    for _, depth in clip:
        y, x = np.gradient(depth.depth)
        inside = (np.hypot(x, y) < 0.005) & (depth.measured > 0)
        errors = depth.measured[inside] / 1000 - depth.depth[inside]
        # Flying pixels lie beside edges, where the gradient over two pixels misses some.
        shares.append(np.median(np.abs(errors) / depth.depth[inside] ** 2) * 1.4826)
    assert np.mean(shares) == pytest.approx(0.005, rel=0.1)


def test_some_pixels_have_no_depth(clip):
    shares = [np.mean(depth.measured == 0) for _, depth in clip]
    assert 0.01 < np.mean(shares) < 0.15


def test_true_boxes_hold_the_true_points(clip):
    frame, depth = clip[0]
    objects = depth.objects(frame.labels)
    for object_id, place in objects.items():
        z = depth.depth[frame.labels == object_id]
        corners = place.box.corners
        assert (corners[:, 2].min(), corners[:, 2].max()) == pytest.approx((z.min(), z.max()))
        assert (corners.min(axis=0) <= place.position).all()
        assert (place.position <= corners.max(axis=0)).all()
        # They are seen where the labels are.
        y, x = np.nonzero(frame.labels == object_id)
        pixels = depth.camera.pixels(place.points)
        assert pixels == pytest.approx(np.stack((x, y), axis=-1), abs=1e-3)
    assert set(objects) == set(np.unique(frame.labels)) - {0}


def test_the_camera_moves_and_begins_at_the_maps_origin(clip):
    poses = [(depth.in_map.rotation, depth.in_map.translation) for _, depth in clip]
    assert poses[0][1] == pytest.approx(np.zeros(3), abs=1e-9)
    assert np.abs(poses[-1][1]).max() > 0.005
    for rotation, _ in poses:
        assert rotation @ rotation.T == pytest.approx(np.eye(3))
    # Forward is x of the map (REP 103).
    assert poses[0][0] @ np.array((0, 0, 1.0)) == pytest.approx((1, 0, 0))


def test_the_same_seed_has_the_same_depth():
    first, second = (next(depth_frames(4, SETTINGS)) for _ in range(2))
    assert np.array_equal(first.measured, second.measured)
