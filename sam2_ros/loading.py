"""From settings to a network on its device: the edge where device, precision and weights are chosen."""

from pathlib import Path

import torch

from .config import ModelChoice
from .download import checkpoint_file
from .errors import ConfigError, DeviceError
from .model.checkpoint import load_model, random_model
from .model.config import ModelConfig, get_config
from .model.sam2 import Sam2


def load_network(choice: ModelChoice) -> Sam2:
    """The network that the settings name, ready for inference. Raises ConfigError, DeviceError, CheckpointError."""
    config = model_config(choice)
    device = compute_device(choice.device)
    dtype = compute_dtype(choice.precision, device)
    if choice.checkpoint == "random":
        return random_model(config, device=device, dtype=dtype)
    path = checkpoint_file(config.name) if choice.checkpoint == "auto" else Path(choice.checkpoint).expanduser()
    try:
        return load_model(config, path, device, dtype)
    except torch.cuda.OutOfMemoryError as error:
        raise DeviceError(f"{device} has no memory for the model {config.name}; choose a smaller one") from error


def model_config(choice: ModelChoice) -> ModelConfig:
    """The shape of the network that the settings name. Raises ConfigError."""
    try:
        return get_config(choice.model, choice.image_size or None)
    except ValueError as error:
        raise ConfigError(str(error)) from None


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


def compute_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The dtype of a precision; ``auto`` is bfloat16 on CUDA, float32 on the CPU."""
    if precision == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    dtype: torch.dtype = getattr(torch, precision)
    return dtype
