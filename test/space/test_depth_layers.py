"""Which of the depths in a mask are taken for the object, when there are two or more of them."""

import numpy as np
import pytest

from sam2_ros.space.layers import Before, layers

RNG = np.random.default_rng(5)


def flat(depth: float, count: int) -> np.ndarray:
    """A surface with a stereo camera's noise: half a percent for each metre of distance."""
    return RNG.normal(depth, 0.005 * depth**2, count).astype(np.float32)


def of(*parts: np.ndarray) -> np.ndarray:
    return np.concatenate(parts).astype(np.float32)


def chosen(depths: np.ndarray, before: Before | None = None) -> np.ndarray:
    return np.flatnonzero(layers(depths, before).inside)


@pytest.mark.parametrize("depth", [0.3, 1.0, 2.0, 5.0, 12.0])
def test_one_surface_is_one_layer_however_far(depth):
    found = layers(flat(depth, 2000), None)
    assert len(found.depths) == 1
    assert found.inside.mean() > 0.98
    assert found.doubt == 0.0


def test_a_long_thing_that_leans_away_is_one_layer():
    depths = of(np.linspace(1.0, 1.6, 1500) + RNG.normal(0, 0.005, 1500))
    found = layers(depths, None)
    assert found.share.tolist() == [1.0]
    assert found.inside.all()


def test_what_has_no_peaks_is_one_layer():
    assert chosen(of(np.geomspace(0.5, 20.0, 50))).tolist() == list(range(50))
    assert chosen(of(np.array((1.0,)))).tolist() == [0]


def test_of_two_layers_the_larger_one_is_taken_and_its_median_is_not_between():
    depths = of(flat(2.0, 520), flat(1.5, 480))
    found = layers(depths, None)
    assert set(chosen(depths)) <= set(range(520))
    assert found.depths[found.share.argmax()] == pytest.approx(2.0, abs=0.01)
    assert found.share.max() == pytest.approx(0.52, abs=0.01)


def test_doubt_is_the_variance_between_layers():
    # By hand: 48 % of it are 0.5 m from where the object is taken to be.
    assert layers(of(flat(2.0, 520), flat(1.5, 480)), None).doubt == pytest.approx(0.48 * 0.5**2, rel=0.05)
    assert layers(of(flat(2.0, 950), flat(1.5, 50)), None).doubt == 0.0


def test_flying_pixels_between_two_layers_are_of_none():
    flying = np.linspace(1.6, 1.9, 40)
    found = layers(of(flat(2.0, 520), flat(1.5, 440), flying), None)
    assert not found.inside[-40:].any()
    assert len(found.depths) == 2


def test_where_it_was_decides_between_layers():
    depths = of(flat(2.0, 520), flat(1.5, 480))
    now = Before(depth=1.52, seconds=0.1)
    assert set(chosen(depths, now)) <= set(range(520, 1000))
    # By hand: spreads of 0.03 * 1.52 + 0.1 = 0.146 m; 0.48 m away is 3.3 of them, 0.02 m 0.14.
    weights = 520 * (0.1 + np.exp(-(3.3**2) / 2)), 480 * (0.1 + np.exp(-(0.14**2) / 2))
    assert layers(depths, now).share.max() == pytest.approx(weights[1] / sum(weights), abs=0.01)
    # Long ago says nothing, and neither does a place where nothing is.
    assert set(chosen(depths, Before(1.52, 30.0))) <= set(range(520))
    assert set(chosen(depths, Before(4.0, 0.1))) <= set(range(520))


def test_where_it_was_does_not_hold_it_on_to_what_is_hardly_left():
    depths = of(flat(2.0, 930), flat(1.5, 70))
    assert set(chosen(depths, Before(1.5, 0.1))) <= set(range(930))
