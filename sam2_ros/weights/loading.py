"""From settings to a network on its device: the edge where device, precision and weights are chosen."""

import dataclasses
from pathlib import Path

import torch
from torch import Tensor

from ..config import ModelChoice
from ..errors import ConfigError, DeviceError, ran_out_of_memory
from ..model.checkpoint import network_of, random_model, read_state
from ..model.config import ModelConfig, get_config
from ..model.kernels import quick_dtype
from ..model.sam2 import Sam2
from .allocator import keep_memory
from .download import checkpoint_file
from .identity import check_kind, identify
from .shipped import SHIPPED

AUTO_MODEL = "nano"  # where neither a model nor weights are named: it comes with the package


def load_network(choice: ModelChoice) -> Sam2:
    """The network that the settings name, ready for inference. Raises ConfigError, DeviceError, CheckpointError."""
    try:
        return _loaded(choice)
    except (MemoryError, RuntimeError) as error:
        if not ran_out_of_memory(error):
            raise
        raise DeviceError("this machine has no memory left for the model; choose a smaller one") from error


def _loaded(choice: ModelChoice) -> Sam2:
    device = compute_device(choice.device)
    dtype = compute_dtype(choice.precision, device)
    if device.type == "cpu":
        keep_memory()
    if choice.checkpoint == "random":
        return random_model(named_config(choice), device=device, dtype=dtype)
    if choice.checkpoint == "auto":
        config = named_config(choice)
        path = SHIPPED.get(config.name) or checkpoint_file(config.name)
        state = read_state(path)
    else:
        path = Path(choice.checkpoint).expanduser()
        state = read_state(path)
        config = _config_of(state, path, choice)
    try:
        return network_of(config, state, path, device, dtype)
    except torch.cuda.OutOfMemoryError as error:
        raise DeviceError(f"{device} has no memory for the model {config.name}; choose a smaller one") from error


def named_config(choice: ModelChoice) -> ModelConfig:
    """The shape of the network by its name alone. Raises ConfigError."""
    try:
        return _adapted(get_config(AUTO_MODEL if choice.model == "auto" else choice.model), choice)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _config_of(state: dict[str, Tensor], path: Path, choice: ModelChoice) -> ModelConfig:
    """The shape of the network that the weights of a file belong to."""
    if choice.model != "auto":
        config = named_config(choice)
        check_kind(config, path)
        return config
    config = identify(state, path)
    try:
        return _adapted(config, choice)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _adapted(config: ModelConfig, choice: ModelChoice) -> ModelConfig:
    """A network's shape with what was chosen besides its size. Raises ValueError."""
    return dataclasses.replace(
        config, image_size=choice.image_size or config.image_size, memory_pooling=choice.memory_pooling
    )


def compute_device(name: str) -> torch.device:
    """The device of that name: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``. Raises ConfigError or DeviceError."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"parameter device is {name!r}; choose auto, cpu, cuda or cuda:N") from None
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"parameter device is {name!r}; choose auto, cpu, cuda or cuda:N")
    count = torch.cuda.device_count()
    if device.type == "cuda" and (device.index or 0) >= count:
        raise DeviceError(
            f"device {name} is not there: torch {torch.__version__} sees {count} CUDA devices; "
            "choose device cpu, or install a torch with CUDA for this machine"
        )
    return device


def wants_compiling(compile_network: str, device: torch.device) -> bool:
    """Whether the network is to be compiled; ``auto`` is yes on CUDA, no on the CPU."""
    return compile_network == "always" or (compile_network == "auto" and device.type == "cuda")


def compute_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The dtype of a precision; ``auto`` is what the device is quick at, see `quick_dtype`."""
    if precision == "auto":
        return quick_dtype(device)
    dtype: torch.dtype = getattr(torch, precision)
    return dtype
