from dataclasses import replace

import numpy as np
import pytest

from helpers.bags import STORAGES, header_of, on_topic, read_bag, stamp_of_header
from sam2_ros.bag.ingest import START_NS
from sam2_ros.bag.replay import ReplayRequest, replay
from sam2_ros.bag.synthesize import SynthesizeRequest, synthesize
from sam2_ros.cli import main
from sam2_ros.config import ModelChoice
from sam2_ros.errors import BagError, ConfigError
from sam2_ros.stream.messages import commands_from
from sam2_ros.stream.pixels import to_rgb
from sam2_ros.synthetic import DIFFICULTIES, scene, settings_for
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network

SETTINGS = replace(settings_for("hard"), width=96, height=64, frames=3, fps=10.0)
TOPICS = {
    "/camera/image_raw": "sensor_msgs/msg/Image",
    "/ground_truth/masks": "sensor_msgs/msg/Image",
    "/prompts": "sam2_ros/msg/PromptArray",
}


def make(path, **changes):
    return synthesize(SynthesizeRequest(path, 4, replace(SETTINGS, **changes), progress=False))


@pytest.mark.parametrize("storage", STORAGES)
def test_images_and_ground_truth_are_the_scene(tmp_path, storage):
    summary = synthesize(SynthesizeRequest(tmp_path / "bag", 4, SETTINGS, storage, progress=False))
    frames = list(scene(4, SETTINGS))
    assert (summary.frames, summary.objects, summary.output) == (3, len(frames[0].visible), tmp_path / "bag")
    messages = read_bag(tmp_path / "bag")
    assert {message.topic: message.type for message in messages} == TOPICS
    images, truths = on_topic(messages, "/camera/image_raw"), on_topic(messages, "/ground_truth/masks")
    for frame, image, truth in zip(frames, images, truths, strict=True):
        assert np.array_equal(to_rgb(image.content), frame.image)
        assert truth.content.encoding == "mono8"
        assert np.array_equal(truth.content.data.reshape(64, 96), frame.labels)


def test_stamps(tmp_path):
    make(tmp_path / "bag")
    messages = read_bag(tmp_path / "bag")
    images, truths = on_topic(messages, "/camera/image_raw"), on_topic(messages, "/ground_truth/masks")
    stamps = [START_NS + index * 100_000_000 for index in range(3)]
    assert [stamp_of_header(message.content) for message in images] == stamps
    assert [message.time_ns for message in images] == stamps
    assert [header_of(message.content) for message in truths] == [header_of(message.content) for message in images]
    (prompts,) = on_topic(messages, "/prompts")
    assert header_of(prompts.content) == header_of(images[0].content)


def test_prompts_are_the_boxes_of_the_first_frame(tmp_path):
    make(tmp_path / "bag")
    (message,) = on_topic(read_bag(tmp_path / "bag"), "/prompts")
    prompts = commands_from(message.content)
    first = next(scene(4, SETTINGS))
    assert [(prompt.object_id, tuple(prompt.box)) for prompt in prompts] == list(enumerate(first.boxes, start=1))


def test_it_can_be_replayed(tmp_path):
    network = load_network(ModelChoice(model="toy", checkpoint="random", image_size=64, device="cpu"))
    made = make(tmp_path / "bag")
    summary = replay(ReplayRequest(tmp_path / "bag", tmp_path / "out", progress=False), lambda: Tracker(network))
    assert (summary.frames, summary.failed) == (3, 0)
    assert (summary.prompts_applied, summary.prompts_refused) == (made.objects, 0)
    assert summary.object_ids == tuple(range(1, made.objects + 1))


def test_nothing_is_overwritten_and_nothing_half_written_stays(tmp_path, monkeypatch):
    (tmp_path / "bag").mkdir()
    with pytest.raises(BagError, match="exists already and is not overwritten"):
        make(tmp_path / "bag")
    with pytest.raises(ConfigError, match="do not fit"):
        make(tmp_path / "new", size_min=0.6, size_max=0.6, objects_min=6)

    def scene_that_ends_badly(seed, settings):
        yield next(scene(seed, settings))
        raise KeyboardInterrupt

    monkeypatch.setattr("sam2_ros.bag.synthesize.scene", scene_that_ends_badly)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["bag"]


def test_the_command(tmp_path, capsys):
    options = ["--seed", "4", "--difficulty", "hard", "--frames", "3", "--size", "96x64", "--fps", "10"]
    assert main(["synthesize", str(tmp_path / "bag"), *options, "--storage", "sqlite3"]) == 0
    objects = len(next(scene(4, SETTINGS)).visible)
    assert capsys.readouterr().out == (f"written: {tmp_path / 'bag'}, 3 images of {objects} objects, a box for each\n")
    assert (tmp_path / "bag/bag.db3").is_file()
    make(tmp_path / "same")
    contents = [[repr(message.content) for message in read_bag(tmp_path / name)] for name in ("bag", "same")]
    assert contents[0] == contents[1]


def test_what_the_command_refuses(tmp_path, capsys):
    new = str(tmp_path / "bag")
    assert main(["synthesize", new, "--seed", "-1"]) == 1
    assert main(["synthesize", new, "--difficulty", "hell"]) == 1
    assert main(["synthesize", new, "--frames", "0"]) == 1
    said = capsys.readouterr().err
    assert "error: the seed of a scene is -1" in said
    assert "error: unknown difficulty 'hell'; choose one of easy, medium, hard" in said
    assert "error: scene setting frames is 0; choose a value from 1" in said
    with pytest.raises(SystemExit, match="2"):
        main(["synthesize", new, "--size", "big"])
    assert "'big' is not of the form WxH, such as 320x240" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_help_names_every_difficulty(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["synthesize", "--help"])
    assert "|".join(DIFFICULTIES) in capsys.readouterr().out
