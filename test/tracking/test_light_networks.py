"""EdgeTAM and EfficientTAM beyond their recorded numbers: folding, files, sizes, memory, objects together, training."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from helpers.recorded import CASES, EDGE_TOY, LIGHT_CASES, efficient_toy, frames, network, weights
from sam2_ros.config import ModelChoice, TrackerConfig
from sam2_ros.errors import CheckpointError, ConfigError
from sam2_ros.model.checkpoint import expected_shapes, load_model, random_model
from sam2_ros.model.config import MODEL_CONFIGS, ModelConfig, get_config
from sam2_ros.model.layers import gelu
from sam2_ros.tracking.memory import MemoryBank
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.download import OFFICIAL_FILES, OfficialFile
from sam2_ros.weights.loading import load_network, named_config

LIGHT = [EDGE_TOY, efficient_toy("full"), efficient_toy("pooled"), efficient_toy("pooled_shifted")]
BOXES = {1: [8, 30, 24, 50], 2: [25, 14, 37, 47], 3: [40, 40, 60, 60]}
COUNTER = "image_encoder.trunk.body.stem.conv1.bn.num_batches_tracked"

State = dict[str, torch.Tensor]


def of_kind(config: ModelConfig) -> str:
    return f"{config.name}-{config.cross_attention}"


@pytest.fixture(scope="module")
def edge_weights() -> State:
    return weights(EDGE_TOY, 4.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.pt"


# --- folding ---------------------------------------------------------------------------------------------------------


def test_batch_norms_and_branches_folded_into_one_convolution_change_nothing() -> None:
    edge = network(CASES["edgetam"])
    pixels = torch.randn(2, 3, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    folded = edge.image_encoder.trunk(pixels)
    edge.unfold()
    stepwise = edge.image_encoder.trunk(pixels)
    assert all((a - b).abs().max() < 1e-10 * b.abs().max() for a, b in zip(folded, stepwise, strict=True))
    edge.get_parameter("image_encoder.trunk.body.stages_0.blocks.0.token_mixer.conv1.bn.bias").add_(1.0)
    assert not torch.allclose(edge.image_encoder.trunk(pixels)[0], stepwise[0])


def test_a_folded_block_runs_three_convolutions() -> None:
    block = network(CASES["edgetam"]).get_submodule("image_encoder.trunk.body.stages_1.downsample.pre_block")
    with torch.profiler.profile() as profile:
        block(torch.randn(1, 8, 16, 16, dtype=torch.float64))
    calls = {event.key: event.count for event in profile.key_averages()}
    assert calls["aten::conv2d"] == 3
    assert "aten::batch_norm" not in calls


def test_gelu_of_maps_with_channels_last_is_torchs_own() -> None:
    maps = torch.randn(2, 5, 4, 3, generator=torch.Generator().manual_seed(0))
    last = gelu(maps.contiguous(memory_format=torch.channels_last))
    assert torch.allclose(last, F.gelu(maps), atol=1e-7)
    assert last.is_contiguous(memory_format=torch.channels_last)


# --- files -----------------------------------------------------------------------------------------------------------


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


def shapes_only(name: str, path: Path) -> Path:
    """A file with the shapes of a real network, one number of storage per tensor."""
    shapes = expected_shapes(get_config(name))
    torch.save({"model": {key: torch.zeros(()).expand(shape) for key, shape in shapes.items()}}, path)
    return path


def released(name: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a file the official one of a network."""
    official = OfficialFile(path.name, hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setitem(OFFICIAL_FILES, name, official)


@pytest.mark.parametrize("name", ["efficienttam_ti_2", "efficienttam_s_512x512"])
def test_a_file_whose_keys_several_networks_share_is_known_by_its_hash(
    name: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released(name, shapes_only(name, path), monkeypatch)
    assert load_network(ModelChoice(checkpoint=str(path), device="cpu")).config == MODEL_CONFIGS[name]


def test_where_neither_name_nor_hash_says_which_network_it_is_the_name_is_asked_for(path: Path) -> None:
    shapes_only("efficienttam_ti", path)
    names = "efficienttam_ti, efficienttam_ti_1, efficienttam_ti_2, efficienttam_ti_512x512"
    with pytest.raises(CheckpointError, match=rf"weights.pt fits {names}, which share .* name the one .* model"):
        load_network(ModelChoice(checkpoint=str(path), device="cpu"))
    named = load_network(ModelChoice("efficienttam_ti_1", str(path), "cpu"))
    assert named.config == MODEL_CONFIGS["efficienttam_ti_1"]


def test_the_official_file_of_another_kind_is_refused_by_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released("efficienttam_ti", shapes_only("efficienttam_ti", path), monkeypatch)
    with pytest.raises(CheckpointError, match=r"is the official file of efficienttam_ti: .* choose the model"):
        load_network(ModelChoice("efficienttam_ti_2", str(path), "cpu"))
    assert load_network(ModelChoice("efficienttam_ti", str(path), "cpu", image_size=512)).config.image_size == 512


def test_edgetam_is_known_by_its_keys(path: Path) -> None:
    assert (
        load_network(ModelChoice(checkpoint=str(shapes_only("edgetam", path)), device="cpu")).config.name == "edgetam"
    )


def test_every_network_that_shares_keys_is_advised(path: Path) -> None:
    shapes_only("efficienttam_ti", path)
    with pytest.raises(CheckpointError, match=r"looks like efficienttam_ti or efficienttam_ti_1 or .*: choose"):
        load_model(get_config("edgetam"), path)


# --- sizes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "size", "advice"),
    [
        ("edgetam", 1000, "multiple of 256 for edgetam: 768 or 1024"),
        ("edgetam", 384, "multiple of 256 for edgetam: 256 or 512"),
        ("edgetam", 128, "multiple of 256 for edgetam: 256"),
        ("efficienttam_ti_1", 240, "multiple of 32 for efficienttam_ti_1: 224 or 256"),
        ("efficienttam_s_2", 528, "multiple of 32 for efficienttam_s_2: 512 or 544"),
        ("efficienttam_ti", 500, "multiple of 16 for efficienttam_ti: 496 or 512"),
        ("tiny", 1000, "multiple of 32 for sam2.1_hiera_tiny: 992 or 1024"),
    ],
)
def test_a_wrong_size_is_refused_with_the_nearest_right_ones(model: str, size: int, advice: str) -> None:
    with pytest.raises(ConfigError, match=f"image_size is {size}; it has to be a positive {advice}"):
        named_config(ModelChoice(model, "random", image_size=size))


@pytest.mark.parametrize(("model", "size"), [("edgetam", 768), ("efficienttam_ti_1", 544), ("efficienttam_s", 528)])
def test_other_right_sizes_are_taken(model: str, size: int) -> None:
    assert named_config(ModelChoice(model, "random", image_size=size)).image_size == size


@pytest.mark.parametrize("config", LIGHT, ids=of_kind)
def test_a_network_of_another_size_tracks(config: ModelConfig) -> None:
    larger = dataclasses.replace(config, image_size=config.image_size + config.image_size_multiple)
    assert len(follow(Tracker(random_model(larger)), 3)[-1].objects) == 3


@pytest.mark.parametrize("model", ["edgetam", "efficienttam_ti_1", "efficienttam_ti_2"])
def test_memory_is_not_pooled_where_a_network_makes_it_smaller_itself(model: str) -> None:
    with pytest.raises(ConfigError, match=f"memory_pooling is 2, but {model} makes memory smaller by itself; choose 1"):
        named_config(ModelChoice(model, "random", memory_pooling=2))


# --- memory ----------------------------------------------------------------------------------------------------------


def bank_bytes(name: str) -> int:
    """Of one object."""
    return MemoryBank(get_config(name), TrackerConfig(max_objects=1), torch.device("meta"), torch.float32).nbytes


def test_a_frame_of_edgetam_is_512_tokens() -> None:
    assert get_config("edgetam").memory_tokens == 512
    assert get_config("edgetam", 256).memory_tokens == 512
    pointers = 4 * 19 * 256
    assert bank_bytes("edgetam") - pointers == (bank_bytes("tiny") - pointers) // 8
    assert bank_bytes("efficienttam_ti_512x512") - pointers == (bank_bytes("tiny") - pointers) // 4


# --- tracking --------------------------------------------------------------------------------------------------------


def follow(tracker: Tracker, count: int) -> list:
    """Objects that begin one after the other, one of which is corrected."""
    prompts = {index: [Prompt(object_id, box=box)] for index, (object_id, box) in enumerate(BOXES.items())}
    prompts[7] = [Prompt(1, [[20, 24]], [0])]
    return [tracker.step(frame, prompts.get(index, [])) for index, frame in enumerate(frames(count))]


@pytest.mark.parametrize("name", LIGHT_CASES)
def test_objects_together_give_the_numbers_of_each_alone(name: str) -> None:
    model = network(LIGHT_CASES[name])
    together = follow(Tracker(model, TrackerConfig(objects_per_batch=8)), 9)
    alone = follow(Tracker(model, TrackerConfig(objects_per_batch=1)), 9)
    for a, b in zip(together, alone, strict=True):
        assert all((x.logits - y.logits).abs().max() < 1e-9 for x, y in zip(a.objects, b.objects, strict=True))


@pytest.mark.parametrize("config", LIGHT, ids=of_kind)
def test_half_precision_sees_what_full_precision_sees_at_first(config: ModelConfig) -> None:
    full, half = (random_model(config, dtype=dtype) for dtype in (torch.float32, torch.bfloat16))
    a, b = (follow(Tracker(model), 1)[0].objects[0].mask for model in (full, half))
    assert (a == b).mean() > 0.97
    assert np.isfinite(follow(Tracker(half), 3)[-1].objects[0].object_score)
