"""Ground truth of a clip, from a topic of label images or from a folder of them, one frame at a time."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ..errors import BagError, ImageError
from ..measures.labels import LabelImage, Labels
from .definitions import COMPRESSED_IMAGE, IMAGE
from .label_images import labels_of
from .layouts import LabelFolder
from .reader import BagReader, Topic
from .seek import Seeker
from .stamps import Clock


class Truth(Protocol):
    """Ground truth."""

    @property
    def path(self) -> Path:
        """Bag or folder."""

    @property
    def stamps(self) -> Sequence[int]:
        """Stamps of the annotated frames in nanoseconds, ascending."""

    @property
    def names(self) -> Mapping[int, str]:
        """What objects are called, by id, as far as truth says."""

    def read(self, stamps: Sequence[int]) -> Iterator[Labels]:
        """The objects of the frames of these stamps, ascending and of `stamps`. Raises BagError."""


class TopicTruth:
    """A topic of label images in a bag."""

    def __init__(self, bag: BagReader, topic: Topic, clock: Clock) -> None:
        self._bag = bag
        self._topic = topic
        self._clock = clock
        self.path = bag.path
        self.names: Mapping[int, str] = {}
        found = {clock.stamp_of(recorded) for recorded in bag.messages(topic, bag.span())}
        self.stamps: Sequence[int] = sorted(stamp for stamp in found if stamp is not None)

    def read(self, stamps: Sequence[int]) -> Iterator[Labels]:
        """The objects of the frames of these stamps. Raises BagError."""
        seeker = Seeker(self._bag.messages(self._topic, self._bag.span()), stamps, self._clock)
        for stamp in stamps:
            recorded = seeker.get(stamp)
            assert recorded is not None  # it is one of `stamps`
            try:
                yield LabelImage(labels_of(self._bag.decode(recorded)))
            except ImageError as error:
                raise BagError(f"topic {self._topic.name} of {self._bag.path}: {error}") from error


class FolderTruth:
    """A folder of label images."""

    def __init__(self, folder: LabelFolder, stems: Mapping[int, str]) -> None:
        """``stems``: by stamp."""
        self._folder = folder
        self._stems = stems
        self.path = folder.path
        self.names = folder.names
        self.stamps: Sequence[int] = sorted(stems)

    def read(self, stamps: Sequence[int]) -> Iterator[Labels]:
        """The objects of the frames of these stamps. Raises BagError."""
        return (self._folder.labels(self._stems[stamp]) for stamp in stamps)


def truth_topic(bag: BagReader, name: str) -> Topic:
    """The topic of label images. Raises BagError."""
    images = [topic for topic in bag.topics if topic.type in (IMAGE, COMPRESSED_IMAGE)]
    for topic in images:
        if topic.name == name and topic.count:
            return topic
    known = ", ".join(topic.name for topic in images) or "none"
    raise BagError(
        f"{bag.path} has no ground truth on {name}; give its topic with --truth-topic, or another bag or a folder "
        f"with --truth; the bag's image topics are: {known}"
    )
