"""A first look without camera, bag or download: makes up a scene, tracks through it, scores it, leaves pictures."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

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
from ..weights.loading import load_network
from .scene import HEIGHT, WIDTH

SCENE, TRACKED, VIDEO, SHEET = "scene_bag", "tracked_bag", "overlay.mp4", "contact_sheet.png"


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What came of the demo."""

    replay: ReplaySummary
    j_and_f: float  # mean over the objects
    visibility: float  # share of objects and frames whose visibility was told right


def run_demo(folder: Path, choice: ModelChoice, seed: int, difficulty: str) -> DemoSummary:
    """Make a scene and its bag in ``folder``, replay it from one box per object. Raises BagError, ConfigError."""
    settings = replace(settings_for(difficulty), width=WIDTH, height=HEIGHT)
    check_free(folder)
    with staged(folder) as part:
        part.mkdir()
        synthesize(SynthesizeRequest(part / SCENE, seed, settings))
        overlays = part / "overlays"
        request = ReplayRequest(bag=part / SCENE, output=part / TRACKED, video=part / VIDEO, overlays=overlays)
        compiling = choice.compile_network == "always"
        summary = replay(request, lambda: repeatable_tracker(load_network(choice), TrackerConfig(), compiling))
        _write_sheet(sorted(overlays.iterdir()), part / SHEET)
        shutil.rmtree(overlays)
        figures = evaluate(EvaluateRequest(part / TRACKED, truth=part / SCENE)).figures
    return DemoSummary(summary, figures.j_and_f, figures.visibility_accuracy)


def _write_sheet(files: list[Path], sheet: Path) -> None:
    picked = [files[index] for index in chosen(len(files))]
    pictures = [np.asarray(cv2.imread(str(file))) for file in picked]
    captions = [f"frame {int(file.stem)}" for file in picked]
    if not cv2.imwrite(str(sheet), contact_sheet(pictures, captions)):
        raise BagError(f"cannot write {sheet.name}; check the disk's space")
