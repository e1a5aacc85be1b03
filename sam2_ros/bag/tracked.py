"""What a tracker found in a clip: from a bag that it wrote, or from a folder of label images, one frame at a time."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..errors import BagError, ImageError
from ..measures.labels import LabelImage
from ..measures.scoring import Found, Said
from ..tracking.presence import Presence
from .definitions import IMAGE, TRACKED_OBJECT_ARRAY
from .label_images import labels_of
from .layouts import LabelFolder
from .names import MASKS_TOPIC, OBJECTS_TOPIC
from .reader import BagReader, Topic
from .seek import Seeker
from .stamps import Clock

STATES = {presence.value: presence.name for presence in Presence}


class Tracked(Protocol):
    """The results of a clip."""

    @property
    def path(self) -> Path:
        """Bag or folder."""

    @property
    def stamps(self) -> Sequence[int]:
        """Stamps of the images that have a result, in nanoseconds, ascending."""

    @property
    def times_ns(self) -> Mapping[int, int]:
        """When each was recorded, by stamp; the stamp itself where there is no recording."""

    @property
    def latencies_s(self) -> Mapping[int, float]:
        """How long the tracker took, by stamp; empty where that is not known."""

    def read(self, stamps: Sequence[int]) -> Iterator[Found]:
        """The results of these images, in nearly ascending order; a stamp may repeat. Raises BagError."""


class TrackedBag:
    """Label images and object arrays, as the live node and the replay write them."""

    def __init__(self, bag: BagReader, clock: Clock) -> None:
        self._bag = bag
        self._clock = clock
        self.path = bag.path
        self._masks = masks_topic(bag)
        self._objects = _topic(bag, OBJECTS_TOPIC, TRACKED_OBJECT_ARRAY)
        latencies, times = {}, {}
        for recorded in bag.messages(self._objects, bag.span()):
            stamp = clock.stamp_of(recorded)
            if stamp is not None:
                latencies[stamp] = float(bag.decode(recorded).processing_latency)
                times[stamp] = recorded.time_ns
        both = {clock.stamp_of(recorded) for recorded in bag.messages(self._masks, bag.span())} & latencies.keys()
        if clock.by_recording and not both:
            raise BagError(
                f"the stamps in {bag.path} do not advance, and its masks and objects were recorded at different times, "
                "so that they cannot be paired; replay its images, and evaluate what comes of it"
            )
        self.stamps: Sequence[int] = sorted(stamp for stamp in both if stamp is not None)
        self.times_ns: Mapping[int, int] = times
        self.latencies_s: Mapping[int, float] = {stamp: latencies[stamp] for stamp in self.stamps}

    def read(self, stamps: Sequence[int]) -> Iterator[Found]:
        """The results of these images. Raises BagError."""
        span = self._bag.span()
        masks = Seeker(self._bag.messages(self._masks, span), stamps, self._clock)
        objects = Seeker(self._bag.messages(self._objects, span), stamps, self._clock)
        for stamp in stamps:
            mask, array = masks.get(stamp), objects.get(stamp)
            assert mask is not None  # it is one of `stamps`
            assert array is not None
            try:
                labels = LabelImage(labels_of(self._bag.decode(mask)))
            except ImageError as error:
                raise BagError(f"topic {self._masks.name} of {self.path}: {error}") from error
            yield Found(labels, _said(self._bag.decode(array)))


class TrackedFolder:
    """A folder of label images."""

    def __init__(self, folder: LabelFolder, stems: Mapping[int, str]) -> None:
        """``stems``: by stamp."""
        self._folder = folder
        self._stems = stems
        self.path = folder.path
        self.stamps: Sequence[int] = sorted(stems)
        self.times_ns: Mapping[int, int] = {stamp: stamp for stamp in stems}
        self.latencies_s: Mapping[int, float] = {}

    def read(self, stamps: Sequence[int]) -> Iterator[Found]:
        """The results of these images. Raises BagError."""
        return (Found(self._folder.labels(self._stems[stamp]), None) for stamp in stamps)


def has_results(bag: BagReader) -> bool:
    """Whether a bag holds what a tracker found."""
    return all(
        any(topic.name.endswith(name) and topic.count for topic in bag.topics) for name in (MASKS_TOPIC, OBJECTS_TOPIC)
    )


def masks_topic(bag: BagReader) -> Topic:
    """The topic of label images. Raises BagError."""
    return _topic(bag, MASKS_TOPIC, IMAGE)


def _topic(bag: BagReader, name: str, type_name: str) -> Topic:
    """The topic of results, which a namespace may precede. Raises BagError."""
    found = [topic for topic in bag.topics if topic.name.endswith(name) and topic.type == type_name and topic.count]
    if len(found) == 1:
        return found[0]
    known = ", ".join(topic.name for topic in bag.topics)
    if found:
        raise BagError(
            f"{bag.path} holds results of several trackers: {', '.join(topic.name for topic in found)}; "
            "evaluate a bag with those of one"
        )
    raise BagError(f"{bag.path} holds no results: it has no topic {name}; its topics are {known}")


def _said(message: Any) -> dict[int, Said]:
    return {int(state.id): _said_of(state) for state in message.objects}


def _said_of(state: Any) -> Said:
    """Of a sam2_ros/TrackedObject."""
    return Said(
        visible=bool(state.visible),
        visibility=float(state.visibility),
        mask_score=float(state.mask_score),
        label=str(state.label),
        state=STATES.get(int(state.state), ""),
        remembered=bool(state.remembered),
        anchor=bool(state.anchor),
        memory_note=str(state.memory_note),
        attended=tuple(state.attended.tolist()),
    )
