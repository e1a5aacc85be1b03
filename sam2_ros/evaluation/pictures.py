"""Frames of an evaluated clip as pictures: image, ground truth and what was found, one at a time."""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np

from ..bag.reader import BagReader
from ..bag.seek import Seeker
from ..bag.sources import ImageFolder
from ..bag.topics import image_topic
from ..errors import BagError, EvaluationError, ImageError
from ..measures.protocol import Protocol
from ..measures.record import FramePictures
from ..stream.pixels import to_rgb
from .clip import Clip, open_clip, with_results
from .pairs import clock, standing_results
from .request import EvaluateRequest
from .run import Places
from .sources import Timeline, is_bag, protocol_of

Look = Callable[[int], np.ndarray | None]  # stamp of an image to (H, W, 3) uint8 RGB; None when it is not to be had


def frame_pictures(request: EvaluateRequest, stamps: Collection[int]) -> Iterator[FramePictures]:
    """The images of these stamps, as far as they are annotated, in the order of time.

    Of a request whose protocol runs the tracker the results have to lie in ``request.keep``, where `evaluate` left
    them. An image that is not to be had is black. Raises BagError, EvaluationError.
    """
    protocol = protocol_of(request)
    wanted = frozenset(stamps)
    with ExitStack() as stack:
        clip = stack.enter_context(_clip(request, protocol))
        looks = [stack.enter_context(_look(request, path, clip.images, sorted(wanted))) for path in _places(request)]
        for frame in clip.frames(wanted):
            stamp = frame.pair.image_ns
            shape = (*frame.truth.size[::-1], 3)
            seen = (look(stamp) for look in looks)
            pixels = next((image for image in seen if image is not None and image.shape == shape), None)
            image = np.zeros(shape, dtype=np.uint8) if pixels is None else pixels
            yield FramePictures(stamp, image, frame.truth.image(), frame.found.labels.image())


@contextmanager
def _clip(request: EvaluateRequest, protocol: Protocol) -> Iterator[Clip]:
    """The clip with the results that its rows are of."""
    results, live = request.results, request.results
    if protocol is not Protocol.RECORDED:
        if request.keep is None:
            raise EvaluationError(f"what was found in {request.results} was not kept, so it cannot be shown")
        at = Places(request.keep)
        results, live = at.tracked, at.live
    with open_clip(request, protocol, request.results, results) as clip:
        if not request.realtime:
            yield clip
            return
        pairs = standing_results(clip.pairs, clip.tracked.stamps, clock(request, clip.tracked))
        with with_results(clip, live, pairs) as late:
            yield late


def _places(request: EvaluateRequest) -> list[Path]:
    """Where images may be, the likeliest first."""
    return [path for path in (request.results, request.truth) if path is not None]


@contextmanager
def _look(request: EvaluateRequest, path: Path, images: Timeline, stamps: list[int]) -> Iterator[Look]:
    """The images of a bag or folder; none where it has no images."""
    with ExitStack() as stack:
        look: Look = _look_nowhere
        # Pictures are an extra: what is missing makes a black one, not an error.
        with suppress(BagError):
            if is_bag(path):
                bag = stack.enter_context(BagReader(path))
                topic = image_topic(bag, request.image_topic, besides=request.truth_topic)
                look = _look_in_bag(bag, Seeker(bag.messages(topic, bag.span()), stamps, images.clock))
            else:
                look = _look_in_folder(ImageFolder(path), images)
        yield look


def _look_nowhere(stamp: int) -> np.ndarray | None:
    return None


def _look_in_bag(bag: BagReader, seeker: Seeker) -> Look:
    def look(stamp: int) -> np.ndarray | None:
        recorded = seeker.get(stamp)
        try:
            return None if recorded is None else to_rgb(bag.decode(recorded))
        except (BagError, ImageError):
            return None

    return look


def _look_in_folder(folder: ImageFolder, images: Timeline) -> Look:
    stems = dict(zip(images.stamps, images.stems, strict=False))

    def look(stamp: int) -> np.ndarray | None:
        picture = folder.named(stems[stamp]) if stamp in stems else None
        return None if picture is None else cv2.cvtColor(picture.bgr, cv2.COLOR_BGR2RGB)

    return look
