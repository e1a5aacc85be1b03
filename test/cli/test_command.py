import dataclasses
import re
import subprocess
import sys

import cv2
import numpy as np
import pytest

from helpers.bags import camera_bag, label_images, on_topic, picture, prompts, read_bag, stamp_of
from sam2_ros import __version__
from sam2_ros.bag.space_request import SpaceRequest
from sam2_ros.cli import main
from sam2_ros.config import ModelChoice, SpaceConfig, TrackerConfig
from sam2_ros.errors import DownloadError

TOY = ["--model", "toy", "--checkpoint", "random", "--image-size", "64", "--device", "cpu"]


@pytest.fixture
def bag(tmp_path):
    return camera_bag(tmp_path / "bag", 3, "mcap", prompts(stamp_of(0), stamp_of(0)))


def run(*arguments):
    return main([str(argument) for argument in arguments])


def usage(capsys, *arguments):
    """What argparse says of arguments that it refuses."""
    with pytest.raises(SystemExit) as stopped:
        run(*arguments)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_replay(tmp_path, bag, capsys):
    assert run("replay", bag, "--output", tmp_path / "out", "--overlay", "--storage", "sqlite3", *TOY) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0].startswith("frames: 3 tracked, 0 failed, ")
    assert lines[0].endswith(" per second")
    assert lines[1:] == [
        "prompts: 1 applied, 0 refused, 0 for no image",
        "objects: 1 (ids: 1)",
        f"written: {tmp_path / 'out'}",
    ]
    assert "sam2-ros: warning: the weights are random (--checkpoint random), so the masks mean nothing" in said.err
    assert (tmp_path / "out/out.db3").is_file()
    assert len(on_topic(read_bag(tmp_path / "out"), "/sam2_tracker/overlay")) == 3


def test_a_replay_in_two_parts_gives_the_masks_of_one(tmp_path, capsys):
    whole = camera_bag(tmp_path / "whole", 6, "mcap", prompts(stamp_of(0), stamp_of(0)))
    state = tmp_path / "cut.safetensors"
    assert run("replay", whole, "--output", tmp_path / "all", "--quiet", *TOY) == 0
    assert run("replay", whole, "--output", tmp_path / "a", "--duration", 0.25, "--save-state", state, *TOY) == 0
    assert capsys.readouterr().out.endswith(f"written: {tmp_path / 'a'}, {state}\n")
    assert run("replay", whole, "--output", tmp_path / "b", "--start", 0.25, "--load-state", state, *TOY) == 0
    assert "nothing will be tracked" not in capsys.readouterr().err
    parts = [*label_images(read_bag(tmp_path / "a")), *label_images(read_bag(tmp_path / "b"))]
    expected = label_images(read_bag(tmp_path / "all"))
    assert len(parts) == len(expected) == 6
    assert all(np.array_equal(*pair) for pair in zip(parts, expected, strict=True))


def test_states_that_cannot_be_used_or_written_are_said_before_any_work(tmp_path, bag, capsys):
    state = tmp_path / "s.safetensors"
    assert run("replay", bag, "--output", tmp_path / "out", "--load-state", state, *TOY) == 1
    assert f"there is no readable state {state}" in capsys.readouterr().err
    state.write_text("not a state")
    assert run("replay", bag, "--output", tmp_path / "out", "--save-state", state, *TOY) == 1
    assert f"{state} exists already and is not overwritten" in capsys.readouterr().err
    assert run("replay", bag, "--output", tmp_path / "out", "--load-state", state, *TOY) == 1
    assert f"{state} is damaged, cut short or not a state file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_every_option_of_replay_arrives(tmp_path, capsys, monkeypatch):
    seen = []
    monkeypatch.setattr("sam2_ros.bag.replay.replay", lambda request, make: seen.append(request) or sys.exit(7))
    with pytest.raises(SystemExit, match="7"):
        run(
            *("replay", "in", "--output", "out", "--image-topic", "/i", "--prompts", "p.yaml", "--prompts-topic", "/p"),
            *("--start", "1.5", "--duration", "2", "--no-images", "--overlay", "--video", "v.mp4", "--overlays", "dir"),
            *("--trace", "t.jsonl"),
            *(
                "--as-live",
                "--recover",
                "--storage",
                "sqlite3",
                "--quiet",
                "--history-seconds",
                "1.5",
                "--catch-up-frames",
                "3",
                *("--depth", "/d", "--camera-info", "/c", "--points", "--target-frame", "map"),
                "--max-image-pixels",
                "1000",
            ),
        )
    (request,) = seen
    assert {name: str(getattr(request, name)) for name in request.__slots__} == {
        "bag": "in",
        "output": "out",
        "image_topic": "/i",
        "prompts": "p.yaml",
        "entries": "()",  # for callers in Python, as is "only"
        "prompts_topic": "/p",
        "start_s": "1.5",
        "duration_s": "2.0",
        "keep_images": "False",
        "overlay": "True",
        "video": "v.mp4",
        "overlays": "dir",
        "trace": "t.jsonl",
        "storage": "sqlite3",
        "progress": "False",
        "as_live": "True",
        "only": "None",
        "clock": "None",
        "recover": "True",
        "space": str(SpaceRequest(SpaceConfig(target_frame="map"), "/d", "/c", points=True)),
        "time": "TimeConfig(history_seconds=1.5, stamp_tolerance=0.0, catch_up_frames=3)",
        "input": "InputConfig(max_image_pixels=1000)",
    }


