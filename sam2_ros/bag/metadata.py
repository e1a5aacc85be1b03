"""What a bag's metadata.yaml says. It is edited by hand, written by reindexing, and by every release in another way:

only the list of files is relied on; everything else is held against what the files say themselves.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

import yaml
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosReliability

from ..errors import BagError

NAME = "metadata.yaml"
NEWEST_VERSION = 9  # known here

Profile = tuple[str, int, str, str]  # history, depth, reliability, durability


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of a bag, as far as it is used."""

    version: int
    storage: str  # mcap, sqlite3, or empty, as `ros2 bag reindex` of Humble leaves it
    compression: str  # format of messages or files; empty: none
    files: tuple[Path, ...]  # in the order of the list
    counts: Mapping[str, int]  # messages by topic
    profiles: Mapping[str, frozenset[Profile]]  # quality of service by topic


def read_metadata(bag: Path) -> Metadata:
    """The metadata of a bag's folder. Raises BagError."""
    try:
        text = (bag / NAME).read_text(encoding="utf-8")
        return _metadata(bag, yaml.safe_load(text)["rosbag2_bagfile_information"])
    except KeyError as error:
        raise _damaged(bag, f"it has no {error}") from error
    except yaml.YAMLError as error:
        raise _damaged(bag, f"it is no YAML: {' '.join(str(error).split())}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(bag, str(error)) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise _damaged(bag, "it is not what rosbag2 writes") from error


def profiles_of(qualities: Collection[Qos]) -> frozenset[Profile]:
    """Quality of service as a storage file has it, to be compared."""
    return frozenset(
        (
            _level(QosHistory, each.history),
            each.depth,
            _level(QosReliability, each.reliability),
            _level(QosDurability, each.durability),
        )
        for each in qualities
    )


def _metadata(bag: Path, root: Mapping[str, Any]) -> Metadata:
    topics = root.get("topics_with_message_count") or []
    mode = str(root.get("compression_mode") or "")
    named = {item["topic_metadata"]["name"]: item for item in topics}
    counts: dict[str, int] = {}
    for item in topics:  # a topic that carries several types is there several times
        name = item["topic_metadata"]["name"]
        counts[name] = counts.get(name, 0) + int(item["message_count"])
    return Metadata(
        version=int(root["version"]),
        storage=str(root.get("storage_identifier") or ""),
        compression="" if mode.lower() in ("", "none") else str(root.get("compression_format") or ""),
        # Only the name: a bag's folder may have been renamed since.
        files=tuple(dict.fromkeys(bag / PurePath(path).name for path in root["relative_file_paths"])),
        counts=counts,
        profiles={name: _profiles(item["topic_metadata"].get("offered_qos_profiles")) for name, item in named.items()},
    )


def _profiles(written: Any) -> frozenset[Profile]:
    """Quality of service as metadata.yaml has it: a list, or a list in a string; empty when it makes no sense."""
    try:
        items = yaml.safe_load(written) if isinstance(written, str) else written
        return frozenset(
            (
                _level(QosHistory, item["history"]),
                int(item["depth"]),
                _level(QosReliability, item["reliability"]),
                _level(QosDurability, item["durability"]),
            )
            for item in items or ()
        )
    except (yaml.YAMLError, KeyError, TypeError, ValueError):
        return frozenset()


def _level(kind: type[Enum], value: Any) -> str:
    """One word, of a number or a word."""
    return str(value).lower() if isinstance(value, str) else kind(value).name.lower()


def _damaged(bag: Path, how: str) -> BagError:
    return BagError(
        f"the bag {bag} cannot be read: its {NAME} is damaged, {how}; write it anew with 'ros2 bag reindex {bag}'"
    )
