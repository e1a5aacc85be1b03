"""Which topics of a bag are tracked on and which prompts are obeyed."""

from collections.abc import Iterable, Sequence
from enum import Enum, auto

from ..errors import BagError, ImageError
from ..stream.pixels import to_rgb
from .definitions import COMPRESSED_IMAGE, IMAGE, PROMPT_ARRAY
from .names import GROUND_TRUTH_TOPIC, MASKS_TOPIC, OVERLAY_TOPIC, PROMPTS_TOPIC
from .reader import BagReader, Topic, warn_once

IMAGE_TYPES = (IMAGE, COMPRESSED_IMAGE)
GREY = ("mono8", "8UC1")


class Look(Enum):
    """What the tracker would see in a topic."""

    COLOURS = auto()
    GREY = auto()
    NONE = auto()  # depth, heat, or a picture that cannot be read


def image_topic(bag: BagReader, wanted: str | None, besides: str = "") -> Topic:
    """The topic to track on: ``wanted``, else the only one with images ``besides`` one, else the only one with colours.

    Pictures that this package made do not count, so that the output of a replay and a made-up scene can be replayed.
    Raises BagError.
    """
    images = [topic for topic in bag.topics if topic.type in IMAGE_TYPES]
    if wanted is not None:
        topic = _named(bag, images, wanted)
        if topic.name in (MASKS_TOPIC, OVERLAY_TOPIC):
            raise BagError(
                f"topic {wanted} is written by the replay itself; choose a camera's topic with --image-topic"
            )
        return topic
    candidates = [topic for topic in images if topic.count and topic.name != besides and not _is_ours(topic)]
    if len(candidates) == 1:
        return candidates[0]
    if chosen := _only_colours(bag, candidates):
        warn_once(f"of {_names(candidates)} in {bag.path}, {chosen.name} is tracked on: the only one that fits")
        return chosen
    if candidates:
        raise BagError(f"{bag.path} has several image topics: {_names(candidates)}; choose one with --image-topic")
    raise BagError(f"{bag.path} has no images to track on; its topics are {_descriptions(bag.topics)}")


def prompts_topic(bag: BagReader, wanted: str) -> Topic | None:
    """The topic of prompts; None when it is the default one and the bag has none. Raises BagError."""
    found = [topic for topic in bag.topics if topic.name == wanted]
    for topic in found:
        if topic.type == PROMPT_ARRAY:
            return topic
    if found:
        raise BagError(f"topic {wanted} of {bag.path} is a {found[0].type}; prompts are {PROMPT_ARRAY}")
    if wanted == PROMPTS_TOPIC:
        return None
    known = _names(topic for topic in bag.topics if topic.type == PROMPT_ARRAY)
    raise BagError(f"{bag.path} has no topic {wanted}; its topics with prompts are: {known}")


def _only_colours(bag: BagReader, topics: Sequence[Topic]) -> Topic | None:
    """Of several image topics the one with colours, as beside depth and infrared; else the one that can be used."""
    looks = {topic: _look(bag, topic) for topic in topics}
    for wanted in (Look.COLOURS, Look.GREY):
        found = [topic for topic, look in looks.items() if look is wanted]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _look(bag: BagReader, topic: Topic) -> Look:
    """What the first message of a topic is a picture of."""
    try:
        message = bag.decode(next(bag.messages(topic, bag.span())))
        to_rgb(message)
    except (BagError, ImageError):
        return Look.NONE
    # Of a compressed image image_transport says first what it was: "rgb8; jpeg compressed bgr8", "mono8; jpeg".
    encoding = message.encoding if topic.type == IMAGE else message.format.partition(";")[0].strip()
    return Look.GREY if encoding in GREY else Look.COLOURS


def _named(bag: BagReader, images: list[Topic], wanted: str) -> Topic:
    for topic in images:
        if topic.name == wanted:
            if not topic.count:
                raise BagError(f"topic {wanted} of {bag.path} has no messages; record it again while the camera runs")
            return topic
    for topic in bag.topics:
        if topic.name == wanted:
            raise BagError(f"topic {wanted} of {bag.path} is a {topic.type}; the image topics are: {_names(images)}")
    raise BagError(f"{bag.path} has no topic {wanted}; its image topics are: {_names(images)}")


def _is_ours(topic: Topic) -> bool:
    # In a namespace, a recorded topic has something in front.
    return topic.name.endswith((MASKS_TOPIC, OVERLAY_TOPIC, GROUND_TRUTH_TOPIC))


def _names(topics: Iterable[Topic]) -> str:
    return ", ".join(topic.name for topic in topics) or "none"


def _descriptions(topics: Iterable[Topic]) -> str:
    return ", ".join(f"{topic.name} ({topic.type}, {topic.count} messages)" for topic in topics) or "none"
