"""Many clips: resumed, failing, in processes that are killed; the same figures whoever does the work."""

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.clip_tasks import clips, task, tries
from sam2_ros.config import ModelChoice
from sam2_ros.errors import ConfigError, EvaluationError
from sam2_ros.evaluation import content, finished
from sam2_ros.evaluation.content import Sums
from sam2_ros.evaluation.finished import key_of
from sam2_ros.evaluation.many import Workers, evaluate_many
from sam2_ros.evaluation.request import EvaluateRequest
from sam2_ros.report.files import Run


def run(requests: list[EvaluateRequest], work: Path, workers: Workers | None = None) -> Run:
    return evaluate_many(requests, work, workers or Workers(), progress=False, task=task)


def test_a_finished_clip_is_not_done_again(tmp_path: Path) -> None:
    requests = clips(tmp_path / "bags", "a", "b")
    first = run(requests[:1], tmp_path / "work")
    both = run(requests, tmp_path / "work")
    assert [len(tries(request.results)) for request in requests] == [1, 1]
    assert repr(both.evaluations[0]) == repr(first.evaluations[0])
    assert [each.name for each in both.evaluations] == ["clip0", "clip1"]


def test_it_is_done_again_when_anything_it_depends_on_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (request,) = clips(tmp_path / "bags", "a")

    def key(request: EvaluateRequest) -> str:
        return key_of(request, Sums(tmp_path / "sums"))

    truth = tmp_path / "truth"
    truth.mkdir()
    (truth / "0.png").write_bytes(b"1")
    request = replace(request, truth=truth)
    keys = {key(request)}
    keys.add(key(replace(request, tolerance_s=0.02)))
    keys.add(key(replace(request, choice=ModelChoice(device="cpu"))))
    (truth / "0.png").write_bytes(b"2")
    keys.add(key(request))
    (truth / "0.png").rename(truth / "1.png")
    keys.add(key(request))
    request.results.write_text("b")
    keys.add(key(request))
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"1")
    trained = replace(request, choice=ModelChoice(checkpoint=str(weights)))
    keys.add(key(trained))
    weights.write_bytes(b"2")
    keys.add(key(trained))
    monkeypatch.setattr(finished, "__version__", "99")
    keys.add(key(request))
    assert len(keys) == 9


def test_a_large_file_is_read_again_only_when_it_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "LARGE", 3)
    read = []
    monkeypatch.setattr(content, "_sum", lambda file, sum_of=content._sum: (read.append(file.name), sum_of(file))[1])
    bag, sums = tmp_path / "bag", Sums(tmp_path / "sums")
    bag.mkdir()
    (bag / "large").write_bytes(b"abc")
    (bag / "small").write_bytes(b"ab")
    first = sums.of(bag)
    assert sums.of(bag) == first
    assert read == ["large", "small", "small"]
    (bag / "large").write_bytes(b"abd")
    os.utime(bag / "large", ns=(0, 0))
    assert sums.of(bag) != first
    assert read.count("large") == 2


def test_a_moved_clip_is_still_done_and_says_where_it_is_now(tmp_path: Path) -> None:
    (request,) = clips(tmp_path / "bags", "a")
    run([request], tmp_path / "work")
    (tmp_path / "bags").rename(tmp_path / "archive")
    moved = replace(request, results=tmp_path / "archive" / "clip0.txt", keep=tmp_path)
    (again,) = run([moved], tmp_path / "work").evaluations
    assert again.source == str(moved.results)
    assert len(tries(moved.results)) == 1


def test_a_damaged_result_is_made_again(tmp_path: Path) -> None:
    requests = clips(tmp_path / "bags", "a")
    first = run(requests, tmp_path / "work")
    (file,) = (tmp_path / "work").glob("*.json")
    file.write_text(file.read_text()[:100])
    assert repr(run(requests, tmp_path / "work")) == repr(first)
    assert len(tries(requests[0].results)) == 2


def test_failing_clips_are_listed_and_stop_no_other(tmp_path: Path) -> None:
    requests = [*clips(tmp_path / "bags", "fail", "a", "break", "deny"), EvaluateRequest(tmp_path / "gone.txt")]
    found = run(requests, tmp_path / "work")
    assert [each.name for each in found.evaluations] == ["clip1"]
    assert [each.source for each in found.failed] == [str(requests[i].results) for i in (0, 2, 3, 4)]
    assert found.failed[0].reason == f"the bag {requests[0].results} is truncated"
    assert found.failed[1].reason.startswith("unexpected ZeroDivisionError: a fault (clip_tasks.py:")
    assert found.failed[2].reason.startswith("x.mcap cannot be read or written: Permission denied;")
    assert found.failed[3].reason.startswith(f"{requests[4].results} cannot be read or written: No such file")
    run(requests, tmp_path / "work")
    assert [len(tries(request.results)) for request in requests[:3]] == [2, 1, 2]  # failures are tried again


def test_processes_find_what_one_finds(tmp_path: Path) -> None:
    orders = ("a", "fail", "sleep 0.3", "b", "c")
    requests = clips(tmp_path / "bags", *orders)
    serial = run(requests, tmp_path / "serial")
    workers = Workers(2, threads=1, devices=("cuda:0", "cuda:1"))
    several = run(requests, tmp_path / "several", workers)
    assert repr(several) == repr(serial)
    worked = [tries(request.results)[1] for request in requests]
    assert {threads for _, threads, _ in worked} == {"1"}
    assert {device for _, _, device in worked} == {"cuda:0", "cuda:1"}
    assert len({process for process, _, _ in worked}) == 2
    assert str(os.getpid()) not in {process for process, _, _ in worked}


def test_a_request_that_names_its_device_keeps_it(tmp_path: Path) -> None:
    (request,) = clips(tmp_path / "bags", "a")
    run([replace(request, choice=ModelChoice(device="cpu"))], tmp_path / "work", Workers(devices=("cuda:0",)))
    assert tries(request.results)[0][2] == "cpu"


def test_a_killed_worker_loses_nothing(tmp_path: Path) -> None:
    requests = clips(tmp_path / "bags", "die 1", "a", "die 9", "b")
    found = run(requests, tmp_path / "work", Workers(2, attempts=2))
    assert [each.name for each in found.evaluations] == ["clip0", "clip1", "clip3"]
    assert [each.source for each in found.failed] == [str(requests[2].results)]
    assert "died 2 times (signal 9)" in found.failed[0].reason
    assert [len(tries(request.results)) for request in requests] == [2, 1, 2, 1]


def test_an_interrupted_run_ends_its_workers_and_goes_on_later(tmp_path: Path) -> None:
    requests = clips(tmp_path / "bags", "a", "sleep 60", "sleep 60")

    def interrupt() -> None:
        while not (tries(requests[1].results) and tries(requests[2].results)):
            time.sleep(0.05)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        run(requests, tmp_path / "work", Workers(2))
    for request in requests[1:]:
        with pytest.raises(ProcessLookupError):
            os.kill(int(tries(request.results)[0][0]), 0)
    assert len(list((tmp_path / "work").iterdir())) == 1


def test_impossible_workers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="workers is 0; give 1 or more"):
        Workers(0)
    with pytest.raises(ConfigError, match="attempts is 0"):
        Workers(attempts=0)
    (tmp_path / "file").touch()
    with pytest.raises(EvaluationError, match="cannot make the folder"):
        run([], tmp_path / "file" / "work")
