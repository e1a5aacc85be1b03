"""Recordings that were not closed: logs beside sqlite3 files, mcap files that were cut off."""

import hashlib
import logging
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from helpers.bags import DELAY_NS, camera_bag, image, stamp_of, write_bag
from sam2_ros.bag import storage
from sam2_ros.bag.definitions import typestore
from sam2_ros.bag.reader import BagReader
from sam2_ros.bag.topics import image_topic
from sam2_ros.cli import main
from sam2_ros.errors import BagError


def numbers(path: Path, recover: bool = False) -> list[int]:
    """Numbers of the images that are read, each of which can be decoded."""
    with BagReader(path, recover) as reader:
        found = list(reader.messages(image_topic(reader, None), reader.span()))
        for item in found:
            reader.decode(item)
    return [(item.time_ns - DELAY_NS - stamp_of(0)) // 100_000_000 for item in found]


def contents(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


def logged_bag(path: Path, journal: str) -> Path:
    """An sqlite3 bag that was copied while images 3 and 4 had come (wal), or while they were being written (delete)."""
    bag = camera_bag(path, 3, "sqlite3")
    file = bag / f"{path.name}.db3"
    database = sqlite3.connect(file, isolation_level=None)
    database.execute(f"PRAGMA journal_mode={journal}")
    database.execute("PRAGMA wal_autocheckpoint=0")
    database.execute("PRAGMA cache_size=1")  # pages go to the file before the end of the transaction
    (topic,) = database.execute("SELECT topic_id FROM messages").fetchone()
    database.execute("BEGIN")
    for each in (image(3), image(4)):
        data = typestore().serialize_cdr(each.content, each.type)
        database.execute(
            "INSERT INTO messages (topic_id, timestamp, data) VALUES (?, ?, ?)", (topic, each.time_ns, data)
        )
    if journal == "wal":
        database.execute("COMMIT")
    beside = [each for each in bag.iterdir() if each.name.startswith(file.name) and not each.name.endswith("-shm")]
    for each in beside:
        shutil.copy(each, path.with_name(f"{each.name}.kept"))
    database.close()
    for each in beside:
        path.with_name(f"{each.name}.kept").rename(each)
    return bag


@pytest.mark.parametrize("single_file", [False, True])
def test_what_a_write_ahead_log_holds_is_read_and_nothing_is_touched(tmp_path, single_file, caplog):
    bag = logged_bag(tmp_path / "bag", "wal")
    before = contents(bag)
    with caplog.at_level(logging.WARNING):
        assert numbers(bag / "bag.db3" if single_file else bag) == [0, 1, 2, 3, 4]
    assert f"{bag}/bag.db3 has a log beside it (bag.db3-wal)" in caplog.text
    assert contents(bag) == before
    assert set(before) == {"bag.db3", "bag.db3-wal", "metadata.yaml"}


def test_what_was_half_written_is_taken_back(tmp_path):
    bag = logged_bag(tmp_path / "bag", "delete")
    before = contents(bag)
    assert "bag.db3-journal" in before
    assert numbers(bag) == [0, 1, 2]
    assert contents(bag) == before


def test_an_empty_log_is_none(tmp_path, caplog):
    bag = camera_bag(tmp_path / "bag", 3, "sqlite3")
    (bag / "bag.db3-wal").write_bytes(b"")
    assert numbers(bag) == [0, 1, 2]
    assert caplog.messages == []


def test_a_copy_for_which_there_is_no_room_is_refused_with_the_remedy(tmp_path, monkeypatch):
    bag = logged_bag(tmp_path / "bag", "wal")
    full = shutil.disk_usage(tmp_path)._replace(free=10)
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: full)
    with pytest.raises(
        BagError, match=r"a copy of both needs 0 MiB, which .* has not; set TMPDIR to a folder that has"
    ):
        BagReader(bag)


def cut_bag(path: Path, cut: float, compression: str = "", frames: int = 12) -> Path:
    """An mcap bag of images that do not compress, of which a share is left."""
    store = typestore()
    writer = Writer(path, version=8, storage_plugin=StoragePlugin.MCAP)
    if compression:
        writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    with writer:
        connection = writer.add_connection("/camera/image", "sensor_msgs/msg/Image", typestore=store)
        for index in range(frames):
            each = image(index)
            each.content.data = np.random.default_rng(index).integers(0, 256, len(each.content.data), dtype=np.uint8)
            writer.write(connection, each.time_ns, store.serialize_cdr(each.content, each.type))
    file = path / f"{path.name}.mcap"
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * cut)])
    return path


