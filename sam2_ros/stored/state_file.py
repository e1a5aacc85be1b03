"""A tracker's state as one safetensors file: tensors of the memories, all else as JSON in its metadata.

Nothing of a file is executed, nothing of it is believed: types, ranges, shapes and a checksum are looked at first.
"""

import dataclasses
import json
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..config import TrackerConfig
from ..errors import ConfigError, StateError
from ..tracking.memory import SlotMemory
from ..tracking.policies.named import POLICIES
from ..tracking.policies.policy import EMPTY, Held, Policy
from ..tracking.state import ObjectMemory, Origin, TrackerState
from ..tracking.track import Track
from .atomic import replace_file
from .records import parse, record, typed

KIND = "sam2_ros.state"
VERSION = 1
ASIDE = ".unused"
SUFFIX = ".safetensors"
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
MAX_ENTRIES = 1000  # that an object may have of each kind, far more than any settings give


@dataclass(frozen=True, slots=True, eq=False)
class SavedState:
    """A state that was read, and when it was saved."""

    state: TrackerState
    saved_ns: int  # since 1970, by the clock of the machine that saved it

    @property
    def age(self) -> float:
        """Seconds since then; below 0 when the clock was set back meanwhile."""
        return (time.time_ns() - self.saved_ns) / 1e9


def write_state(path: Path, state: TrackerState) -> int:
    """Write a state, in the place of an older one; how many bytes. Raises StateError with nothing changed."""
    tensors = _tensors(state)
    description = {"kind": KIND, "version": str(VERSION), "checksum": _checksum(tensors), "state": _described(state)}
    try:
        replace_file(path, lambda part: save_file(tensors, part, metadata=description))
        return path.stat().st_size
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StateError(
            f"cannot write the state {path}: {reason}; free some space, or choose another place"
        ) from error


def read_state(path: Path) -> SavedState:
    """Read a state. Raises StateError when the file is missing, damaged, of a newer format or something else."""
    try:
        with safe_open(path, framework="pt") as file:
            return _read(file)
    except StateError as error:
        raise StateError(f"{path} cannot be used: {error}; give a file that was saved here") from None
    except OSError as error:
        raise StateError(f"there is no readable state {path} ({error.strerror or error}); check its path") from error
    except SafetensorError as error:
        raise StateError(f"{path} is damaged, cut short or not a state file: {error}") from error


def is_state(path: Path) -> bool:
    """Whether a file is a state, in whatever condition its memories are."""
    try:
        with safe_open(path, framework="pt") as file:
            return bool((file.metadata() or {}).get("kind") == KIND)
    except (OSError, SafetensorError):
        return False


def put_aside(path: Path) -> Path:
    """Rename a state that is not to be used, so that the next one does not overwrite it; its new name.

    Raises StateError.
    """
    aside = path.with_name(path.name + ASIDE)
    try:
        return path.replace(aside)
    except OSError as error:
        raise StateError(f"cannot rename {path} to {aside.name}: {error.strerror or error}; move it away") from error


# --- writing ---------------------------------------------------------------------------------------------------------


def _tensors(state: TrackerState) -> dict[str, Tensor]:
    return {
        f"{number}.{name}": getattr(each.memory, name).cpu().contiguous()
        for number, each in enumerate(state.objects)
        for name in ("frames", "pointers")
    }


def _described(state: TrackerState) -> str:
    return json.dumps(
        {
            "saved_ns": time.time_ns(),
            "origin": dataclasses.asdict(state.origin),
            "config": dataclasses.asdict(state.config),
            "frame": state.frame,
            "used_ids": state.used_ids,
            "recent_stamps": state.recent_stamps,
            "objects": [_described_object(each) for each in state.objects],
        }
    )


def _described_object(each: ObjectMemory) -> dict[str, Any]:
    memory = each.memory
    return {
        "track": dataclasses.asdict(each.track),
        "held": dataclasses.asdict(memory.held),
        "policy": dataclasses.asdict(cast(Any, memory.policy)),
    }


def _checksum(tensors: dict[str, Tensor]) -> str:
    """Against damage, not against malice."""
    value = 0
    for name in sorted(tensors):
        value = zlib.crc32(tensors[name].flatten().view(torch.uint8).numpy().data, value)
    return f"{value:08x}"


# --- reading ---------------------------------------------------------------------------------------------------------


def _read(file: Any) -> SavedState:
    metadata = file.metadata() or {}
    if metadata.get("kind") != KIND:
        raise StateError("it is no state of a tracker")
    version = metadata.get("version", "")
    if version != str(VERSION):
        raise StateError(f"its format is {version[:20]!r}, and this version of sam2_ros reads {VERSION}")
    content = parse(metadata.get("state", ""))
    if not isinstance(content, dict) or not isinstance(content.get("objects"), list):
        raise StateError("its description is not that of a state")
    frame, config = _natural(content, "frame"), _config(content.get("config"))
    policy = POLICIES[config.memory_policy]
    tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no mapping
    objects = [_object(tensors, number, each, frame, policy) for number, each in enumerate(content["objects"])]
    ids = [each.track.object_id for each in objects]
    if ids != sorted(set(ids)) or (ids and ids[0] < 1):
        raise StateError("ids of its objects are not in ascending order from 1 on")
    if metadata.get("checksum") != _checksum(tensors):
        raise StateError("its checksum says that it is damaged")
    state = TrackerState(
        origin=record(Origin, content.get("origin")),
        config=config,
        frame=frame,
        used_ids=typed(tuple[int, ...], content.get("used_ids"), "used_ids"),
        objects=tuple(objects),
        recent_stamps=typed(tuple[int, ...], content.get("recent_stamps"), "recent_stamps"),
    )
    return SavedState(state, _natural(content, "saved_ns"))


def _natural(content: dict[str, Any], name: str) -> int:
    value: int = typed(int, content.get(name), name)
    if value < 0:
        raise StateError(f"its {name} is below 0")
    return value


def _config(fields: object) -> TrackerConfig:
    try:
        return record(TrackerConfig, fields)
    except ConfigError as error:
        raise StateError(f"its settings cannot be: {error}") from None


def _object(tensors: dict[str, Tensor], number: int, fields: object, frame: int, policy: type[Policy]) -> ObjectMemory:
    if not isinstance(fields, dict):
        raise StateError(f"its object number {number} is not described")
    held = record(Held, fields.get("held"))
    for ring in (held.prompted, held.recent, held.pointers):
        if len(ring) > MAX_ENTRIES or any(of != EMPTY and not EMPTY < of < frame for of in ring):
            raise StateError("its memories are of frames that cannot have been")
    memory = SlotMemory(
        held,
        frames=_tensor(tensors, f"{number}.frames", 3, _count(held.prompted, held.recent)),
        pointers=_tensor(tensors, f"{number}.pointers", 2, _count(held.prompted, held.pointers)),
        policy=record(policy, fields.get("policy")),
    )
    return ObjectMemory(record(Track, fields.get("track")), memory)


def _count(*rings: tuple[int, ...]) -> int:
    return sum(frame != EMPTY for ring in rings for frame in ring)


def _tensor(tensors: dict[str, Tensor], name: str, dimensions: int, count: int) -> Tensor:
    tensor = tensors.get(name)
    if tensor is None or tensor.dtype not in DTYPES or tensor.ndim != dimensions or tensor.shape[0] != count:
        raise StateError(f"its tensor {name} is not {count} memories")
    if not bool(torch.isfinite(tensor.sum(dtype=torch.promote_types(tensor.dtype, torch.float32)))):
        raise StateError(f"its tensor {name} holds what is no number, or too large a one")
    return tensor
