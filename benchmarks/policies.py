#!/usr/bin/env python3
"""What a memory policy is worth: made-up clips in which memory is put to the test, each tracked under every policy.

Prints a table for each kind of clip, from one box per object on the first frame: J&F as in DAVIS 2017, the measures of
VOTS, what is found again after absences of 10, 30 and 100 frames, and what a robot gets that goes by CONFIRMED objects
alone: of the frames with an object in view the share in which it is CONFIRMED with a J above 0.5 (seen), of the others
the share in which it is CONFIRMED (ghosts). Figures are those of all clips together, differences to the first policy
the mean over clips with the paired bootstrap interval of 95 %, as by `sam2-ros evaluate --compare`, which takes two of
the files KIND/POLICY.json that are left behind. Every clip that is done is a file there as well: interrupt it when you
like, and give the same command again.

Real clips (`--real`, folders as of `real_clips.py`) need truth on a few frames only; all of these count but the first.
"""

import argparse
import multiprocessing
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from real_clips import UNCLEAR, read_clip
from tqdm import tqdm

# This checkout is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sam2_ros import __version__
from sam2_ros.config import ModelChoice, TrackerConfig
from sam2_ros.measures.counting import CountedObject, counted
from sam2_ros.measures.figures import Course, clip_figures, mask_score_bins, object_figures, overall, visibility_bins
from sam2_ros.measures.labels import LabelImage
from sam2_ros.measures.protocol import Measure, Protocol
from sam2_ros.measures.record import Evaluation, Settings
from sam2_ros.measures.scoring import Found, Place, Said, Scorer
from sam2_ros.report.bootstrap import Interval, paired_interval
from sam2_ros.report.files import Run, read_json, write_json, write_run
from sam2_ros.synthetic import SceneFrame, SceneSettings, changed, scene, settings_for
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.result import FrameResult, ObjectState
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network

POLICIES = ("official", "distractor", "motion")
NS_PER_S = 1_000_000_000
REAL_FPS = 30.0
AROUND_ABSENCE = 58  # frames of a clip besides those of its only absence
FIGURES = {  # by the name in Figures
    "j_and_f": "J&F",
    "quality": "quality",
    "accuracy": "accuracy",
    "robustness": "robustness",
    "nre": "NRE",
    "dre": "DRE",
    "adq": "ADQ",
}
CONFIRMED, RIGHT = "CONFIRMED", 0.5  # a state, and the J above which a mask is in the right place
FOUND_AGAIN = ("found_again_10", "found_again_30", "found_again_100")


def absence(frames: int) -> SceneSettings:
    """Clips with one absence of that length of every object."""
    changes = (f"absent_frames_min={frames}", f"absent_frames_max={frames}", f"frames={frames + AROUND_ABSENCE}")
    return changed(settings_for("hard+absence"), changes)


KINDS = {
    **{name: settings_for(name) for name in ("easy", "hard", "hard+distractors", "hard+crowd", "hard+cut")},
    **{f"absence-{frames}": absence(frames) for frames in (10, 30, 100)},
}


# --- a clip ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """A clip under some policies; of each one a file keeps what comes of it."""

    folder: Path
    name: str
    policies: tuple[str, ...]
    choice: ModelChoice
    seed: int = 0
    settings: SceneSettings | None = None  # None: a real clip
    real: Path = Path()  # the folder that it is in

    def file(self, policy: str) -> Path:
        """Of a policy."""
        return self.folder / policy / f"{self.name}.json"


def work(task: Task) -> list[Evaluation]:
    """The evaluation of a clip under each policy, made unless that is done already, in a process of its own."""
    missing = [policy for policy in task.policies if not task.file(policy).exists()]
    if missing:
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        for policy, evaluation in zip(missing, made(task, missing), strict=True):
            task.file(policy).parent.mkdir(parents=True, exist_ok=True)
            write_json(evaluation, task.file(policy))
    return [read_json(task.file(policy)) for policy in task.policies]


@dataclass(frozen=True)
class Clip:
    """Frames of which all have ground truth, or some."""

    frames: Iterable[SceneFrame]
    fps: float
    size: tuple[int, int]  # width, height
    truth: Mapping[int, np.ndarray] | None = None  # (H, W) label images by frame, `UNCLEAR` where nobody knows


def clip_of(task: Task) -> Clip:
    """What a task is about."""
    if task.settings is not None:
        settings = task.settings
        return Clip(scene(task.seed, settings), settings.fps, (settings.width, settings.height))
    frames, truth = read_clip(task.real, task.name)
    height, width = truth[0].shape
    return Clip(frames, REAL_FPS, (width, height), truth)


