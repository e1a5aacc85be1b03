"""What is whole in an mcap file that was cut off, as by a power cut: it has no index, so every record is looked at.

The format is that of https://mcap.dev/spec: records of one byte that says what they are, eight bytes of length, and as
many bytes of content; most lie in chunks, which may be compressed.
"""

import mmap
import struct
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any
from zlib import crc32

import lz4.frame  # type: ignore[import-untyped]
from rosbags.interfaces import Connection, ConnectionExtRosbag2, MessageDefinition, MessageDefinitionFormat

from ..errors import BagError
from . import zstd

MAGIC = b"\x89MCAP0\r\n"  # at both ends of a file
SCHEMA, CHANNEL, MESSAGE, CHUNK, DATA_END = 0x03, 0x04, 0x05, 0x06, 0x0F
DEFINITIONS = {"ros2msg": MessageDefinitionFormat.MSG, "ros2idl": MessageDefinitionFormat.IDL}

_RECORD = struct.Struct("<BQ")  # what it is, length
_MESSAGE = struct.Struct("<HIQQ")  # channel, sequence, times of logging and of publishing
_CHUNK = struct.Struct("<QQQI")  # times of first and last message, length and checksum without compression
_READERS: dict[str, Callable[[Any], Any]] = {"zstd": zstd.open_reader, "lz4": lambda source: lz4.frame.open(source)}
_STEP = 1 << 16
_PAGE = 4096  # bytes that reach the disk together
_CHUNKS_HELD = 4  # unpacked: those of neighbouring times, whose messages alternate

Bytes = bytes | mmap.mmap


@dataclass(frozen=True, slots=True)
class Record:
    """Where the content of a record lies in the bytes around it."""

    kind: int
    start: int
    end: int
    whole: bool  # False: the last one, which was cut off


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message lies."""

    time_ns: int  # when it was recorded
    channel: int
    chunk: int | None  # where the content of its chunk begins in the file; None: it lies in no chunk
    start: int  # in the chunk or in the file
    end: int


class CutMcap:
    """The whole messages of a cut mcap file, to be read like rosbags' own reader of one. Raises BagError."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._end = _written(self._data)
        self._chunk = lru_cache(_CHUNKS_HELD)(self._unpacked)
        self._schemas: dict[int, tuple[str, MessageDefinition]] = {}
        self._channels: dict[int, Connection] = {}
        self._places: list[Place] = []
        self.damaged_chunks = 0
        self._scan()
        self._places.sort(key=lambda place: place.time_ns)
        if not self._places:
            self.close()
            raise BagError(f"no message is whole in {path}, which was cut off; record it again")

    @property
    def connections(self) -> list[Connection]:
        """The topics with the number of their messages."""
        counts = dict.fromkeys(self._channels, 0)
        for place in self._places:
            counts[place.channel] += 1
        return [channel._replace(msgcount=counts[number]) for number, channel in self._channels.items()]

    @property
    def message_count(self) -> int:
        """Of all topics."""
        return len(self._places)

    @property
    def start_time(self) -> int:
        """When the first message was recorded, nanoseconds."""
        return self._places[0].time_ns

    @property
    def end_time(self) -> int:
        """Right after the last message, nanoseconds."""
        return self._places[-1].time_ns + 1

    def messages(
        self, connections: Collection[Connection], start: int, stop: int
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """Topic, time of recording and serialised bytes of each message of a time, in the order of recording."""
        wanted = {connection.id: connection for connection in connections}
        for place in self._places:
            if place.channel in wanted and start <= place.time_ns < stop:
                around = self._data if place.chunk is None else self._chunk(place.chunk)
                yield wanted[place.channel], place.time_ns, bytes(around[place.start : place.end])

    def close(self) -> None:
        """Close the file."""
        self._chunk.cache_clear()
        self._data.close()

    # --- looking through the file ------------------------------------------------------------------------------------

    def _scan(self) -> None:
        for record in _records(self._data, len(MAGIC), self._end):
            if record.kind == DATA_END:
                return
            if record.kind == CHUNK:
                content = self._chunk(record.start)
                for inner in _records(content, 0, len(content)):
                    if inner.whole:
                        self._note(content, inner, record.start)
                self.damaged_chunks += record.whole and not content
            elif record.whole:
                self._note(self._data, record, None)

    def _note(self, around: Bytes, record: Record, chunk: int | None) -> None:
        """Note a schema, a channel or a message; anything else says nothing of the data."""
        with suppress(struct.error, UnicodeDecodeError):
            if record.kind == MESSAGE:
                channel, _, time_ns, _ = _MESSAGE.unpack_from(around, record.start)
                if channel in self._channels:
                    self._places.append(Place(time_ns, channel, chunk, record.start + _MESSAGE.size, record.end))
            elif record.kind == SCHEMA:
                self._note_schema(bytes(around[record.start : record.end]))
            elif record.kind == CHANNEL:
                self._note_channel(bytes(around[record.start : record.end]))

    def _note_schema(self, content: bytes) -> None:
        (number,) = struct.unpack_from("<H", content)
        name, at = _text(content, 2)
        encoding, at = _text(content, at)
        kind = DEFINITIONS.get(encoding, MessageDefinitionFormat.NONE)
        self._schemas[number] = name, MessageDefinition(kind, _text(content, at)[0])

    def _note_channel(self, content: bytes) -> None:
        number, schema = struct.unpack_from("<HH", content)
        topic, at = _text(content, 4)
        encoding, _ = _text(content, at)
        name, definition = self._schemas.get(schema, ("", MessageDefinition(MessageDefinitionFormat.NONE, "")))
        extra = ConnectionExtRosbag2(encoding, [])
        self._channels[number] = Connection(number, topic, name, definition, "", 0, extra, self)

    def _unpacked(self, start: int) -> bytes:
        """What a chunk holds, as far as it is there; nothing of one whose checksum is wrong."""
        try:
            *_, size, checksum = _CHUNK.unpack_from(self._data, start)
            compression, at = _text(self._data, start + _CHUNK.size)
            (length,) = struct.unpack_from("<Q", self._data, at)
            packed = self._data[at + 8 : min(at + 8 + length, self._end)]
            content = _unpack(_READERS[compression], packed) if compression else packed
        except (struct.error, UnicodeDecodeError, KeyError):  # it was cut off before that
            return b""
        is_wrong = bool(checksum) and len(content) == size and crc32(content) != checksum
        return b"" if is_wrong else content


def _written(data: mmap.mmap) -> int:
    """How far a file was written: a power cut may leave pages of zeros where it was to be written next."""
    end = len(data)
    while end:
        start = (end - 1) // _PAGE * _PAGE
        if any(data[start:end]):
            break
        end = start
    return end


def _records(data: Bytes, at: int, size: int) -> Iterator[Record]:
    """The records from a place on, in the first ``size`` bytes; the last may be cut off."""
    while at + _RECORD.size <= size:
        kind, length = _RECORD.unpack_from(data, at)
        start = at + _RECORD.size
        at = start + length
        yield Record(kind, start, min(at, size), at <= size)


def _text(data: Bytes, at: int) -> tuple[str, int]:
    """A string, and where it ends."""
    (length,) = struct.unpack_from("<I", data, at)
    start = at + 4
    return bytes(data[start : start + length]).decode(), start + length


def _unpack(reader: Callable[[Any], Any], packed: bytes) -> bytes:
    """As much as there is to be had of compressed bytes that may be cut off."""
    parts = []
    with suppress(Exception), reader(BytesIO(packed)) as stream:  # the libraries raise anything at the cut
        while part := stream.read1(_STEP):
            parts.append(part)
    return b"".join(parts)
