"""J and F as DAVIS 2017 defines them, against a slow reading of the definitions."""

import math

import numpy as np
import pytest

from sam2_ros.measures.similarity import boundary, boundary_accuracy, region_similarity, tolerance


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def blobs(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A mask of some discs, (height, width) bool."""
    y, x = np.mgrid[:height, :width]
    mask = np.zeros((height, width), bool)
    for _ in range(rng.integers(1, 4)):
        mask |= (x - rng.uniform(0, width)) ** 2 + (y - rng.uniform(0, height)) ** 2 < rng.uniform(4, 14) ** 2
    return mask


def slow_edge(mask: np.ndarray) -> list[tuple[int, int]]:
    height, width = mask.shape
    edge = []
    for y in range(height):
        for x in range(width):
            neighbours = [(min(y + dy, height - 1), min(x + dx, width - 1)) for dy, dx in ((0, 1), (1, 0), (1, 1))]
            if any(mask[place] != mask[y, x] for place in neighbours):
                edge.append((y, x))
    return edge


def slow_share(some: list[tuple[int, int]], others: list[tuple[int, int]], radius: int) -> float:
    near = [any((y - v) ** 2 + (x - u) ** 2 <= radius**2 for v, u in others) for y, x in some]
    return sum(near) / len(some)


@pytest.mark.parametrize("size", [(40, 60), (61, 33), (128, 160)])
def test_boundary_accuracy_is_that_of_the_definition(rng: np.random.Generator, size: tuple[int, int]) -> None:
    radius = math.ceil(0.008 * math.hypot(*size))
    for _ in range(5):
        found, truth = blobs(rng, *size), blobs(rng, *size)
        precision = slow_share(slow_edge(found), slow_edge(truth), radius)
        recall = slow_share(slow_edge(truth), slow_edge(found), radius)
        wanted = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        assert boundary_accuracy(found, truth) == pytest.approx(wanted, abs=1e-12)
        assert sorted(map(tuple, np.argwhere(boundary(found)).tolist())) == slow_edge(found)


@pytest.mark.parametrize(
    ("height", "width", "pixels"),
    [(75, 100, 1), (76, 100, 2), (480, 854, 8), (720, 1280, 12), (1080, 1920, 18)],  # 0.008 of a diagonal of 125 is 1
)
def test_the_tolerance_goes_with_the_diagonal(height: int, width: int, pixels: int) -> None:
    assert tolerance(height, width) == pixels


def test_similarity_of_equal_disjoint_and_half_overlapping_masks() -> None:
    mask, other = np.zeros((20, 20), bool), np.zeros((20, 20), bool)
    mask[4:8, 4:12] = True
    other[4:8, 8:16] = True
    assert region_similarity(mask, mask) == 1
    assert region_similarity(mask, other) == pytest.approx(16 / 48)
    assert region_similarity(mask, ~mask) == 0


@pytest.mark.parametrize("measure", [region_similarity, boundary_accuracy])
def test_empty_masks(measure) -> None:  # type: ignore[no-untyped-def]
    empty, some = np.zeros((30, 30), bool), np.zeros((30, 30), bool)
    some[10:20, 10:20] = True
    assert measure(empty, empty) == 1
    assert measure(empty, some) == 0
    assert measure(some, empty) == 0
