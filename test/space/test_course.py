import numpy as np
import pytest

from sam2_ros.space.motion import Course

S = 1_000_000_000
SURE = np.eye(3) * 0.01**2
SPEED = np.array((0.5, -0.2, 0.0))


def drive(course: Course, frames: int, rng: np.random.Generator | None = None) -> None:
    for frame in range(frames):
        position = SPEED * frame / 10 + (0 if rng is None else rng.normal(0, 0.01, 3))
        course.see(1, "map", frame * S // 10, position, SURE)


def test_the_velocity_of_steady_motion_is_found_in_noise():
    course = Course(noise=0.5)
    drive(course, 40, np.random.default_rng(0))
    velocity = course.velocity(1, 39 * S // 10)
    assert velocity == pytest.approx(SPEED, abs=0.08)
    # Two positions 0.1 s apart, each off by 1 cm, say 0.14 m/s about it.


def test_a_velocity_is_only_said_with_the_position_that_it_comes_from():
    course = Course(noise=0.5)
    drive(course, 5)
    assert course.velocity(1, S) is None
    assert course.velocity(2, 4 * S // 10) is None


def test_after_a_long_absence_a_velocity_begins_anew():
    course = Course(noise=0.5)
    drive(course, 20)
    course.see(1, "map", 60 * S, np.array((9.0, 9.0, 9.0)), SURE)
    assert course.velocity(1, 60 * S) == pytest.approx((0, 0, 0))


def test_without_noise_there_are_no_velocities():
    course = Course(noise=0.0)
    drive(course, 5)
    assert course.velocity(1, 4 * S // 10) is None


def test_the_last_place_is_kept_in_its_frame_until_the_object_is_gone():
    course = Course(noise=0.0)
    drive(course, 5)
    last = course.last(1, "map", S)
    assert last is not None
    assert last.stamp_ns == 4 * S // 10
    assert last.position == pytest.approx(SPEED * 0.4)
    assert course.last(1, "camera", S) is None
    course.keep({2})
    assert course.last(1, "map", S) is None


def test_what_was_seen_before_stamps_jumped_back_is_no_last_place():
    course = Course(noise=0.5)
    course.see(1, "map", 100 * S, np.zeros(3), SURE)
    assert course.last(1, "map", 10 * S) is None
    course.see(1, "map", 10 * S, np.ones(3), SURE)
    last = course.last(1, "map", 11 * S)
    assert last is not None
    assert last.position == pytest.approx((1, 1, 1))
    assert course.velocity(1, 10 * S) == pytest.approx((0, 0, 0))
