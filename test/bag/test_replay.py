import logging
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import Reader

import sam2_ros.bag.replay as replay_module
from helpers.bags import (
    DELAY_NS,
    HEIGHT,
    SECOND,
    STEP_NS,
    STORAGES,
    WIDTH,
    Message,
    box_prompt,
    camera_bag,
    compressed,
    header_of,
    image,
    label_images,
    on_topic,
    picture,
    prompts,
    raw,
    read_bag,
    stamp_of,
    stamp_of_header,
    write_bag,
)
from sam2_ros.bag.pictures import Video, fps_of, frame_count
from sam2_ros.bag.replay import ReplayRequest, replay
from sam2_ros.config import ModelChoice
from sam2_ros.errors import BagError, DeviceError
from sam2_ros.files.unfinished import MARK
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network

CAMERA = ("/camera/image", "/prompts")


@pytest.fixture(scope="module")
def network():
    return load_network(ModelChoice(model="toy", checkpoint="random", image_size=64, device="cpu"))


@pytest.fixture
def run(tmp_path, network):
    """Replays a bag to ``out`` beside it."""

    def run(bag: Path, output: str = "out", **options):
        request = ReplayRequest(bag, tmp_path / output, progress=False, **options)
        return replay(request, lambda: Tracker(network))

    return run


@pytest.fixture
def prompted_bag(tmp_path):
    """Four images, an object from the first on."""
    return camera_bag(tmp_path / "bag", 4, "mcap", prompts(stamp_of(0), stamp_of(0)))


def ids_by_image(bag: Path) -> list[list[int]]:
    messages = on_topic(read_bag(bag), "/sam2_tracker/objects")
    return [[item.id for item in message.content.objects] for message in messages]


def test_every_image_has_one_mask_and_one_objects_message_with_its_header_and_time(tmp_path, run, prompted_bag):
    summary = run(prompted_bag)
    assert (summary.frames, summary.failed, summary.object_ids) == (4, 0, (1,))
    assert (summary.prompts_applied, summary.prompts_refused, summary.prompts_not_applied) == (1, 0, ())
    assert summary.outputs == (tmp_path / "out",)
    assert summary.fps > 0
    messages = read_bag(tmp_path / "out")
    inputs = on_topic(read_bag(prompted_bag), "/camera/image")
    for topic in ("/camera/image", "/sam2_tracker/masks", "/sam2_tracker/objects"):
        found = on_topic(messages, topic)
        assert [message.time_ns for message in found] == [message.time_ns for message in inputs]
        assert [header_of(message.content) for message in found] == [header_of(message.content) for message in inputs]
    labels = label_images(messages)
    assert all(set(np.unique(label)) <= {0, 1} for label in labels)
    assert any(label.any() for label in labels)
    objects = on_topic(messages, "/sam2_tracker/objects")[-1].content
    assert (objects.image_width, objects.image_height, objects.objects[0].label) == (WIDTH, HEIGHT, "block")
    assert on_topic(messages, "/sam2_tracker/overlay") == []


@pytest.mark.parametrize("storage", STORAGES)
def test_replaying_the_output_gives_the_same_masks(tmp_path, run, storage):
    late = prompts(stamp_of(1), stamp_of(3) + 1, box_prompt(2, (30, 5, 50, 40)))
    unstamped = prompts(0, stamp_of(1) + DELAY_NS + 1, box_prompt(3, (5, 5, 20, 20)))
    bag = camera_bag(tmp_path / "bag", 4, storage, late, unstamped)
    yaml = tmp_path / "p.yaml"
    yaml.write_text("prompts:\n - {frame: 0, box: [8, 10, 28, 30]}\n - {frame: 3, object: 1, action: remove}\n")
    run(bag, prompts=yaml, storage=storage, overlay=True)
    run(tmp_path / "out", "again")
    first, again = read_bag(tmp_path / "out"), read_bag(tmp_path / "again")
    assert ids_by_image(tmp_path / "out") == ids_by_image(tmp_path / "again") == [[1], [1, 2], [1, 2, 3], [2, 3]]
    assert len(label_images(first)) == 4
    assert all(np.array_equal(a, b) for a, b in zip(label_images(first), label_images(again), strict=True))
    given = [stamp_of_header(message.content) for message in on_topic(first, "/prompts")]
    assert given == [stamp_of(index) for index in (0, 1, 2, 3)]
    assert raw(tmp_path / "out", "/prompts") == raw(tmp_path / "again", "/prompts")


