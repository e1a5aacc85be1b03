"""Post-processing against the plain way of it: everything in full resolution, one operation after the other."""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sam2_ros.config import TrackerConfig
from sam2_ros.model.sam2 import MaskPrediction
from sam2_ros.tracking.describe import HOLE_LOGIT, describe
from sam2_ros.tracking.region import Region, positive_region, taps, upsample
from sam2_ros.tracking.track import Sighting, Track

SIDE = 32  # of the low-resolution logits
SIZES = [(32, 32), (320, 180), (181, 97), (40, 300), (20, 11), (1, 1), (1280, 3)]  # width, height


def sighting(object_id: int, logits: torch.Tensor, score: float = 2.0) -> Sighting:
    """An object as the network sees it; the chosen candidate is the second."""
    prediction = MaskPrediction(
        masks=logits[None],
        object_score=torch.tensor([score], dtype=logits.dtype),
        pointers=torch.zeros(1, 4, dtype=logits.dtype),
        ious=torch.tensor([[0.1, 0.7, 0.2]], dtype=logits.dtype),
        candidates=logits.expand(1, 3, -1, -1),
        best=torch.tensor([1]),
        iou=torch.tensor([0.7], dtype=logits.dtype),
        decoded=None,
    )
    return Sighting(Track(object_id, 0, "", 0, 0, 3, 0), None, prediction, False)


def picture(name: str, generator: torch.Generator, dtype: torch.dtype) -> torch.Tensor:
    """Logits (SIDE, SIDE)."""
    logits = torch.full((SIDE, SIDE), -5.0, dtype=dtype)
    if name == "noise":
        return torch.randn(SIDE, SIDE, dtype=dtype, generator=generator) * 3
    if name == "blobs":
        coarse = torch.randn(1, 1, 5, 5, dtype=dtype, generator=generator) * 9
        return F.interpolate(coarse, size=(SIDE, SIDE), mode="bicubic")[0, 0]
    if name == "absent":
        return logits - 1019
    if name == "full":
        return -logits
    if name == "corner":
        logits[0, -1] = 4.0
    elif name == "pixel":
        logits[11, 20] = 6.0
    elif name == "edge":
        logits[-1, 3:9] = 2.0
    elif name == "ring":
        logits[5:25, 6:20] = 5.0
        logits[12:15, 10:13] = -5.0
        logits[28, 28] = 3.0
    elif name == "zero":
        logits[:] = 0.0
    return logits


NAMES = ("noise", "blobs", "absent", "full", "corner", "pixel", "edge", "ring", "zero", "nothing")


@dataclass
class Plain:
    """What describe has to give."""

    logits: np.ndarray  # (B, H, W)
    masks: np.ndarray  # (B, H, W) bool
    labels: np.ndarray  # (H, W)


def plain(logits: list[torch.Tensor], ids: list[int], size: tuple[int, int], fill: int, specks: int) -> Plain:
    """All in full resolution."""
    large = F.interpolate(torch.stack(logits)[:, None], size=size[::-1], mode="bilinear", align_corners=False)[:, 0]
    values = large.numpy().copy()
    masks = values > 0
    for value, mask in zip(values, masks, strict=True):
        before = mask.copy()
        mask |= small(~mask, fill, at_edge=False)
        mask &= ~small(mask, specks, at_edge=True)
        value[mask & ~before] = HOLE_LOGIT
        value[before & ~mask] = -HOLE_LOGIT
    labels = np.where(values.max(axis=0) > 0, np.array(ids)[values.argmax(axis=0)], 0)
    return Plain(values, masks, labels)


def small(mask: np.ndarray, most: int, at_edge: bool) -> np.ndarray:
    """Pixels of components of up to ``most`` pixels, one by one."""
    found = np.zeros_like(mask)
    count, components = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    for number in range(1, count):
        one = components == number
        edge = one[0].any() or one[-1].any() or one[:, 0].any() or one[:, -1].any()
        if one.sum() <= most and (at_edge or not edge):
            found |= one
    return found


