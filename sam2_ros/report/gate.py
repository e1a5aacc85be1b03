"""The regression gate: figures that were good enough once, and whether those of today still are."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import EvaluationError
from ..measures.record import Better, Evaluation, Figures
from .whole import write_whole

FORMAT = 1  # of the file
FIGURES = {item.name: item.metadata for item in fields(Figures)}
# They say more of the machine than of the results: checked only by those who name a tolerance for them.
OF_THE_MACHINE = ("latency_p50_ms", "latency_p95_ms", "latency_p99_ms")
SETTINGS = ("protocol", "measure", "match_ids", "realtime")  # without which figures cannot be compared


@dataclass(frozen=True, slots=True)
class BaselineClip:
    """What was written of a clip."""

    settings: Mapping[str, Any]  # by name, of `SETTINGS`
    figures: Mapping[str, float]  # by name; those that were no number are left out


Baseline = Mapping[str, BaselineClip]  # by the clip's name


def write_baseline(path: Path, evaluations: Sequence[Evaluation]) -> None:
    """Write the figures of these clips as a baseline, in place of one that is there. Raises EvaluationError."""
    _check_names(evaluations)
    clips = {
        evaluation.name: {
            "settings": {name: getattr(evaluation.settings, name) for name in SETTINGS},
            "figures": {name: value for name in FIGURES if not math.isnan(value := getattr(evaluation.figures, name))},
        }
        for evaluation in evaluations
    }
    write_whole(path, json.dumps({"format": FORMAT, "clips": clips}, indent=1, ensure_ascii=False) + "\n")


def read_baseline(path: Path) -> Baseline:
    """The baseline in a file. Raises EvaluationError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise EvaluationError(f"the baseline {path} is of another version of sam2_ros; write it again")
        return {
            str(name): BaselineClip(
                dict(clip["settings"]), {str(key): float(value) for key, value in clip["figures"].items()}
            )
            for name, clip in content["clips"].items()
        }
    except OSError as error:
        raise EvaluationError(
            f"the baseline {path} cannot be read: {error.strerror or error}; write one with --write-baseline"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvaluationError(f"{path} is no baseline; write one with --write-baseline") from error


def check(baseline: Baseline, evaluations: Sequence[Evaluation], tolerances: Mapping[str, float]) -> list[str]:
    """One sentence for each figure that is worse than the baseline by more than its tolerance, and each missing clip.

    ``tolerances``: by name of the figure; 0 for those that are not named. A clip that the baseline does not have is
    not checked. Raises EvaluationError when no clip can be checked, or settings differ.
    """
    _check_names(evaluations)
    today = {evaluation.name: evaluation for evaluation in evaluations}
    if not today.keys() & baseline.keys():
        raise EvaluationError(
            f"the baseline is of other clips: it has {', '.join(baseline) or 'none'}, evaluated were "
            f"{', '.join(today) or 'none'}; write one of these with --write-baseline"
        )
    sentences = []
    for name, clip in baseline.items():
        if name not in today:
            sentences.append(f"{name}: it is in the baseline, but was not evaluated")
            continue
        _check_settings(name, clip, today[name])
        sentences += _fallen(name, clip, today[name].figures, tolerances)
    return sentences


def _check_names(evaluations: Sequence[Evaluation]) -> None:
    names = Counter(evaluation.name for evaluation in evaluations)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise EvaluationError(
            f"several clips are called {twice[0]}, and a baseline tells them by name; give the folder that holds them"
        )


def _check_settings(name: str, clip: BaselineClip, evaluation: Evaluation) -> None:
    for setting in SETTINGS:
        then, now = clip.settings.get(setting), getattr(evaluation.settings, setting)
        if then != now:
            raise EvaluationError(
                f"{name} was evaluated with {setting} {now}, its baseline with {then}; their figures cannot be compared"
            )


def _fallen(name: str, clip: BaselineClip, figures: Figures, tolerances: Mapping[str, float]) -> list[str]:
    sentences = []
    for figure, then in clip.figures.items():
        if figure not in FIGURES or (figure in OF_THE_MACHINE and figure not in tolerances):
            continue
        now, allowed = getattr(figures, figure), tolerances.get(figure, 0.0)
        worse = then - now if FIGURES[figure]["better"] is Better.HIGHER else now - then
        title = FIGURES[figure]["title"]
        if math.isnan(now):
            sentences.append(f"{name}: {title} is no number any more; the baseline has {then:.6g}")
        elif worse > allowed:
            direction = "fell" if FIGURES[figure]["better"] is Better.HIGHER else "rose"
            sentences.append(
                f"{name}: {title} {direction} from {then:.6g} to {now:.6g}, more than the {allowed:g} that is tolerated"
            )
    return sentences