def test_a_live_recording_is_replayed_over_the_images_that_were_tracked_live(tmp_path, run):
    run(camera_bag(tmp_path / "bag", 6, "mcap", prompts(stamp_of(0), stamp_of(0))))
    recorded = read_bag(tmp_path / "out")
    dropped = {stamp_of(1), stamp_of(4)}
    live = [m for m in recorded if m.topic in CAMERA or stamp_of_header(m.content) not in dropped]
    run(write_bag(tmp_path / "live", live), "as_live", as_live=True)
    only = [m for m in recorded if m.topic in CAMERA and stamp_of_header(m.content) not in dropped]
    run(write_bag(tmp_path / "only", only), "wanted")
    found, wanted = (label_images(read_bag(tmp_path / name)) for name in ("as_live", "wanted"))
    assert len(found) == 4
    assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))


def test_a_bag_without_results_cannot_be_replayed_as_live(tmp_path, run, prompted_bag):
    with pytest.raises(BagError, match="has to hold the objects of one live tracker to be replayed like it; it has: n"):
        run(prompted_bag, as_live=True)


def test_images_are_copied_byte_by_byte_and_the_bag_can_be_played(tmp_path, run, prompted_bag):
    run(prompted_bag)
    assert raw(tmp_path / "out", "/camera/image") == raw(prompted_bag, "/camera/image")
    with Reader(tmp_path / "out") as reader:
        for connection in reader.connections:
            (qos,) = connection.ext.offered_qos_profiles
            assert (qos.reliability.name, qos.durability.name, qos.history.name) == (
                "RELIABLE",
                "VOLATILE",
                "KEEP_LAST",
            )
        assert {connection.topic: connection.msgtype for connection in reader.connections} == {
            "/prompts": "sam2_ros/msg/PromptArray",
            "/camera/image": "sensor_msgs/msg/Image",
            "/sam2_tracker/masks": "sensor_msgs/msg/Image",
            "/sam2_tracker/objects": "sam2_ros/msg/TrackedObjectArray",
        }


def test_no_images_but_overlay(tmp_path, run, prompted_bag):
    run(prompted_bag, keep_images=False, overlay=True)
    messages = read_bag(tmp_path / "out")
    assert on_topic(messages, "/camera/image") == []
    overlays = on_topic(messages, "/sam2_tracker/overlay")
    assert [stamp_of_header(message.content) for message in overlays] == [stamp_of(index) for index in range(4)]
    assert {message.content.encoding for message in overlays} == {"rgb8"}


def test_compressed_images(tmp_path, run):
    both = [message for index in range(3) for message in (image(index), compressed(index))]
    bag = write_bag(tmp_path / "bag", [prompts(stamp_of(0), 5), *both])
    run(bag, "raw", image_topic="/camera/image")
    run(bag, "png", image_topic="/camera/image/compressed")
    raw, png = label_images(read_bag(tmp_path / "raw")), label_images(read_bag(tmp_path / "png"))
    assert len(raw) == 3
    assert all(np.array_equal(a, b) for a, b in zip(raw, png, strict=True))


def test_start_and_duration(tmp_path, run):
    bag = camera_bag(tmp_path / "bag", 6)
    yaml = tmp_path / "p.yaml"
    yaml.write_text("prompts: [{frame: 1, box: [8, 10, 28, 30]}]")
    run(bag, prompts=yaml, start_s=0.15, duration_s=0.3)
    messages = read_bag(tmp_path / "out")
    found = [stamp_of_header(message.content) for message in on_topic(messages, "/sam2_tracker/objects")]
    assert found == [stamp_of(index) for index in (2, 3, 4)]
    assert ids_by_image(tmp_path / "out") == [[], [1], [1]]


def test_part_of_the_bag_without_images(tmp_path, run):
    bag = camera_bag(tmp_path / "bag", 2, "mcap", prompts(stamp_of(0), stamp_of(30)))
    with pytest.raises(BagError, match=r"topic /camera/image has no images in this part of the bag; change --start"):
        run(bag, start_s=1.0)
    assert not (tmp_path / "out").exists()


