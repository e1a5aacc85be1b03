"""Where images, results and ground truth of a clip are, and how they are opened."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from ..bag.folders import visible
from ..bag.ingest import START_NS
from ..bag.layouts import LabelFolder, label_folder
from ..bag.reader import BagReader, Topic
from ..bag.sources import IMAGE_SUFFIXES, ImageFolder
from ..bag.stamps import Clock, clock_of, standing_note
from ..bag.storage import STORAGE_SUFFIXES
from ..bag.topics import image_topic
from ..bag.tracked import Tracked, TrackedBag, TrackedFolder, has_results, masks_topic
from ..bag.truth import FolderTruth, TopicTruth, Truth, truth_topic
from ..errors import EvaluationError
from ..measures.protocol import Protocol
from ..stream.messages import NS_PER_S
from .request import EvaluateRequest

RECORDED_LABELS = ".png"


@dataclass(frozen=True, slots=True)
class Timeline:
    """The images of a clip."""

    stamps: Sequence[int]  # nanoseconds, ascending
    stems: Sequence[str] = ()  # names of their files, where they come from files
    clock: Clock = field(default_factory=Clock)
    notes: tuple[str, ...] = ()  # what the user should be told of them


def is_bag(path: Path) -> bool:
    """Whether a path is a bag, or nothing at all; any other folder holds pictures."""
    return not path.is_dir() or (path / "metadata.yaml").is_file() or _has(path, STORAGE_SUFFIXES)


def protocol_of(request: EvaluateRequest) -> Protocol:
    """How the results come about. Raises BagError, and EvaluationError for what the clip cannot be evaluated by."""
    path = request.results
    if is_bag(path):
        if request.protocol is not None:
            return request.protocol
        with BagReader(path) as bag:
            return Protocol.RECORDED if has_results(bag) else Protocol.PROMPTS
    pictures = _has(path, [suffix for suffix in IMAGE_SUFFIXES if suffix != RECORDED_LABELS])
    default = Protocol.DAVIS_SEMI if pictures else Protocol.RECORDED
    protocol = request.protocol or default
    if protocol is Protocol.PROMPTS:
        raise EvaluationError(
            f"the folder {path} has no prompts; choose the protocol davis-semi, first-box or first-click"
        )
    if protocol is Protocol.RECORDED and pictures:
        raise EvaluationError(
            f"the folder {path} holds images, not results; choose the protocol davis-semi, or results"
        )
    return protocol


def timeline(request: EvaluateRequest, protocol: Protocol, images: Path) -> Timeline:
    """The images of a clip, or, where only results are there, those that have one. ``images``: the bag tracked on."""
    if not is_bag(request.results):
        recorded = protocol is Protocol.RECORDED
        stems = label_folder(request.results).stems if recorded else ImageFolder(request.results).stems
        return Timeline([START_NS + round(index * NS_PER_S / request.fps) for index in range(len(stems))], stems)
    with BagReader(images) as bag:
        recorded = protocol is Protocol.RECORDED
        topic = masks_topic(bag) if recorded else image_topic(bag, request.image_topic, besides=request.truth_topic)
        notes = standing_notes(request, bag, topic)
        clock = Clock(by_recording=bool(notes))
        if recorded:
            return Timeline(TrackedBag(bag, clock).stamps, clock=clock, notes=notes)
        found = {clock.stamp_of(message) for message in bag.messages(topic, bag.span())}
        stamps = sorted(stamp for stamp in found if stamp is not None)
        if clock.by_recording and 2 * len(stamps) <= topic.count:
            raise EvaluationError(
                f"neither the stamps of {topic.name} in {bag.path} advance nor the times at which it was recorded, so "
                "nothing says which ground truth belongs to which image; record it again"
            )
        return Timeline(stamps, clock=clock, notes=(*notes, *_doubles_note(topic, len(stamps))))


def standing_notes(request: EvaluateRequest, bag: BagReader, topic: Topic) -> tuple[str, ...]:
    """A sentence for each topic, of images or results and of ground truth, whose stamps do not advance."""
    notes = [standing_note(topic.name)] if clock_of(bag, topic).by_recording else []
    truth = request.truth or request.results
    if is_bag(truth):
        with BagReader(truth) as other:
            labels = truth_topic(other, request.truth_topic)
            notes += [standing_note(labels.name)] if clock_of(other, labels).by_recording else []
    return tuple(notes)


def _doubles_note(topic: Topic, different: int) -> list[str]:
    if different == topic.count:
        return []
    return [f"{topic.count - different} images of {topic.name} have the stamp of another one; of equals one counts"]


def open_truth(request: EvaluateRequest, images: Timeline, stack: ExitStack) -> Truth:
    """The ground truth of a clip. Raises BagError, EvaluationError."""
    path = request.truth or request.results
    if is_bag(path):
        if images.stems:
            raise EvaluationError(
                f"{request.results} is a folder, whose frames have names and no stamps, and the ground truth {path} is "
                "none; give a folder of label images with --truth"
            )
        bag = stack.enter_context(BagReader(path))
        return TopicTruth(bag, truth_topic(bag, request.truth_topic), images.clock)
    if request.truth is None:
        raise EvaluationError(f"the folder {path} holds no ground truth; give it with --truth")
    folder = label_folder(path)
    return FolderTruth(folder, stems_by_stamp(folder, images))


def open_tracked(path: Path, images: Timeline, stack: ExitStack) -> Tracked:
    """The results of a clip: a bag, or a folder of label images that has those of ``images``."""
    if is_bag(path):
        return TrackedBag(stack.enter_context(BagReader(path)), images.clock)
    return TrackedFolder(label_folder(path), dict(zip(images.stamps, images.stems, strict=True)))


def stems_by_stamp(folder: LabelFolder, images: Timeline) -> Mapping[int, str]:
    """The frames of a folder of label images, by the stamps of their images.

    By name where images have names. Else a name is the number of an image, from 0, unless there are as many as images.
    Raises EvaluationError.
    """
    if images.stems:
        stamps = dict(zip(images.stems, images.stamps, strict=True))
        strange = next((stem for stem in folder.stems if stem not in stamps), None)
        if strange is not None:
            raise EvaluationError(
                f"frame {strange} of the ground truth {folder.path} is not among the {len(stamps)} frames that are "
                f"evaluated, {images.stems[0]} to {images.stems[-1]}; every annotated frame needs its image or result"
            )
        return {stamps[stem]: stem for stem in folder.stems}
    if len(folder.stems) == len(images.stamps):
        return dict(zip(images.stamps, folder.stems, strict=True))
    strange = next((stem for stem in folder.stems if not _is_place(stem, images)), None)
    if strange is not None:
        raise EvaluationError(
            f"frame {strange} of the ground truth {folder.path} is none of the {len(images.stamps)} images of the bag; "
            "name the files by the number of their image, from 0"
        )
    return {images.stamps[int(stem)]: stem for stem in folder.stems}


def _is_place(stem: str, images: Timeline) -> bool:
    return stem.isdecimal() and int(stem) < len(images.stamps)


def _has(folder: Path, suffixes: Sequence[str]) -> bool:
    return any(file.suffix.lower() in suffixes and file.is_file() for file in visible(folder))
