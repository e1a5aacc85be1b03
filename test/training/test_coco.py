"""COCO's pictures: which are taken, and what their outlines become."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from training.coco import free_pictures
from training.pictures import Pictures, pack
from training.sources import Source

WIDTH, HEIGHT = 400, 300
FREE, NOT_COMMERCIAL = 4, 2


def outline(x: int, y: int, side: int) -> list[list[int]]:
    """A square without its lower right corner."""
    half, end = side // 2, side
    return [[x, y, x + end, y, x + end, y + half, x + half, y + end, x, y + end]]


def annotated(picture: int, segmentation: Any, area: int, crowd: int = 0) -> dict[str, Any]:
    return {"image_id": picture, "segmentation": segmentation, "area": area, "iscrowd": crowd}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    colours = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    (tmp_path / "pictures").mkdir()
    for number in (1, 2):
        picture = cv2.resize(colours, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(tmp_path / f"pictures/{number:012}.jpg"), picture)
    before = 200 * HEIGHT + 10  # a crowd, down the columns: 40 of the 201st, from its 11th pixel on
    crowd = {"counts": [before, 40, WIDTH * HEIGHT - before - 40], "size": [HEIGHT, WIDTH]}
    objects = [
        annotated(1, outline(250, 100, 100), 100 * 100),
        annotated(1, outline(20, 20, 150), 150 * 150),
        annotated(1, outline(300, 250, 5), 25),
        annotated(1, crowd, 40, crowd=1),
        annotated(2, outline(20, 20, 100), 100 * 100),
    ]
    images = [
        {"id": number, "file_name": f"{number:012}.jpg", "width": WIDTH, "height": HEIGHT, "license": licence}
        for number, licence in ((1, FREE), (2, NOT_COMMERCIAL), (3, FREE))
    ]
    (tmp_path / "instances_val2017.json").write_text(json.dumps({"images": images, "annotations": objects}))
    return tmp_path


def test_only_pictures_with_a_free_licence_are_taken_and_the_largest_object_comes_first(folder: Path) -> None:
    (picture,) = free_pictures([folder], [folder / "instances_val2017.json"])
    assert picture.number == 1
    assert np.unique(picture.labels).tolist() == [0, 1, 2, 255]
    assert (picture.labels[21:94, 21:169] == 1).all()
    assert (picture.labels[101:149, 251:349] == 2).all()
    assert abs(int((picture.labels == 1).sum()) - 150 * 150 * 7 / 8) < 700
    assert np.argwhere(picture.labels == 255)[0].tolist() == [10, 200]
    assert picture.labels[252, 302] == 255  # a speck


def test_whole_objects_become_cut_outs(folder: Path) -> None:
    (picture,) = free_pictures([folder], [folder / "instances_val2017.json"])
    large, _ = picture.cutouts
    assert large.shape[2] == 4
    assert abs(large.shape[0] - 150) <= 2
    assert np.array_equal(large[75, 75, :3], picture.photograph[95, 95])
    assert (large[75, 75, 3], large[0, 75, 3] < 128) == (255, True)


def test_a_picture_that_two_sources_have_is_packed_once(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "places").mkdir()
    cv2.imwrite(str(tmp_path / "places/one.jpg"), np.full((300, 300, 3), 90, np.uint8))
    source = Source("coco", "some", photographs=("*/places/*.jpg",), coco=("*/instances_*.json",))
    cutouts, _, labelled = pack([(source, folder), (source, folder)], tmp_path / "packed.npz")
    assert (cutouts, labelled) == (2, 1)
    assert set(np.unique(Pictures(tmp_path / "packed.npz").labelled_photograph(0)[1])) == {0, 1, 2}


def test_a_picture_is_found_in_another_copy_in_the_size_that_was_outlined(folder: Path, tmp_path: Path) -> None:
    (other := tmp_path / "other").mkdir()
    picture = folder / "pictures/000000000001.jpg"
    whole = picture.read_bytes()
    cv2.imwrite(str(picture), np.zeros((HEIGHT // 2, WIDTH // 2, 3), np.uint8))
    assert not list(free_pictures([folder], [folder / "instances_val2017.json"]))
    (other / picture.name).write_bytes(whole)
    (found,) = free_pictures([folder, other], [folder / "instances_val2017.json"])
    assert found.photograph.shape == (HEIGHT, WIDTH, 3)
    cv2.imwrite(str(tmp_path / "place.jpg"), np.full((300, 300, 3), 90, np.uint8))
    copies = [Source("outlines", "some", coco=("*/instances_*.json",)), Source("pictures", "some", coco=())]
    place = Source("place", "some", photographs=("*/place.jpg",))
    assert pack([*zip(copies, (folder, other), strict=True), (place, tmp_path)], tmp_path / "packed.npz")[2] == 1


def test_persons_that_nobody_knows_the_neighbours_of_are_not_cut_out(folder: Path) -> None:
    persons = (folder / "instances_val2017.json").rename(folder / "person_keypoints_val2017.json")
    content = json.loads(persons.read_text())
    content["images"] *= 2  # some copies name a picture once for every person
    persons.write_text(json.dumps(content))
    (picture,) = free_pictures([folder], [persons])
    assert (picture.cutouts, int(picture.labels[40, 40])) == ((), 1)
