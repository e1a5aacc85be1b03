"""Which network a file of weights belongs to."""

import hashlib
from pathlib import Path

import pytest
import torch

from sam2_ros.config import ModelChoice
from sam2_ros.errors import CheckpointError
from sam2_ros.model.checkpoint import expected_shapes, load_model
from sam2_ros.model.config import MODEL_CONFIGS, get_config
from sam2_ros.weights.download import OFFICIAL_FILES, OfficialFile
from sam2_ros.weights.loading import load_network


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.pt"


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
