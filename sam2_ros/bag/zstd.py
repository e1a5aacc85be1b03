"""Zstandard, from whichever library is there: rosbags brings one with it, and which one depends on its version."""

from importlib import import_module
from pathlib import Path
from shutil import copyfileobj
from typing import Any

SUFFIX = ".zstd"  # of a storage file that was compressed as a whole
MAGIC = b"\x28\xb5\x2f\xfd"  # how a compressed message begins; serialised (CDR) it begins with a zero


def _library() -> Any:
    for name in ("compression.zstd", "backports.zstd", "zstandard"):
        try:
            return import_module(name)
        except ImportError:
            continue
    raise ImportError("no library for zstd is installed; install rosbags again")


def open_reader(source: Any) -> Any:
    """A stream of the bytes that another binary stream holds compressed."""
    return _library().open(source, "rb")


def decompressed(data: bytes) -> bytes:
    """A message as it was before it was compressed; one that was not stays as it is."""
    whole: bytes = _library().decompress(data) if data.startswith(MAGIC) else data
    return whole


def decompress_file(file: Path, target: Path) -> None:
    """Write what a file holds compressed to ``target``."""
    with file.open("rb") as packed, open_reader(packed) as whole, target.open("wb") as out:
        copyfileobj(whole, out)
