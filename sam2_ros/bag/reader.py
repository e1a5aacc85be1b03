"""Reading rosbag2, mcap or sqlite3, message by message: a bag is never held in memory."""

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from rosbags.interfaces import Connection, MessageDefinitionFormat
from rosbags.rosbag2 import Reader
from rosbags.serde import SerdeError
from rosbags.typesys import get_types_from_msg
from rosbags.typesys.base import TypesysError

from ..errors import BagError
from ..stream.messages import NS_PER_S
from .definitions import new_typestore, typestore

STORAGE_SUFFIXES = (".mcap", ".db3")


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of a bag."""

    name: str
    type: str  # such as sensor_msgs/msg/Image
    count: int  # messages in the bag


@dataclass(frozen=True, slots=True)
class Recorded:
    """One message as it lies in the bag."""

    topic: Topic
    time_ns: int  # when it was recorded
    data: bytes  # serialised (CDR)


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a bag by the time of recording: from ``start_ns`` to before ``stop_ns``."""

    start_ns: int
    stop_ns: int


class BagReader:
    """An open rosbag2: a folder with metadata.yaml, or a single .mcap or .db3 file. ROS 1 bags are refused.

    Raises BagError when it cannot be read or holds no message.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        _check_path(path)
        with self._translated():
            self._reader = Reader(path)
            self._reader.open()
        if not self._reader.message_count:
            self._reader.close()
            raise BagError(f"the bag {path} has no messages; record it again while the camera runs")

    def __enter__(self) -> "BagReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()

    @property
    def topics(self) -> tuple[Topic, ...]:
        """All topics by name; a topic that carries several types once for each."""
        counts: dict[tuple[str, str], int] = {}
        for connection in self._reader.connections:
            key = connection.topic, connection.msgtype
            counts[key] = counts.get(key, 0) + connection.msgcount
        return tuple(Topic(name, kind, count) for (name, kind), count in sorted(counts.items()))

    def span(self, start_s: float = 0.0, duration_s: float | None = None) -> Span:
        """A part of the bag, in seconds from its first message. Raises BagError when it is empty."""
        if not (math.isfinite(start_s) and start_s >= 0):
            raise BagError(f"the start is {start_s:g} seconds; give 0 or more, counted from the bag's first message")
        if duration_s is not None and not (math.isfinite(duration_s) and duration_s > 0):
            raise BagError(f"the duration is {duration_s:g} seconds; give more than 0")
        start_ns = self._reader.start_time + round(start_s * NS_PER_S)
        end_ns = self._reader.end_time
        if start_ns >= end_ns:
            length_s = (end_ns - 1 - self._reader.start_time) / NS_PER_S
            raise BagError(f"the start is {start_s:g} seconds, but the bag {self.path} ends after {length_s:g}")
        return Span(start_ns, end_ns if duration_s is None else min(end_ns, start_ns + round(duration_s * NS_PER_S)))

    def messages(self, topic: Topic, span: Span) -> Iterator[Recorded]:
        """The messages of a topic in the order of recording. Raises BagError when the bag is damaged."""
        connections = [c for c in self._reader.connections if (c.topic, c.msgtype) == (topic.name, topic.type)]
        for connection in connections:
            self._check_definition(connection)
        with self._translated():
            for _, time_ns, data in self._reader.messages(connections, span.start_ns, span.stop_ns):
                yield Recorded(topic, time_ns, data)

    def count(self, topic: Topic, span: Span) -> int | None:
        """How many messages `messages` gives; None when that is not known without reading them."""
        whole = span == Span(self._reader.start_time, self._reader.end_time)
        return topic.count if whole else None

    def decode(self, recorded: Recorded) -> Any:
        """The message itself. Raises BagError when its bytes are not of its type."""
        try:
            return typestore().deserialize_cdr(recorded.data, recorded.topic.type)
        except (SerdeError, AssertionError, ValueError, IndexError, struct.error) as error:
            raise BagError(
                f"a message of {recorded.topic.name} recorded at {recorded.time_ns} ns is damaged: "
                f"it is no {recorded.topic.type}"
            ) from error

    def _check_definition(self, connection: Connection) -> None:
        """Refuse our own messages when another version of this package recorded them."""
        definition = connection.msgdef
        # Without a definition in the bag ours has to serve; other packages' messages are settled.
        if not connection.msgtype.startswith("sam2_ros/") or definition.format != MessageDefinitionFormat.MSG:
            return
        try:
            new_typestore().register(get_types_from_msg(definition.data, connection.msgtype))
        except TypesysError as error:
            raise BagError(
                f"topic {connection.topic} of {self.path} was recorded with another version of {connection.msgtype}; "
                "replay it with the version of sam2_ros that recorded it"
            ) from error

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn whatever rosbags and its storage back-ends raise on a bag that they cannot read into a BagError."""
        try:
            yield
        except BagError:
            raise
        except Exception as error:  # a damaged file makes the back-ends fail in any way
            reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            raise BagError(
                f"the bag {self.path} cannot be read: {reason}; it is damaged, or its recording was not closed: "
                "try 'mcap recover' on an mcap file, '.recover' of sqlite3 on a db3 file"
            ) from error


def _check_path(path: Path) -> None:
    """Raise BagError for what is certainly no rosbag2."""
    if not path.exists():
        raise BagError(f"there is no bag {path}; give a rosbag2 folder, or an .mcap or .db3 file")
    if path.suffix == ".bag" and path.is_file():
        raise BagError(
            f"{path} is a ROS 1 bag; convert it first: rosbags-convert --src {path} --dst {path.with_suffix('')}"
        )
    if path.is_file() and path.suffix not in STORAGE_SUFFIXES:
        raise BagError(f"{path} is no bag; give a rosbag2 folder, or an .mcap or .db3 file")
    if path.is_dir() and not (path / "metadata.yaml").is_file():
        _refuse_without_metadata(path)


def _refuse_without_metadata(path: Path) -> None:
    files = sorted(file for file in path.iterdir() if file.suffix in STORAGE_SUFFIXES)
    if not files:
        raise BagError(f"the folder {path} is no bag: it has no metadata.yaml; give a rosbag2 folder or an .mcap file")
    raise BagError(
        f"the bag {path} has no metadata.yaml, so its recording was not closed; "
        f"run 'ros2 bag reindex {path}', or give the file {files[0]}"
    )
