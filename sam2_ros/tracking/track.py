"""What the tracker knows of an object besides its memories, and what it saw of it in one image."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..model.sam2 import MaskPrediction
from .policies.policy import Attended
from .prompt import Prompt


@dataclass(frozen=True, slots=True)
class Track:
    """An object that is being tracked."""

    object_id: int
    slot: int  # of the memory bank
    label: str
    first_seen_ns: int
    last_seen_ns: int
    frames_since_seen: int
    born: int  # frame index of the first prompt

    def seen(self, in_view: bool, stamp_ns: int) -> "Track":
        """The track after one more image, with the object in it or not."""
        if in_view:
            return replace(self, last_seen_ns=stamp_ns, frames_since_seen=0)
        return replace(self, frames_since_seen=self.frames_since_seen + 1)

    def relabelled(self, prompts: Sequence[Prompt]) -> "Track":
        """The track with the last label that its prompts give."""
        labels = [prompt.label for prompt in prompts if prompt.label]
        return replace(self, label=labels[-1]) if labels else self


@dataclass(frozen=True, slots=True)
class Sighting:
    """One object in the image at hand: what tracking said, and what stands after its prompts."""

    track: Track
    tracked: MaskPrediction | None
    prediction: MaskPrediction
    prompted: bool  # with where it is, not with that it is not there
    told: bool = False  # by a prompt of either kind
    attended: Attended | None = None  # what was remembered to track it; None: nothing was
