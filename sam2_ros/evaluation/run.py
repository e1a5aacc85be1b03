"""The tracker through one clip, from prompts that the protocol asks for, into a bag of results."""

import shutil
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ..bag.folders import visible
from ..bag.ingest import IngestRequest, ingest
from ..bag.names import PROMPTS_TOPIC
from ..bag.prompts_file import PromptEntry
from ..bag.reader import BagReader
from ..bag.replay import ReplayRequest, ReplaySummary, replay
from ..bag.sources import IMAGE_SUFFIXES
from ..bag.stamps import nearest
from ..bag.topics import image_topic
from ..config import MAX_OBJECT_ID, TrackerConfig
from ..errors import EvaluationError
from ..measures.protocol import Protocol
from ..stream.messages import NS_PER_S
from ..stream.pixels import to_rgb
from ..tracking.ready import repeatable_tracker
from .clip import different_sizes
from .network import network
from .pairs import apart, frame_numbers
from .prompting import prompt_entries
from .request import EvaluateRequest
from .sources import Timeline, is_bag, open_truth, timeline

JPEG_SUFFIXES = (".jpg", ".jpeg")


@dataclass(frozen=True, slots=True)
class Places:
    """What a run leaves in its folder."""

    folder: Path

    @property
    def images(self) -> Path:
        """Bag of the images of a folder."""
        return self.folder / "images_bag"

    @property
    def tracked(self) -> Path:
        """Bag of results, no image dropped."""
        return self.folder / "tracked_bag"

    @property
    def live(self) -> Path:
        """Bag of results of the images that the clock left."""
        return self.folder / "live_bag"

    def clear(self) -> None:
        """Remove what an earlier run left."""
        for path in (self.images, self.tracked, self.live):
            shutil.rmtree(path, ignore_errors=True)

    def drop_images(self) -> None:
        """Remove the images once they were tracked in: they lie in their own folder as well."""
        shutil.rmtree(self.images, ignore_errors=True)


@contextmanager
def places(keep: Path | None) -> Iterator[Places]:
    """A folder for bags: the one given, which stays, or one that is gone afterwards."""
    if keep is None:
        with TemporaryDirectory(prefix="sam2_ros_evaluate_") as folder:
            yield Places(Path(folder))
        return
    keep.mkdir(parents=True, exist_ok=True)
    kept = Places(keep)
    kept.clear()
    yield kept


def images_bag(request: EvaluateRequest, at: Places) -> Path:
    """The bag to track on; a folder of images becomes one first. Raises BagError."""
    if is_bag(request.results):
        return request.results
    if not at.images.exists():
        # A jpeg goes into the bag as it is; anything else would lose by becoming one.
        jpeg = all(
            file.suffix.lower() in JPEG_SUFFIXES
            for file in visible(request.results)
            if file.suffix.lower() in IMAGE_SUFFIXES
        )
        ingest(IngestRequest(request.results, at.images, fps=request.fps, compressed=jpeg, progress=False))
    return at.images


def track(
    request: EvaluateRequest, protocol: Protocol, at: Places, output: Path, only: Collection[int] | None, progress: bool
) -> tuple[str, ...]:
    """Track through a clip; what the user should be told of its prompts. ``only``: stamps of the images to track in.

    Raises BagError, EvaluationError, and what loading the network raises.
    """
    bag = images_bag(request, at)
    images = timeline(request, protocol, bag)
    entries: tuple[PromptEntry, ...] = ()
    topic: str | None = PROMPTS_TOPIC
    if protocol is not Protocol.PROMPTS:
        entries, topic = _entries(request, protocol, bag, images), None
    config = _roomy(request.config, entries)
    with BagReader(bag) as reader:
        tracked_on = image_topic(reader, request.image_topic, besides=request.truth_topic).name
    summary = replay(
        ReplayRequest(
            bag=bag,
            output=output,
            image_topic=tracked_on,
            entries=entries,
            prompts_topic=topic,
            clock=images.clock,
            keep_images=False,
            progress=progress,
            only=None if only is None else frozenset(only),
            space=request.space,
        ),
        lambda: repeatable_tracker(network(request.choice), config, request.choice.compile_network == "always"),
    )
    return _told(request, summary)


def _entries(request: EvaluateRequest, protocol: Protocol, bag: Path, images: Timeline) -> tuple[PromptEntry, ...]:
    numbers = frame_numbers(images.stamps)
    with ExitStack() as stack:
        truth = open_truth(request, images, stack)
        matched = nearest(truth.stamps, images.stamps, round(request.tolerance_s * NS_PER_S))
        if not matched:
            raise EvaluationError(apart(truth.path, truth.stamps, bag, images.stamps, request.tolerance_s))
        _check_size(request, bag, truth.path, next(truth.read([min(matched)])).size)
        return prompt_entries(truth, protocol, {stamp: numbers[image] for stamp, image in matched.items()})


def _check_size(request: EvaluateRequest, bag: Path, truth: Path, size: tuple[int, int]) -> None:
    """Refuse truth of another size before hours are spent on tracking."""
    with BagReader(bag) as reader:
        topic = image_topic(reader, request.image_topic, besides=request.truth_topic)
        frame = to_rgb(reader.decode(next(reader.messages(topic, reader.span()))))
    if frame.shape[1::-1] != size:
        raise EvaluationError(different_sizes(request.results, (frame.shape[1], frame.shape[0]), truth, size))


def _roomy(config: TrackerConfig, entries: tuple[PromptEntry, ...]) -> TrackerConfig:
    """Room for all objects that ground truth prompts: refusing one would say nothing of the tracker."""
    highest = max((entry.message.object_id for entry in entries), default=0)
    return replace(
        config,
        max_objects=max(config.max_objects, min(len(entries), MAX_OBJECT_ID["mono8"])),
        mask_encoding="mono16" if highest > MAX_OBJECT_ID["mono8"] else config.mask_encoding,
    )


def _told(request: EvaluateRequest, summary: ReplaySummary) -> tuple[str, ...]:
    if not summary.prompts_applied:
        raise EvaluationError(
            f"no prompt of {request.results} could be applied, so nothing was tracked; "
            "choose a protocol that takes prompts from ground truth: davis-semi, first-box or first-click"
        )
    notes = [f"not applied: {sentence}" for sentence in summary.prompts_not_applied]
    if summary.prompts_refused:
        notes.append(f"{summary.prompts_refused} prompts were refused by the tracker; its log says why")
    return tuple(notes)
