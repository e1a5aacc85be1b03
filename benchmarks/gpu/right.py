"""Right: numbers on CUDA are those on the CPU and those of the official predictor; half precision tracks as well."""

import functools
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from parity import differences, prompt_of
from quality import Answer, from_boxes
from quality import run as score

from recorded import CASES, SIZE, frames, network, recording
from sam2_ros.config import TrackerConfig
from sam2_ros.measures.statistics import mean
from sam2_ros.model.sam2 import Sam2
from sam2_ros.synthetic import SceneFrame
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.tracker import Tracker

from .results import Result, Step, at_least, at_most, noted
from .script import agreement
from .setting import Setting

# One of each kind of network: memory and pointers fill up; clicks, a mask, a late box, corrections.
RECORDED_CASES = ("stream", "edgetam", "efficienttam_1", "efficienttam_2")
LOGITS = 1e-3  # by which float32 may differ between devices
RECORDED = 1e-5  # by which float64 may differ from the official predictor
FALL = 0.02  # of J&F, from float32 to half precision
ALIKE = 0.95  # IoU of the masks in half precision with those in float32


def steps(setting: Setting) -> list[Step]:
    """In the order of their worth."""
    found = [Step("float32 as on the CPU", partial(_as_on_the_cpu, setting))]
    if setting.subject.trained or not setting.cuda:  # the recorded network is a small one, once is enough
        found += [Step("float64 as recorded", partial(_as_recorded, setting))]
    return [
        *found,
        *(Step(f"{half} beside float32", partial(_half, setting, half)) for half in ("bfloat16", "float16")),
    ]


def _as_on_the_cpu(setting: Setting) -> Iterator[Result]:
    amounts = setting.amounts
    count = amounts.exact_frames if setting.subject.trained else amounts.first_frames
    clip = setting.clip(count, size=setting.subject.image_size)  # square as the network's: nobody has to resize
    with whole_float32():
        here, there = (_logits(setting.network("float32", device), clip) for device in (str(setting.device), "cpu"))
    worst = max(float(np.abs(a - b).max()) for a, b in zip(here, there, strict=True))
    yield at_most(f"float32, {count} frames: logits differ from the CPU's by", worst, LOGITS)


@contextmanager
def whole_float32() -> Iterator[None]:
    """Without TF32, which has three digits."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = False
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


def _logits(network: Sam2, clip: Sequence[SceneFrame]) -> list[np.ndarray]:
    """Of all objects in every frame, at the network's resolution."""
    tracker = Tracker(network, TrackerConfig(max_objects=8))
    results = (tracker.step(frame.image, () if index else _boxes(frame)) for index, frame in enumerate(clip))
    return [np.stack([state.prediction.masks[0].cpu().numpy() for state in result.objects]) for result in results]


def _boxes(frame: SceneFrame) -> list[Prompt]:
    return [Prompt(number, box=np.array(b, float)) for number, b in enumerate(frame.boxes, 1) if b is not None]


def _as_recorded(setting: Setting) -> Iterator[Result]:
    for name in RECORDED_CASES:
        yield at_most(f"float64, case {name}: differs from the official predictor by", _worst(setting, name), RECORDED)


def _worst(setting: Setting, name: str) -> float:
    case, expected = CASES[name], recording(name)
    tracker = Tracker(network(case, device=setting.device))
    worst = 0.0
    for index, frame in enumerate(frames(case.frames)):
        prompts = [prompt_of(event, SIZE, SIZE) for event in case.events if event["frame"] == index]
        worst = max(worst, *differences(tracker.step(frame, prompts), expected).values())
    return worst


def _half(setting: Setting, half: str) -> Iterator[Result]:
    """How well it tracks, and how like float32; what random weights see means nothing, so only the first frames."""
    trained, amounts = setting.subject.trained, setting.amounts
    wanted = amounts.quality if trained else amounts.quality[:1]
    length = amounts.quality_frames if trained else amounts.first_frames
    for difficulty, count in wanted:
        clips = [setting.clip(length, seed, difficulty) for seed in range(count)]
        exact, rough = (
            [_answers(setting, precision, length, seed, difficulty) for seed in range(count)]
            for precision in ("float32", half)
        )
        like = agreement(*([_masks(answer) for answer in itertools.chain(*all_of)] for all_of in (rough, exact)))
        name = f"{half}, {difficulty}: mean IoU with float32"
        yield setting.on_cuda(at_least(name, like.mean, ALIKE)) if trained else noted(name, like.mean)
        if trained:
            fine, coarse = (_j_and_f(clips, answers) for answers in (exact, rough))
            name = f"{half}, {difficulty}: J&F ({fine:.4f} in float32)"
            yield setting.on_cuda(at_least(name, coarse, fine - FALL))


@functools.cache  # float32 is asked for by each of the others
def _answers(setting: Setting, precision: str, frames: int, seed: int, difficulty: str) -> list[Answer]:
    return list(from_boxes(setting.network(precision), setting.clip(frames, seed, difficulty)))


def _masks(answer: Answer) -> dict[int, np.ndarray]:
    return {number: answer.labels == number for number in answer.visible}


def _j_and_f(clips: list[list[SceneFrame]], answers: list[list[Answer]]) -> float:
    outcomes = [
        score(lambda *_, said=said: iter(said), None, clip)  # type: ignore[arg-type]
        for clip, said in zip(clips, answers, strict=True)
    ]
    return mean([figures.j_and_f for outcome in outcomes for figures in outcome.objects])
