"""Pictures packed, collages composed of them: what is kept, what is covered, what a training step gets to see."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from sam2_ros.synthetic.chance import draw_wave
from sam2_ros.synthetic.paint import Skin
from training.batch import draw_batch
from training.clips import Clips, prepare
from training.collage import collage
from training.collage.puppet import Part, arm_parts
from training.collage.sprite import draw_sprite, lay, premultiplied
from training.collage.surfaces import recoloured, shaded
from training.collage.things import CutOut, Held, Place
from training.config import CollageData, DataConfig, StageConfig, TrainingConfig, TrainingError
from training.log import read_log
from training.pictures import CUTOUT_SIDE, PHOTOGRAPH_SIDE, Pictures, pack, tidied_cutout
from training.run import train
from training.sources import Source

SOURCE = Source(
    "made",
    "ours",
    cutouts=("*/things/*.png",),
    photographs=("*/places/*.jpg",),
    labelled=("*/images/*.jpg",),
    but=("*cartoon*",),
)


def colourful(height: int, width: int, seed: int = 0) -> np.ndarray:
    """(height, width, 3) uint8 of many colours, smooth as photographs are."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))


def disc(side: int, radius: float, seed: int = 0) -> np.ndarray:
    """(side, side, 4) uint8: a colourful disc."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return np.dstack((colourful(side, side, seed), np.where(np.hypot(x, y) <= radius, 255, 0).astype(np.uint8)))


def write_labelled(folder: Path) -> None:
    """A grey photograph with a white square, object 3, and a black one that is unclear; one without a label image."""
    picture, labels = np.full((300, 400, 3), 128, np.uint8), np.zeros((300, 400), np.uint8)
    picture[100:200, 150:250], labels[100:200, 150:250] = 255, 3
    picture[100:200, 300:350], labels[100:200, 300:350] = 0, 255
    for kind in ("images", "masks"):
        (folder / kind).mkdir()
    cv2.imwrite(str(folder / "images/one.jpg"), picture)
    cv2.imwrite(str(folder / "images/alone.jpg"), picture)
    cv2.imwrite(str(folder / "masks/one.png"), labels)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "things").mkdir()
    (folder / "places").mkdir()
    for index in range(4):
        cv2.imwrite(str(folder / f"things/{index}.png"), disc(300, 120, index))
        cv2.imwrite(str(folder / f"places/{index}.jpg"), colourful(300, 400, 10 + index))
    write_labelled(folder)
    cv2.imwrite(str(folder / "things/cartoon.png"), disc(300, 120))
    (folder / "things/broken.png").write_bytes(b"no picture")
    assert pack([(SOURCE, folder)], folder / "packed.npz") == (4, 4, 1)
    return folder / "packed.npz"


# --- pictures --------------------------------------------------------------------------------------------------------


def test_packed_pictures_come_back_cut_to_what_they_show(packed: Path) -> None:
    pictures = Pictures(packed)
    assert (pictures.cutouts, pictures.photographs, pictures.labelled) == (4, 4, 1)
    cutout = pictures.cutout(2)
    assert cutout.shape == (CUTOUT_SIDE, CUTOUT_SIDE, 4)  # of 240 pixels
    assert (cutout[CUTOUT_SIDE // 2, CUTOUT_SIDE // 2, 3], cutout[0, 0, 3]) == (255, 0)
    expected = colourful(300, 300, 2)[150, 150, ::-1].astype(int)  # written as OpenCV has it, read as RGB
    assert np.abs(cutout[CUTOUT_SIDE // 2, CUTOUT_SIDE // 2, :3] - expected).max() < 12
    assert pictures.photograph(0).shape == (300, 400, 3)


def test_a_labelled_photograph_keeps_its_objects_without_what_is_unclear(packed: Path) -> None:
    picture, labels = Pictures(packed).labelled_photograph(0)
    assert picture.shape == (300, 400, 3)
    assert set(np.unique(labels)) == {0, 3}
    assert (labels == 3).sum() == 100 * 100
    assert picture[labels == 3].mean() > 245


def test_large_photographs_are_made_smaller(tmp_path: Path) -> None:
    (tmp_path / "places").mkdir()
    cv2.imwrite(str(tmp_path / "places/large.jpg"), colourful(1500, 2000))
    cv2.imwrite(str(tmp_path / "places/tiny.jpg"), colourful(50, 60))
    assert pack([(SOURCE, tmp_path)], tmp_path / "packed.npz") == (0, 1, 0)
    assert Pictures(tmp_path / "packed.npz").photograph(0).shape == (PHOTOGRAPH_SIDE, PHOTOGRAPH_SIDE * 4 // 3, 3)


def test_what_is_no_cut_out_of_one_thing_is_left_out() -> None:
    good = disc(200, 90)
    assert tidied_cutout(good) is not None
    silhouette = good.copy()
    silhouette[..., :3] = 10
    glass = good.copy()
    glass[..., 3] //= 2
    glass[90:110, 90:110, 3] = 255
    whole = good.copy()
    whole[..., 3] = 255
    two = np.hstack((disc(200, 60), disc(200, 60)))
    for bad in (silhouette, glass, whole, two, good[..., :3], disc(200, 12), np.zeros_like(good), None):
        assert tidied_cutout(bad) is None


def test_a_file_that_holds_no_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"missing.npz holds no packed pictures .*python -m training.pictures"):
        Pictures(tmp_path / "missing.npz")
    (tmp_path / "other.npz").write_bytes(b"text")
    with pytest.raises(TrainingError, match="holds no packed pictures"):
        Pictures(tmp_path / "other.npz")


# --- what is drawn ---------------------------------------------------------------------------------------------------


def flat(side: int = 60, radius: float = 24) -> CutOut:
    """A red disc that does not move, 40 pixels from the middle to the side of its frame."""
    picture = disc(side, radius)
    picture[..., :3] = (255, 0, 0)
    sprite = draw_sprite(np.random.default_rng(0), picture, 1000, 0.0)
    return CutOut(dataclasses.replace(sprite, limbs=0.0, tilt=0.0), np.eye(2), 0.0)


PLACE = Place(0, np.array([(40.0, 0, 70), (0, 40, 50)]), np.zeros(2))


def drawn(thing: CutOut | Held) -> tuple[np.ndarray, np.ndarray]:
    """A black picture (100, 140, 3) with a thing at 70, 50, and what is covered by the thing itself."""
    canvas, mask = np.zeros((100, 140, 3), np.uint8), np.zeros((100, 140), bool)
    for part in thing.draw(canvas, PLACE):
        mask[part.window][part.solid] = part.own
    return canvas, mask


def test_a_cut_out_covers_exactly_what_it_shows() -> None:
    canvas, mask = drawn(flat())
    y, x = np.mgrid[:100, :140]
    truth = np.hypot(x - 70, y - 50) <= 24 * 40 / 31  # its frame is the texture's 60 pixels and a border of one
    assert (mask & truth).sum() / (mask | truth).sum() > 0.95
    assert np.array_equal(canvas[..., 0] >= 128, mask)
    assert not canvas[..., 1:].any()


def test_a_cut_out_beyond_the_picture_covers_nothing() -> None:
    canvas = np.zeros((100, 140, 3), np.uint8)
    beyond = PLACE.matrix + np.array([(0, 0, 500), (0, 0, 0)])
    assert flat().draw(canvas, dataclasses.replace(PLACE, matrix=beyond)) == []
    assert not canvas.any()


def test_motion_blurs_what_is_seen_but_not_the_truth() -> None:
    canvas = np.zeros((100, 140, 3), np.uint8)
    (moving,) = flat().draw(canvas, dataclasses.replace(PLACE, motion=np.array([12.0, 0])))
    mask = np.zeros((100, 140), bool)
    mask[moving.window] = moving.solid
    still, truth = drawn(flat())
    assert np.array_equal(mask, truth)
    assert (canvas[..., 0] > 0).sum() > (still[..., 0] > 0).sum() + 200


def test_a_hand_in_front_hides_what_it_holds_and_one_behind_does_not() -> None:
    rng = np.random.default_rng(0)
    skin = Skin(np.full((32, 32, 3), 90, np.uint8), 0.0, 0.0)
    front = Held(flat(), np.zeros(2), 0.3, 0.5, skin, skin, True, draw_wave(rng, 1, 20, 80))
    _, whole = drawn(flat())
    _, before = drawn(front)
    _, behind = drawn(dataclasses.replace(front, in_front=False))
    assert before.sum() < 0.8 * whole.sum()
    assert not (before & ~whole).any()
    assert np.array_equal(behind, whole)


def test_an_arm_reaches_out_of_the_picture() -> None:
    skin = Skin(np.full((32, 32, 3), 90, np.uint8), 0.0, 0.0)
    parts: list[Part] = arm_parts(np.array([70.0, 50.0]), 0.0, 280.0, 20.0, skin, skin)
    assert max(part.outline[:, 0].max() for part in parts) > 300


def test_a_shadow_falls_beside_a_thing_and_only_darkens() -> None:
    canvas = np.full((100, 140, 3), 200, np.uint8)
    layer = flat().sprite.layer(0, PLACE.matrix, PLACE.motion, (140, 100))
    assert layer is not None
    lay(canvas, layer, 0.8)
    around = np.ones((100, 140), bool)
    around[layer.window] &= ~(layer.pixels[..., 3] > 0)
    assert (canvas[around] <= 200).all()
    assert canvas[around].min() < 120


def test_colours_beyond_an_outline_do_not_seep_in() -> None:
    picture = disc(60, 20)
    picture[picture[..., 3] == 0] = (0, 255, 0, 0)
    assert not premultiplied(picture)[picture[..., 3] == 0].any()


def test_other_light_does_not_darken_and_leaves_white_things_white() -> None:
    grey, white = np.full((8, 8, 3), 128, np.uint8), np.full((8, 8, 4), 255, np.uint8)
    rng = np.random.default_rng(0)
    assert abs(np.mean([np.log(recoloured(rng, grey, 0.7).mean() / 128) for _ in range(300)])) < 0.04
    assert np.mean([recoloured(rng, white, 0.7).min() > 245 for _ in range(300)]) > 0.4


def test_light_falls_unevenly_on_a_thing_and_leaves_its_outline() -> None:
    grey = np.full((60, 40, 4), 128, np.uint8)
    several = [shaded(np.random.default_rng(seed), grey) for seed in range(20)]
    assert all((lit[..., 3] == 128).all() for lit in several)
    assert max(int(lit[..., 0].max()) - int(lit[..., 0].min()) for lit in several) > 60
    assert abs(np.mean([lit[..., :3].mean() for lit in several]) - 128) < 12


# --- collages --------------------------------------------------------------------------------------------------------


def test_a_seed_is_a_clip(packed: Path) -> None:
    pictures = Pictures(packed)
    one, same, other = (list(collage(seed, pictures, 160, 96, 3)) for seed in (5, 5, 6))
    assert all(a.image.tobytes() == b.image.tobytes() for a, b in zip(one, same, strict=True))
    assert all(a.labels.tobytes() == b.labels.tobytes() for a, b in zip(one, same, strict=True))
    assert one[0].image.tobytes() != other[0].image.tobytes()
    assert one[0].image.shape == (96, 160, 3)
    assert one[0].image.tobytes() != one[2].image.tobytes()


def test_collages_begin_with_objects_that_are_seen(packed: Path) -> None:
    pictures = Pictures(packed)
    firsts = [next(collage(seed, pictures, 128, 128, 1)) for seed in range(12)]
    assert sum(any(first.visible) for first in firsts) >= 11
    for first in firsts:
        assert set(np.unique(first.labels)) - {0} == {i + 1 for i, seen in enumerate(first.visible) if seen}


@pytest.mark.parametrize("alone", [0.0, 1.0])
def test_objects_of_a_photograph_move_with_the_camera(
    packed: Path, monkeypatch: pytest.MonkeyPatch, alone: float
) -> None:
    monkeypatch.setattr("training.collage.clip.LABELLED", 1.0)
    monkeypatch.setattr("training.collage.clip.ALONE", alone)
    pictures = Pictures(packed)
    clips = [list(collage(seed, pictures, 128, 96, 20)) for seed in range(6)]
    for clip in clips:
        assert any(clip[0].visible[:-1]) != bool(alone)  # the last is the photograph's
        for frame in (clip[0], clip[-1]):
            square = frame.labels == len(frame.visible)
            if alone:
                assert frame.image[square].mean() > frame.image[~square].mean() + 40
    assert any((a.labels == len(a.visible)).sum() != (b.labels == len(b.visible)).sum() for a, *_, b in clips)


def test_collages_do_without_cut_outs(tmp_path: Path) -> None:
    (tmp_path / "places").mkdir()
    cv2.imwrite(str(tmp_path / "places/one.jpg"), colourful(300, 300))
    pack([(SOURCE, tmp_path)], tmp_path / "packed.npz")
    pictures = Pictures(tmp_path / "packed.npz")
    assert any(any(next(collage(seed, pictures, 128, 128, 1)).visible) for seed in range(4))


# --- training on them ------------------------------------------------------------------------------------------------

STAGE = StageConfig("clips", 2, 1, 2, 3, (1e-3, 1e-4), image_size=64, natural=1.0)


def test_a_run_learns_from_collages(packed: Path, tmp_path: Path) -> None:
    data = DataConfig(collages=(CollageData(str(packed), 7, 3, sizes=((128, 96), (96, 128)), frames=5),))
    train(TrainingConfig("toy", (STAGE,), data, image_size=96), tmp_path)
    assert [line.step for line in read_log(tmp_path)] == [0, 1]
    clip = np.load(sorted((tmp_path / "clips").glob("collage_*.npy"))[0])
    assert clip.shape == (5, 96, 96, 4)


def test_collages_without_their_pictures_are_refused_before_a_step(tmp_path: Path) -> None:
    data = DataConfig(collages=(CollageData(str(tmp_path / "none.npz"), 7, 1),))
    with pytest.raises(TrainingError, match="holds no packed pictures"):
        prepare(data, 96, tmp_path / "clips")


def test_natural_clips_keep_their_colours_and_what_is_above(tmp_path: Path) -> None:
    clip = np.zeros((3, 96, 96, 4), np.uint8)
    clip[..., :3] = (200, 120, 60)
    clip[:, :48, :, :3] += 40
    clip[:, 20:60, 20:60, 3] = 1
    np.save(tmp_path / "clip.npy", clip)
    stage = dataclasses.replace(STAGE, image_size=None)
    for seed in range(8):
        image = draw_batch(Clips([tmp_path / "clip.npy"]), stage, 96, np.random.default_rng(seed)).images[0, 0].float()
        red, green, blue = image.mean(dim=(1, 2))
        assert red > green > blue
        assert image[:, :40].mean() > image[:, 56:].mean()