def made(task: Task, policies: Sequence[str]) -> list[Evaluation]:
    """What comes of a clip under these policies; every frame is encoded once for all."""
    network, clip = load_network(task.choice), clip_of(task)
    trackers = [Tracker(network, config(policy)) for policy in policies]
    scorers = [Scorer() for _ in policies]
    for index, frame in enumerate(clip.frames):
        image, stamp_ns = trackers[0].encode(frame.image), round(index * NS_PER_S / clip.fps)
        place, truth = Place(index, stamp_ns, stamp_ns), LabelImage(frame.labels)
        for tracker, scorer in zip(trackers, scorers, strict=True):
            result = tracker.step(image, () if index else boxes(frame), stamp_ns)
            if clip.truth is None:
                scorer.add(place, truth, found(result, result.label_image))
            elif index in clip.truth:
                scorer.add(place, truth, found(result, np.where(clip.truth[index] == UNCLEAR, 0, result.label_image)))
    return [
        evaluation(task, clip, policy, network.config.name, scorer)
        for policy, scorer in zip(policies, scorers, strict=True)
    ]


def config(policy: str) -> TrackerConfig:
    """How to track under a policy."""
    return TrackerConfig(max_objects=16, memory_policy=policy)


def boxes(frame: SceneFrame) -> list[Prompt]:
    """A box for each object that is seen."""
    return [Prompt(i, box=np.array(box, float)) for i, box in enumerate(frame.boxes, start=1) if box is not None]


def found(result: FrameResult, labels: np.ndarray) -> Found:
    """What is held against the truth, with what became of memory."""
    return Found(LabelImage(labels), {state.object_id: said(state, result.frame_index) for state in result.objects})


def said(state: ObjectState, frame: int) -> Said:
    """What the tracker says of one object besides its mask."""
    note = state.memory
    assert note is not None
    return Said(
        visible=state.visible,
        visibility=state.visibility,
        mask_score=state.mask_score,
        state=state.state.name,
        remembered=note.kept,
        anchor=note.promoted,
        memory_note=note.why,
        attended=() if note.attended is None else note.attended.ages(frame),
    )


def evaluation(task: Task, clip: Clip, policy: str, model: str, scorer: Scorer) -> Evaluation:
    """The figures of a clip; where few frames have truth, the last of them counts, too."""
    kept = counted(scorer, Measure.DAVIS)
    items = kept.objects if clip.truth is None else tuple(map(all_but_the_first, kept.objects))
    objects = tuple(map(object_figures, items))
    rows = tuple(row for item in items for row in item.rows)
    return Evaluation(
        name=task.name,
        source=task.name,
        settings=Settings(
            protocol=Protocol.FIRST_BOX.value,
            measure=Measure.DAVIS.value,
            model=model,
            checkpoint=task.choice.checkpoint,
            match_ids=False,
            tolerance_s=0.0,
            realtime=False,
            latency_s=float("nan"),
            version=__version__,
            memory_policy=policy,
        ),
        width=clip.size[0],
        height=clip.size[1],
        figures=clip_figures(objects, rows, Course(scorer.frames, 0, ())),
        objects=objects,
        rows=tuple(sorted(rows, key=lambda row: (row.frame, row.object_id))),
        mask_score_bins=mask_score_bins(rows),
        visibility_bins=visibility_bins(rows),
        latencies_s=(),
        notes=kept.notes,
    )


def all_but_the_first(item: CountedObject) -> CountedObject:
    """An object that counts on all frames with truth but that of its prompt."""
    return replace(item, rows=tuple(replace(row, counted=place > 0) for place, row in enumerate(item.rows)))


# --- many ------------------------------------------------------------------------------------------------------------


def scene_tasks(folder: Path, kind: str, settings: SceneSettings, options: argparse.Namespace) -> list[Task]:
    """The clips of a kind."""
    place, policies, choice = folder / kind.replace(" ", "_"), tuple(options.policies), model_choice(options)
    seeds = range(options.seeds, options.seeds + options.clips)
    return [Task(place, f"seed_{seed}", policies, choice, seed, settings) for seed in seeds]


def real_tasks(folder: Path, options: argparse.Namespace) -> list[Task]:
    """The clips of a folder in DAVIS layout."""
    policies, choice = tuple(options.policies), model_choice(options)
    names = sorted(each.name for each in (options.real / "JPEGImages").iterdir())
    return [Task(folder / "real", name, policies, choice, real=options.real) for name in names]


