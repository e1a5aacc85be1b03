"""Where images, results and ground truth of a clip are, and how they are opened."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ..bag.ingest import START_NS
from ..bag.layouts import LabelFolder, label_folder
from ..bag.reader import BagReader
from ..bag.sources import IMAGE_SUFFIXES, ImageFolder
from ..bag.stamps import stamp_of
from ..bag.storage import STORAGE_SUFFIXES
from ..bag.topics import image_topic
from ..bag.tracked import Tracked, TrackedBag, TrackedFolder, has_results
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
        if protocol is Protocol.RECORDED:
            return Timeline(TrackedBag(bag).stamps)
        topic = image_topic(bag, request.image_topic, besides=request.truth_topic)
        stamps = {stamp_of(recorded) for recorded in bag.messages(topic, bag.span())}
        return Timeline(sorted(stamp for stamp in stamps if stamp is not None))


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
        return TopicTruth(bag, truth_topic(bag, request.truth_topic))
    if request.truth is None:
        raise EvaluationError(f"the folder {path} holds no ground truth; give it with --truth")
    folder = label_folder(path)
    return FolderTruth(folder, stems_by_stamp(folder, images))


def open_tracked(path: Path, images: Timeline, stack: ExitStack) -> Tracked:
    """The results of a clip: a bag, or a folder of label images that has those of ``images``."""
    if is_bag(path):
        return TrackedBag(stack.enter_context(BagReader(path)))
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
    return any(file.suffix.lower() in suffixes and file.is_file() for file in folder.iterdir())
