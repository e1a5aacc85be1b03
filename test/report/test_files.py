"""What machines read: JSON that comes back as it was, tables, nothing half written."""

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.evaluations import evaluation
from sam2_ros.errors import EvaluationError
from sam2_ros.measures.record import Failed
from sam2_ros.report.files import Run, read_json, read_run, write_csv, write_figures, write_json, write_run


def same(a: object, b: object) -> bool:
    """Equal to the last bit, NaN equal to NaN."""
    return repr(a) == repr(b)


def test_an_evaluation_comes_back_exactly(tmp_path: Path) -> None:
    clip = evaluation(frames=12)
    clip = replace(clip, rows=(replace(clip.rows[0], attended=(1, 5)), *clip.rows[1:]))
    write_json(clip, tmp_path / "clip.json")
    back = read_json(tmp_path / "clip.json")
    assert same(back, clip)
    assert any(math.isnan(row.mask_score) for row in back.rows)
    assert back.rows[0].attended == (1, 5)


def test_special_values_come_back(tmp_path: Path) -> None:
    clip = replace(evaluation(frames=3), latencies_s=(math.inf, 1 / 3, np.float64(0.1)), rows=(), notes=('a\n"b"é',))
    write_json(clip, tmp_path / "clip.json")
    back = read_json(tmp_path / "clip.json")
    assert back.latencies_s == (math.inf, 1 / 3, 0.1)
    assert (back.rows, back.notes) == ((), clip.notes)


def test_a_run_comes_back_with_what_failed(tmp_path: Path) -> None:
    run = Run((evaluation("a", frames=3), evaluation("b", 1, frames=3)), (Failed("bags/c", "it is truncated"),))
    write_run(run, tmp_path / "evaluation.json")
    assert same(read_run(tmp_path), run)
    assert same(read_run(tmp_path / "evaluation.json"), run)


def test_the_file_is_json_by_the_standard(tmp_path: Path) -> None:
    write_json(evaluation(frames=8), tmp_path / "clip.json")

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    json.loads((tmp_path / "clip.json").read_text(), parse_constant=refuse)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "not JSON"),
        ("[]", "no schema"),
        ('{"schema": 99}', "schema 99"),
        ('{"schema": 1, "evaluations": [{"name": 3}], "failed": []}', "no evaluation of this package"),
        ('{"schema": 1, "evaluations": [{"colour": 3}], "failed": []}', "no evaluation of this package"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(EvaluationError, match=sentence):
        read_run(tmp_path / "x.json")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"gone\.json cannot be read"):
        read_run(tmp_path / "gone.json")


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    write_json(evaluation(frames=3), tmp_path / "clip.json")
    before = (tmp_path / "clip.json").read_bytes()
    broken = replace(evaluation(frames=3), notes=(object(),))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        write_json(broken, tmp_path / "clip.json")
    assert (tmp_path / "clip.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["clip.json"]
    with pytest.raises(EvaluationError, match="cannot write"):
        write_json(evaluation(frames=3), tmp_path / "no folder" / "clip.json")


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_rows_as_a_table(tmp_path: Path) -> None:
    clips = [evaluation("a", frames=9), evaluation("b, c", 1, frames=9)]
    write_csv(clips, tmp_path / "rows.csv")
    lines = read_table(tmp_path / "rows.csv")
    rows = [(clip.name, row) for clip in clips for row in clip.rows]
    assert len(lines) == len(rows)
    for line, (name, row) in zip(lines, rows, strict=True):
        assert (line["clip"], int(line["frame"]), int(line["object_id"])) == (name, row.frame, row.object_id)
        assert float(line["region"]) == row.region
        assert line["visible"] == ("1" if row.visible else "0")
        assert line["mask_score"] == ("" if math.isnan(row.mask_score) else repr(row.mask_score))


def test_images_attended_stand_in_one_cell(tmp_path: Path) -> None:
    clip = evaluation(frames=3, objects=1)
    write_csv([replace(clip, rows=(clip.rows[0], replace(clip.rows[1], attended=(1, 5, 40))))], tmp_path / "rows.csv")
    assert [line["attended"] for line in read_table(tmp_path / "rows.csv")] == ["", "1 5 40"]


def test_figures_as_a_table(tmp_path: Path) -> None:
    clips = [evaluation("a", frames=9), evaluation("b", 1, frames=9)]
    write_figures(clips, tmp_path / "figures.csv")
    lines = read_table(tmp_path / "figures.csv")
    assert [line["level"] for line in lines] == ["overall", *["clip", "object", "object"] * 2]
    assert float(lines[1]["j_and_f"]) == clips[0].figures.j_and_f
    assert lines[2]["label"] == "door <b>"
    assert lines[1]["j_decay"] == ""
