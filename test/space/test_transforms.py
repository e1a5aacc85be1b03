import numpy as np
import pytest

from sam2_ros.errors import SpaceError
from sam2_ros.space.frames import FrameTree
from sam2_ros.space.transform import IDENTITY, Transform, between, quaternion_of, rotation_of

QUARTER = np.array((0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5)))  # 90 degrees about z
ABOUT_Z = Transform(rotation_of(QUARTER), np.array((1.0, 0.0, 0.0)))
S = 1_000_000_000


def random_rotation(seed: int) -> np.ndarray:
    return rotation_of(np.random.default_rng(seed).normal(size=4))


def test_a_quarter_turn_takes_x_to_y_and_its_variance_with_it():
    assert ABOUT_Z.points(np.array((2.0, 0.0, 5.0))) == pytest.approx((1, 2, 5))
    turned = ABOUT_Z.covariance(np.diag((9.0, 4.0, 1.0)))
    assert turned == pytest.approx(np.diag((4.0, 9.0, 1.0)))


def test_a_transform_after_another_and_back_again():
    first, second = Transform(random_rotation(1), np.arange(3.0)), Transform(random_rotation(2), np.ones(3))
    points = np.random.default_rng(3).normal(size=(5, 3))
    assert second.after(first).points(points) == pytest.approx(second.points(first.points(points)))
    assert first.inverse().after(first).points(points) == pytest.approx(points)


@pytest.mark.parametrize("seed", range(20))
def test_a_rotation_and_its_quaternion_say_the_same(seed: int):
    rotation = random_rotation(seed)
    assert rotation_of(quaternion_of(rotation)) == pytest.approx(rotation, abs=1e-12)


@pytest.mark.parametrize("axis", range(3))
def test_half_turns_have_quaternions_too(axis: int):
    quaternion = np.zeros(4)
    quaternion[axis] = 1.0
    assert np.abs(quaternion_of(rotation_of(quaternion))) == pytest.approx(quaternion)


def test_a_quaternion_of_zeros_turns_nothing():
    assert rotation_of(np.zeros(4)) == pytest.approx(np.eye(3))


def test_half_way_is_half_the_turn():
    middle = between(IDENTITY, ABOUT_Z, 0.5)
    assert middle.translation == pytest.approx((0.5, 0, 0))
    assert middle.points(np.array((1.0, 0, 0))) == pytest.approx((0.5 + np.sqrt(0.5), np.sqrt(0.5), 0))


@pytest.fixture
def tree() -> FrameTree:
    """A map, a robot that drives along x at 1 m/s, a camera fixed on it that looks ahead, and an arm."""
    tree = FrameTree()
    for second in range(3):
        tree.add("map", "base", second * S, Transform(np.eye(3), np.array((float(second), 0, 0))), fixed=False)
    optical = np.array([(0.0, 0, 1), (-1, 0, 0), (0, -1, 0)])  # REP 103: z forward is x, x right is -y, y down is -z
    tree.add("base", "camera", 0, Transform(optical, np.array((0.2, 0, 0.5))), fixed=True)
    tree.add("base", "arm", 0, Transform(np.eye(3), np.array((0, 0.3, 0.0))), fixed=True)
    return tree


def test_a_point_before_the_camera_in_the_map(tree: FrameTree):
    # At 1.5 s the robot is at 1.5 m; 2 m ahead of its camera, 0.4 m to the right, 0.1 m below.
    found = tree.find("map", "camera", 3 * S // 2).points(np.array((0.4, 0.1, 2.0)))
    assert found == pytest.approx((1.5 + 0.2 + 2.0, -0.4, 0.5 - 0.1))


def test_across_the_tree_and_with_leading_slashes(tree: FrameTree):
    assert tree.find("/arm", "/camera", 0).points(np.zeros(3)) == pytest.approx((0.2, -0.3, 0.5))


def test_what_is_not_known_is_said(tree: FrameTree):
    with pytest.raises(SpaceError, match=r"no transform from camera to odom; .* are: arm, base, camera, map"):
        tree.find("odom", "camera", 0)
    with pytest.raises(SpaceError, match=r"from base to map is not known .* the nearest is 3\.000 s away"):
        tree.find("map", "camera", 5 * S)


def test_what_is_old_is_forgotten_but_for_what_is_needed_now(tree: FrameTree):
    tree.forget_before(3 * S // 2)
    assert tree.find("map", "base", 3 * S // 2).translation[0] == pytest.approx(1.5)
    with pytest.raises(SpaceError):
        tree.find("map", "base", S // 2)


def test_frames_in_a_circle_end():
    tree = FrameTree()
    tree.add("a", "b", 0, IDENTITY, fixed=True)
    tree.add("b", "a", 0, IDENTITY, fixed=True)
    with pytest.raises(SpaceError):
        tree.find("c", "a", 0)
