"""The memory bank: bounded by construction, it only holds tensors and never runs the network."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..config import TrackerConfig
from ..model.config import ModelConfig
from ..model.sam2 import POINTER_HORIZON, Memories
from .policy import EMPTY, Selection, entry_to_overwrite, recent_frames, select
from .transfer import to_device


@dataclass(frozen=True, slots=True, eq=False)
class SlotCopy:
    """What some slots of a bank held."""

    slots: tuple[int, ...]
    frames: Tensor
    pointers: Tensor
    held: tuple[np.ndarray, ...]  # which frame each entry holds


@dataclass(frozen=True, slots=True, eq=False)
class SlotMemory:
    """What one slot of a bank holds, its empty entries left out."""

    prompted_of: tuple[int, ...]  # which frame each entry holds, EMPTY included
    recent_of: tuple[int, ...]
    pointer_of: tuple[int, ...]
    frames: Tensor  # (F, L, D) of the entries of prompted_of, then recent_of, that are not empty
    pointers: Tensor  # (P, C) likewise of prompted_of and pointer_of

    def to(self, device: torch.device, dtype: torch.dtype) -> "SlotMemory":
        """The same on another device, in another precision."""
        return replace(self, frames=self.frames.to(device, dtype), pointers=self.pointers.to(device, dtype))

    def prompted_only(self, later: int) -> "SlotMemory":
        """Of it what was prompted, so many frames later than it was."""
        count = sum(frame != EMPTY for frame in self.prompted_of)
        none = tuple(EMPTY for _ in self.recent_of), tuple(EMPTY for _ in self.pointer_of)
        prompted_of = tuple(EMPTY if frame == EMPTY else frame + later for frame in self.prompted_of)
        return SlotMemory(prompted_of, *none, self.frames[:count], self.pointers[:count])


@dataclass(frozen=True, slots=True, eq=False)
class Recalled:
    """What some of the objects asked for remember; all of them equally much."""

    rows: tuple[int, ...]  # which of those asked for
    memories: Memories


class MemoryBank:
    """Memories of up to ``max_objects`` objects, each in a slot of its own, in tensors that never grow.

    A slot has entries for its prompted frames (the first is kept, the rest are the most recent) and two rings over all
    frames: spatial memories of the last ``num_maskmem - 1`` (that of the configuration, or of the network where that is
    less), or of as many multiples of ``memory_stride`` and one entry for the last frame, and object pointers of the
    last 15.
    """

    def __init__(self, model: ModelConfig, config: TrackerConfig, device: torch.device, dtype: torch.dtype) -> None:
        objects, prompted = config.max_objects, config.max_cond_frames
        self._recent = min(config.num_maskmem, model.num_maskmem) - 1
        self._stride = config.memory_stride
        self._batch = config.objects_per_batch or objects
        recent = self._recent + (self._stride > 1)
        tokens = model.memory_tokens
        self._limit = config.max_cond_frames_in_attn
        self._prompted_time = model.num_maskmem - 1
        self._frames = torch.zeros(objects, prompted + recent, tokens, model.memory_dim, device=device, dtype=dtype)
        self._pointers = torch.zeros(objects, prompted + POINTER_HORIZON, model.hidden_dim, device=device, dtype=dtype)
        self._known_rows: tuple[tuple[int, ...], Tensor] | None = None
        # Which frame each entry holds, on the host: choosing memories needs no look at the device.
        self._prompted_of = np.full((objects, prompted), EMPTY)
        self._recent_of = np.full((objects, recent), EMPTY)
        self._pointer_of = np.full((objects, POINTER_HORIZON), EMPTY)

    @property
    def nbytes(self) -> int:
        """Bytes of device memory held, constant over time."""
        return self._frames.nbytes + self._pointers.nbytes

    @property
    def dtype(self) -> torch.dtype:
        """Of the memories."""
        return self._frames.dtype

    def write(
        self, slots: Sequence[int], frame: int, memory: Tensor, pointers: Tensor, prompted: Sequence[bool]
    ) -> None:
        """Remember frame number ``frame``: ``memory`` (B, L, D) and ``pointers`` (B, C) of the objects in ``slots``."""
        kept = self._prompted_of.shape[1]
        pointer_entry = frame % POINTER_HORIZON
        rows = self._rows(tuple(slots))
        for entry in self._entries_for(frame):
            self._frames[:, kept + entry].index_copy_(0, rows, memory)
            self._recent_of[slots, entry] = frame
        self._pointers[:, kept + pointer_entry].index_copy_(0, rows, pointers)
        self._pointer_of[slots, pointer_entry] = frame
        kept_places = [  # (row, slot, entry) of the prompted that are kept
            (row, slot, place)
            for row, slot in enumerate(slots)
            if prompted[row] and (place := entry_to_overwrite(self._prompted_of[slot].tolist())) is not None
        ]
        if kept_places:
            of, at, place = to_device(np.array(kept_places).T.copy(), self._frames.device)
            self._frames[at, place] = memory[of]
            self._pointers[at, place] = pointers[of]
            for _, slot, entry in kept_places:
                self._prompted_of[slot, entry] = frame

    def recall(self, slots: Sequence[int], frame: int) -> list[Recalled]:
        """What the objects in ``slots`` attend to on frame number ``frame``.

        Objects with equally long histories come together, at most ``objects_per_batch`` of them: nothing is padded, so
        attention needs no mask, which the fastest kernels do not take.
        """
        chosen = [self._select(slot, frame) for slot in slots]
        alike: dict[tuple[int, int], list[int]] = defaultdict(list)
        for row, selection in enumerate(chosen):
            alike[len(selection.frame_entries), len(selection.pointer_entries)].append(row)
        batches = (rows[at : at + self._batch] for rows in alike.values() for at in range(0, len(rows), self._batch))
        return [
            Recalled(tuple(rows), self._memories([slots[row] for row in rows], [chosen[row] for row in rows]))
            for rows in batches
        ]

    def _memories(self, slots: Sequence[int], chosen: Sequence[Selection]) -> Memories:
        of = np.array(slots)[:, None]
        numbers = [  # one tensor of each of these, uploaded together: an upload costs more than what is in it
            of * self._frames.shape[1] + [s.frame_entries for s in chosen],
            np.array([s.frame_times for s in chosen]),
            of * self._pointers.shape[1] + [s.pointer_entries for s in chosen],
            np.array([s.pointer_ages for s in chosen]),
        ]
        flat = to_device(np.concatenate([part.ravel() for part in numbers]), self._frames.device)
        parts = flat.split([part.size for part in numbers])
        frames, frame_time, pointers, pointer_age = (
            part.view(shape.shape) for part, shape in zip(parts, numbers, strict=True)
        )
        return Memories(
            frames=self._frames.flatten(0, 1)[frames],
            frame_time=frame_time,
            pointers=self._pointers.flatten(0, 1)[pointers],
            pointer_age=pointer_age,
        )

    def _rows(self, slots: tuple[int, ...]) -> Tensor:
        """Slots as an index on the device; mostly they are those of the frame before."""
        if self._known_rows is None or self._known_rows[0] != slots:
            self._known_rows = slots, to_device(np.array(slots), self._frames.device)
        return self._known_rows[1]

    def _entries_for(self, frame: int) -> list[int]:
        """Of the recent entries, those that take a frame."""
        multiple = [frame // self._stride % self._recent] if frame % self._stride == 0 else []
        return multiple if self._stride == 1 else [*multiple, self._recent]

    def rewind(self, slot: int, frame: int) -> None:
        """Forget frame number ``frame`` and later ones in a slot, except those that were prompted."""
        for held in (self._recent_of, self._pointer_of):
            held[slot, held[slot] >= frame] = EMPTY

    def withdraw(self, slot: int, frame: int) -> None:
        """Forget that frame number ``frame`` was prompted in a slot."""
        self._prompted_of[slot, self._prompted_of[slot] == frame] = EMPTY

    def copy(self, slots: Sequence[int]) -> "SlotCopy":
        """What the slots hold, to be put back by `restore`."""
        rows = torch.tensor(slots, dtype=torch.long, device=self._frames.device)
        held = tuple(of[list(slots)].copy() for of in (self._prompted_of, self._recent_of, self._pointer_of))
        return SlotCopy(tuple(slots), self._frames[rows], self._pointers[rows], held)

    def restore(self, copy: "SlotCopy") -> None:
        """Put back what slots held."""
        rows = torch.tensor(copy.slots, dtype=torch.long, device=self._frames.device)
        self._frames[rows], self._pointers[rows] = copy.frames, copy.pointers
        for of, held in zip((self._prompted_of, self._recent_of, self._pointer_of), copy.held, strict=True):
            of[list(copy.slots)] = held

    def take(self, slot: int) -> SlotMemory:
        """What a slot holds, to be kept elsewhere."""
        prompted, recent, pointer = (of[slot] for of in (self._prompted_of, self._recent_of, self._pointer_of))
        return SlotMemory(
            tuple(prompted.tolist()),
            tuple(recent.tolist()),
            tuple(pointer.tolist()),
            self._frames[slot][self._held(prompted, recent)],
            self._pointers[slot][self._held(prompted, pointer)],
        )

    def put(self, slot: int, memory: SlotMemory) -> None:
        """Let a slot hold what `take` gave, of this bank or one with as many entries; on its device already."""
        rings = memory.prompted_of, memory.recent_of, memory.pointer_of
        for held, now in zip((self._prompted_of, self._recent_of, self._pointer_of), rings, strict=True):
            held[slot] = now
        prompted, recent, pointer = map(np.array, rings)
        self._frames[slot, self._held(prompted, recent)] = memory.frames
        self._pointers[slot, self._held(prompted, pointer)] = memory.pointers

    def fits(self, memory: SlotMemory) -> bool:
        """Whether a slot has room for that, entry by entry."""
        rings = memory.prompted_of, memory.recent_of, memory.pointer_of
        entries = [of.shape[1] for of in (self._prompted_of, self._recent_of, self._pointer_of)]
        shapes = memory.frames.shape[1:], memory.pointers.shape[1:]
        return list(map(len, rings)) == entries and shapes == (self._frames.shape[2:], self._pointers.shape[2:])

    def _held(self, *rings: np.ndarray) -> Tensor:
        """Numbers of the entries that hold something."""
        return torch.from_numpy(np.flatnonzero(np.concatenate(rings) != EMPTY)).to(self._frames.device)

    def forget(self, slot: int) -> None:
        """Empty a slot for the next object."""
        for held in (self._prompted_of, self._recent_of, self._pointer_of):
            held[slot] = EMPTY

    def _select(self, slot: int, frame: int) -> Selection:
        return select(
            self._prompted_of[slot].tolist(),
            self._recent_of[slot].tolist(),
            self._pointer_of[slot].tolist(),
            frame,
            self._limit,
            self._prompted_time,
            recent_frames(frame, self._recent, self._stride),
        )
