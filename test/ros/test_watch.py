"""What the node says when nothing arrives, on a real graph."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graph import Listener, Process, camera, launch_tracker, listener

TOY = ("model:=toy", "checkpoint:=random", "device:=cpu")


@pytest.fixture
def ears() -> Iterator[Listener]:
    with listener() as ears:
        yield ears


def said(ears: Listener, tracker: Process, text: str) -> None:
    ears.wait(lambda: text in tracker.text(), f"{text!r} in the log")


def test_a_topic_that_nobody_publishes_and_where_images_are(tmp_path: Path, ears: Listener) -> None:
    other = camera(tmp_path / "camera.log", "/front/image")
    tracker = launch_tracker(tmp_path / "tracker.log", *TOY, "image_topic:=/nothing")
    try:
        said(ears, tracker, "on /nothing: nobody publishes it; images are published on /front/image; start with")
    finally:
        tracker.kill()
        other.kill()


def test_misspelt_parameters_a_quality_of_service_that_does_not_fit_and_images_without_prompts(
    tmp_path: Path, ears: Listener
) -> None:
    parameters = tmp_path / "parameters.yaml"
    parameters.write_text("/**:\n  ros__parameters:\n    image_reliability: reliable\n    max_object: 3\n")
    best_effort = camera(tmp_path / "camera.log", "/camera/image")
    strict, lenient = (
        launch_tracker(tmp_path / f"{name}.log", *TOY, "image_topic:=/camera/image", f"namespace:={name}", *more)
        for name, more in (("strict", [f"params_file:={parameters}"]), ("lenient", []))
    )
    try:
        said(ears, strict, "there is no parameter max_object, it is ignored; did you mean max_objects?")
        said(ears, strict, "a publisher of /camera/image offers a quality of service that does not fit")
        said(ears, strict, "s on /camera/image, though camera publishes it")
        said(ears, lenient, "images come, but nothing said yet what to track: send a box to /lenient/prompts")
        assert "does not fit" not in lenient.text()
        assert "there is no parameter" not in lenient.text()
    finally:
        for process in (strict, lenient, best_effort):
            process.kill()