def check(logits: list[torch.Tensor], size: tuple[int, int], config: TrackerConfig, tolerance: float) -> None:
    """``tolerance``: pixels whose logits are this near to each other, or to 0, may fall either way."""
    width, height = size
    ids = [7 * (row + 1) for row in range(len(logits))]
    if config.mask_encoding == "mono16":
        ids = [1000 + i for i in ids]
    wanted = plain(logits, ids, size, config.fill_hole_area, config.remove_speck_area)
    states, labels = describe(
        [sighting(i, one, score) for i, one, score in zip(ids, logits, (2.0, -0.5, 1e-3, -9.0), strict=False)],
        size,
        50,
        config,
    )
    assert [state.object_id for state in states] == ids
    assert labels.shape == (height, width)
    assert labels.dtype == (np.uint8 if config.mask_encoding == "mono8" else np.uint16)
    doubtful = np.abs(wanted.logits) <= tolerance if tolerance else np.zeros_like(wanted.masks)
    ordered = np.sort(np.concatenate((wanted.logits, np.zeros((1, height, width)))), axis=0)
    contested = ordered[-1] - ordered[-2] <= tolerance if tolerance else np.zeros((height, width), bool)
    assert ((labels == wanted.labels) | contested | doubtful.any(axis=0)).all()
    for state, mask, unsure in zip(states, wanted.masks, doubtful, strict=True):
        assert state.mask.dtype == bool
        assert ((state.mask == mask) | unsure).all()
        ys, xs = np.nonzero(state.mask)
        assert state.area == len(xs)
        if len(xs):
            assert state.box == (xs.min(), ys.min(), xs.max(), ys.max())
            assert state.centroid == (xs.sum() / len(xs), ys.sum() / len(ys))
        else:
            assert (state.box, state.centroid) == (None, None)
        assert state.mask_score == pytest.approx(0.7, abs=1e-2)
    assert [state.visible for state in states] == [True, False, True, False][: len(states)]
    assert [state.last_seen_ns for state in states] == [50 if s.visible and s.area else 0 for s in states]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_one_object(name: str, size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(3)
    check([picture(name, generator, torch.float64)], size, TrackerConfig(), 0.0)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("encoding", ["mono8", "mono16"])
def test_objects_that_overlap(encoding: str, size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(4)
    config = TrackerConfig(mask_encoding=encoding)
    for names in (("blobs",) * 4, ("noise",) * 4, ("full", "ring", "blobs"), ("absent", "pixel", "blobs", "edge")):
        check([picture(name, generator, torch.float64) for name in names], size, config, 0.0)


def test_of_equal_logits_the_first_object_keeps_the_pixel() -> None:
    generator = torch.Generator().manual_seed(5)
    blobs = picture("blobs", generator, torch.float64)
    check([blobs, blobs, picture("ring", generator, torch.float64)], (320, 180), TrackerConfig(), 0.0)
    _, labels = describe([sighting(3, blobs), sighting(9, blobs)], (64, 48), 0, TrackerConfig())
    assert set(np.unique(labels)) == {0, 3}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("fill", "specks"), [(900, 0), (0, 300), (60, 60), (100_000, 100_000)])
def test_clean_up(fill: int, specks: int, size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(6)
    config = TrackerConfig(fill_hole_area=fill, remove_speck_area=specks)
    for names in (("ring", "noise", "corner"), ("noise", "blobs"), ("full", "zero", "pixel")):
        check([picture(name, generator, torch.float64) for name in names], size, config, 0.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_lower_precision_differs_only_where_rounding_decides(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(7)
    for names in (("blobs",) * 4, ("noise",) * 4):
        rounded = [picture(name, generator, torch.float32).to(dtype).float() for name in names]
        check(rounded, (1280, 720), TrackerConfig(), 1e-5)
        states, _ = describe([sighting(1, rounded[0].to(dtype))], (1280, 720), 0, TrackerConfig())
        exact, _ = describe([sighting(1, rounded[0])], (1280, 720), 0, TrackerConfig())
        assert np.array_equal(states[0].mask, exact[0].mask)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (33, 500), (20, 11), (1, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_region_holds_what_the_whole_picture_holds_there(dtype: torch.dtype, width: int, height: int) -> None:
    generator = torch.Generator().manual_seed(8)
    logits = picture("noise", generator, dtype).numpy()
    whole = upsample(logits, Region(0, 0, width, height), height, width)
    tensor = torch.from_numpy(logits)[None, None]
    expected = F.interpolate(tensor, size=(height, width), mode="bilinear", align_corners=False)[0, 0].numpy()
    # Torch's own places are a little off in float32 on processors without a fused multiply-add.
    assert np.abs(whole - expected).max() <= (1e-4 if dtype == torch.float32 else 1e-13) * np.abs(logits).max()
    part = Region(width // 3, height // 4, width // 3 + (width + 1) // 2, height // 4 + (height + 1) // 2)
    assert np.array_equal(upsample(logits, part, height, width), whole[part.slices])


def test_the_shares_are_those_of_torch() -> None:
    for size, new_size in ((256, 720), (256, 1280), (48, 100), (256, 100)):
        weights = F.interpolate(torch.eye(size, dtype=torch.float64)[None], size=new_size, mode="linear")[0].numpy()
        found = taps(size, new_size, 0, new_size, np.dtype(np.float64))
        matrix = np.zeros_like(weights)
        np.add.at(matrix, (found.first, np.arange(new_size)), found.first_share)
        np.add.at(matrix, (found.second, np.arange(new_size)), found.second_share)
        assert np.abs(matrix - weights).max() < 1e-12


def test_a_region_is_small_where_the_object_is() -> None:
    logits = np.full((256, 256), -3.0, np.float32)
    assert positive_region(logits, 720, 1280) is None
    logits[100:110, 50:60] = 1.0
    region = positive_region(logits, 720, 1280)
    assert region is not None
    assert (region.x_end - region.x_min) * (region.y_end - region.y_min) < 2 * (11 * 5) * (11 * 2.8125)
    inside = upsample(logits, Region(0, 0, 1280, 720), 720, 1280) > 0
    inside[region.slices] = False
    assert not inside.any()
