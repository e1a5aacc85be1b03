"""Services that save and load all that is tracked, or one object, in the folder that a parameter names."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from disc import NAME, NEAR, Scene, begin, box_at, offset, scene_for_tracker

from sam2_ros.msg import PromptArray
from sam2_ros.srv import AddPrompts, LoadObject, LoadState, RemoveObject, SaveObject, SaveState
from sam2_ros.stored.state_file import read_state


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("states")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Scene]:
    with scene_for_tracker(tmp_path_factory.mktemp("log"), f"allow_file_services:={folder}") as scene:
        yield scene


def save(scene: Scene, path: str) -> SaveState.Response:
    return scene.ears.call(SaveState, f"{NAME}/save_state", SaveState.Request(path=path))


def load(scene: Scene, path: str) -> LoadState.Response:
    return scene.ears.call(LoadState, f"{NAME}/load_state", LoadState.Request(path=path))


def test_what_was_saved_comes_back_and_what_was_tracked_since_goes(scene: Scene, folder: Path) -> None:
    begin(scene)
    answer = save(scene, "shift.safetensors")
    assert answer.success
    assert list(answer.object_ids) == [1]
    assert answer.message.startswith("1 objects, ")
    assert read_state(folder / "shift.safetensors").state.object_ids == (1,)
    add = AddPrompts.Request(prompts=PromptArray(prompts=[box_at(100, 5)]))
    future = scene.ears.ask(AddPrompts, f"{NAME}/add_prompts", add)
    assert len(scene.show(100).objects) in (1, 2)
    scene.ears.wait(lambda: future.done() or scene.show(150), "the answer")
    future = scene.ears.ask(RemoveObject, f"{NAME}/remove_object", RemoveObject.Request(object_id=1))
    scene.ears.wait(lambda: future.done() or scene.show(200), "the answer")
    assert [one.id for one in scene.show(250).objects] == [5]
    answer = load(scene, str(folder / "shift.safetensors"))
    assert answer.success, answer.message
    assert list(answer.object_ids) == [1]
    objects = scene.show(300)
    assert [one.id for one in objects.objects] == [1]
    assert offset(objects, 300) < NEAR


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("../shift.safetensors", "is no file in the folder"),
        ("/etc/passwd.safetensors", "is no file in the folder"),
        ("shift.txt", "give one that ends with .safetensors"),
        ("", "give one that ends with .safetensors"),
        ("a\nb.safetensors", "give one that ends with .safetensors"),
        ("x" * 300 + ".safetensors", "give one that ends with .safetensors"),
        ("weights.safetensors", "is no state, so it is not overwritten|damaged"),
        ("nowhere/s.safetensors", "No such file"),
    ],
)
def test_paths_that_may_not_be_are_refused_and_tracking_goes_on(
    scene: Scene, folder: Path, path: str, sentence: str
) -> None:
    scene.base += 10_000
    (folder / "weights.safetensors").write_bytes(b"precious")
    for answer in (save(scene, path), load(scene, path)):
        assert not answer.success
        assert re.search(f"{sentence}|there is no readable state", answer.message), answer.message
    assert (folder / "weights.safetensors").read_bytes() == b"precious"
    assert scene.show(0).objects


def test_an_object_is_saved_and_found_again(scene: Scene, folder: Path) -> None:
    ears = scene.ears
    scene.base += 10_000
    future = ears.ask(RemoveObject, f"{NAME}/remove_object", RemoveObject.Request(object_id=1))
    ears.wait(lambda: future.done() or scene.show(0), "the answer")
    begin(scene, 50, 3)
    refused = ears.call(SaveObject, f"{NAME}/save_object", SaveObject.Request(object_id=3, name="../disc"))
    assert "is no name for an object" in refused.message
    saved = ears.call(SaveObject, f"{NAME}/save_object", SaveObject.Request(object_id=3, name="disc"))
    assert saved.success, saved.message
    assert (folder / "disc.safetensors").is_file()
    missing = ears.call(SaveObject, f"{NAME}/save_object", SaveObject.Request(object_id=9, name="nine"))
    assert "object 9 cannot be saved: it is not tracked" in missing.message
    future = ears.ask(RemoveObject, f"{NAME}/remove_object", RemoveObject.Request(object_id=3))
    ears.wait(lambda: future.done() or scene.show(150), "the answer")
    assert not scene.show(200).objects
    found = ears.call(LoadObject, f"{NAME}/load_object", LoadObject.Request(name="disc", object_id=0))
    assert found.success, found.message
    objects = scene.show(400)
    assert [one.id for one in objects.objects] == [found.object_id]
    assert offset(objects, 400) < NEAR
