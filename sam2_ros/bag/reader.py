"""Reading rosbag2, mcap or sqlite3, message by message: a bag is never held in memory."""

import functools
import heapq
import logging
import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from rosbags.interfaces import Connection, MessageDefinitionFormat
from rosbags.serde import SerdeError
from rosbags.typesys import get_types_from_msg
from rosbags.typesys.base import TypesysError

from ..errors import BagError, quoted
from ..stream.messages import NS_PER_S
from . import zstd
from .definitions import new_typestore, typestore
from .differences import differences
from .folders import visible
from .metadata import NAME as METADATA
from .metadata import Metadata, read_metadata
from .storage import STORAGE_SUFFIXES, Storage, StorageFile, unreadable

_log = logging.getLogger(__name__)


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

    Topics, times and counts are those of the storage files, messages come in the order of recording over all of them,
    and where metadata.yaml says something else there is one warning. Raises BagError when the bag cannot be read or
    holds no message.
    """

    def __init__(self, path: Path, recover: bool = False) -> None:
        """``recover``: take what is whole of a recording that was not closed."""
        self.path = path
        _check_path(path, recover)
        metadata = _metadata(path, recover)
        files = [path] if path.is_file() else _storage_files(path) if metadata is None else metadata.files
        self._storage = Storage(files, "" if metadata is None else metadata.storage, recover)
        notes = [*self._storage.notes, *(differences(path, metadata, self._storage.files) if metadata else ())]
        for note in notes:
            warn_once(note)
        self._filled = [file for file in self._storage.files if file.message_count]
        if not self._filled:
            self._storage.close()
            raise BagError(f"the bag {path} has no messages; record it again while the camera runs")

    def __enter__(self) -> "BagReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._storage.close()

    @property
    def topics(self) -> tuple[Topic, ...]:
        """All topics by name; a topic that carries several types once for each."""
        counts: dict[tuple[str, str], int] = {}
        for connection in self._connections():
            key = connection.topic, connection.msgtype
            counts[key] = counts.get(key, 0) + connection.msgcount
        return tuple(Topic(name, kind, count) for (name, kind), count in sorted(counts.items()))

    def span(self, start_s: float = 0.0, duration_s: float | None = None) -> Span:
        """A part of the bag, in seconds from its first message. Raises BagError when it is empty."""
        if not (math.isfinite(start_s) and start_s >= 0):
            raise BagError(f"the start is {start_s:g} seconds; give 0 or more, counted from the bag's first message")
        if duration_s is not None and not (math.isfinite(duration_s) and duration_s > 0):
            raise BagError(f"the duration is {duration_s:g} seconds; give more than 0")
        first_ns, end_ns = self._start_ns, max(file.end_time for file in self._filled)
        start_ns = first_ns + round(start_s * NS_PER_S)
        if start_ns >= end_ns:
            length_s = (end_ns - 1 - first_ns) / NS_PER_S
            raise BagError(f"the start is {start_s:g} seconds, but the bag {self.path} ends after {length_s:g}")
        return Span(start_ns, end_ns if duration_s is None else min(end_ns, start_ns + round(duration_s * NS_PER_S)))

    def messages(self, topic: Topic, span: Span) -> Iterator[Recorded]:
        """The messages of a topic in the order of recording. Raises BagError when the bag is damaged."""
        streams = []
        for file in self._filled:
            connections = [c for c in file.connections if (c.topic, c.msgtype) == (topic.name, topic.type)]
            for connection in connections:
                self._check_definition(connection)
            if connections:
                streams.append(self._stream(file, connections, span))
        for time_ns, data in heapq.merge(*streams, key=lambda item: item[0]):
            if data is not None:
                yield Recorded(topic, time_ns, zstd.decompressed(data))

    def _stream(
        self, file: StorageFile, connections: Sequence[Connection], span: Span
    ) -> Iterator[tuple[int, bytes | None]]:
        """Times and messages of one file; before them a time alone, so that no file is read before its turn."""
        yield max(file.start_time, span.start_ns), None
        try:
            for _, time_ns, data in file.messages(connections, span.start_ns, span.stop_ns):
                yield time_ns, data
        except Exception as error:  # a damaged file makes rosbags and what it reads with fail in any way
            raise unreadable(self.path, error) from error

    def count(self, topic: Topic, span: Span) -> int | None:
        """How many messages `messages` gives; None when that is not known without reading them."""
        return topic.count if span == self.span() else None

    def decode(self, recorded: Recorded) -> Any:
        """The message itself. Raises BagError when its bytes are not of its type."""
        try:
            return typestore().deserialize_cdr(recorded.data, recorded.topic.type)
        except (SerdeError, TypesysError, KeyError, AssertionError, ValueError, IndexError, struct.error) as error:
            raise BagError(
                f"a message of {recorded.topic.name} recorded at {recorded.time_ns} ns is damaged: "
                f"it is no {recorded.topic.type or 'message of a known type'}"
            ) from error

    @property
    def _start_ns(self) -> int:
        return min(file.start_time for file in self._filled)

    def _connections(self) -> Iterator[Connection]:
        return (connection for file in self._storage.files for connection in file.connections)

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


def _metadata(path: Path, recover: bool) -> Metadata | None:
    """Of a bag's folder; None where there is none, or only a damaged one, and it is not insisted on."""
    if path.is_file() or not (path / METADATA).is_file():
        return None
    try:
        metadata = read_metadata(path)
        _check_files(path, metadata)
    except BagError as error:
        if not recover:
            raise
        warn_once(f"{error}; all storage files of the folder are read")
        return None
    return metadata


