"""An evaluation as lines for a terminal."""

import math
from collections.abc import Iterator, Sequence

from ..measures.figures import overall
from ..measures.positions import by_distance, position_figures
from ..measures.record import Evaluation, Figures
from .wording import columns

# What the table shows, by the heading of its column.
COLUMNS = {
    "J&F": "j_and_f",
    "J": "j_mean",
    "F": "f_mean",
    "visible": "visibility_accuracy",
    "robust": "robustness",
    "switches": "identity_switches",
    "ms": "latency_p50_ms",
    "frames": "frames",
    "dropped": "dropped",
}


def table(evaluations: Sequence[Evaluation]) -> list[str]:
    """Lines for a terminal: clips, the objects of a single clip or all of many together, and the notes."""
    lines = [line for evaluation in evaluations for line in _clip(evaluation)]
    if len(evaluations) == 1:
        lines += [(f"  {_object(each.object_id, each.label)}", each.figures) for each in evaluations[0].objects]
    elif evaluations:
        lines.append(("all", overall(evaluations)))
    width = max([len(name) for name, _ in lines], default=0)
    heading = f"{'':{width}}" + "".join(f" {title:>9}" for title in COLUMNS)
    shown = columns(tuple(COLUMNS.values()))
    body = [
        f"{name:{width}}" + "".join(f" {each.text(getattr(of, each.name)):>9}" for each in shown) for name, of in lines
    ]
    notes = [
        f"{evaluation.name}: {note}" if len(evaluations) > 1 else f"note: {note}"
        for evaluation in evaluations
        for note in evaluation.notes
    ]
    return [heading, *body, *_positions(evaluations), *notes]


def _positions(evaluations: Sequence[Evaluation]) -> Iterator[str]:
    """How far off positions are, over all clips, by distance."""
    errors = [each for evaluation in evaluations for each in evaluation.positions]
    if not errors:
        return
    figures = Figures(**position_figures(errors))
    yield (
        f"position error: mean {figures.position_mean_m:.4f} m, 95 % {figures.position_p95_m:.4f} m; by distance "
        f"median {figures.position_share:.2%}, 95 % {figures.position_p95_share:.2%}"
    )
    for each in by_distance(errors):
        span = f"{each.low:g} to {each.high:g} m" if math.isfinite(each.high) else f"from {each.low:g} m"
        yield f"  {span}: mean {each.mean:.4f} m, 95 % {each.p95:.4f} m; {each.count} found, {each.missing} not"


def _clip(evaluation: Evaluation) -> Iterator[tuple[str, Figures]]:
    yield evaluation.name, evaluation.figures
    if evaluation.offline is not None:
        yield "  with all the time", evaluation.offline


def _object(object_id: int, label: str) -> str:
    return f"object {object_id} {label}".rstrip()
