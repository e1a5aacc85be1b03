"""Writing rosbag2 with the message definitions in it, so that tools without our package can read it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer, WriterError

from ..errors import BagError
from .definitions import typestore
from .names import STORAGES

# Written as numbers in a string, which the oldest supported release reads as well as the newest.
METADATA_VERSION: Literal[8] = 8

_FOREVER = QosTime(9223372036, 854775807)
# What `ros2 bag play` offers: a reliable publisher serves every subscriber.
QOS = Qos(
    history=QosHistory.KEEP_LAST,
    depth=10,
    reliability=QosReliability.RELIABLE,
    durability=QosDurability.VOLATILE,
    deadline=_FOREVER,
    lifespan=_FOREVER,
    liveliness=QosLiveliness.AUTOMATIC,
    liveliness_lease_duration=_FOREVER,
    avoid_ros_namespace_conventions=False,
)


class BagWriter:
    """A bag that is being written; made by `bag_writer`."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._connections: dict[str, Connection] = {}

    def add_topic(self, name: str, type_name: str) -> None:
        """Announce a topic, such as of type sensor_msgs/msg/Image, before its first message."""
        self._connections[name] = self._writer.add_connection(
            name, type_name, typestore=typestore(), offered_qos_profiles=[QOS]
        )

    def write(self, topic: str, time_ns: int, message: Any) -> None:
        """Append a message, recorded at ``time_ns``."""
        self.copy(topic, time_ns, typestore().serialize_cdr(message, self._connections[topic].msgtype))

    def copy(self, topic: str, time_ns: int, data: bytes | memoryview) -> None:
        """Append a message that is serialised (CDR) already."""
        self._writer.write(self._connections[topic], time_ns, data)


@contextmanager
def bag_writer(path: Path, storage: str) -> Iterator[BagWriter]:
    """Write a new bag at ``path``, complete when the block ends; ``storage`` is mcap or sqlite3. Raises BagError."""
    if storage not in STORAGES:
        raise BagError(f"the storage is {storage!r}; choose one of {', '.join(STORAGES)}")
    try:
        with Writer(path, version=METADATA_VERSION, storage_plugin=StoragePlugin[storage.upper()]) as writer:
            yield BagWriter(writer)
    except (OSError, sqlite3.Error, WriterError) as error:
        raise BagError(f"cannot write the bag {path.name}: {error}; check the disk's space and permissions") from error