def test_bad_images_and_prompts_are_passed_over_and_counted(tmp_path, run, caplog):
    good = [prompts(stamp_of(0), 1, box_prompt(1), box_prompt(2, (900, 900, 990, 990))), image(0)]
    depth = image(1, encoding="mono16", pixels=np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8))
    broken = replace(image(2), content=b"\0\1\0\0junk")
    bag = write_bag(tmp_path / "bag", [*good, depth, broken, prompts(stamp_of(2), 1, box_prompt(3)), image(3)])
    with caplog.at_level(logging.WARNING):
        summary = run(bag)
    assert (summary.frames, summary.failed) == (2, 2)
    assert (summary.prompts_applied, summary.prompts_refused) == (2, 1)
    # What random weights make of the prompts may be an empty mask, which is said as well.
    first, second, third = [text for text in caplog.messages if "its mask is empty" not in text]
    assert first.startswith("image 0: ")
    assert "outside the 64x48 image" in first
    assert second.startswith("image 1 is passed over: ")
    assert "mono16" in second
    assert third.startswith("image 2 is passed over: a message of /camera/image")
    # What was for the broken image waits for the next good one.
    assert ids_by_image(tmp_path / "out") == [[1], [1, 3]]
    with Reader(tmp_path / "out") as reader:
        assert {connection.topic: connection.msgcount for connection in reader.connections} == {
            "/prompts": 2,
            "/camera/image": 3,
            "/sam2_tracker/masks": 2,
            "/sam2_tracker/objects": 2,
        }


def test_bag_of_bad_images_gives_nothing(tmp_path, run):
    pixels = np.zeros((HEIGHT, WIDTH, 2), dtype=np.uint8)
    bag = write_bag(tmp_path / "bag", [image(index, encoding="16UC1", pixels=pixels) for index in range(2)])
    with pytest.raises(BagError, match=r"none of the 2 images of /camera/image can be used: .*16UC1"):
        run(bag)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bag"]


def test_damaged_prompt_message(tmp_path, run, caplog):
    broken = Message("/prompts", 5, "sam2_ros/msg/PromptArray", b"\0\1\0\0junk")
    bag = write_bag(tmp_path / "bag", [broken, prompts(0, 6), image(0)])
    summary = run(bag)
    assert summary.prompts_applied == 1
    assert "prompts are passed over: a message of /prompts recorded at 5 ns is damaged" in caplog.text


def test_replay_without_prompts_says_so(tmp_path, run, caplog):
    summary = run(camera_bag(tmp_path / "bag", 2))
    assert "there are no prompts, so nothing will be tracked" in caplog.text
    assert summary.frames == 2
    assert not any(label.any() for label in label_images(read_bag(tmp_path / "out")))


def test_another_prompts_topic(tmp_path, run):
    bag = camera_bag(tmp_path / "bag", 2, "mcap", prompts(0, 5, topic="/robot/prompts"))
    run(bag, prompts_topic="/robot/prompts")
    assert ids_by_image(tmp_path / "out") == [[1], [1]]
    assert len(on_topic(read_bag(tmp_path / "out"), "/robot/prompts")) == 1


# --- outputs appear whole or not at all ------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["output", "video", "overlays"])
def test_existing_output_is_refused_before_any_work(tmp_path, option):
    (tmp_path / "there.mp4").write_text("mine")
    request = replace(ReplayRequest(tmp_path / "no bag", tmp_path / "out"), **{option: tmp_path / "there.mp4"})
    with pytest.raises(BagError, match=r"there.mp4 exists already and is not overwritten; remove it"):
        replay(request, lambda: pytest.fail("loaded the network"))
    assert (tmp_path / "there.mp4").read_text() == "mine"


def test_output_in_a_folder_that_is_not_there(tmp_path, run, prompted_bag):
    with pytest.raises(BagError, match=r"there is no folder .*deep for out; create it first"):
        run(prompted_bag, "deep/out")


def test_two_outputs_of_the_same_name(tmp_path, run, prompted_bag):
    with pytest.raises(BagError, match="two outputs have the same name; choose another one for each"):
        run(prompted_bag, overlays=tmp_path / "out")


