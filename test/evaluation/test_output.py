"""From a bag to the folder with its report."""

import csv
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.disk import full
from helpers.evaluations import evaluation
from sam2_ros.bag.synthesize import SynthesizeRequest, synthesize
from sam2_ros.config import ModelChoice
from sam2_ros.errors import BagError, ConfigError, EvaluationError
from sam2_ros.evaluation.many import Workers, evaluate_many
from sam2_ros.evaluation.output import check_output, write_output
from sam2_ros.evaluation.request import EvaluateRequest
from sam2_ros.measures.protocol import Protocol
from sam2_ros.measures.record import Evaluation, Failed
from sam2_ros.report.files import read_run
from sam2_ros.synthetic import settings_for


def make_request(folder: Path) -> EvaluateRequest:
    settings = replace(settings_for("easy"), frames=5, width=96, height=72)
    synthesize(SynthesizeRequest(folder / "bag", 3, settings, progress=False))
    choice = ModelChoice("nano", device="cpu", image_size=128)
    return EvaluateRequest(folder / "bag", protocol=Protocol.FIRST_BOX, choice=choice, keep=folder / "kept")


def test_a_bag_becomes_a_report_with_pictures(tmp_path: Path) -> None:
    request, gone = make_request(tmp_path), EvaluateRequest(tmp_path / "gone")
    done = evaluate_many([request, gone], tmp_path / "work", Workers(), progress=False)
    write_output(tmp_path / "out", done.evaluations, done.failed, [request, gone])
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count('src="data:image/jpeg') >= 3
    assert f"ros2 bag play {tmp_path / 'bag'} --start-offset" in page
    assert f"there is no bag {tmp_path / 'gone'}" in page or f"there is no {tmp_path / 'gone'}" in page
    assert repr(read_run(tmp_path / "out")) == repr(done)
    with (tmp_path / "out" / "rows.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(done.evaluations[0].rows)


def test_an_output_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(BagError, match="exists already"):
        write_output(tmp_path / "out", [], [Failed("x", "y")], [])
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_would_fail_at_the_end_is_said_at_the_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_output(tmp_path / "out")
    with pytest.raises(BagError, match="exists already"):
        check_output(tmp_path)
    monkeypatch.setattr("sam2_ros.report.html.find_spec", lambda name: None if name == "jinja2" else object())
    with pytest.raises(ConfigError, match=r"jinja2 missing for the report: pip install 'sam2_ros\[evaluate\]'"):
        check_output(tmp_path / "out")


@pytest.mark.parametrize("call", ["check_output(out)", "write_output(out, [], [], [])", "compare_runs(out, out)"])
def test_without_the_extra_libraries_one_sentence_says_so(tmp_path: Path, call: str) -> None:
    code = f"""
import sys
from pathlib import Path
sys.modules.update(dict.fromkeys(("jinja2", "markupsafe", "matplotlib")))  # as if they were not installed
from sam2_ros.errors import ConfigError
from sam2_ros.evaluation.output import check_output, compare_runs, write_output
out = Path({str(tmp_path / "out")!r})
try:
    {call}
except ConfigError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "jinja2 and matplotlib missing for the report: pip install 'sam2_ros[evaluate]'\n"


def test_a_report_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sam2_ros.report.page.page", fail)
    with pytest.raises(KeyboardInterrupt):
        write_output(tmp_path / "out", [], [Failed("x", "y")], [])
    assert list(tmp_path.iterdir()) == []


CLIP = evaluation(frames=40)


@pytest.mark.parametrize(
    ("limit", "clips", "what"),
    [(10_000, [CLIP], "evaluation.json"), (25_000, [CLIP], "png"), (1_000, [], "report.html")],
)
def test_a_report_that_a_full_disk_cuts_off_is_not_there(
    tmp_path: Path, limit: int, clips: "list[Evaluation]", what: str
) -> None:
    with full(limit), pytest.raises(EvaluationError, match=f"cannot write .*{what}: .*choose another place") as refusal:
        write_output(tmp_path / "out", clips, [Failed("x", "y")], [])
    assert "\n" not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []
