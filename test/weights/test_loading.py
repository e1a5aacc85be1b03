"""From settings to a network on its device: which weights, which device, which precision, and what is refused."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from sam2_ros.config import ModelChoice
from sam2_ros.errors import CheckpointError, ConfigError, DeviceError
from sam2_ros.model.checkpoint import random_model
from sam2_ros.model.config import get_config
from sam2_ros.weights.loading import compute_device, compute_dtype, load_network, named_config

State = dict[str, Tensor]
BIAS = "sam_mask_decoder.conv_s0.bias"


@pytest.fixture(scope="module")
def weights() -> State:
    return random_model(get_config("toy"), seed=3).state_dict()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.pt"


def test_unknown_model_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown model 'huge'; choose one of tiny, small, base_plus, large"):
        named_config(ModelChoice(model="huge"))


@pytest.mark.parametrize("image_size", [100, 31, 1023])
def test_image_size_is_a_multiple_of_32(image_size: int) -> None:
    with pytest.raises(ConfigError, match=f"image_size is {image_size}; it has to be a positive multiple of 32"):
        load_network(ModelChoice(model="toy", checkpoint="random", image_size=image_size))


def test_bad_precision() -> None:
    with pytest.raises(ConfigError, match=r"precision is 'int8'; choose one of auto, float32, bfloat16, float16"):
        ModelChoice(precision="int8")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "", "meta", "mps"])
def test_unknown_device(name: str) -> None:
    with pytest.raises(ConfigError, match=f"device is '{name}'; choose auto, cpu, cuda or cuda:N"):
        compute_device(name)


def test_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert compute_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(DeviceError, match=r"device cuda:7 is not there: .* sees 2 CUDA devices; choose device cpu"):
        load_network(ModelChoice(model="toy", checkpoint="random", device="cuda:7"))


def test_cuda_without_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(DeviceError, match=r"device cuda is not there: .* sees 0 CUDA devices"):
        compute_device("cuda")


@pytest.mark.parametrize(
    ("capability", "name", "dtype"),
    [
        ((9, 0), "cuda", torch.bfloat16),
        ((8, 7), "cuda", torch.bfloat16),  # Orin
        ((7, 5), "cuda", torch.float16),  # T4, RTX 20
        ((7, 2), "cuda", torch.float16),  # Xavier
        ((6, 1), "cuda", torch.float32),
        (None, "cpu", torch.float32),
    ],
)
def test_automatic_device_and_precision(
    capability: tuple[int, int] | None, name: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: capability is not None)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    device = compute_device("auto")
    assert device == torch.device(name)
    assert compute_dtype("auto", device) == dtype
    assert compute_dtype("float64", device) == torch.float64


def test_random_checkpoint_needs_no_file() -> None:
    network = load_network(ModelChoice(model="toy", checkpoint="random", device="cpu", image_size=128))
    assert network.config.image_size == 128
    assert network.dtype == torch.float32


def test_checkpoint_by_path(weights: State, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"model": weights}, path)
    monkeypatch.setenv("HOME", str(path.parent))
    network = load_network(ModelChoice("toy", f"~/{path.name}", "cpu", "float64"))
    assert network.dtype == torch.float64
    assert torch.equal(network.state_dict()[BIAS], weights[BIAS].double())


def test_wrong_path_is_named(path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no readable checkpoint file .*weights.pt"):
        load_network(ModelChoice(model="toy", checkpoint=str(path), device="cpu"))


def test_automatic_checkpoint_comes_from_the_cache(
    weights: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAM2_ROS_CACHE", str(tmp_path))
    torch.save({"model": weights}, tmp_path / "sam2.1_hiera_tiny.pt")
    with pytest.raises(CheckpointError, match=r"sam2.1_hiera_tiny.pt does not fit .* looks like toy"):
        load_network(ModelChoice(model="tiny", device="cpu"))
    with pytest.raises(CheckpointError, match="no official download for the model 'toy'"):
        load_network(ModelChoice(model="toy", device="cpu"))


def test_network_that_does_not_fit_the_device(weights: State, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhaust(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    torch.save({"model": weights}, path)
    monkeypatch.setattr("sam2_ros.weights.loading.network_of", exhaust)
    with pytest.raises(DeviceError, match="cpu has no memory for the model toy; choose a smaller one"):
        load_network(ModelChoice(model="toy", checkpoint=str(path), device="cpu"))
