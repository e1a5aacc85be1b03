import cv2
import numpy as np
import pytest

from sam2_ros.errors import SpaceError
from sam2_ros.space.camera import PinholeCamera

PLAIN = PinholeCamera(640, 480, fx=600.0, fy=620.0, cx=300.0, cy=250.0)
BENT = PinholeCamera(64, 48, 60.0, 61.0, 31.0, 23.0, distortion=(-0.3, 0.1, 0.001, -0.002, 0.02))
FISH = PinholeCamera(64, 48, 30.0, 30.0, 31.5, 23.5, distortion=(0.05, -0.02, 0.003, 0.0), fisheye=True)
ROWS, COLUMNS = np.array([250, 0, 470]), np.array([300, 0, 630])


def test_the_principal_point_looks_straight_ahead():
    points = PLAIN.points(ROWS, COLUMNS, np.array([2.0, 1.0, 3.0], dtype=np.float32))
    expected = [(0, 0, 2), (-0.5, -250 / 620, 1), (3 * 330 / 600, 3 * 220 / 620, 3)]
    assert points == pytest.approx(np.array(expected), abs=1e-6)


@pytest.mark.parametrize("camera", [PLAIN, BENT, FISH])
def test_what_is_seen_in_a_pixel_is_projected_back_into_it(camera: PinholeCamera):
    rows, columns = np.array([5, 20, 40]), np.array([10, 33, 60])
    points = camera.points(rows, columns, np.array([1.0, 2.0, 0.5], dtype=np.float32))
    assert camera.pixels(points) == pytest.approx(np.stack((columns, rows), axis=-1), abs=0.02)


def test_distortion_is_taken_out_as_opencv_does():
    matrix = np.array([(60.0, 0, 31.0), (0, 61.0, 23.0), (0, 0, 1)])
    pixel = np.array([[[10.0, 40.0]]])
    expected = cv2.undistortPoints(pixel, matrix, np.array(BENT.distortion))[0, 0]
    assert BENT.rays(np.array([40]), np.array([10]))[0] == pytest.approx(expected, abs=1e-6)
    straight = (10 - 31.0) / 60.0
    assert abs(expected[0] - straight) > 0.005  # there is something to take out


def test_an_image_of_half_the_size_has_the_middle_of_two_pixels_between_them():
    half = PLAIN.resized(320, 240)
    assert (half.fx, half.fy) == (300, 310)
    # The middle of the pixels 0 and 1 is at 0.5 of the large image, and at 0 of the small one.
    point = PLAIN.points(np.array([0.5]), np.array([0.5]), np.array([1.0]))
    assert half.pixels(point)[0] == pytest.approx((0, 0), abs=1e-4)


def test_another_field_of_view_is_refused():
    with pytest.raises(SpaceError, match="camera_info is for 640x480 pixels, which is not the shape of 640x360"):
        PLAIN.resized(640, 360)
