"""What was seen of objects in one image, whole: ready to be told, and to be remembered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from .policies.policy import Plan
from .result import MemoryNote, ObjectState
from .track import Sighting, Track
from .words import Said


@dataclass(frozen=True, slots=True, eq=False)
class Perceived:
    """Objects in one image, all lists in the same order."""

    sightings: Sequence[Sighting] = ()
    said: Sequence[Said] = ()
    memory: Tensor | None = None  # (B, L, D) spatial memories; None without objects
    plans: Sequence[Plan] = ()

    @property
    def slots(self) -> list[int]:
        """Of the memory bank."""
        return [sighting.track.slot for sighting in self.sightings]

    def noted(self, states: Sequence[ObjectState]) -> list[ObjectState]:
        """The objects' states with a note on the memory of each."""
        return [
            replace(state, memory=MemoryNote(sighting.attended, plan.kept, plan.promoted, plan.why))
            for state, sighting, plan in zip(states, self.sightings, self.plans, strict=True)
        ]

    def tracks(self, states: Sequence[ObjectState], stamp_ns: int) -> list[Track]:
        """The objects' tracks after this image."""
        return [
            sighting.track.seen(state.in_view, stamp_ns) for sighting, state in zip(self.sightings, states, strict=True)
        ]
