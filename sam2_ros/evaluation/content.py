"""The content of files as SHA-256, without reading a large file again that has not changed."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..report.whole import write_whole

CHUNK = 1 << 20  # bytes read at once
LARGE = 64 << 20  # bytes of a file from which on its sum is remembered


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of large files, remembered in a folder by the file's path, size and time of change, as make and rsync do."""

    folder: Path  # made when it is needed

    def of(self, path: Path) -> bytes:
        """SHA-256 of a file, or of names and contents of all files of a folder; of nothing when it is not there."""
        digest = hashlib.sha256()
        for file in _files(path):
            digest.update(f"\n{file.relative_to(path)}\n{self._of_file(file)}".encode())
        return digest.digest()

    def _of_file(self, file: Path) -> str:
        state = file.stat()
        if state.st_size < LARGE:
            return _sum(file)
        path = str(file.resolve())
        note = self.folder / f"{hashlib.sha256(path.encode()).hexdigest()}.sum"
        head = f"{state.st_size} {state.st_mtime_ns} "
        if note.is_file() and (known := note.read_text()).startswith(head):
            return known.removeprefix(head)
        found = _sum(file)
        self.folder.mkdir(exist_ok=True)
        write_whole(note, head + found)
        return found


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from sorted(file for file in path.rglob("*") if file.is_file())


def _sum(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
