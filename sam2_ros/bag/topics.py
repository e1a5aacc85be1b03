"""Which topics of a bag are tracked on and which prompts are obeyed."""

from collections.abc import Iterable

from ..errors import BagError
from .definitions import COMPRESSED_IMAGE, IMAGE, PROMPT_ARRAY
from .names import GROUND_TRUTH_TOPIC, MASKS_TOPIC, OVERLAY_TOPIC, PROMPTS_TOPIC
from .reader import BagReader, Topic

IMAGE_TYPES = (IMAGE, COMPRESSED_IMAGE)


def image_topic(bag: BagReader, wanted: str | None, besides: str = "") -> Topic:
    """The topic to track on: ``wanted``, else the only one with images ``besides`` one. Raises BagError.

    Pictures that this package made do not count, so that the output of a replay and a made-up scene can be replayed.
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