def _check_files(path: Path, metadata: Metadata) -> None:
    missing = [file.name for file in metadata.files if not file.is_file()]
    if missing:
        raise BagError(
            f"files are missing in the bag {path}: {', '.join(missing)}; bring back what its {METADATA} lists, or make "
            f"a bag of what is there with 'ros2 bag reindex {path}'"
        )
    if metadata.compression not in ("", "zstd"):
        raise BagError(
            f"the bag {path} is compressed with {quoted(metadata.compression)}, which cannot be read; "
            "convert it to zstd or none with 'ros2 bag convert'"
        )


def _check_path(path: Path, recover: bool) -> None:
    """Raise BagError for what is certainly no rosbag2."""
    if not path.exists():
        raise BagError(f"there is no bag {path}; give a rosbag2 folder, or an .mcap or .db3 file")
    if path.suffix == ".bag" and path.is_file():
        raise BagError(
            f"{path} is a ROS 1 bag; convert it first: rosbags-convert --src {path} --dst {path.with_suffix('')}"
        )
    if path.is_file() and not _is_storage_file(path):
        raise BagError(f"{path} is no bag; give a rosbag2 folder, or an .mcap or .db3 file")
    if path.is_dir() and not (path / METADATA).is_file():
        _check_without_metadata(path, recover)


def _check_without_metadata(path: Path, recover: bool) -> None:
    files = _storage_files(path)
    if not files:
        raise BagError(f"the folder {path} is no bag: it has no {METADATA}; give a rosbag2 folder or an .mcap file")
    if not recover:
        raise BagError(
            f"the bag {path} has no {METADATA}, so its recording was not closed; run 'ros2 bag reindex {path}', or "
            f"give the file {files[0]}; 'sam2-ros replay --recover' takes all that is whole in its files"
        )


def _storage_files(folder: Path) -> list[Path]:
    return sorted((file for file in visible(folder) if _is_storage_file(file)), key=lambda file: file.name)


def _is_storage_file(path: Path) -> bool:
    inner = Path(path.stem) if path.suffix == zstd.SUFFIX else path
    return inner.suffix in STORAGE_SUFFIXES


@functools.cache
def warn_once(sentence: str) -> None:
    """Log a sentence; a bag may be opened several times on the way to one result."""
    _log.warning("%s", sentence)
