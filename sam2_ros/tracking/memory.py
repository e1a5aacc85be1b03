"""The memory bank: bounded by construction, it only holds tensors and never runs the network."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from ..config import TrackerConfig
from ..errors import StateError
from ..model.config import ModelConfig
from ..model.sam2 import Memories
from .policies.named import policy_of
from .policies.policy import EMPTY, Attended, Held, Plan, Policy, Sight
from .policies.sane import is_sane
from .transfer import to_device


@dataclass(frozen=True, slots=True, eq=False)
class SlotCopy:
    """What some slots of a bank held."""

    slots: tuple[int, ...]
    frames: Tensor
    pointers: Tensor
    held: tuple[np.ndarray, ...]  # which frame each entry holds
    policies: tuple[Policy, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SlotMemory:
    """What one slot of a bank holds, its empty entries left out."""

    held: Held
    frames: Tensor  # (F, L, D) of the entries of held.prompted, then held.recent, that are not empty
    pointers: Tensor  # (P, C) likewise of held.prompted and held.pointers
    policy: Policy

    def to(self, device: torch.device, dtype: torch.dtype) -> "SlotMemory":
        """The same on another device, in another precision."""
        return replace(self, frames=self.frames.to(device, dtype), pointers=self.pointers.to(device, dtype))

    def prompted(self, later: int = 0) -> "SlotMemory":
        """Of it what was prompted, so many frames later than it was."""
        frames = tuple(frame + later for frame in self.held.prompted if frame != EMPTY)
        held, count = Held(frames, (), ()), len(frames)
        return SlotMemory(held, self.frames[:count], self.pointers[:count], self.policy.rewound(EMPTY))


@dataclass(frozen=True, slots=True)
class Selection:
    """What one object attends to: entries of its memory and how far back they lie."""

    frame_entries: tuple[int, ...]
    frame_times: tuple[int, ...]  # row of the temporal encoding
    pointer_entries: tuple[int, ...]
    pointer_ages: tuple[int, ...]  # in frames


@dataclass(frozen=True, slots=True, eq=False)
class Recalled:
    """What some of the objects asked for remember; all of them equally much."""

    rows: tuple[int, ...]  # which of those asked for
    attended: tuple[Attended, ...]  # by each of these
    memories: Memories


class MemoryBank:
    """Memories of up to ``max_objects`` objects, each in a slot of its own, in tensors that never grow.

    A slot has entries for its prompted frames (the first is kept, the rest are the most recent), and as many for other
    frames as its `Policy` needs: spatial memories and object pointers. The policy says which frames take them, and
    which are attended to.
    """

    def __init__(self, model: ModelConfig, config: TrackerConfig, device: torch.device, dtype: torch.dtype) -> None:
        objects, prompted = config.max_objects, config.max_cond_frames
        self._fresh = policy_of(model, config)
        room = self._fresh.room
        self._batch = config.objects_per_batch or objects
        self._prompted_time = model.num_maskmem - 1
        tokens = model.memory_tokens
        self._frames = torch.zeros(
            objects, prompted + room.recent, tokens, model.memory_dim, device=device, dtype=dtype
        )
        self._pointers = torch.zeros(objects, prompted + room.pointers, model.hidden_dim, device=device, dtype=dtype)
        self._known_rows: tuple[tuple[int, ...], Tensor] | None = None
        # Which frame each entry holds, on the host: choosing memories needs no look at the device.
        self._prompted_of = np.full((objects, prompted), EMPTY)
        self._recent_of = np.full((objects, room.recent), EMPTY)
        self._pointer_of = np.full((objects, room.pointers), EMPTY)
        self._policies = [self._fresh] * objects

    @property
    def nbytes(self) -> int:
        """Bytes of device memory held, constant over time."""
        return self._frames.nbytes + self._pointers.nbytes

    @property
    def looks(self) -> bool:
        """Whether its policy looks at all candidate masks."""
        return self._fresh.looks

    @property
    def chooses(self) -> bool:
        """Whether its policy chooses among them."""
        return self._fresh.chooses

    def choices(self, slots: Sequence[int], sights: Sequence[Sight]) -> list[int]:
        """The candidate that each of the objects in ``slots`` takes."""
        return [self._policies[slot].choose(sight) for slot, sight in zip(slots, sights, strict=True)]

    def plans(self, slots: Sequence[int], sights: Sequence[Sight]) -> list[Plan]:
        """What is to become of a frame that the objects in ``slots`` were seen in; nothing is changed."""
        return [self._policies[slot].after(sight, self._held(slot)) for slot, sight in zip(slots, sights, strict=True)]

    @property
    def dtype(self) -> torch.dtype:
        """Of the memories."""
        return self._frames.dtype

    def write(
        self,
        slots: Sequence[int],
        frame: int,
        memory: Tensor,
        pointers: Tensor,
        prompted: Sequence[bool],
        plans: Sequence[Plan] | None = None,
    ) -> None:
        """Remember frame number ``frame``: ``memory`` (B, L, D) and ``pointers`` (B, C) of the objects in ``slots``.

        ``plans``: of each; by default those of a policy that needs not look at what was seen.
        """
        plans = plans or self.plans(slots, [Sight(frame)] * len(slots))
        self._store(self._frames, self._recent_of, slots, frame, [plan.recent for plan in plans], memory)
        self._store(self._pointers, self._pointer_of, slots, frame, [plan.pointers for plan in plans], pointers)
        for slot, plan in zip(slots, plans, strict=True):
            self._policies[slot] = plan.policy
        kept_places = [  # (row, slot, entry) of the prompted that are kept
            (row, slot, place)
            for row, slot in enumerate(slots)
            if prompted[row] and (place := entry_for(frame, self._prompted_of[slot].tolist())) is not None
        ]
        if kept_places:
            of, at, place = to_device(np.array(kept_places).T.copy(), self._frames.device)
            self._frames[at, place] = memory[of]
            self._pointers[at, place] = pointers[of]
            for _, slot, entry in kept_places:
                self._prompted_of[slot, entry] = frame

    def _store(
        self,
        bank: Tensor,
        held: np.ndarray,
        slots: Sequence[int],
        frame: int,
        entries: Sequence[tuple[int, ...]],
        values: Tensor,
    ) -> None:
        """Put values (B, ...) of a frame into those entries of each slot that are not for prompted frames."""
        prompted = self._prompted_of.shape[1]
        if len(set(entries)) == 1:  # the same of all: by the official rule they always are
            for entry in entries[0]:
                bank[:, prompted + entry].index_copy_(0, self._rows(tuple(slots)), values)
        elif places := [(row, slots[row], entry) for row, some in enumerate(entries) for entry in some]:
            of, at, entry_at = to_device(np.array(places).T.copy(), bank.device)
            bank[at, prompted + entry_at] = values[of]
        for slot, some in zip(slots, entries, strict=True):
            held[slot, list(some)] = frame

    def recall(self, slots: Sequence[int], frame: int) -> list[Recalled]:
        """What the objects in ``slots`` attend to on frame number ``frame``.

        Objects with equally long histories come together, at most ``objects_per_batch`` of them: nothing is padded, so
        attention needs no mask, which the fastest kernels do not take.
        """
        holding = [self._held(slot) for slot in slots]
        attended = [self._policies[slot].attended(held, frame) for slot, held in zip(slots, holding, strict=True)]
        chosen = [
            select(held, those, frame, self._prompted_time) for held, those in zip(holding, attended, strict=True)
        ]
        alike: dict[tuple[int, int], list[int]] = defaultdict(list)
        for row, selection in enumerate(chosen):
            alike[len(selection.frame_entries), len(selection.pointer_entries)].append(row)
        batches = (rows[at : at + self._batch] for rows in alike.values() for at in range(0, len(rows), self._batch))
        return [
            Recalled(
                tuple(rows),
                tuple(attended[row] for row in rows),
                self._memories([slots[row] for row in rows], [chosen[row] for row in rows]),
            )
            for rows in batches
        ]

    def _memories(self, slots: Sequence[int], chosen: Sequence[Selection]) -> Memories:
        of = np.array(slots)[:, None]
        numbers = [  # one tensor of each of these, uploaded together: an upload costs more than what is in it
            of * self._frames.shape[1] + whole([s.frame_entries for s in chosen]),
            whole([s.frame_times for s in chosen]),
            of * self._pointers.shape[1] + whole([s.pointer_entries for s in chosen]),
            whole([s.pointer_ages for s in chosen]),
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

    def rewind(self, slot: int, frame: int) -> None:
        """Forget frame number ``frame`` and later ones in a slot, except those that were prompted."""
        for held in (self._recent_of, self._pointer_of):
            held[slot, held[slot] >= frame] = EMPTY
        self._policies[slot] = self._policies[slot].rewound(frame)

    def stands_on(self, slot: int, frame: int) -> bool:
        """Whether frame number ``frame`` is the only one that was prompted in a slot."""
        return {of for of in self._prompted_of[slot].tolist() if of != EMPTY} == {frame}

    def withdraw(self, slot: int, frame: int) -> None:
        """Forget that frame number ``frame`` was prompted in a slot."""
        self._prompted_of[slot, self._prompted_of[slot] == frame] = EMPTY

    def copy(self, slots: Sequence[int]) -> "SlotCopy":
        """What the slots hold, to be put back by `restore`."""
        rows = torch.tensor(slots, dtype=torch.long, device=self._frames.device)
        held = tuple(of[list(slots)].copy() for of in (self._prompted_of, self._recent_of, self._pointer_of))
        policies = tuple(self._policies[slot] for slot in slots)
        return SlotCopy(tuple(slots), self._frames[rows], self._pointers[rows], held, policies)

    def restore(self, copy: "SlotCopy") -> None:
        """Put back what slots held."""
        rows = torch.tensor(copy.slots, dtype=torch.long, device=self._frames.device)
        self._frames[rows], self._pointers[rows] = copy.frames, copy.pointers
        for of, held in zip((self._prompted_of, self._recent_of, self._pointer_of), copy.held, strict=True):
            of[list(copy.slots)] = held
        for slot, policy in zip(copy.slots, copy.policies, strict=True):
            self._policies[slot] = policy

    def take(self, slot: int) -> SlotMemory:
        """What a slot holds, to be kept elsewhere."""
        held = self._held(slot)
        return SlotMemory(
            held,
            self._frames[slot][self._full(held.prompted, held.recent)],
            self._pointers[slot][self._full(held.prompted, held.pointers)],
            self._policies[slot],
        )

    def fits(self, memory: SlotMemory, frame: int) -> bool:
        """Whether a slot of this bank may have held that, when so many frames were tracked in."""
        rings = (memory.held.prompted, self._prompted_of), (memory.held.recent, self._recent_of)
        return (
            all(len(of) == here.shape[1] for of, here in (*rings, (memory.held.pointers, self._pointer_of)))
            and any(frame != EMPTY for frame in memory.held.prompted)  # as every object has
            and self._has_shape(memory)
            and is_sane(memory.policy, self._fresh, frame)
        )

    def put(self, slot: int, memory: SlotMemory) -> None:
        """Let a slot hold what `take` gave of a bank like this; on its device already."""
        held = memory.held
        self._prompted_of[slot], self._recent_of[slot] = held.prompted, held.recent
        self._pointer_of[slot] = held.pointers
        self._frames[slot, self._full(held.prompted, held.recent)] = memory.frames
        self._pointers[slot, self._full(held.prompted, held.pointers)] = memory.pointers
        policy, fresh = cast(Any, memory.policy), cast(Any, self._fresh)  # dataclasses, all of them with limits
        self._policies[slot] = replace(policy, limits=fresh.limits)

    def check_room(self, memory: SlotMemory) -> None:
        """Raise StateError when `adopt` cannot take that."""
        count, room = len(memory.held.prompted), self._prompted_of.shape[1]
        if not count or not self._has_shape(memory):
            raise StateError("of this object nothing is remembered that it was prompted with; save it again")
        if count > room:
            raise StateError(
                f"of this object {count} prompted frames are remembered, more than max_cond_frames ({room}); raise it"
            )

    def adopt(self, slot: int, memory: SlotMemory) -> None:
        """Let a slot hold prompted frames alone, whatever policy they come from; on its device already."""
        self.forget(slot)
        count = len(memory.held.prompted)
        self._prompted_of[slot, :count] = memory.held.prompted
        self._frames[slot, :count], self._pointers[slot, :count] = memory.frames, memory.pointers

    def _has_shape(self, memory: SlotMemory) -> bool:
        shapes = memory.frames.shape[1:], memory.pointers.shape[1:]
        return shapes == (self._frames.shape[2:], self._pointers.shape[2:])

    def _full(self, *rings: Sequence[int]) -> Tensor:
        """Numbers of the entries that hold something."""
        return torch.from_numpy(np.flatnonzero(np.concatenate(rings) != EMPTY)).to(self._frames.device)

    def forget(self, slot: int) -> None:
        """Empty a slot for the next object."""
        for held in (self._prompted_of, self._recent_of, self._pointer_of):
            held[slot] = EMPTY
        self._policies[slot] = self._fresh

    def _held(self, slot: int) -> Held:
        prompted, recent, pointers = (
            tuple(of[slot].tolist()) for of in (self._prompted_of, self._recent_of, self._pointer_of)
        )
        return Held(prompted, recent, pointers)


def select(held: Held, attended: Attended, now: int, prompted_time: int) -> Selection:
    """Where the attended frames lie. Entries are counted through: the prompted ones first, then the others.

    ``prompted_time``: row of the temporal encoding of prompted frames.
    """
    prompted = [held.prompted.index(frame) for frame in attended.prompted]
    # On a frame that is tracked again, a prompted frame may lie in the future: its mask counts, its pointer has no age.
    past = [place for place, frame in enumerate(attended.prompted) if frame <= now]
    offset = len(held.prompted)
    pointed = (*(attended.prompted[place] for place in past), *attended.pointers)
    return Selection(
        frame_entries=(*prompted, *(offset + held.recent.index(frame) for frame in attended.recent)),
        frame_times=(*(prompted_time for _ in prompted), *attended.rows),
        pointer_entries=(
            *(prompted[place] for place in past),
            *(offset + held.pointers.index(frame) for frame in attended.pointers),
        ),
        pointer_ages=tuple(now - frame for frame in pointed),
    )


def whole(numbers: Sequence[tuple[int, ...]]) -> np.ndarray:
    """Whole numbers (B, N), also where N is 0."""
    return np.array(numbers, dtype=np.int64).reshape(len(numbers), -1)


def entry_for(frame: int, prompted: Sequence[int]) -> int | None:
    """Entry that takes a prompted frame: the one that holds it as it was before, else that of `entry_to_overwrite`."""
    return prompted.index(frame) if frame in prompted else entry_to_overwrite(prompted)


def entry_to_overwrite(prompted: Sequence[int]) -> int | None:
    """Entry that takes the next prompted frame: a free one, else the oldest after the first, which is never lost."""
    free = [entry for entry, frame in enumerate(prompted) if frame == EMPTY]
    if free:
        return free[0]
    rest = range(1, len(prompted))
    return min(rest, key=lambda entry: prompted[entry]) if rest else None