def test_settings_of_model_and_tracker_arrive(tmp_path, bag, capsys):
    yaml = tmp_path / "p.yaml"
    yaml.write_text("prompts:\n - {frame: 1, box: [30, 5, 50, 40]}\n - {frame: 9, object: 1, action: remove}\n")
    options = ["--prompts", yaml, "--max-objects", "1", "--mask-encoding", "mono16", "--quiet"]
    assert run("replay", bag, "--output", tmp_path / "out", *options, *TOY) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "sam2-ros: warning: image 1: " in said.err  # a second object is refused
    assert f"sam2-ros: warning: not applied: {yaml}:3: frame 9 is for no image" in said.err
    masks = on_topic(read_bag(tmp_path / "out"), "/sam2_tracker/masks")
    assert {message.content.encoding for message in masks} == {"mono16"}


def test_help_shows_every_setting_with_meaning_and_default(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    with pytest.raises(SystemExit, match="0"):
        run("replay", "--help")
    text = " ".join(capsys.readouterr().out.split())
    for parameter in (*dataclasses.fields(ModelChoice), *dataclasses.fields(TrackerConfig)):
        option = re.escape(f"--{parameter.name.replace('_', '-')} ")
        meaning, default = re.escape(parameter.metadata["meaning"].text), re.escape(str(parameter.default))
        # In the list of options a meaning follows, in the usage line above it does not.
        assert re.search(rf"{option}\S+ {meaning}[^()]*\(default: {default}\)", text), parameter.name


def test_import_and_replay(tmp_path, capsys):
    images = tmp_path / "images"
    images.mkdir()
    for index in range(2):
        cv2.imwrite(str(images / f"{index}.png"), picture(index)[..., ::-1])
    assert run("import", images, tmp_path / "bag", "--fps", "5", "--compressed", "--topic", "/eye") == 0
    assert capsys.readouterr().out == f"written: {tmp_path / 'bag'}, 2 images on /eye/compressed\n"
    (tmp_path / "p.yaml").write_text("prompts: [{time: 0.2, points: [[20, 20]]}]")
    options = ["--prompts", tmp_path / "p.yaml", "--output", tmp_path / "out", *TOY]
    assert run("replay", tmp_path / "bag", *options) == 0
    assert "prompts: 1 applied, 0 refused, 0 for no image" in capsys.readouterr().out


def test_download(monkeypatch, capsys):
    monkeypatch.setattr("sam2_ros.weights.download.download", lambda model: f"/cache/{model}.pt")
    assert run("download", "tiny", "small") == 0
    assert capsys.readouterr().out == "/cache/tiny.pt\n/cache/small.pt\n"


def test_errors_are_one_line_and_exit_1(tmp_path, bag, monkeypatch, capsys):
    def no_server(model):
        raise DownloadError("the server is not there; try again")

    monkeypatch.setattr("sam2_ros.weights.download.download", no_server)
    assert run("download", "tiny") == 1
    assert capsys.readouterr().err == "sam2-ros: error: the server is not there; try again\n"
    assert run("replay", tmp_path / "none", "--output", tmp_path / "out") == 1
    assert capsys.readouterr().err.startswith(f"sam2-ros: error: there is no bag {tmp_path / 'none'}; give")
    assert run("replay", bag, "--output", bag) == 1
    assert capsys.readouterr().err.startswith(f"sam2-ros: error: {bag} exists already and is not overwritten")
    assert run("replay", bag, "--output", tmp_path / "out", "--max-objects", "0") == 1
    assert "error: parameter max_objects is 0; choose a value from 1 to 255" in capsys.readouterr().err
    assert run("replay", bag, "--output", tmp_path / "out", "--model", "huge") == 1
    assert "error: unknown model 'huge'; choose one of tiny, small" in capsys.readouterr().err
    assert run("import", tmp_path, tmp_path / "new") == 1
    assert capsys.readouterr().err.startswith("sam2-ros: error: the folder")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bag"]


def test_usage_errors_exit_2(tmp_path, capsys):
    assert "the following arguments are required: COMMAND" in usage(capsys)
    assert "the following arguments are required: --output" in usage(capsys, "replay", "in")
    assert "invalid choice: 'bag'" in usage(capsys, "replay", "in", "--output", "out", "--storage", "bag")
    assert "argument --start: invalid float value: 'soon'" in usage(capsys, "replay", "in", "--start", "soon")
    assert "unrecognized arguments: --dur 3" in usage(capsys, "replay", "in", "--output", "out", "--dur", "3")
    assert "the following arguments are required: MODEL" in usage(capsys, "download")


def test_interruption_exits_130_and_leaves_nothing(tmp_path, bag, monkeypatch, capsys):
    def stop(message, max_pixels):
        raise KeyboardInterrupt

    monkeypatch.setattr("sam2_ros.bag.replay.to_rgb", stop)
    assert run("replay", bag, "--output", tmp_path / "out", "--video", tmp_path / "v.mp4", *TOY) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "sam2-ros: interrupted; nothing was written"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bag"]


def test_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "sam2_ros.cli", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"sam2-ros {__version__}\n"


def test_help_does_not_wait_for_torch():
    code = "import sys, sam2_ros.cli; sys.exit('torch' in sys.modules or 'rosbags' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
