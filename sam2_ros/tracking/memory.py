"""The memory bank: bounded by construction, it only holds tensors and never runs the network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..config import TrackerConfig
from ..model.config import ModelConfig
from ..model.sam2 import POINTER_HORIZON, Memories
from .policy import EMPTY, Selection, entry_to_overwrite, select


@dataclass(frozen=True, slots=True, eq=False)
class SlotCopy:
    """What some slots of a bank held."""

    slots: tuple[int, ...]
    frames: Tensor
    pointers: Tensor
    held: tuple[np.ndarray, ...]  # which frame each entry holds


class MemoryBank:
    """Memories of up to ``max_objects`` objects, each in a slot of its own, in tensors that never grow.

    A slot has entries for its prompted frames (the first is kept, the rest are the most recent) and two rings over all
    frames: spatial memories of the last ``num_maskmem - 1`` and object pointers of the last 15.
    """

    def __init__(self, model: ModelConfig, config: TrackerConfig, device: torch.device, dtype: torch.dtype) -> None:
        objects, prompted = config.max_objects, config.max_cond_frames
        recent = config.num_maskmem - 1
        tokens = model.feature_size**2
        self._limit = config.max_cond_frames_in_attn
        self._prompted_time = model.num_maskmem - 1
        self._frames = torch.zeros(objects, prompted + recent, tokens, model.memory_dim, device=device, dtype=dtype)
        self._pointers = torch.zeros(objects, prompted + POINTER_HORIZON, model.hidden_dim, device=device, dtype=dtype)
        # Which frame each entry holds, on the host: choosing memories needs no look at the device.
        self._prompted_of = np.full((objects, prompted), EMPTY)
        self._recent_of = np.full((objects, recent), EMPTY)
        self._pointer_of = np.full((objects, POINTER_HORIZON), EMPTY)

    @property
    def nbytes(self) -> int:
        """Bytes of device memory held, constant over time."""
        return self._frames.nbytes + self._pointers.nbytes

    def write(
        self, slots: Sequence[int], frame: int, memory: Tensor, pointers: Tensor, prompted: Sequence[bool]
    ) -> None:
        """Remember frame number ``frame``: ``memory`` (B, L, D) and ``pointers`` (B, C) of the objects in ``slots``."""
        kept = self._prompted_of.shape[1]
        ring_entry = frame % self._recent_of.shape[1]
        pointer_entry = frame % POINTER_HORIZON
        rows = torch.tensor(slots, device=self._frames.device)
        self._frames[rows, kept + ring_entry] = memory
        self._pointers[rows, kept + pointer_entry] = pointers
        self._recent_of[slots, ring_entry] = frame
        self._pointer_of[slots, pointer_entry] = frame
        for row, slot in enumerate(slots):
            entry = entry_to_overwrite(self._prompted_of[slot].tolist()) if prompted[row] else None
            if entry is not None:
                self._frames[slot, entry] = memory[row]
                self._pointers[slot, entry] = pointers[row]
                self._prompted_of[slot, entry] = frame

    def recall(self, slots: Sequence[int], frame: int) -> Memories:
        """What the objects in ``slots`` attend to on frame number ``frame``, padded to the longest history."""
        chosen = [self._select(slot, frame) for slot in slots]
        rows = torch.tensor(slots, device=self._frames.device)[:, None]
        entries, frame_valid = self._padded([s.frame_entries for s in chosen])
        times, _ = self._padded([s.frame_times for s in chosen])
        pointer_entries, pointer_valid = self._padded([s.pointer_entries for s in chosen])
        ages, _ = self._padded([s.pointer_ages for s in chosen])
        ragged = not (frame_valid.all() and pointer_valid.all())
        device = self._frames.device
        return Memories(
            frames=self._frames[rows, torch.from_numpy(entries).to(device)],
            frame_time=torch.from_numpy(times).to(device),
            pointers=self._pointers[rows, torch.from_numpy(pointer_entries).to(device)],
            pointer_age=torch.from_numpy(ages).to(device),
            frame_valid=torch.from_numpy(frame_valid).to(device) if ragged else None,
            pointer_valid=torch.from_numpy(pointer_valid).to(device) if ragged else None,
        )

    def rewind(self, slot: int, frame: int) -> None:
        """Forget frame number ``frame`` and later ones in a slot, except those that were prompted."""
        for held in (self._recent_of, self._pointer_of):
            held[slot, held[slot] >= frame] = EMPTY

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
        )

    @staticmethod
    def _padded(rows: list[tuple[int, ...]]) -> tuple[np.ndarray, np.ndarray]:
        """Rows of different lengths as one array (B, longest) filled with 0, and which of it is real."""
        length = np.array([len(row) for row in rows])
        valid = np.arange(length.max()) < length[:, None]
        padded = np.zeros(valid.shape, dtype=np.int64)
        padded[valid] = np.concatenate(rows)
        return padded, valid
