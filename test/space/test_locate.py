"""Places of made-up objects whose geometry is known by hand."""

import numpy as np
import pytest

from sam2_ros.config import SpaceConfig
from sam2_ros.space.camera import PinholeCamera
from sam2_ros.space.depth import DepthImage
from sam2_ros.space.layers import Before
from sam2_ros.space.locate import MAX_PIXELS, locate
from sam2_ros.space.place import Nowhere, Place
from sam2_ros.space.robust import select

WIDTH, HEIGHT = 320, 240
CAMERA = PinholeCamera(WIDTH, HEIGHT, fx=200.0, fy=200.0, cx=160.0, cy=120.0)
PLAIN = SpaceConfig(mask_erosion=0, min_depth_pixels=10)
BOX = (200, 90, 239, 149)  # 40 columns, 60 rows


def mask_of(box: tuple[int, int, int, int], height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    mask = np.zeros((height, width), dtype=bool)
    mask[box[1] : box[3] + 1, box[0] : box[2] + 1] = True
    return mask


def millimetres(inside: float, outside: float = 4.0, box: tuple[int, int, int, int] = BOX) -> np.ndarray:
    values = np.full((HEIGHT, WIDTH), round(1000 * outside), dtype=np.uint16)
    values[mask_of(box)] = round(1000 * inside)
    return values


def place_of(values: np.ndarray, config: SpaceConfig = PLAIN, box: tuple[int, int, int, int] = BOX) -> Place:
    found = locate(mask_of(box), box, DepthImage(values), CAMERA, config)
    assert isinstance(found, Place), found
    return found


def test_a_card_before_the_camera_is_where_the_pinhole_formula_says():
    place = place_of(millimetres(2.0))
    # Columns 200 to 239 have their middle at 219.5, rows 90 to 149 at 119.5; one pixel is 2 m / 200 = 1 cm.
    assert place.position == pytest.approx((0.595, -0.005, 2.0), abs=1e-6)
    assert place.box.centre == pytest.approx((0.595, -0.005, 2.0), abs=0.011)
    assert place.box.size == pytest.approx((0.39, 0.59, 0.0), abs=0.04)  # the outermost 2 % on either side are left out


def test_metres_as_floats_say_the_same_as_millimetres():
    values = millimetres(2.0)
    metres = (values / 1000).astype(np.float32)
    assert place_of(metres).position == pytest.approx(place_of(values).position, abs=1e-6)


def test_what_is_no_measurement_does_not_count():
    values = (millimetres(2.0) / 1000).astype(np.float32)
    for row, nothing in enumerate((np.nan, np.inf, -np.inf, 0.0, -1.0), start=100):
        values[row, :] = nothing
    whole = millimetres(2.0)
    whole[100:103], whole[103:105] = 0, 65535
    for depth in (values, whole):
        assert place_of(depth).position[2] == pytest.approx(2.0, abs=1e-6)


def test_background_that_leaks_in_and_flying_pixels_are_not_the_object():
    values = millimetres(2.0)
    values[90:150, 200:208] = 4000  # a fifth of the mask is background
    values[90:150, 208:210] = np.linspace(2100, 3900, 120, dtype=np.uint16).reshape(60, 2)
    place = place_of(values)
    assert place.position[2] == pytest.approx(2.0, abs=1e-3)
    assert place.position[0] == pytest.approx((224.5 - 160) * 0.01, abs=1e-3)  # the middle of columns 210 to 239


def test_the_rim_of_the_mask_is_left_out_and_given_back_to_the_box():
    values = millimetres(2.0)
    border = mask_of(BOX) & ~mask_of((203, 93, 236, 146))
    values[border] = 2025  # near enough to be taken for the object
    with_rim, without = place_of(values), place_of(values, SpaceConfig(mask_erosion=3, min_depth_pixels=10))
    assert with_rim.position[2] > 2.001
    assert without.position == pytest.approx((0.595, -0.005, 2.0), abs=1e-6)
    assert without.box.size[:2] == pytest.approx((0.40, 0.60), abs=0.04)


def test_of_a_thin_thing_the_rim_is_not_taken():
    thin = (100, 50, 219, 51)
    place = place_of(millimetres(1.0, box=thin), SpaceConfig(mask_erosion=3, min_depth_pixels=50), thin)
    assert place.position[2] == pytest.approx(1.0, abs=1e-6)


IN_MILLIMETRES = np.full((HEIGHT, WIDTH), 500.0, np.float32)  # half a metre, of a driver that takes metres for them


@pytest.mark.parametrize(
    "values", [np.zeros((HEIGHT, WIDTH), np.uint16), np.full((HEIGHT, WIDTH), np.nan, np.float32), IN_MILLIMETRES]
)
def test_without_depth_there_is_no_place_and_a_reason(values):
    found = locate(mask_of(BOX), BOX, DepthImage(values), CAMERA, PLAIN)
    assert isinstance(found, Nowhere)
    assert "0 pixels of its mask have a depth" in found.reason
    assert "min_depth_pixels is 10" in found.reason


def test_too_few_pixels_are_none():
    small = (10, 10, 12, 12)
    found = locate(mask_of(small), small, DepthImage(millimetres(1.0, box=small)), CAMERA, PLAIN)
    assert isinstance(found, Nowhere)
    assert "9 pixels" in found.reason


def test_depth_of_another_size_shows_the_same_place():
    half = DepthImage(np.ascontiguousarray(millimetres(2.0)[::2, ::2]))
    found = locate(mask_of(BOX), BOX, half, CAMERA.resized(WIDTH // 2, HEIGHT // 2), PLAIN)
    assert isinstance(found, Place)
    assert found.position == pytest.approx((0.595, -0.005, 2.0), abs=1e-6)


def test_a_large_mask_is_thinned_out_and_says_the_same():
    large = (20, 20, 299, 219)
    place = place_of(millimetres(1.0, box=large), box=large)
    assert len(place.points) <= MAX_PIXELS
    assert place.position == pytest.approx((-0.0025, -0.0025, 1.0), abs=0.01)


def test_an_oriented_box_lies_along_the_object():
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    angle = np.radians(30)
    along = (columns - 160) * np.cos(angle) + (rows - 120) * np.sin(angle)
    across = (rows - 120) * np.cos(angle) - (columns - 160) * np.sin(angle)
    mask = (np.abs(along) < 60) & (np.abs(across) < 20)
    values = np.where(mask, 1000, 4000).astype(np.uint16)
    y, x = np.nonzero(mask)
    box = (int(x.min()), int(y.min()), int(x.max()), int(y.max()))
    config = SpaceConfig(mask_erosion=0, box_3d="oriented")
    place = locate(mask, box, DepthImage(values), CAMERA, config)
    assert isinstance(place, Place)
    assert place.box.size == pytest.approx((0.6, 0.2, 0.0), abs=0.04)
    assert place.box.rotation[:, 0] == pytest.approx((np.cos(angle), np.sin(angle), 0.0), abs=0.02)
    assert np.linalg.det(place.box.rotation) == pytest.approx(1.0)
    # Its corners are those of the turned rectangle.
    far = place.box.corners[np.abs(place.box.corners[:, 0]).argmax()]
    assert np.hypot(*far[:2]) == pytest.approx(np.hypot(0.3, 0.1), abs=0.02)


def test_the_covariance_grows_with_noise_and_with_missing_depth():
    rng = np.random.default_rng(1)
    quiet, noisy, holes = (millimetres(2.0) for _ in range(3))
    noisy[mask_of(BOX)] = 2000 + rng.normal(0, 40, 2400).astype(int)
    holes[90:120] = 0  # the upper half
    calm, loud, missing = place_of(quiet), place_of(noisy), place_of(holes)
    assert loud.covariance[2, 2] > 10 * calm.covariance[2, 2]
    # Half is missing: the true middle is 15 cm above what is seen, within two standard deviations.
    shift = missing.position[1] - calm.position[1]
    assert shift == pytest.approx(0.15, abs=1e-3)
    assert shift < 2 * np.sqrt(missing.covariance[1, 1])
    for place in (calm, loud, missing):
        assert np.linalg.eigvalsh(place.covariance).min() > 0


def test_of_a_mask_that_half_leaks_the_object_counts_and_the_covariance_says_that_it_may_be_the_other():
    values = millimetres(2.0)
    values[90:150, 200:219] = 1500  # 19 of its 40 columns are of something nearer
    place = place_of(values)
    assert place.position == pytest.approx(((229 - 160) * 0.01, -0.005, 2.0), abs=1e-3)
    # By hand: 19 of 40 times 0.5 m squared, along the ray to it.
    doubt = 19 / 40 * 0.5**2
    assert place.covariance[2, 2] == pytest.approx(doubt, rel=0.05)
    assert place.covariance[0, 2] == pytest.approx(doubt * 0.69 / 2, rel=0.05)
    before = locate(mask_of(BOX), BOX, DepthImage(values), CAMERA, PLAIN, before=Before(1.5, 0.1))
    assert isinstance(before, Place)
    assert before.position[2] == pytest.approx(1.5, abs=1e-3)
    assert before.covariance[2, 2] < place.covariance[2, 2]


@pytest.mark.parametrize(("score", "shares"), [(1.0, 0.0), (0.8, 0.25), (0.5, 1.0), (0.25, 3.0)])
def test_of_a_mask_that_may_be_wrong_the_position_is_as_unsure_as_the_mask(score, shares):
    found = locate(mask_of(BOX), BOX, DepthImage(millimetres(2.0)), CAMERA, PLAIN, score)
    assert isinstance(found, Place)
    # An even spread over 40 columns of 1 cm has a deviation of 0.4 m / sqrt(12); missing by seen is 1 / score - 1.
    deviation = 0.4 / np.sqrt(12)
    least = place_of(millimetres(2.0)).covariance[0, 0]
    assert found.covariance[0, 0] == pytest.approx(least + (shares * deviation) ** 2, rel=0.01)


def test_the_covariance_tells_how_far_off_positions_are():
    rng = np.random.default_rng(2)
    squares = []
    for _ in range(60):
        noise = np.kron(rng.normal(0, 20, (12, 8)), np.ones((5, 5)))  # errors of a stereo camera: 5x5 pixels share one
        values = millimetres(2.0)
        values[mask_of(BOX)] = (2000 + noise).round().astype(np.uint16).ravel()
        place = place_of(values)
        error = place.position - (0.595, -0.005, 2.0)
        squares.append(error[2] ** 2 / place.covariance[2, 2])
    assert 0.5 < np.mean(squares) < 1.5  # of right variances it is 1


def test_of_two_things_in_a_mask_the_larger_one_counts():
    depths = np.concatenate((np.full(70, 1.0), np.full(30, 3.0))).astype(np.float32)
    assert np.flatnonzero(select(depths, np.ones(100, bool))).tolist() == list(range(70))
    assert np.flatnonzero(select(depths, depths > 2)).tolist() == list(range(70, 100))
