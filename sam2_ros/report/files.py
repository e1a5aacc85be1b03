"""Evaluations as files for machines: JSON that comes back exactly, and CSV tables."""

import csv
import dataclasses
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import EvaluationError
from ..measures.figures import overall
from ..measures.record import FIGURE_NAMES, Evaluation, Failed, Figures, Row
from .plain import from_plain, to_plain
from .whole import Whole, write_whole

SCHEMA = 1  # counts up when an older reader would misunderstand
JSON_NAME, ROWS_NAME, FIGURES_NAME = "evaluation.json", "rows.csv", "figures.csv"


@dataclass(frozen=True, slots=True)
class Run:
    """What came of evaluating one clip or many, in the order in which they were given."""

    evaluations: tuple[Evaluation, ...]
    failed: tuple[Failed, ...] = ()


# --- JSON ------------------------------------------------------------------------------------------------------------


def write_run(run: Run, path: Path) -> None:
    """Write a run as JSON; the file appears whole or not at all. Raises EvaluationError."""
    content = {"schema": SCHEMA, **_evaluations(run), "failed": to_plain(run.failed)}
    write_whole(path, json.dumps(content, allow_nan=False, separators=(",", ":")) + "\n")


def read_run(path: Path) -> Run:
    """Read what `write_run` wrote, or the folder of a report with such a file in it. Raises EvaluationError."""
    file = path / JSON_NAME if path.is_dir() else path
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise EvaluationError(
            f"{file} cannot be read: {error.strerror or error}; give the {JSON_NAME} of an evaluation, or its folder"
        ) from error
    except ValueError as error:
        raise EvaluationError(f"{file} is no evaluation: it is not JSON; evaluate again") from error
    _check_schema(file, content)
    try:
        return Run(
            tuple(from_plain(Evaluation, each) for each in content["evaluations"]),
            from_plain(_Failures, {"failed": content["failed"]}).failed,
        )
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise EvaluationError(f"{file} is no evaluation of this package: {error!r}; evaluate again") from error


def write_json(evaluation: Evaluation, path: Path) -> None:
    """Write one clip's evaluation. Raises EvaluationError."""
    write_run(Run((evaluation,)), path)


def read_json(path: Path) -> Evaluation:
    """The evaluation of the only clip of a file. Raises EvaluationError."""
    run = read_run(path)
    if len(run.evaluations) != 1:
        raise EvaluationError(f"{path} has {len(run.evaluations)} clips where one is needed; give another file")
    return run.evaluations[0]


@dataclass(frozen=True, slots=True)
class _Failures:
    failed: tuple[Failed, ...]


def _evaluations(run: Run) -> dict[str, Any]:
    return {"evaluations": [to_plain(each) for each in run.evaluations]}


def _check_schema(file: Path, content: Any) -> None:
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema is None:
        raise EvaluationError(f"{file} is no evaluation: it has no schema; give the {JSON_NAME} of an evaluation")
    if schema != SCHEMA:
        raise EvaluationError(
            f"{file} has schema {schema}, and this version of sam2_ros reads {SCHEMA}; evaluate again with one version"
        )


# --- CSV -------------------------------------------------------------------------------------------------------------


def write_csv(evaluations: Sequence[Evaluation], path: Path) -> None:
    """A line for every object on every annotated frame of every clip. Raises EvaluationError."""
    names = [each.name for each in dataclasses.fields(Row)]
    _write_table(path, ["clip", "source", *names], _row_lines(evaluations, names))


def write_figures(evaluations: Sequence[Evaluation], path: Path) -> None:
    """The figures over all, of every clip and of every object, a line each. Raises EvaluationError."""
    _write_table(path, ["level", "clip", "source", "object_id", "label", *FIGURE_NAMES], _figure_lines(evaluations))


def _row_lines(evaluations: Sequence[Evaluation], names: Sequence[str]) -> Iterator[list[Any]]:
    for evaluation in evaluations:
        for row in evaluation.rows:
            yield [evaluation.name, evaluation.source, *(_cell(getattr(row, name)) for name in names)]


def _figure_lines(evaluations: Sequence[Evaluation]) -> Iterator[list[Any]]:
    yield ["overall", "", "", "", "", *_figure_cells(overall(evaluations))]
    for evaluation in evaluations:
        yield ["clip", evaluation.name, evaluation.source, "", "", *_figure_cells(evaluation.figures)]
        for each in evaluation.objects:
            place = ["object", evaluation.name, evaluation.source, each.object_id, each.label]
            yield [*place, *_figure_cells(each.figures)]


def _figure_cells(figures: Figures) -> list[Any]:
    return [_cell(getattr(figures, name)) for name in FIGURE_NAMES]


def _cell(value: Any) -> Any:
    """A cell: nothing for NaN, 1 and 0 for yes and no, numbers of one row with spaces between them."""
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    if isinstance(value, float):
        return "" if math.isnan(value) else float(value)
    return int(value) if isinstance(value, bool) else value


def _write_table(path: Path, head: Sequence[str], lines: Iterator[list[Any]]) -> None:
    with Whole(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(head)
        table.writerows(lines)