def test_video_that_was_cut_short_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("sam2_ros.bag.pictures.frame_count", lambda path: frame_count(path) - 1)
    file = Video(tmp_path / "v.mp4")
    for index in range(12):
        file.add(index, index * 100_000_000, np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(BagError, match=r"the video v\.mp4 could not be written whole; check the disk's space"):
        file.finish()


def test_video_name_without_an_ending(tmp_path, run, prompted_bag):
    with pytest.raises(BagError, match=r"has no ending of a video; use one of .mp4"):
        run(prompted_bag, video=tmp_path / "video")


def test_inputs_are_checked_before_the_network_is_loaded(tmp_path, prompted_bag):
    with pytest.raises(BagError, match="no topic /other"):
        replay(
            ReplayRequest(prompted_bag, tmp_path / "out", image_topic="/other"),
            lambda: pytest.fail("loaded the network"),
        )


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("error", [KeyboardInterrupt, DeviceError, RuntimeError])
def test_interruption_leaves_nothing(tmp_path, run, prompted_bag, monkeypatch, error, storage):
    calls = []

    def convert(message, max_pixels):
        calls.append(message)
        if len(calls) == 3:
            assert len(list(tmp_path.glob(f"*{MARK}*"))) == 3  # work is under way
            raise error
        return picture(0)

    monkeypatch.setattr(replay_module, "to_rgb", convert)
    with pytest.raises(error):
        run(prompted_bag, video=tmp_path / "v.mp4", overlays=tmp_path / "pictures", storage=storage)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bag"]


def test_output_that_appears_in_the_meantime_is_kept(tmp_path, run, prompted_bag, monkeypatch):
    def convert(message, max_pixels):
        (tmp_path / "out").mkdir(exist_ok=True)
        return picture(0)

    monkeypatch.setattr(replay_module, "to_rgb", convert)
    with pytest.raises(BagError, match="out exists already"):
        run(prompted_bag)
    assert list((tmp_path / "out").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bag", "out"]


# --- pictures --------------------------------------------------------------------------------------------------------


def test_video_and_overlay_pictures(tmp_path, run):
    frames = [image(index) for index in range(11)]
    frames.append(image(11, pixels=picture(3, 96, 128)))  # more than the video's look-ahead, then another size
    bag = write_bag(tmp_path / "bag", [prompts(stamp_of(0), 5), *frames])
    summary = run(bag, video=tmp_path / "v.mp4", overlays=tmp_path / "pictures")
    assert summary.outputs == (tmp_path / "out", tmp_path / "v.mp4", tmp_path / "pictures")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bag", "out", "pictures", "v.mp4"]
    files = sorted((tmp_path / "pictures").iterdir())
    assert [file.name for file in files] == [f"{index:06d}.png" for index in range(12)]
    assert cv2.imread(str(files[0])).shape == (HEIGHT, WIDTH, 3)
    assert cv2.imread(str(files[11])).shape == (96, 128, 3)
    video = cv2.VideoCapture(str(tmp_path / "v.mp4"))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(SECOND / STEP_NS)
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 12
    there, frame = video.read()
    assert there
    assert frame.shape == (HEIGHT, WIDTH, 3)


def test_overlay_pictures_show_the_image_in_its_colours(tmp_path, run):
    pixels = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    pixels[..., 0] = 200  # red, and no object on it
    run(write_bag(tmp_path / "bag", [image(0, pixels=pixels)]), overlays=tmp_path / "pictures")
    assert cv2.imread(str(tmp_path / "pictures/000000.png"))[20, 20].tolist() == [0, 0, 200]


@pytest.mark.parametrize(
    ("stamps", "fps"),
    [
        ([], 30.0),
        ([5], 30.0),
        ([0, 0, 0], 30.0),
        ([0, 100_000_000, 200_000_001, 900_000_000], 10.0),
        ([0, 33_366_667], 29.97),
        ([0, 1], 240.0),
        ([0, 10 * SECOND], 1.0),
        ([5, 4, 3], 30.0),
    ],
)
def test_rate_of_a_video(stamps, fps):
    assert fps_of(stamps) == pytest.approx(fps, abs=0.005)
