"""The storage files of a bag, open: which there are, and what has to be done before rosbags can read one.

A file that was compressed as a whole, or that has a log beside it which was never folded in, is read from a copy in the
folder for temporary files. Nothing that belongs to the user is ever changed.
"""

import shutil
import sqlite3
import struct
from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader

from ..errors import BagError, quoted
from ..stream.messages import NS_PER_S
from . import zstd
from .cut_mcap import MAGIC as MCAP_MAGIC
from .cut_mcap import CutMcap

MCAP, SQLITE = ".mcap", ".db3"
STORAGE_SUFFIXES = (MCAP, SQLITE)
SUFFIX_OF = {"mcap": MCAP, "sqlite3": SQLITE}  # by metadata.yaml's storage_identifier
# Beside an sqlite3 file: what was written to it but is not in it yet, or what has to be taken back of it.
LOGS = ("-wal", "-journal")
LOG_MAGICS = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83", b"\xd9\xd5\x05\xf9")

_PROFILE = struct.Struct("<8sBQI")  # of an mcap file: magic, kind and length of the first record, length of the profile
PROFILE_LIMIT = 100  # characters


class StorageFile(Protocol):
    """One open storage file."""

    @property
    def connections(self) -> list[Connection]:
        """Its topics; one may be there several times."""

    @property
    def message_count(self) -> int:
        """Of all topics."""

    @property
    def start_time(self) -> int:
        """When the first message was recorded, nanoseconds."""

    @property
    def end_time(self) -> int:
        """Right after the last message, nanoseconds."""

    def messages(
        self, connections: Collection[Connection], start: int, stop: int
    ) -> Iterable[tuple[Connection, int, bytes]]:
        """Topic, time of recording and bytes, in the order of recording."""

    def close(self) -> None:
        """Close the file."""


