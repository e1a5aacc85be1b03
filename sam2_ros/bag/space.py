"""Depth, camera model and transforms of a bag, beside its images: where objects are, by the code of the live node."""

import heapq
import logging
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import BagError
from ..space.frames import FrameTree
from ..stream.depth_messages import transform_from
from ..stream.messages import NS_PER_S, stamp_ns
from ..stream.pipeline import Processed
from ..stream.places import Located, Locator, Placed, Placer
from .definitions import TF_MESSAGE
from .names import TF_STATIC_TOPIC, TF_TOPIC
from .reader import BagReader, Recorded, Span, Topic
from .space_request import SpaceRequest
from .space_topics import camera_info_topic, depth_topic
from .stamps import Clock

AHEAD_NS = NS_PER_S  # what belongs to an image is recorded at most so long after it
BEHIND_NS = 10 * NS_PER_S  # transforms older than the image by more are forgotten

_log = logging.getLogger(__name__)


class BagSpace:
    """Reads along with the images of a bag. Raises BagError when the bag has not what is needed."""

    def __init__(
        self, bag: BagReader, request: SpaceRequest, image: Topic, span: Span, clock: Clock, max_pixels: int
    ) -> None:
        """``max_pixels``: compressed depth of more is not unpacked."""
        self._bag = bag
        self._clock = clock
        self._locator = Locator(request.config, image.name, max_pixels)
        self._placer = Placer(request.config)
        self._tree = FrameTree()
        self._depth_ns = 0  # the newest stamp of depth
        depth = depth_topic(bag, request.depth_topic, image, max_pixels)
        camera_info = camera_info_topic(bag, request.camera_info_topic, image)
        self._depth = Ahead(bag.messages(depth, span))
        self._camera_infos = Ahead(bag.messages(camera_info, span))
        self._transforms = Ahead(iter(()))
        self._fixed: tuple[Topic, ...] = ()
        self._others: tuple[Topic, ...] = (depth, camera_info)
        if request.config.target_frame:
            moving, self._fixed = (_transform_topics(bag, name) for name in (TF_TOPIC, TF_STATIC_TOPIC))
            self._others += moving
            self._transforms = Ahead(_merged(bag, moving, span))
            for recorded in _merged(bag, self._fixed, bag.span()):
                self._put_transforms(recorded, fixed=True)
        # What is fixed is latched: told once, maybe before the span.
        self._copies = Ahead(
            heapq.merge(_merged(bag, self._fixed, bag.span()), _merged(bag, self._others, span), key=_time_of)
        )

    @property
    def topics(self) -> tuple[Topic, ...]:
        """All that are read, besides the images."""
        return (*self._others, *self._fixed)

    def inputs(self, until_ns: int) -> Iterator[Recorded]:
        """What was recorded on these topics until then, and was not given yet."""
        return self._copies.until(until_ns)

    def place(self, recorded: Recorded, processed: Processed) -> Placed:
        """Where the objects of a tracked image are."""
        header = processed.header
        stamp = stamp_ns(header.stamp)
        self._locator.ring.expect(stamp)
        until = recorded.time_ns + AHEAD_NS
        for info in self._camera_infos.until(until):
            if (message := self._decoded(info)) is not None:
                self._locator.put_camera_info(message)
        while self._depth_ns < stamp and (depth := self._depth.next(until)) is not None:
            self._put_depth(depth)
        for transforms in self._transforms.until(until):
            self._put_transforms(transforms, fixed=False)
        self._tree.forget_before(stamp - BEHIND_NS)
        located: Located = self._locator.locate(header, processed.result)
        placed = self._placer.place(located, self._tree.find)
        for note in placed.notes:
            _log.warning("%s", note)
        return placed

    def _put_depth(self, recorded: Recorded) -> None:
        message = self._decoded(recorded)
        if message is not None:
            self._locator.ring.put(message)
            self._depth_ns = stamp_ns(message.header.stamp)

    def _put_transforms(self, recorded: Recorded, fixed: bool) -> None:
        message = self._decoded(recorded)
        for transform in message.transforms if message is not None else ():
            parent, stamp = transform.header.frame_id, stamp_ns(transform.header.stamp)
            self._tree.add(parent, transform.child_frame_id, stamp, transform_from(transform.transform), fixed)

    def _decoded(self, recorded: Recorded) -> Any | None:
        try:
            message = self._bag.decode(recorded)
        except BagError as error:
            _log.warning("%s; it is passed over", error)
            return None
        return message if recorded.topic.type == TF_MESSAGE else self._clock.stamped(message, recorded)


class Ahead:
    """Messages in the order of recording, as far as they are wanted."""

    def __init__(self, messages: Iterator[Recorded]) -> None:
        self._messages = messages
        self._first: deque[Recorded] = deque(maxlen=1)  # read, but not wanted yet

    def next(self, until_ns: int) -> Recorded | None:
        """The next message, if it was recorded until then."""
        if not self._first:
            self._first.extend(message for message in (next(self._messages, None),) if message is not None)
        if not self._first or self._first[0].time_ns > until_ns:
            return None
        return self._first.popleft()

    def until(self, until_ns: int) -> Iterator[Recorded]:
        """All messages that were recorded until then."""
        while (message := self.next(until_ns)) is not None:
            yield message


def _transform_topics(bag: BagReader, name: str) -> tuple[Topic, ...]:
    return tuple(topic for topic in bag.topics if topic.name == name and topic.type == TF_MESSAGE)


def _merged(bag: BagReader, topics: Sequence[Topic], span: Span) -> Iterator[Recorded]:
    return heapq.merge(*(bag.messages(topic, span) for topic in topics), key=_time_of)


def _time_of(recorded: Recorded) -> int:
    return recorded.time_ns
