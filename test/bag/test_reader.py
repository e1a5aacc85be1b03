import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from helpers.bags import (
    DELAY_NS,
    SECOND,
    STORAGES,
    box_prompt,
    camera_bag,
    compressed,
    image,
    prompts,
    stamp_of,
    text,
    write_bag,
)
from sam2_ros.bag import definitions
from sam2_ros.bag.reader import BagReader, Span, Topic
from sam2_ros.bag.topics import image_topic, prompts_topic
from sam2_ros.errors import BagError


def storage_file(bag: Path) -> Path:
    return next(file for file in bag.iterdir() if file.suffix in (".mcap", ".db3"))


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("single_file", [False, True])
def test_messages_come_in_order_with_their_time(tmp_path, storage, single_file):
    bag = camera_bag(tmp_path / "bag", 3, storage)
    with BagReader(storage_file(bag) if single_file else bag) as reader:
        topic = image_topic(reader, None)
        assert topic == Topic("/camera/image", "sensor_msgs/msg/Image", 3)
        found = list(reader.messages(topic, reader.span()))
        assert [item.time_ns for item in found] == [stamp_of(index) + DELAY_NS for index in range(3)]
        message = reader.decode(found[2])
    assert (message.header.frame_id, message.encoding, message.height, message.width) == ("eye", "rgb8", 48, 64)


@pytest.mark.parametrize("storage", STORAGES)
def test_a_span_counts_from_the_first_message_of_the_bag(tmp_path, storage):
    # The first message lies 0.2 s before the first image.
    bag = camera_bag(tmp_path / "bag", 5, storage, text(stamp_of(0) + DELAY_NS - SECOND // 5))
    with BagReader(bag) as reader:
        topic = image_topic(reader, None)
        found = list(reader.messages(topic, reader.span(0.3, 0.2)))
        assert reader.count(topic, reader.span(0.3, 0.2)) is None
        assert reader.count(topic, reader.span()) == 5
    assert [item.time_ns - DELAY_NS for item in found] == [stamp_of(1), stamp_of(2)]


@pytest.mark.parametrize(
    ("start", "duration", "message"),
    [
        (-1.0, None, "the start is -1 seconds; give 0 or more"),
        (float("nan"), None, "the start is nan seconds"),
        (0.0, 0.0, "the duration is 0 seconds; give more than 0"),
        (9.0, None, r"the start is 9 seconds, but the bag .* ends after 0.3"),
    ],
)
def test_a_span_that_cannot_be_is_refused(tmp_path, start, duration, message):
    with BagReader(camera_bag(tmp_path / "bag")) as reader, pytest.raises(BagError, match=message):
        reader.span(start, duration)


def test_missing_path(tmp_path):
    with pytest.raises(BagError, match=r"there is no bag .*nowhere; give a rosbag2 folder"):
        BagReader(tmp_path / "nowhere")


def test_ros_1_bag_is_refused_with_the_command_that_converts_it(tmp_path):
    (tmp_path / "old.bag").write_bytes(b"#ROSBAG V2.0\n")
    with pytest.raises(BagError, match=r"is a ROS 1 bag; convert it first: rosbags-convert --src .*old.bag"):
        BagReader(tmp_path / "old.bag")


def test_other_file_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(BagError, match=r"notes.txt is no bag; give"):
        BagReader(tmp_path / "notes.txt")


def test_bag_that_was_not_closed(tmp_path):
    bag = camera_bag(tmp_path / "bag")
    (bag / "metadata.yaml").unlink()
    with pytest.raises(BagError, match=r"not closed; run 'ros2 bag reindex .*', or give the file .*bag.mcap"):
        BagReader(bag)


def test_folder_that_is_no_bag(tmp_path):
    with pytest.raises(BagError, match=r"is no bag: it has no metadata.yaml"):
        BagReader(tmp_path)


@pytest.mark.parametrize("content", ["", "rosbag2_bagfile_information: 3\n", "a: [\n"])
def test_metadata_that_is_none(tmp_path, content):
    bag = camera_bag(tmp_path / "bag")
    (bag / "metadata.yaml").write_text(content)
    with pytest.raises(BagError, match=r"cannot be read: .*damaged"):
        BagReader(bag)


@pytest.mark.parametrize("storage", STORAGES)
def test_bag_without_messages(tmp_path, storage):
    bag = write_bag(tmp_path / "bag", [], storage, topics=(image(0),))
    with pytest.raises(BagError, match="has no messages; record it again"):
        BagReader(bag)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("kept", [0.0, 0.001, 0.5, 0.98])
def test_truncated_bag(tmp_path, storage, kept):
    bag = camera_bag(tmp_path / "bag", 6, storage)
    file = storage_file(bag)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * kept)])

    def read_all():
        with BagReader(bag) as reader:
            return list(reader.messages(image_topic(reader, None), reader.span()))

    with pytest.raises(BagError, match=r"cannot be read: .*; it is damaged, or its recording was not closed"):
        read_all()


def test_missing_storage_file(tmp_path):
    bag = camera_bag(tmp_path / "bag")
    storage_file(bag).unlink()
    with pytest.raises(BagError, match=r"files are missing"):
        BagReader(bag)


def test_damaged_message(tmp_path):
    broken = image(1)
    bag = write_bag(
        tmp_path / "bag", [image(0), type(broken)(broken.topic, broken.time_ns, broken.type, b"\0\1\0\0ab")]
    )
    with BagReader(bag) as reader:
        found = list(reader.messages(image_topic(reader, None), reader.span()))
        with pytest.raises(
            BagError, match=r"a message of /camera/image recorded at \d+ ns is damaged: it is no sensor_ms"
        ):
            reader.decode(found[1])


