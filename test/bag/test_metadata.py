"""Bags whose metadata.yaml says something else than their files, as other recorders and editors leave them."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from helpers.bags import DELAY_NS, STORAGES, box_prompt, camera_bag, image, prompts, stamp_of, text, write_bag
from sam2_ros.bag.definitions import typestore
from sam2_ros.bag.reader import BagReader
from sam2_ros.bag.topics import image_topic
from sam2_ros.bag.writer import QOS
from sam2_ros.errors import BagError

SUFFIXES = {"mcap": "mcap", "sqlite3": "db3"}


def edit(bag: Path, change: "Callable[[dict[str, Any]], None]") -> None:
    """Change metadata.yaml as an editor would."""
    file = bag / "metadata.yaml"
    root = yaml.safe_load(file.read_text())
    change(root["rosbag2_bagfile_information"])
    file.write_text(yaml.safe_dump(root))


def images(path: Path) -> list[int]:
    """Numbers of the images that are read, in their order."""
    with BagReader(path) as reader:
        topic = image_topic(reader, None)
        found = [
            (item.time_ns - DELAY_NS - stamp_of(0)) // 100_000_000 for item in reader.messages(topic, reader.span())
        ]
        assert topic.count == len(found)
        for item in reader.messages(topic, reader.span()):
            reader.decode(item)
    return found


def recorded_bag(path: Path, storage: str, compression: CompressionMode = CompressionMode.NONE) -> Path:
    """A bag of three images with quality of service, as a recorder writes it."""
    store = typestore()
    writer = Writer(path, version=9, storage_plugin=StoragePlugin[storage.upper()])
    if compression != CompressionMode.NONE:
        writer.set_compression(compression, CompressionFormat.ZSTD)
    with writer:
        connection = writer.add_connection(
            "/camera/image", "sensor_msgs/msg/Image", typestore=store, offered_qos_profiles=[QOS]
        )
        for index in range(3):
            each = image(index)
            writer.write(connection, each.time_ns, store.serialize_cdr(each.content, each.type))
    return path


def split_bag(path: Path, storage: str, order: "list[int]") -> Path:
    """Six images in three files of two; ``order``: in which metadata.yaml lists the files."""
    suffix = SUFFIXES[storage]
    parts = [write_bag(path.with_name(f"part{n}"), [image(2 * n), image(2 * n + 1)], storage) for n in range(3)]
    path.mkdir()
    for number, part in enumerate(parts):
        shutil.copy(part / f"part{number}.{suffix}", path / f"bag_{number}.{suffix}")
    shutil.copy(parts[2] / "metadata.yaml", path)  # with start, duration and count of the last file

    def change(information: "dict[str, Any]") -> None:
        information["relative_file_paths"] = [f"bag_{number}.{suffix}" for number in order]

    edit(path, change)
    return path


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("written", ["", "- history: 3\n  depth: 0\n  reliability: 2\n", "no list at all: [", None])
def test_quality_of_service_that_was_edited_hides_no_image(tmp_path, storage, written, caplog):
    bag = recorded_bag(tmp_path / "bag", storage)

    def change(information: "dict[str, Any]") -> None:
        information["version"] = 5
        for topic in information["topics_with_message_count"]:
            topic["topic_metadata"]["offered_qos_profiles"] = written

    edit(bag, change)
    with caplog.at_level(logging.WARNING):
        assert images(bag) == [0, 1, 2]
        assert images(bag) == [0, 1, 2]
    (warning,) = caplog.messages
    assert warning == (
        f"the metadata.yaml of {bag} gives /camera/image another quality of service than its files; "
        "topics are read by name and type"
    )


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("compression", list(CompressionMode))
def test_an_untouched_bag_is_read_without_a_word(tmp_path, storage, compression, caplog):
    if compression == CompressionMode.STORAGE and storage == "sqlite3":
        return  # there is no such thing
    assert images(recorded_bag(tmp_path / "bag", storage, compression)) == [0, 1, 2]
    assert caplog.messages == []


@pytest.mark.parametrize("storage", STORAGES)
def test_a_file_that_is_compressed_as_a_whole_is_read_by_itself(tmp_path, storage):
    bag = recorded_bag(tmp_path / "bag", storage, CompressionMode.FILE)
    assert images(next(bag.glob("*.zstd"))) == [0, 1, 2]


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_a_split_bag_is_read_whole_and_in_order_whatever_its_metadata_says(tmp_path, storage, order, caplog):
    bag = split_bag(tmp_path / "bag", storage, order)
    with caplog.at_level(logging.WARNING):
        assert images(bag) == [0, 1, 2, 3, 4, 5]
    assert caplog.messages == [
        f"the metadata.yaml of {bag} does not fit its files, which are believed: /camera/image has 6 messages, not 2"
    ]
    with BagReader(bag) as reader:
        span = reader.span(0.25, 0.2)  # from a part that the metadata does not know of
        found = [item.time_ns for item in reader.messages(image_topic(reader, None), span)]
    assert found == [stamp_of(index) + DELAY_NS for index in (3, 4)]


def test_messages_of_files_that_overlap_in_time_are_merged(tmp_path):
    write_bag(tmp_path / "even", [image(index) for index in (0, 2, 4)])
    bag = write_bag(tmp_path / "bag", [image(index) for index in (1, 3, 5)])
    shutil.copy(tmp_path / "even/even.mcap", bag / "bag_1.mcap")
    edit(bag, lambda information: information["relative_file_paths"].append("bag_1.mcap"))
    assert images(bag) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("storage", STORAGES)
def test_the_storage_is_told_by_the_ending_when_metadata_does_not(tmp_path, storage, caplog):
    bag = camera_bag(tmp_path / "bag", 3, storage)
    edit(bag, lambda information: information.update(storage_identifier=""))
    assert images(bag) == [0, 1, 2]
    assert caplog.messages == []


@pytest.mark.parametrize("storage", STORAGES)
def test_the_storage_is_told_by_metadata_when_the_ending_does_not(tmp_path, storage):
    bag = camera_bag(tmp_path / "bag", 3, storage)
    (bag / f"bag.{SUFFIXES[storage]}").rename(bag / "renamed")
    edit(bag, lambda information: information.update(relative_file_paths=["renamed"]))
    assert images(bag) == [0, 1, 2]


def test_a_storage_that_is_not_known_is_named(tmp_path):
    bag = camera_bag(tmp_path / "bag", 3)
    (bag / "bag.mcap").rename(bag / "bag.foo")
    edit(bag, lambda information: information.update(relative_file_paths=["bag.foo"], storage_identifier="foo"))
    with pytest.raises(BagError, match=r"bag.foo is of an unknown storage: its name ends neither in .mcap nor in .db3"):
        BagReader(bag)


def test_a_newer_version_of_metadata_is_said(tmp_path, caplog):
    bag = camera_bag(tmp_path / "bag", 3)
    edit(bag, lambda information: information.update(version=10))
    assert images(bag) == [0, 1, 2]
    assert caplog.messages == [
        f"the metadata.yaml of {bag} is of version 10, newer than known here (9); only its list of files is used"
    ]


def test_missing_files_of_a_split_bag_are_named(tmp_path):
    bag = split_bag(tmp_path / "bag", "mcap", [0, 1, 2])
    (bag / "bag_1.mcap").unlink()
    with pytest.raises(BagError, match=r"files are missing in the bag .*bag: bag_1.mcap; bring back what its metadata"):
        BagReader(bag)


def test_a_file_that_metadata_does_not_list_is_said(tmp_path, caplog):
    bag = split_bag(tmp_path / "bag", "mcap", [0, 2])
    assert images(bag) == [0, 1, 4, 5]
    assert f"the metadata.yaml of {bag} does not list bag_1.mcap, which lies beside it and is not read" in caplog.text


def test_a_compression_that_is_not_known_is_named(tmp_path):
    bag = camera_bag(tmp_path / "bag", 3)
    edit(bag, lambda information: information.update(compression_mode="FILE", compression_format="lz4"))
    with pytest.raises(BagError, match="is compressed with 'lz4', which cannot be read; convert it"):
        BagReader(bag)


def test_an_mcap_file_of_another_profile_is_named(tmp_path):
    bag = camera_bag(tmp_path / "bag", 3)
    file = bag / "bag.mcap"
    file.write_bytes(file.read_bytes().replace(b"\x04\x00\x00\x00ros2", b"\x04\x00\x00\x00ros1", 1))
    with pytest.raises(BagError, match=r"bag.mcap is an mcap file of the profile 'ros1', no rosbag2; convert it"):
        BagReader(bag)


def test_something_else_that_is_called_mcap_is_named(tmp_path):
    (tmp_path / "notes.mcap").write_text("no recording at all")
    with pytest.raises(
        BagError, match=r"notes.mcap cannot be read: it is no mcap file; it is damaged, or something else was renamed"
    ):
        BagReader(tmp_path / "notes.mcap")


def test_prompts_of_all_files_are_found(tmp_path):
    write_bag(tmp_path / "late", [image(2), prompts(stamp_of(2), stamp_of(2), box_prompt(7)), text(stamp_of(3))])
    bag = write_bag(tmp_path / "bag", [image(0), image(1)])
    shutil.copy(tmp_path / "late/late.mcap", bag / "bag_1.mcap")
    edit(bag, lambda information: information["relative_file_paths"].append("bag_1.mcap"))
    with BagReader(bag) as reader:
        assert {topic.name: topic.count for topic in reader.topics} == {
            "/camera/image": 3,
            "/prompts": 1,
            "/chatter": 1,
        }