def model_choice(options: argparse.Namespace) -> ModelChoice:
    """Which network."""
    return ModelChoice(options.model, options.checkpoint, device=options.device)


def done(tasks: Sequence[Task], kind: str, workers: int) -> dict[str, list[Evaluation]]:
    """The evaluations under each policy, in the order of clips."""
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        clips = list(tqdm(pool.map(work, tasks), total=len(tasks), desc=kind, unit=" clips", disable=None))
    by_policy = dict(zip(tasks[0].policies, map(list, zip(*clips, strict=True)), strict=True))
    for policy, evaluations in by_policy.items():
        write_run(Run(tuple(evaluations)), tasks[0].folder / f"{policy}.json")
    return by_policy


# --- the table -------------------------------------------------------------------------------------------------------


def table(kind: str, by_policy: dict[str, list[Evaluation]]) -> str:
    """A table in Markdown, of all kinds of figures that there are."""
    first = next(iter(by_policy.values()))
    again = [name for name in FOUND_AGAIN if not np.isnan(getattr(overall(first), name))]
    compared = ["j_and_f", *again]
    heads = [*(title(name) for name in (*FIGURES, *again)), "seen", "ghosts"]
    heads += [f"difference of {title(name)}" for name in compared]
    lines = [f"{kind}: {len(first)} clips, {sum(len(clip.objects) for clip in first)} objects", ""]
    lines += ["| | " + " | ".join(heads) + " |", "|---" * (1 + len(heads)) + "|"]
    for policy, some in by_policy.items():
        cells = [number(getattr(overall(some), name)) for name in (*FIGURES, *again)]
        cells += [number(seen(some)), number(ghosts(some))]
        cells += ["" if some is first else told(difference(name, first, some)) for name in compared]
        lines.append(f"| {policy} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def seen(some: Sequence[Evaluation]) -> float:
    """Of the frames in which an object is in view the share in which it is CONFIRMED in the right place."""
    return share(row.state == CONFIRMED and row.region > RIGHT for clip in some for row in clip.rows if row.visible)


def ghosts(some: Sequence[Evaluation]) -> float:
    """Of the frames in which an object is not in view the share in which it is CONFIRMED nevertheless."""
    return share(row.state == CONFIRMED for clip in some for row in clip.rows if not row.visible)


def share(of: Iterable[bool]) -> float:
    """How many of these hold; NaN of none."""
    of = list(of)
    return sum(of) / len(of) if of else float("nan")


def title(name: str) -> str:
    """Of a column."""
    return FIGURES.get(name) or f"found again, {name.removeprefix('found_again_')}"


def number(value: float) -> str:
    """A figure, if there is one."""
    return "" if np.isnan(value) else f"{value:.3f}"


def difference(name: str, first: Sequence[Evaluation], second: Sequence[Evaluation]) -> Interval:
    """Of a figure, over clips."""
    a, b = (np.array([getattr(clip.figures, name) for clip in some]) for some in (first, second))
    return paired_interval(a, b)


def told(interval: Interval) -> str:
    """A difference with its interval, which takes two clips that have the figure."""
    if np.isnan(interval.low):
        return ""
    return f"{interval.mean:+.3f} ({interval.low:+.3f} .. {interval.high:+.3f})"


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--kinds", nargs="*", default=list(KINDS), metavar="KIND", help=f"of: {', '.join(KINDS)}")
    add("--policies", nargs="+", default=list(POLICIES), choices=POLICIES, help="the first is what others differ from")
    add("--clips", type=int, default=20, help="of each kind (default: %(default)s)")
    add(
        "--seeds",
        type=int,
        default=500,
        metavar="FIRST",
        help="of the first clip; training has those from 1,000,000 on",
    )
    add("--real", type=Path, metavar="FOLDER", help="real clips besides, in DAVIS layout")
    add("--model", default="nano")
    add("--checkpoint", default="auto")
    add("--device", default="cpu")
    add("--workers", type=int, default=os.cpu_count(), help="processes of one thread")
    add(
        "--work",
        type=Path,
        default=Path("policies.work"),
        metavar="DIR",
        help="for what is done (default: %(default)s)",
    )
    options = parser.parse_args()

    folder = options.work / options.model
    for kind in options.kinds:
        tasks = scene_tasks(folder, kind, KINDS[kind], options)
        print(table(kind, done(tasks, kind, options.workers)), flush=True)
    if options.real:
        print(table("real clips", done(real_tasks(folder, options), "real", options.workers)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
