"""A bag through the tracker: the same pipeline as in the live node, with no frame dropped."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..config import InputConfig, TimeConfig
from ..drawing.boxes_3d import draw_boxes
from ..drawing.overlay import draw
from ..errors import BagError, DeviceError, Sam2RosError
from ..stream.messages import Action, stamp_ns
from ..stream.pipeline import Pipeline, Processed
from ..stream.pixels import to_rgb
from ..stream.places import Placed
from ..tracking.tracker import Tracker
from .definitions import TRACKED_OBJECT_ARRAY
from .names import DEFAULT_STORAGE, PROMPTS_TOPIC
from .pictures import PictureFolder, Video, check_video_name, video
from .prompts_file import PromptEntry, read_prompts_file
from .reader import BagReader, Recorded, Span, Topic
from .recording import Recording, RecordingOptions, SpaceOptions
from .schedule import Moment, RecordedPrompts, Schedule
from .space import BagSpace
from .space_request import SpaceRequest
from .staging import check_free, staged
from .stamps import Clock, clock_of, standing_note
from .topics import image_topic, prompts_topic
from .trace import Trace, trace
from .writer import bag_writer

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """What to replay and what to write."""

    bag: Path
    output: Path
    image_topic: str | None = None  # None: the only image topic of the bag
    prompts: Path | None = None  # YAML, see prompts_file
    entries: tuple[PromptEntry, ...] = ()  # more prompts, as a file would give them
    prompts_topic: str | None = PROMPTS_TOPIC  # None: the bag's own prompts are left alone
    start_s: float = 0.0  # from the bag's first message
    duration_s: float | None = None  # None: to the end
    keep_images: bool = True  # in the output bag
    overlay: bool = False  # a topic with overlay pictures in the output bag
    video: Path | None = None
    overlays: Path | None = None  # folder of PNG files
    trace: Path | None = None  # what was remembered, as JSON lines
    storage: str = DEFAULT_STORAGE  # or sqlite3
    progress: bool = True  # a bar, on a terminal
    time: TimeConfig = field(default_factory=TimeConfig)
    input: InputConfig = field(default_factory=InputConfig)
    as_live: bool = False  # only images for which the bag has results: the live node dropped the rest
    only: frozenset[int] | None = None  # stamps of the images to track in; None: all
    clock: Clock | None = None  # None: by the stamps of the images where they advance, else by recording
    recover: bool = False  # take what is whole of a bag whose recording was not closed
    space: SpaceRequest | None = None  # None: it is not asked where objects are

    @property
    def outputs(self) -> tuple[Path, ...]:
        """Everything that is written."""
        return tuple(path for path in (self.output, self.video, self.overlays, self.trace) if path)


@dataclass(frozen=True, slots=True)
class ReplaySummary:
    """What came of a replay."""

    frames: int  # images tracked in
    failed: int  # images that could not be used
    prompts_applied: int
    prompts_refused: int
    prompts_not_applied: tuple[str, ...]  # one sentence for each that was for no image
    object_ids: tuple[int, ...]  # all that were ever tracked, ascending
    elapsed_s: float  # without loading the network
    outputs: tuple[Path, ...]

    @property
    def fps(self) -> float:
        """Images per second, reading and writing included."""
        return (self.frames + self.failed) / self.elapsed_s if self.elapsed_s else 0.0


@dataclass(slots=True)
class Tally:
    """The counters of a running replay."""

    frames: int = 0
    failed: int = 0
    applied: int = 0
    refused: int = 0
    waiting: int = 0  # prompts that wait for an image that can be used
    object_ids: set[int] = field(default_factory=set)
    last_error: str = ""


def replay(request: ReplayRequest, make_tracker: Callable[[], Tracker]) -> ReplaySummary:
    """Track through a bag and write what comes of it. Outputs appear whole at the end, or not at all.

    ``make_tracker`` is called once all inputs and outputs are known to be usable. A damaged image or prompt is logged,
    counted and passed over. Raises BagError, and what ``make_tracker`` raises.
    """
    if len({path.absolute() for path in request.outputs}) < len(request.outputs):
        raise BagError("two outputs have the same name; choose another one for each")
    for path in request.outputs:
        check_free(path)
    if request.video:
        check_video_name(request.video)
    entries = (*(read_prompts_file(request.prompts) if request.prompts else ()), *request.entries)
    with BagReader(request.bag, request.recover) as bag:
        topic = image_topic(bag, request.image_topic)
        span = bag.span(request.start_s, request.duration_s)
        clock = clock_of(bag, topic) if request.clock is None else request.clock
        if clock.by_recording:
            _log.warning("%s", standing_note(topic.name))
        only = _only(bag, request, clock)
        schedule = Schedule(_recorded_prompts(bag, request.prompts_topic), entries, span.start_ns)
        limit = request.input.max_image_pixels
        convert = partial(to_rgb, max_pixels=limit)
        pipeline = Pipeline(make_tracker(), convert, request.time)
        if not schedule.not_applied() and not pipeline.tracker.object_ids:
            _log.warning(
                "there are no prompts, so nothing will be tracked: %s has none on %s, and no prompts file was given",
                request.bag,
                request.prompts_topic,
            )
        space = None if request.space is None else BagSpace(bag, request.space, topic, span, clock, limit)
        started = time.monotonic()
        with _outputs(request, topic, space) as outputs:
            tally = Run(bag, pipeline, schedule, outputs, clock, only, space).images(topic, span, request.progress)
    return ReplaySummary(
        frames=tally.frames,
        failed=tally.failed,
        prompts_applied=tally.applied,
        prompts_refused=tally.refused,
        prompts_not_applied=tuple(schedule.not_applied()),
        object_ids=tuple(sorted(tally.object_ids)),
        elapsed_s=time.monotonic() - started,
        outputs=request.outputs,
    )


@dataclass(frozen=True, slots=True)
class Outputs:
    """The open outputs of a replay."""

    recording: Recording
    pictures: tuple[Video | PictureFolder, ...]
    trace: Trace | None

    def result(self, index: int, recorded: Recorded, processed: Processed, placed: Placed | None) -> None:
        """Write what came of one image."""
        wanted = self.pictures or self.recording.has_overlay
        picture = draw(processed.frame, processed.result) if wanted else None
        if picture is not None and placed is not None and placed.located.view is not None:
            draw_boxes(picture, placed.located.places, placed.located.view.camera)
        self.recording.result(recorded.time_ns, processed, picture, placed)
        if self.trace is not None:
            self.trace.add(processed.result)
        if picture is not None:
            for pictures in self.pictures:
                pictures.add(index, processed.result.stamp_ns, picture)


@contextmanager
def _outputs(request: ReplayRequest, topic: Topic, space: BagSpace | None) -> Iterator[Outputs]:
    with ExitStack() as stack:
        # All places first: they take their names last, after every writer has closed its files without an error.
        places = {path: stack.enter_context(staged(path)) for path in request.outputs}
        writer = stack.enter_context(bag_writer(places[request.output], request.storage))
        prompts = request.prompts_topic or PROMPTS_TOPIC
        options = RecordingOptions(topic, prompts, request.keep_images, request.overlay, _space_options(request, space))
        pictures: list[Video | PictureFolder] = []
        if request.video:
            pictures.append(stack.enter_context(video(places[request.video])))
        if request.overlays:
            pictures.append(PictureFolder(places[request.overlays]))
        told = stack.enter_context(trace(places[request.trace])) if request.trace else None
        yield Outputs(Recording(writer, options), tuple(pictures), told)


@dataclass(frozen=True, slots=True)
class Run:
    """One pass over the images of a bag."""

    bag: BagReader
    pipeline: Pipeline
    schedule: Schedule
    outputs: Outputs
    clock: Clock
    only: frozenset[int] | None = None  # stamps of the images to track in, None for all
    space: BagSpace | None = None
    tally: Tally = field(default_factory=Tally)

    def images(self, topic: Topic, span: Span, progress: bool) -> Tally:
        """Track in every image of the span. Raises BagError when there is none that can be used."""
        total = self.bag.count(topic, span)
        # disable=None: a bar on a terminal only.
        with tqdm(total=total, unit=" frames", disable=None if progress else True) as bar:
            for index, recorded in enumerate(self.bag.messages(topic, span)):
                processed = self._track(index, recorded)
                if processed is not None:
                    self._count(index, processed)
                    placed = None if self.space is None else self.space.place(recorded, processed)
                    self.outputs.result(index, recorded, processed, placed)
                bar.update()
        self._copy_inputs(span.stop_ns)
        self._check_any(topic)
        return self.tally

    def _track(self, index: int, recorded: Recorded) -> Processed | None:
        """Track in one image; None when it cannot be used. Its prompts and the image are written before.

        An image whose message is damaged is not written: other readers of the new bag would stumble over it.
        """
        try:
            message = self.clock.stamped(self.bag.decode(recorded), recorded)
        except BagError as error:
            self._pass_over(index, error)
            return None
        if self.only is not None and stamp_ns(message.header.stamp) not in self.only:
            return None
        for prompts in self.schedule.due(Moment(index, recorded.time_ns, message.header)):
            self.pipeline.add_prompts(prompts)
            self.tally.waiting += _count(prompts)
            self.outputs.recording.prompts(recorded.time_ns, prompts)
        self._copy_inputs(recorded.time_ns)
        self.outputs.recording.image(recorded)
        try:
            return self.pipeline.process(message)
        except DeviceError:
            raise  # the next image would fail as well
        except Sam2RosError as error:
            self._pass_over(index, error)
            return None

    def _copy_inputs(self, until_ns: int) -> None:
        """What says where things are, as far as it was recorded then."""
        for recorded in self.space.inputs(until_ns) if self.space is not None else ():
            self.outputs.recording.image(recorded)

    def _pass_over(self, index: int, error: Sam2RosError) -> None:
        _log.warning("image %d is passed over: %s", index, error)
        self.tally.failed += 1
        self.tally.last_error = str(error)

    def _count(self, index: int, processed: Processed) -> None:
        for note in processed.notes:
            _log.warning("image %d: %s", index, note)
        tally = self.tally
        applied = sum(outcome.accepted for outcome in processed.result.outcomes)
        tally.frames += 1
        tally.applied += applied
        tally.refused += max(0, tally.waiting - applied)
        tally.waiting = 0
        tally.object_ids.update(state.object_id for state in processed.result.objects)

    def _check_any(self, topic: Topic) -> None:
        if self.tally.frames:
            return
        if failed := self.tally.failed:
            raise BagError(f"none of the {failed} images of {topic.name} can be used: {self.tally.last_error}")
        raise BagError(f"topic {topic.name} has no images in this part of the bag; change --start or --duration")


def _space_options(request: ReplayRequest, space: BagSpace | None) -> SpaceOptions | None:
    if space is None or request.space is None:
        return None
    return SpaceOptions(space.topics, request.space.points, request.space.object_frames)


def _only(bag: BagReader, request: ReplayRequest, clock: Clock) -> frozenset[int] | None:
    """Stamps of the images to track in, None for all. Raises BagError."""
    if request.as_live and clock.by_recording:
        raise BagError(
            f"the stamps of the images in {bag.path} do not advance, so it cannot be told which of them were tracked "
            "live; leave out --as-live"
        )
    return tracked_live(bag) if request.as_live else request.only


def tracked_live(bag: BagReader) -> frozenset[int]:
    """Stamps of the images that a live tracker gave results for. Raises BagError when the bag has none."""
    results = [topic for topic in bag.topics if topic.type == TRACKED_OBJECT_ARRAY and topic.count]
    if len(results) != 1:
        names = ", ".join(topic.name for topic in results) or "none"
        raise BagError(
            f"{bag.path} has to hold the objects of one live tracker to be replayed like it; it has: {names}"
        )
    found = (bag.decode(recorded) for recorded in bag.messages(results[0], bag.span()))
    return frozenset(stamp_ns(message.header.stamp) for message in found)


def _recorded_prompts(bag: BagReader, name: str | None) -> list[RecordedPrompts]:
    """All prompts of the bag, also those recorded after the part that is replayed: they may be for an image in it."""
    topic = None if name is None else prompts_topic(bag, name)
    found = []
    for recorded in bag.messages(topic, bag.span()) if topic else ():
        try:
            found.append(RecordedPrompts(recorded.time_ns, bag.decode(recorded)))
        except BagError as error:
            _log.warning("prompts are passed over: %s", error)
    return found


def _count(prompts: Any) -> int:
    """Prompts of a sam2_ros/PromptArray, without the commands that remove objects."""
    return sum(prompt.action not in (Action.REMOVE, Action.RESET) for prompt in prompts.prompts)
