"""Which topics of a bag say where things are: depth and camera model of the images that are tracked."""

from collections.abc import Iterable, Sequence

from ..errors import BagError, SpaceError
from ..stream.depth_messages import depth_from
from .definitions import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE
from .reader import BagReader, Topic

DEPTH_KINDS = (IMAGE, COMPRESSED_IMAGE)


def depth_topic(bag: BagReader, wanted: str | None, image: Topic, max_pixels: int) -> Topic:
    """The topic of depth: ``wanted``, else the only one with depth in the frame of the images. Raises BagError.

    ``max_pixels``: compressed depth of more is not unpacked.
    """
    if wanted is not None:
        return _named(bag, wanted, DEPTH_KINDS, "depth", "--depth")
    frame_id = _frame(bag, image)
    pictures = [topic for topic in bag.topics if topic.type in DEPTH_KINDS and topic.count]
    found = [topic for topic in pictures if _is_depth(bag, topic, max_pixels)]
    near = [topic for topic in found if _frame(bag, topic) == frame_id]
    if len(near) == 1:
        return near[0]
    raise BagError(
        f"{bag.path} has {'several' if near else 'no'} topics with depth in the frame {frame_id} of {image.name}; name "
        f"the one that is registered to the images with --depth TOPIC; topics with depth: {_names(found)}"
    )


def camera_info_topic(bag: BagReader, wanted: str | None, image: Topic) -> Topic:
    """The topic of the camera model: ``wanted``, else the one beside the images, else the only one. Raises BagError."""
    if wanted is not None:
        return _named(bag, wanted, (CAMERA_INFO,), "camera_info", "--camera-info")
    found = [topic for topic in bag.topics if topic.type == CAMERA_INFO and topic.count]
    # As image_transport has it: beside the base topic of the images.
    parts = image.name.removesuffix("/compressed").split("/")
    beside = [topic for topic in found if topic.name == "/".join([*parts[:-1], "camera_info"])]
    if len(beside or found) == 1:
        return (beside or found)[0]
    raise BagError(
        f"{bag.path} has {'several' if found else 'no'} topics with a camera_info; name that of {image.name} with "
        f"--camera-info TOPIC; there are: {_names(found)}"
    )


def _named(bag: BagReader, name: str, kinds: Sequence[str], what: str, option: str) -> Topic:
    for topic in bag.topics:
        if topic.name == name and topic.type in kinds and topic.count:
            return topic
    there = _names(topic for topic in bag.topics if topic.type in kinds and topic.count)
    raise BagError(f"{bag.path} has no {what} on {name}; give another one with {option}; there are: {there}")


def _is_depth(bag: BagReader, topic: Topic, max_pixels: int) -> bool:
    try:
        depth_from(bag.decode(next(bag.messages(topic, bag.span()))), max_pixels)
    except (BagError, SpaceError):
        return False
    return True


def _frame(bag: BagReader, topic: Topic) -> str:
    message = bag.decode(next(bag.messages(topic, bag.span())))
    return str(message.header.frame_id)


def _names(topics: Iterable[Topic]) -> str:
    return ", ".join(topic.name for topic in topics) or "none"
