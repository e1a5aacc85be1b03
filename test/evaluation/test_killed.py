"""Every process of a run over many clips is killed, again and again: it goes on from what was done."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from helpers.clip_tasks import clips, task, tries, wait_until
from sam2_ros.evaluation.many import Workers, evaluate_many
from sam2_ros.evaluation.request import EvaluateRequest

RUN = """
import sys
from pathlib import Path
from helpers.clip_tasks import task
from sam2_ros.evaluation.many import Workers, evaluate_many
from sam2_ros.evaluation.request import EvaluateRequest

if __name__ == "__main__":
    clips = sorted(Path(sys.argv[1]).glob("*.txt"))
    evaluate_many([EvaluateRequest(clip) for clip in clips], Path(sys.argv[2]), Workers(2), progress=False, task=task)
"""


def killed_at(requests: "list[EvaluateRequest]", awaiting: int, folder: Path) -> None:
    """A run whose processes are all killed when it is at this clip, which waits."""
    script = folder / "run.py"
    script.write_text(RUN)
    path = os.pathsep.join(each for each in sys.path if each)
    begun = len(tries(requests[awaiting].results))
    command = [sys.executable, str(script), str(folder / "clips"), str(folder / "work")]
    run = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}, start_new_session=True)
    wait_until(lambda: len(tries(requests[awaiting].results)) > begun)
    os.killpg(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL


def test_figures_are_those_of_a_run_that_nobody_killed(tmp_path: Path) -> None:
    requests = clips(tmp_path / "clips", "a", "await one", "await two", "b", "await three", "await four", "c")
    killed_at(requests, 2, tmp_path)
    for name in ("one", "two"):
        (tmp_path / "clips" / name).touch()
    killed_at(requests, 5, tmp_path)
    killed_at(requests, 5, tmp_path)
    for name in ("three", "four"):
        (tmp_path / "clips" / name).touch()
    resumed, whole = (
        evaluate_many(requests, tmp_path / work, Workers(), progress=False, task=task) for work in ("work", "whole")
    )
    assert repr(resumed) == repr(whole)
    # Those that waited, and only they, were begun again; each was done once more for the run that nobody killed.
    begun = [len(tries(request.results)) for request in requests]
    assert (begun[0], begun[3], begun[6]) == (2, 2, 2)
    assert begun[5] == 4