class Storage:
    """All storage files of a bag. Raises BagError for the first one that cannot be read."""

    def __init__(self, paths: Sequence[Path], kind: str, recover: bool) -> None:
        """``kind``: storage of files whose name does not tell it; ``recover``: read cut mcap files up to the cut."""
        self.notes: list[str] = []  # what the user should be told, one sentence each
        self._stack = ExitStack()
        self._recover = recover
        try:
            self.files: list[StorageFile] = [self._open(path, SUFFIX_OF.get(kind, "")) for path in paths]
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all files, and remove copies."""
        self._stack.close()

    def _open(self, path: Path, suffix: str) -> StorageFile:
        file = self._readable(path, suffix)
        _check_content(path, file)
        opened = self._open_mcap(path, file) if file.suffix == MCAP else _opened(path, file)
        self._stack.callback(opened.close)
        return opened

    def _readable(self, path: Path, suffix: str) -> Path:
        """The file itself, or what stands for it."""
        file = path
        if file.suffix == zstd.SUFFIX:
            file = self._new_file(file.stem)
            _decompress(path, file)
        if file.suffix not in STORAGE_SUFFIXES:
            if not suffix:
                raise BagError(f"the file {path} is of an unknown storage: its name ends neither in .mcap nor in .db3")
            link = self._new_file(f"{file.name}{suffix}")
            link.symlink_to(file.absolute())
            file = link
        if file == path and file.suffix == SQLITE and _logs(file):
            return self._folded(file)
        return file

    def _folded(self, file: Path) -> Path:
        """A copy of an sqlite3 file with what its logs say."""
        logs = _logs(file)
        copy = self._new_file(file.name)
        needed = sum(each.stat().st_size for each in (file, *logs))
        if needed > shutil.disk_usage(copy.parent).free:
            raise BagError(
                f"{file} has a log beside it ({logs[0].name}), its recording was not closed, and a copy of both needs "
                f"{needed >> 20} MiB, which {copy.parent.parent} has not; set TMPDIR to a folder that has"
            )
        self.notes.append(
            f"{file} has a log beside it ({logs[0].name}), its recording was not closed; what the log holds is read as "
            "well, or taken back, from a copy"
        )
        try:
            for each in (file, *logs):
                shutil.copyfile(each, copy.with_name(each.name))
            with closing(sqlite3.connect(copy)) as database:
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                database.execute("PRAGMA journal_mode=DELETE")
        except (OSError, sqlite3.Error) as error:
            raise BagError(
                f"{file} and the log beside it cannot be read: {error}; try '.recover' of sqlite3"
            ) from error
        return copy

    def _new_file(self, name: str) -> Path:
        folder = self._stack.enter_context(TemporaryDirectory(prefix="sam2_ros_bag_"))
        return Path(folder) / name

    def _open_mcap(self, path: Path, file: Path) -> StorageFile:
        if not _is_cut(file):
            return _opened(path, file)
        if not self._recover:
            raise BagError(
                f"the bag {path} cannot be read: it was cut off; it is damaged, or its recording was not closed: "
                f"'sam2-ros replay --recover' takes what is whole of it, and so does 'mcap recover {path} -o NEW.mcap'"
            )
        cut = CutMcap(file)
        seconds = (cut.end_time - 1 - cut.start_time) / NS_PER_S
        self.notes.append(
            f"{path} was cut off: {cut.message_count} messages over {seconds:.3f} s are whole and are read; the one "
            "that was being written and all that were to come after it are lost"
        )
        if cut.damaged_chunks:
            self.notes.append(f"{cut.damaged_chunks} chunks of {path} are damaged; their messages are lost as well")
        return cut


def _opened(path: Path, file: Path) -> StorageFile:
    try:
        reader = Reader(file)
        reader.open()
    except Exception as error:  # a damaged file makes rosbags and what it reads with fail in any way
        raise unreadable(path, error) from error
    return reader


def unreadable(path: Path, error: Exception) -> BagError:
    """What to say of a storage file that rosbags cannot read."""
    reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    remedy = f"'mcap recover {path} -o NEW.mcap'" if MCAP in path.suffixes else f"'.recover' of sqlite3 on {path}"
    return BagError(
        f"the bag {path} cannot be read: {reason}; it is damaged, or its recording was not closed: try {remedy}"
    )


def _check_content(path: Path, file: Path) -> None:
    """Raise BagError for a file of which nothing can be read, whatever is done."""
    with file.open("rb") as opened:
        head = opened.read(_PROFILE.size + PROFILE_LIMIT)
    if not head:
        raise BagError(f"the bag {path} cannot be read: it is empty; it is damaged, or its recording was not closed")
    if file.suffix != MCAP:
        return
    if not head.startswith(MCAP_MAGIC[: len(head)]):
        raise BagError(
            f"the bag {path} cannot be read: it is no mcap file; it is damaged, or something else was renamed"
        )
    if len(head) >= _PROFILE.size:
        length = _PROFILE.unpack_from(head)[-1]
        profile = head[_PROFILE.size : _PROFILE.size + length].decode(errors="replace")
        if profile != "ros2":
            raise BagError(
                f"{path} is an mcap file of the profile {quoted(profile)}, no rosbag2; convert it to profile 'ros2'"
            )


def _is_cut(file: Path) -> bool:
    with file.open("rb") as opened:
        if opened.seek(0, 2) <= len(MCAP_MAGIC):
            return True
        opened.seek(-len(MCAP_MAGIC), 2)
        return opened.read() != MCAP_MAGIC


def _decompress(path: Path, target: Path) -> None:
    try:
        zstd.decompress_file(path, target)
    except Exception as error:  # libraries for zstd have errors of their own, and there are several
        raise BagError(
            f"the file {path} cannot be decompressed to {target.parent}: {error}; record it again"
        ) from error


def _logs(file: Path) -> list[Path]:
    """What lies beside an sqlite3 file and belongs to its content."""
    beside = (file.with_name(f"{file.name}{ending}") for ending in LOGS)
    return [log for log in beside if log.is_file() and _head(log) in LOG_MAGICS]


def _head(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(4)