@pytest.mark.parametrize("compression", ["", "zstd"])
def test_a_cut_mcap_file_is_read_up_to_the_cut(tmp_path, compression, caplog):
    bag = cut_bag(tmp_path / "bag", 0.5, compression)
    with pytest.raises(
        BagError,
        match=r"bag.mcap cannot be read: it was cut off; it is damaged, or .*'sam2-ros replay --recover' takes",
    ):
        BagReader(bag)
    with caplog.at_level(logging.WARNING):
        assert numbers(bag, recover=True) == [0, 1, 2, 3, 4, 5]
    assert "bag.mcap was cut off: 6 messages over 0.500 s are whole and are read; the one that was being" in caplog.text
    assert "/camera/image has 6 messages, not 12" in caplog.text


@pytest.mark.parametrize("cut", [0.9, 0.99, 0.999])
def test_a_file_that_lost_only_its_end_gives_all(tmp_path, cut):
    bag = cut_bag(tmp_path / "bag", cut, frames=150)  # several chunks
    found = numbers(bag, recover=True)
    assert found == list(range(len(found)))
    assert len(found) > 120


def test_zeros_where_nothing_was_written_yet_are_no_messages(tmp_path):
    bag = cut_bag(tmp_path / "bag", 0.5)
    file = bag / "bag.mcap"
    file.write_bytes(file.read_bytes()[:40_960] + bytes(50_000))
    assert numbers(bag, recover=True) == [0, 1, 2, 3]


def test_a_file_of_which_nothing_is_whole_is_refused(tmp_path):
    for cut in (0.0003, 0.01):
        bag = cut_bag(tmp_path / f"bag{cut}", cut)
        with pytest.raises(BagError, match=r"no message is whole in .*, which was cut off; record it again"):
            BagReader(bag, recover=True)


def test_an_empty_file_is_said_to_be_empty(tmp_path):
    bag = cut_bag(tmp_path / "bag", 0.0)
    for recover in (False, True):
        with pytest.raises(BagError, match=r"bag.mcap cannot be read: it is empty; it is damaged, or its recording w"):
            BagReader(bag, recover)


def test_without_metadata_all_files_of_the_folder_are_recovered(tmp_path):
    bag = cut_bag(tmp_path / "bag", 0.5)
    (bag / "metadata.yaml").unlink()
    write_bag(tmp_path / "next", [image(20), image(21)])
    shutil.copy(tmp_path / "next/next.mcap", bag / "bag_1.mcap")
    assert numbers(bag, recover=True) == [0, 1, 2, 3, 4, 5, 20, 21]


def test_messages_of_a_cut_file_come_in_order(tmp_path):
    bag = write_bag(tmp_path / "bag", [image(index) for index in (3, 0, 2, 1, 4)])
    file = bag / "bag.mcap"
    file.write_bytes(file.read_bytes()[:-8])
    assert numbers(bag, recover=True) == [0, 1, 2, 3, 4]


def test_the_command_recovers(tmp_path, capsys):
    bag = cut_bag(tmp_path / "bag", 0.5)
    prompts = tmp_path / "p.yaml"
    prompts.write_text("prompts: [{frame: 0, box: [8, 10, 28, 30]}]")
    arguments = ["replay", str(bag), "--output", str(tmp_path / "out"), "--prompts", str(prompts)]
    arguments += ["--model", "toy", "--checkpoint", "random", "--image-size", "64", "--device", "cpu"]
    assert main(arguments) == 1
    assert "'sam2-ros replay --recover' takes what is whole of it" in capsys.readouterr().err
    assert main([*arguments, "--recover"]) == 0
    assert "frames: 6 tracked, 0 failed" in capsys.readouterr().out
