"""A first look without camera, bag or download: a scene that is made up and scored, a real clip, pictures of both."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np

from ..bag.ingest import IngestRequest, ingest
from ..bag.replay import ReplayRequest, ReplaySummary, replay
from ..bag.staging import check_free, staged
from ..bag.synthesize import SynthesizeRequest, synthesize
from ..config import ModelChoice, TrackerConfig
from ..drawing.contact_sheet import chosen, contact_sheet
from ..errors import BagError
from ..evaluation.one import evaluate
from ..evaluation.request import EvaluateRequest
from ..synthetic import settings_for
from ..tracking.ready import repeatable_tracker
from ..tracking.tracker import Tracker
from ..weights.loading import load_network
from .scene import HEIGHT, WIDTH

SCENE, TRACKED, VIDEO, SHEET = "scene_bag", "tracked_bag", "overlay.mp4", "contact_sheet.png"
REAL_VIDEO, REAL_SHEET = "real_overlay.mp4", "real_contact_sheet.png"
# A flower that opens, every fourth picture of it made smaller: CC0, from MDN's interactive examples (cc0-videos).
CLIP, CLIP_PROMPTS = Path(__file__).with_name("flower.mp4"), Path(__file__).with_name("flower.yaml")


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What came of the demo."""

    replay: ReplaySummary
    j_and_f: float  # mean over the objects
    visibility: float  # share of objects and frames whose visibility was told right
    real: ReplaySummary  # of the real clip


def run_demo(folder: Path, choice: ModelChoice, seed: int, difficulty: str) -> DemoSummary:
    """Track through a scene made in ``folder``, and through a real clip. Raises BagError, ConfigError."""
    settings = replace(settings_for(difficulty), width=WIDTH, height=HEIGHT)
    check_free(folder)

    network = cache(partial(load_network, choice))  # once for both, and not before it is needed

    def make_tracker() -> Tracker:
        return repeatable_tracker(network(), TrackerConfig(), choice.compile_network == "always")

    with staged(folder) as part:
        part.mkdir()
        synthesize(SynthesizeRequest(part / SCENE, seed, settings))
        request = ReplayRequest(bag=part / SCENE, output=part / TRACKED, video=part / VIDEO)
        summary = _pictured(request, part / SHEET, make_tracker)
        figures = evaluate(EvaluateRequest(part / TRACKED, truth=part / SCENE)).figures
        real = _track_clip(part, make_tracker)
    return DemoSummary(summary, figures.j_and_f, figures.visibility_accuracy, real)


def _track_clip(part: Path, make_tracker: Callable[[], Tracker]) -> ReplaySummary:
    """Track through the real clip; of it only pictures stay."""
    bags = part / "real"
    bags.mkdir()
    ingest(IngestRequest(CLIP, bags / "clip", progress=False))
    request = ReplayRequest(
        bag=bags / "clip", output=bags / "tracked", prompts=CLIP_PROMPTS, video=part / REAL_VIDEO, keep_images=False
    )
    summary = _pictured(request, part / REAL_SHEET, make_tracker)
    shutil.rmtree(bags)
    return summary


def _pictured(request: ReplayRequest, sheet: Path, make_tracker: Callable[[], Tracker]) -> ReplaySummary:
    """Replay, and leave a sheet of some of its pictures."""
    overlays = sheet.with_suffix("")
    summary = replay(replace(request, overlays=overlays), make_tracker)
    _write_sheet(sorted(overlays.iterdir()), sheet)
    shutil.rmtree(overlays)
    return summary


def _write_sheet(files: list[Path], sheet: Path) -> None:
    picked = [files[index] for index in chosen(len(files))]
    pictures = [np.asarray(cv2.imread(str(file))) for file in picked]
    captions = [f"frame {int(file.stem)}" for file in picked]
    if not cv2.imwrite(str(sheet), contact_sheet(pictures, captions)):
        raise BagError(f"cannot write {sheet.name}; check the disk's space")
