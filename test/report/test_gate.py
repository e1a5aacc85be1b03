"""The gate that keeps figures from falling: what it checks against a baseline, and what it refuses."""

import dataclasses
import json
from pathlib import Path

import pytest

from helpers.tracked_bags import block, results_bag, truth_bag
from sam2_ros.errors import EvaluationError
from sam2_ros.evaluation.one import evaluate
from sam2_ros.evaluation.request import EvaluateRequest
from sam2_ros.measures.record import Evaluation
from sam2_ros.report.gate import check, read_baseline, write_baseline


@pytest.fixture
def evaluation(tmp_path: Path) -> Evaluation:
    """One of six frames is found five pixels beside its place."""
    places = [10 + 2 * index for index in range(6)]
    truth = truth_bag(tmp_path / "truth", list(map(block, places)))
    found = results_bag(tmp_path / "found", [block(x + 5 * (index == 2)) for index, x in enumerate(places)])
    return evaluate(EvaluateRequest(found, truth))


def changed(evaluation: Evaluation, **figures: float) -> "list[Evaluation]":
    return [dataclasses.replace(evaluation, figures=dataclasses.replace(evaluation.figures, **figures))]


def test_what_the_gate_checks(tmp_path: Path, evaluation: Evaluation) -> None:
    write_baseline(tmp_path / "b.json", [evaluation, dataclasses.replace(evaluation, name="other")])
    baseline = read_baseline(tmp_path / "b.json")
    both = [evaluation, dataclasses.replace(evaluation, name="other")]
    assert check(baseline, both, {}) == []
    assert check(baseline, [evaluation], {}) == ["other: it is in the baseline, but was not evaluated"]
    del baseline["other"]  # type: ignore[attr-defined]
    assert check(baseline, changed(evaluation, j_mean=0.9, identity_switches=0.0), {}) == []
    assert "identity switches rose from 0 to 2" in check(baseline, changed(evaluation, identity_switches=2.0), {})[0]
    assert "is no number any more" in check(baseline, changed(evaluation, nre=float("nan")), {})[0]
    # Latency is the machine's: checked for those alone who say by how much it may differ.
    assert check(baseline, changed(evaluation, latency_p50_ms=900.0), {}) == []
    assert "rose from 20 to 900" in check(baseline, changed(evaluation, latency_p50_ms=900.0), {"latency_p50_ms": 5})[0]


def test_what_the_gate_refuses(tmp_path: Path, evaluation: Evaluation) -> None:
    file = tmp_path / "b.json"
    write_baseline(file, [evaluation])
    baseline = read_baseline(file)
    with pytest.raises(EvaluationError, match=r"baseline is of other clips: it has found, evaluated were kitchen"):
        check(baseline, [dataclasses.replace(evaluation, name="kitchen")], {})
    other = dataclasses.replace(evaluation, settings=dataclasses.replace(evaluation.settings, measure="sa-v"))
    with pytest.raises(EvaluationError, match="evaluated with measure sa-v, its baseline with davis"):
        check(baseline, [other], {})
    with pytest.raises(EvaluationError, match="several clips are called found"):
        write_baseline(file, [evaluation, evaluation])
    for content in ("no json", "{}", "[]", json.dumps({"format": 1, "clips": 3})):
        file.write_text(content)
        with pytest.raises(EvaluationError, match=r"b\.json is no baseline; write one"):
            read_baseline(file)
    with pytest.raises(EvaluationError, match="No such file"):
        read_baseline(tmp_path / "none.json")
