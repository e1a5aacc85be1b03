"""The command for a GPU, on the CPU: that it runs, tells, writes, and outlives what its stages do."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from gpu import runner
from gpu.results import Report, Result, Step, Verdict, at_least, at_most, holds, noted
from gpu.runner import Job, run
from gpu.script import agreement
from gpu.setting import TINY, Setting, Subject
from helpers import CHECKOUT

SCRIPT = CHECKOUT / "benchmarks" / "on_gpu.py"
SETTING = Setting(Subject("toy", 64), torch.device("cpu"), TINY)
# What the machine with the GPU does not have, and what is not asked for.
BARE = """
import runpy, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"rosbags", "ray", "matplotlib", "rclpy", "transformers"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
sys.argv = sys.argv[1:]
sys.path.insert(0, sys.argv[0].rpartition("/")[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """All of it, once."""
    folder = tmp_path_factory.mktemp("on_gpu") / "results"
    command = [sys.executable, "-c", BARE, str(SCRIPT), "--device", "cpu", "--output", str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    results = json.loads((folder / "on_gpu.json").read_text())["results"]
    return SimpleNamespace(ended=ended, results=results, table=(folder / "on_gpu.md").read_text())


def test_everything_that_a_cpu_can_show_is_as_wanted(done: SimpleNamespace) -> None:
    assert not [result for result in done.results if result["verdict"] == "BAD"]
    assert done.ended.returncode == 0, done.ended.stderr


def test_every_stage_finds_something_and_says_it_as_it_comes(done: SimpleNamespace) -> None:
    judged = {result["stage"] for result in done.results if result["verdict"] in ("good", "noted")}
    assert judged == set(runner.STAGES)
    assert len(done.ended.stdout.splitlines()) == len(done.results) + 1


def test_what_needs_a_gpu_is_left_out_by_name(done: SimpleNamespace) -> None:
    left_out = {result["name"] for result in done.results if result["told"] == "needs CUDA, left out"}
    assert {"compiled, in CUDA graphs", "hidden waiting", "launches", "memory ends while recording"} <= left_out


def test_the_table_has_every_result(done: SimpleNamespace) -> None:
    rows = [line for line in done.table.splitlines() if line.startswith("| nano 64 px |")]
    assert len(rows) == len(done.results)


# --- whatever a stage does -------------------------------------------------------------------------------------------


def hangs() -> list[Result]:
    threading.Event().wait()
    return []


def crashes() -> list[Result]:
    os.kill(os.getpid(), signal.SIGKILL)


def raises() -> list[Result]:
    raise ValueError("made to fail")


def works() -> list[Result]:
    return [holds("works", True)]


def ran(monkeypatch: pytest.MonkeyPatch, folder: Path, *stages: list[Callable[[], Any]]) -> Report:
    """A report of jobs with these steps."""
    modules = {
        f"stage {i}": SimpleNamespace(steps=lambda _, of=stage: [Step(step.__name__, step) for step in of])
        for i, stage in enumerate(stages)
    }
    monkeypatch.setattr(runner, "STAGES", modules)
    monkeypatch.setattr(runner, "GRACE", 0.2)
    report = Report(folder, {})
    run([Job(name, SETTING, 0.5) for name in modules], report, time.monotonic() + 60)
    return report


@pytest.mark.parametrize(
    ("fault", "told"),
    [(hangs, "hangs: ended after 1 s"), (crashes, "its process ended with -9"), (raises, "ValueError: made to fail")],
)
def test_a_stage_takes_nobody_with_it(
    fault: Callable[[], Any], told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    report = ran(monkeypatch, tmp_path, [works, fault], [works])
    assert [entry.result.told for entry in report.entries] == ["yes", told, "yes"]
    assert report.bad == 1


def test_what_was_found_before_the_time_was_up_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran(monkeypatch, tmp_path, [works, hangs])
    results = json.loads((tmp_path / "on_gpu.json").read_text())["results"]
    assert [result["verdict"] for result in results] == ["good", "BAD"]


def test_after_its_end_nothing_begins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    report = Report(tmp_path, {})
    run([Job("card", SETTING, 9)], report, time.monotonic())
    assert [entry.result.told for entry in report.entries] == ["no time was left"]


def test_a_step_that_takes_too_long_leaves_the_others_out() -> None:
    steps = [Step("first", lambda: [noted("a", 1), noted("b", 2)]), Step("second", works)]
    told = [(result.name, result.verdict) for result in runner.stage(steps, SETTING, time.monotonic())]
    assert told == [("first", Verdict.LEFT_OUT), ("second", Verdict.LEFT_OUT)]


def test_what_is_no_number_is_not_good() -> None:
    assert at_most("error", float("nan"), 1).verdict is Verdict.BAD
    assert at_least("rate", float("nan"), 1).verdict is Verdict.BAD


def test_an_object_that_is_missing_does_not_agree() -> None:
    mask = torch.ones(2, 2, dtype=torch.bool).numpy()
    found = agreement([{1: mask}, {1: mask}], [{1: mask}, {1: mask, 2: mask}])
    assert (found.mean, found.worst, found.same_objects) == (2 / 3, 0.0, False)