def test_image_topic_has_to_be_chosen_among_several(tmp_path):
    bag = write_bag(tmp_path / "bag", [image(0), compressed(0), text(stamp_of(0))])
    with BagReader(bag) as reader:
        with pytest.raises(
            BagError, match=r"several image topics: /camera/image, /camera/image/compressed; choose one"
        ):
            image_topic(reader, None)
        assert image_topic(reader, "/camera/image/compressed").type == definitions.COMPRESSED_IMAGE
        with pytest.raises(
            BagError, match=r"no topic /eye; its image topics are: /camera/image, /camera/image/compressed"
        ):
            image_topic(reader, "/eye")
        with pytest.raises(BagError, match=r"topic /chatter .* is a std_msgs/msg/String; the image topics are"):
            image_topic(reader, "/chatter")


def test_bag_without_images_lists_its_topics(tmp_path):
    bag = write_bag(tmp_path / "bag", [text(5), text(6)])
    with BagReader(bag) as reader:
        message = "no images to track on; its topics are /chatter (std_msgs/msg/String, 2 messages)"
        with pytest.raises(BagError, match=re.escape(message)):
            image_topic(reader, None)


def test_image_topics_without_messages_do_not_count(tmp_path):
    bag = write_bag(tmp_path / "bag", [image(0)], topics=(image(0, topic="/other"),))
    with BagReader(bag) as reader:
        assert image_topic(reader, None).name == "/camera/image"
        with pytest.raises(BagError, match=r"topic /other of .* has no messages"):
            image_topic(reader, "/other")


def test_pictures_of_the_tracker_itself_do_not_count(tmp_path):
    own = [image(0, topic="/sam2_tracker/masks"), image(0, topic="/robot/sam2_tracker/overlay")]
    with BagReader(write_bag(tmp_path / "bag", [image(0), *own])) as reader:
        assert image_topic(reader, None).name == "/camera/image"
        with pytest.raises(BagError, match="topic /sam2_tracker/masks is written by the replay itself; choose"):
            image_topic(reader, "/sam2_tracker/masks")


def test_prompts_topic(tmp_path):
    bag = write_bag(tmp_path / "bag", [image(0), prompts(0, 5, topic="/robot/prompts")])
    with BagReader(bag) as reader:
        assert prompts_topic(reader, "/prompts") is None
        assert prompts_topic(reader, "/robot/prompts") == Topic("/robot/prompts", definitions.PROMPT_ARRAY, 1)
        with pytest.raises(BagError, match="has no topic /p; its topics with prompts are: /robot/prompts"):
            prompts_topic(reader, "/p")
        with pytest.raises(BagError, match=r"topic /camera/image of .* is a sensor_msgs/msg/Image; prompts are"):
            prompts_topic(reader, "/camera/image")


def test_prompts_without_a_definition_in_the_bag_are_decoded_by_ours(tmp_path):
    bag = camera_bag(tmp_path / "bag", 1, "sqlite3", prompts(0, 5, box_prompt(3)))
    with sqlite3.connect(storage_file(bag)) as database:
        database.execute("DELETE FROM message_definitions")
    with BagReader(bag) as reader:
        topic = prompts_topic(reader, "/prompts")
        (recorded,) = reader.messages(topic, reader.span())
        assert reader.decode(recorded).prompts[0].object_id == 3


# A change of our messages and one in those that they use: boxes by their corners, as before there was a release.
OLD_ARRAY = """std_msgs/Header header
uint8 number
{line}
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
""".format(line="=" * 80)
OLD_BOXES = """std_msgs/Header header
Prompt[] prompts
{line}
MSG: sam2_ros/Prompt
bool has_box
BoundingBox2D box
{line}
MSG: sam2_ros/BoundingBox2D
float32 x_min
{line}
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
""".format(line="=" * 80)


@pytest.mark.parametrize("old", [OLD_ARRAY, OLD_BOXES])
def test_prompts_of_another_version_are_refused(tmp_path, old):
    bag = camera_bag(tmp_path / "bag", 1, "sqlite3", prompts(0, 5))
    with sqlite3.connect(storage_file(bag)) as database:
        database.execute(
            "UPDATE message_definitions SET encoded_message_definition = ? WHERE topic_type = ?",
            (old, "sam2_ros/msg/PromptArray"),
        )
    with BagReader(bag) as reader:
        topic = prompts_topic(reader, "/prompts")
        with pytest.raises(BagError, match=r"recorded with another version of sam2_ros/msg/PromptArray"):
            list(reader.messages(topic, Span(0, 10**19 // 2)))


@pytest.mark.parametrize("layout", ["pip", "checkout", "colcon"])
def test_definitions_are_found(tmp_path, layout):
    modules = tmp_path / "lib/python3.12/site-packages/sam2_ros"
    places = {
        "pip": modules / "definitions",
        "checkout": modules.parent / "msg",
        "colcon": tmp_path / "share/sam2_ros/msg",
    }
    modules.mkdir(parents=True)
    shutil.copytree(definitions.definitions_folder(), places[layout])
    assert definitions.definitions_folder(modules) == places[layout]


def test_definitions_that_are_not_there(tmp_path):
    with pytest.raises(BagError, match="message definitions of sam2_ros are not installed"):
        definitions.definitions_folder(tmp_path / "sam2_ros")
