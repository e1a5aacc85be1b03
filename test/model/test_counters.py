"""Counters that batch norms leave in a file beside their weights."""

from pathlib import Path

import pytest
import torch

from recorded import EDGE_TOY, weights
from sam2_ros.errors import CheckpointError
from sam2_ros.model.checkpoint import load_model

COUNTER = "image_encoder.trunk.body.stem.conv1.bn.num_batches_tracked"

State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def edge_weights() -> State:
    return weights(EDGE_TOY, 4.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.pt"


def test_counters_of_batch_norms_are_dropped(edge_weights: State, path: Path) -> None:
    norms = [key.removesuffix("running_mean") for key in edge_weights if key.endswith("running_mean")]
    torch.save({"model": edge_weights | {f"{norm}num_batches_tracked": torch.tensor(1000) for norm in norms}}, path)
    with_counters = load_model(EDGE_TOY, path).state_dict()
    torch.save({"model": edge_weights}, path)
    without = load_model(EDGE_TOY, path).state_dict()
    assert with_counters.keys() == without.keys() == edge_weights.keys()
    assert all(torch.equal(with_counters[key], without[key]) for key in without)


@pytest.mark.parametrize(
    ("counter", "sentence"),
    [
        ({COUNTER: torch.tensor([1000])}, f"something other than a dense floating-point tensor under '{COUNTER}'"),
        ({COUNTER: torch.tensor(1.0)}, f"1 unknown: {COUNTER}"),
        ({"head.num_batches_tracked": torch.tensor(1)}, "something other than .* under 'head.num_batches_tracked'"),
    ],
)
def test_what_only_looks_like_a_counter_is_refused(
    counter: State, sentence: str, edge_weights: State, path: Path
) -> None:
    torch.save({"model": edge_weights | counter}, path)
    with pytest.raises(CheckpointError, match=sentence):
        load_model(EDGE_TOY, path)
