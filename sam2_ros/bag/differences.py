"""Where a bag's metadata.yaml says something else than its files: the files are believed, and the user is told."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from rosbags.interfaces import Connection, ConnectionExtRosbag2

from .folders import visible
from .metadata import NAME, NEWEST_VERSION, Metadata, Profile, profiles_of
from .storage import STORAGE_SUFFIXES, StorageFile


def differences(bag: Path, metadata: Metadata, files: Sequence[StorageFile]) -> Iterator[str]:
    """One sentence for each kind of difference."""
    connections = [connection for file in files for connection in file.connections]
    where = f"the {NAME} of {bag}"
    if metadata.version > NEWEST_VERSION:
        yield (
            f"{where} is of version {metadata.version}, newer than known here ({NEWEST_VERSION}); "
            "only its list of files is used"
        )
    if counts := list(_counts(metadata, connections)):
        yield f"{where} does not fit its files, which are believed: {'; '.join(counts)}"
    if qualities := sorted(_qualities(metadata, connections)):
        yield (
            f"{where} gives {', '.join(qualities)} another quality of service than its files; topics are read by name "
            "and type"
        )
    if unlisted := _unlisted(bag, metadata):
        yield f"{where} does not list {', '.join(unlisted)}, which lies beside it and is not read"


def _counts(metadata: Metadata, connections: Sequence[Connection]) -> Iterator[str]:
    found: Counter[str] = Counter()
    for connection in connections:
        found[connection.topic] += connection.msgcount
    for topic in sorted({*found, *metadata.counts}):
        announced = metadata.counts.get(topic, 0)
        if announced != found[topic]:
            yield f"{topic} has {found[topic]} messages, not {announced}"


def _qualities(metadata: Metadata, connections: Sequence[Connection]) -> Iterator[str]:
    """Topics whose files say of their quality of service what metadata does not."""
    found: dict[str, frozenset[Profile]] = {}
    for connection in connections:
        profiles = profiles_of(cast(ConnectionExtRosbag2, connection.ext).offered_qos_profiles)
        found[connection.topic] = found.get(connection.topic, frozenset()) | profiles
    return (topic for topic, profiles in found.items() if profiles - metadata.profiles.get(topic, profiles))


def _unlisted(bag: Path, metadata: Metadata) -> list[str]:
    listed = {file.name for file in metadata.files}
    beside = (file.name for file in visible(bag) if file.suffix in STORAGE_SUFFIXES)
    return sorted(name for name in beside if name not in listed)
