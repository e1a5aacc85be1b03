"""A made-up scene as a bag: images, one box for each object, and the label images that a tracker should find."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..stream.messages import NS_PER_S, Action
from ..synthetic import SceneFrame, SceneSettings, depth_frames, scene
from ..tracking.prompt import Prompt
from . import definitions
from .ingest import FRAME_ID, START_NS
from .names import CAMERA_TOPIC, DEFAULT_STORAGE, GROUND_TRUTH_TOPIC, PROMPTS_TOPIC
from .prompts_file import prompt_message
from .scene_space import SceneSpace
from .staging import check_free, staged
from .writer import BagWriter, bag_writer


@dataclass(frozen=True, slots=True)
class SynthesizeRequest:
    """Which scene becomes which bag."""

    output: Path
    seed: int
    settings: SceneSettings
    storage: str = DEFAULT_STORAGE  # or sqlite3
    progress: bool = True  # a bar, on a terminal
    depth: bool = False  # with depth, camera model, transforms and true boxes in space


@dataclass(frozen=True, slots=True)
class SynthesizeSummary:
    """What was written."""

    frames: int
    objects: int
    output: Path


def synthesize(request: SynthesizeRequest) -> SynthesizeSummary:
    """Write a scene to a new bag; it appears whole at the end, or not at all. Raises BagError, ConfigError."""
    check_free(request.output)
    settings = request.settings
    frames = scene(request.seed, settings)
    objects = 0
    with staged(request.output) as part, bag_writer(part, request.storage) as writer:
        writer.add_topic(PROMPTS_TOPIC, definitions.PROMPT_ARRAY)
        writer.add_topic(CAMERA_TOPIC, definitions.IMAGE)
        writer.add_topic(GROUND_TRUTH_TOPIC, definitions.IMAGE)
        space = SceneSpace(writer, depth_frames(request.seed, settings)) if request.depth else None
        bar = tqdm(frames, total=settings.frames, unit=" frames", disable=None if request.progress else True)
        for index, frame in enumerate(bar):
            stamp_ns = START_NS + round(index * NS_PER_S / settings.fps)
            if not index:
                objects = len(frame.visible)
                writer.write(PROMPTS_TOPIC, stamp_ns, _prompts(frame, stamp_ns))
            if space is not None:
                space.write(frame.labels, stamp_ns)
            _write_frame(writer, frame, stamp_ns)
    return SynthesizeSummary(settings.frames, objects, request.output)


def _write_frame(writer: BagWriter, frame: SceneFrame, stamp_ns: int) -> None:
    head = definitions.header(stamp_ns, FRAME_ID)
    writer.write(CAMERA_TOPIC, stamp_ns, definitions.image("rgb8", frame.image, head))
    writer.write(GROUND_TRUTH_TOPIC, stamp_ns, definitions.image("mono8", frame.labels, head))


def _prompts(frame: SceneFrame, stamp_ns: int) -> Any:
    """sam2_ros/PromptArray: the box of every object in a frame."""
    prompts = [
        prompt_message(object_id, Action.ADD, Prompt(object_id, box=np.array(box, dtype=np.float64)))
        for object_id, box in enumerate(frame.boxes, start=1)
        if box is not None
    ]
    head = definitions.header(stamp_ns, FRAME_ID)
    return definitions.message(definitions.PROMPT_ARRAY, header=head, prompts=prompts)
