"""The benchmark: what it counts, what it times, what it writes."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from helpers.disk import full
from sam2_ros.bench import run
from sam2_ros.bench.device import matmul_rate
from sam2_ros.bench.report import BenchError, Report, Row, Stage, Timing, table, timing, write_json
from sam2_ros.bench.run import BenchRequest, bench, made_up_pictures
from sam2_ros.bench.staged import FULL_MEMORY, Staged, count_flops
from sam2_ros.bench.watch import ATTEND, ENCODE, MEMORISE, SEGMENT, STAGES, StopWatch
from sam2_ros.cli import main
from sam2_ros.config import ModelChoice, TrackerConfig
from sam2_ros.model.checkpoint import random_model
from sam2_ros.model.config import ModelConfig, get_config
from sam2_ros.tracking.tracker import Tracker

TOY = get_config("toy", 64)
FRAMES, POINTERS = 7, 16  # of a full memory with one prompt


def attention_flops(config: ModelConfig, objects: int) -> int:
    """Counted by hand: a product of (a, b) and (b, c) is 2 a b c."""
    tokens, c, d = config.feature_size**2, config.hidden_dim, config.memory_dim
    memory = FRAMES * tokens + POINTERS * config.tokens_per_pointer
    self_attention = 4 * 2 * tokens * c * c + 2 * 2 * tokens * tokens * c
    cross_attention = 2 * 2 * tokens * c * c + 2 * 2 * memory * d * c + 2 * 2 * tokens * memory * c
    feedforward = 2 * 2 * tokens * c * config.feedforward_dim
    ages = 2 * POINTERS * c * d
    each = config.memory_attention_layers * (self_attention + cross_attention + feedforward) + ages
    once = self_attention + 2 * tokens * c * c  # what the first layer does before it looks at the memory
    return objects * each - (objects - 1) * once


@pytest.mark.parametrize("objects", [1, 3])
def test_memory_attention_needs_what_is_counted_by_hand(objects: int) -> None:
    (counted,) = count_flops(TOY, [objects])
    assert counted[ATTEND] == attention_flops(TOY, objects)


def test_the_encoder_is_paid_once_and_the_rest_per_object() -> None:
    one, three = count_flops(TOY, [1, 3])
    assert three[ENCODE] == one[ENCODE]
    tokens, c = TOY.feature_size**2, TOY.hidden_dim
    # Shared by the objects: the positions of an image's tokens, and the projection of its features.
    for stage, shared in ((SEGMENT, 2 * tokens * 2 * c // 2), (MEMORISE, 2 * tokens * c * c)):
        assert three[stage] - shared == 3 * (one[stage] - shared)


@pytest.mark.parametrize(
    ("name", "known"),  # GFLOP
    [
        ("tiny", {ENCODE: 292, ATTEND: 606, SEGMENT: 3.6, MEMORISE: 11.6}),
        ("edgetam", {ENCODE: 38.7, ATTEND: 89.1, SEGMENT: 3.6, MEMORISE: 12.6}),
        ("efficienttam_ti_512x512", {ENCODE: 19.6, ATTEND: 48.3, SEGMENT: 0.947, MEMORISE: 2.9}),
        ("efficienttam_s_2", {ENCODE: 304, ATTEND: 245, SEGMENT: 3.6, MEMORISE: 11.6}),
    ],
)
def test_official_networks_need_what_is_known_of_them(name: str, known: dict[str, float]) -> None:
    (counted,) = count_flops(get_config(name), [1])
    for stage, gflop in known.items():
        assert counted[stage] / 1e9 == pytest.approx(gflop, rel=0.015)


def test_stages_together_do_what_the_tracker_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same calls of the network with tensors of the same shapes."""
    network = random_model(TOY)
    pictures = made_up_pictures(80, 48)
    calls: list[tuple[str, list[tuple[int, ...]]]] = []

    def record(name: str) -> None:
        whole = getattr(network, name)

        def call(*arguments: object) -> object:
            tensors = [a for a in arguments if isinstance(a, torch.Tensor)]
            parts = [v for a in arguments for v in (getattr(a, "frames", None), getattr(a, "pointers", None))]
            calls.append((name, [tuple(t.shape) for t in [*tensors, *(p for p in parts if p is not None)]]))
            return whole(*arguments)

        monkeypatch.setattr(network, name, call)

    for name in ("encode_image", "condition_on_memory", "segment", "encode_memory"):
        record(name)
    tracker = Tracker(network, TrackerConfig(max_objects=2))
    tracker.step(pictures[0], run.boxes(2, 80, 48))
    for index in range(1, FULL_MEMORY + 1):
        calls.clear()
        tracker.step(pictures[index % len(pictures)])
    in_tracker = list(calls)
    staged = Staged(network, 2)
    calls.clear()
    result = staged.step(run._jpeg(pictures[0]), StopWatch(torch.device("cpu")))
    assert calls == in_tracker
    assert [state.object_id for state in result.objects] == [1, 2]
    assert result.label_image.shape == (48, 80)
    memories = dict(calls)["condition_on_memory"]
    assert memories == [(2, FRAMES, TOY.feature_size**2, TOY.memory_dim), (2, POINTERS, TOY.hidden_dim)]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What the command writes."""
    path = tmp_path_factory.mktemp("bench") / "bench.json"
    options = ["--model", "toy", "--image-size", "64", "--objects", "1,2", "--frames", "4", "--size", "80x48"]
    assert main(["bench", *options, "--device", "cpu", "--json", str(path)]) == 0
    content: dict = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_the_file_says_what_was_measured(report: dict) -> None:
    wanted = {"model": "toy", "weights": "random", "image_size": 64, "width": 80, "height": 48, "precision": "float32"}
    assert wanted.items() <= report.items()
    assert report["frames"] == 4
    assert report["torch"] == torch.__version__
    assert report["matmul_tflop_per_s"] > 0


def test_the_numbers_hang_together(report: dict) -> None:
    assert [row["objects"] for row in report["rows"]] == [1, 2]
    for row in report["rows"]:
        assert [stage["name"] for stage in row["stages"]] == list(STAGES)
        for timed in (row["end_to_end"], *(stage["timing"] for stage in row["stages"])):
            assert 0 < timed["p50_ms"] <= timed["p95_ms"] <= timed["p99_ms"]
        assert row["gflop"] == pytest.approx(sum(stage["gflop"] for stage in row["stages"]))
        assert row["tflop_per_s"] == pytest.approx(row["gflop"] * row["frames_per_s"] / 1e3)
        assert row["share_of_matmul"] == pytest.approx(row["tflop_per_s"] / report["matmul_tflop_per_s"])
        assert row["peak_bytes"] > 1e6
        for stage in row["stages"]:
            rate = stage["gflop"] / stage["timing"]["p50_ms"]
            assert stage["tflop_per_s"] == pytest.approx(rate)
            assert (stage["gflop"] > 0) == (stage["name"] in (ENCODE, ATTEND, SEGMENT, MEMORISE))


def a_report() -> Report:
    stage = Stage(ENCODE, Timing(2.0, 3.0, 4.0), 10.0, 5.0, 0.5)
    row = Row(1, Timing(4.0, 5.0, 6.0), 250.0, 10.0, 2.5, 0.25, 3 << 20, 5 << 20, (stage,))
    return Report(
        "toy", "random", 64, 80, 48, "a device", "flash", "compiled", "float32", 2, "2.13", "0.1", 7, 10.0, (row,)
    )


def test_the_table_can_be_read() -> None:
    text = table(a_report())
    assert "toy (random weights), 64 px, images 80x48, float32" in text
    assert "a device; torch 2.13; a matrix product does 10 TFLOP/s" in text
    lines = [line.split() for line in text.splitlines()]
    assert ["1", "object", "p50", "p95", "p99", "GFLOP", "TFLOP/s", "share"] in lines
    assert ["image", "encoder", "2.00", "3.00", "4.00", "10.00", "5.000", "50.0%"] in lines
    assert ["end", "to", "end", "4.00", "5.00", "6.00", "10.00", "2.500", "25.0%"] in lines
    assert "end to end compiled" in text
    assert "250.0 frames/s, 3 MiB at most, 5 MiB reserved" in text


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"cannot be written to .*nowhere/b\.json .*; give --json a file in a folder"):
        write_json(a_report(), tmp_path / "nowhere" / "b.json")


def test_a_full_disk_leaves_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_text("{}")
    with full(100), pytest.raises(BenchError, match=r"cannot be written to .*b\.json"):
        write_json(a_report(), path)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("b.json", "{}")]


def test_percentiles_in_milliseconds() -> None:
    assert timing([i / 1000 for i in range(101)]) == Timing(50.0, 95.0, 99.0)


def test_no_weights_are_downloaded_to_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[ModelChoice] = []

    def load(choice: ModelChoice) -> object:
        seen.append(choice)
        raise KeyboardInterrupt  # far enough

    monkeypatch.setattr(run, "load_network", load)
    for model, checkpoint in (("tiny", "auto"), ("nano", "auto"), ("tiny", "mine.pt"), ("auto", "mine.pt")):
        with pytest.raises(KeyboardInterrupt):
            bench(BenchRequest(ModelChoice(model, checkpoint), (1,), 1, 80, 48), lambda _: None)
    assert [choice.checkpoint for choice in seen] == ["random", "auto", "mine.pt", "mine.pt"]


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--objects", "1,none", "'none' is not a number of at least 1"),
        ("--objects", "0", "'0' is not a number of at least 1"),
        ("--objects", "256", "256 objects are too many; give at most 255"),
        ("--frames", "0", "'0' is not a number of at least 1"),
    ],
)
def test_what_cannot_be_measured(option: str, value: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", option, value])
    assert reason in capsys.readouterr().err


def test_a_matrix_product_is_counted_as_two_operations_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(100))
    monkeypatch.setattr("sam2_ros.bench.device.time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    assert matmul_rate(torch.device("cpu"), torch.float32, side=8) == 2 * 8**3
