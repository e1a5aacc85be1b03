"""The one gate that weights pass: an official ``{"model": state_dict}`` file or safetensors to a network, strictly."""

import dataclasses
import hashlib
import math
import pickle
import zipfile
from functools import cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import CheckpointError
from .config import MODEL_CONFIGS, ModelConfig
from .sam2 import Sam2

COUNTER, STATISTICS = ".num_batches_tracked", ".running_mean"  # that a batch norm leaves in a file beside each other
OFFICIAL = "an official SAM 2, EdgeTAM or EfficientTAM .pt file"
SHOWN_KEYS = 3  # offending keys that an error names
FEWEST_CHANNELS_LAST = 16  # of a convolution whose maps lie with their channels last


def load_model(
    config: ModelConfig,
    checkpoint: Path | str,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Sam2:
    """Network with the weights of a file, in evaluation mode, frozen.

    Every key of the file is used once and none is missing, else CheckpointError. Code in the file is never executed.
    """
    return network_of(config, read_state(Path(checkpoint)), checkpoint, device, dtype)


def network_of(
    config: ModelConfig,
    state: dict[str, Tensor],
    checkpoint: Path | str,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Sam2:
    """Network with the weights ``state``, which came from the file ``checkpoint``. Raises CheckpointError."""
    expected = expected_shapes(config)
    problem = describe_mismatch(expected, shapes_of(state))
    if problem:
        raise CheckpointError(f"{checkpoint} does not fit the model {config.name}: {problem}. {_advice(state)}")
    with torch.device("meta"):
        model = Sam2(config)
    model.load_state_dict(state, strict=True, assign=True)
    return ready(model, device, dtype)


def random_model(
    config: ModelConfig, seed: int = 0, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> Sam2:
    """Network with seeded random weights: shows the machinery, its masks mean nothing."""
    model = Sam2(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.ndim > 1:
                tensor.normal_(0, 1 / math.sqrt(math.prod(tensor.shape[1:])), generator=generator)
            elif name.endswith("bias"):
                tensor.zero_()
        # Objects are in the picture rather than not, so that there is something to see.
        model.get_parameter("sam_mask_decoder.pred_obj_score_head.layers.2.bias").fill_(4.0)
    return ready(model, device, dtype)


def ready(model: Sam2, device: torch.device | str, dtype: torch.dtype) -> Sam2:
    """The network for inference only, on its device, in its precision."""
    model.weights_sha256 = digest(model.state_dict())
    model.requires_grad_(False).eval().to(device=device, dtype=torch.promote_types(dtype, torch.float32))
    model.fold()
    for layer in model.modules():
        # As tensor cores want it, and on the CPU most of the maps lie so already. Its norms do not like it narrow.
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.out_channels >= FEWEST_CHANNELS_LAST:
            layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # the hints do not know of it
    return model.to(dtype)


def digest(state: dict[str, Tensor]) -> str:
    """sha256, hexadecimal, of weights by their keys: the same for the same weights in whatever file they came."""
    content = hashlib.sha256()
    for key, value in sorted(state.items()):
        content.update(f"{key} {value.dtype} {tuple(value.shape)};".encode())
        bytes_ = value.detach().cpu().clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8)
        content.update(bytes_.numpy().data)
    return content.hexdigest()


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint file, official or ``.safetensors``, on the CPU. Raises CheckpointError."""
    _check_readable(path)
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if not _is_intact(path):
        raise CheckpointError(_not_a_checkpoint(path))
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if _is_pickle(path):
            raise CheckpointError(
                f"{path} is damaged or contains code or objects besides tensors, and nothing of it was executed; "
                f"use {OFFICIAL}"
            ) from error
        raise CheckpointError(_not_a_checkpoint(path)) from error
    except Exception as error:  # a damaged file can make the reader fail in any way
        raise CheckpointError(_not_a_checkpoint(path)) from error
    state = content.get("model") if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state:
        raise CheckpointError(f"{path} has no entry 'model' with the network's weights; use {OFFICIAL}")
    state = without_counters(state)
    wrong = [str(key) for key, value in state.items() if not (isinstance(key, str) and _is_weight(value))]
    if wrong:
        raise CheckpointError(
            f"{path} holds something other than a dense floating-point tensor under {wrong[0]!r}; use an official file"
        )
    return state


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        state: dict[str, Tensor] = load_file(path)
    except SafetensorError as error:
        raise CheckpointError(f"{path} is damaged, cut short or not a safetensors file: {error}") from error
    return without_counters(state)


def without_counters(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state without how many batches each batch norm was trained with, which nothing depends on."""
    return {key: value for key, value in state.items() if not _is_counter(key, value, state)}


def _is_counter(key: object, value: object, state: dict[str, Tensor]) -> bool:
    return (
        isinstance(key, str)
        and key.endswith(COUNTER)
        and key.removesuffix(COUNTER) + STATISTICS in state
        and isinstance(value, Tensor)
        and value.dtype == torch.int64
        and value.ndim == 0
    )


def _check_readable(path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise CheckpointError(
            f"there is no readable checkpoint file {path} ({error.strerror}); "
            f"give the path of {OFFICIAL}, or of a .safetensors file"
        ) from error


def _is_weight(value: object) -> bool:
    return (
        isinstance(value, Tensor) and value.is_floating_point() and value.layout == torch.strided and not value.is_meta
    )


def _is_intact(path: Path) -> bool:
    """Whether a zip archive's contents are what its checksums say: torch does not look. True for what is no archive."""
    if not zipfile.is_zipfile(path):
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except Exception:  # a damaged directory can make the reader fail in any way
        return False


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        return zipfile.is_zipfile(path) or file.read(1) == b"\x80"


def _not_a_checkpoint(path: Path) -> str:
    size = path.stat().st_size
    return f"{path} ({size:,} bytes) is damaged, cut short or not a torch checkpoint; download it again"


def shapes_of(state: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor by its key."""
    return {key: tuple(value.shape) for key, value in state.items()}


def expected_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Keys and shapes that a network of this configuration loads, found without allocating it."""
    smallest = dataclasses.replace(config, image_size=config.image_size_multiple)  # weights do not depend on it
    return dict(_shapes(smallest))


@cache
def _shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Kept, since a file that fits none of the known networks is compared with all of them, which takes a second."""
    with torch.device("meta"):
        return shapes_of(Sam2(config).state_dict())


def describe_mismatch(expected: dict[str, tuple[int, ...]], found: dict[str, tuple[int, ...]]) -> str:
    """The first keys that are missing, unknown or of another shape; empty when there are none."""
    kinds = {
        "missing": [key for key in expected if key not in found],
        "unknown": [key for key in found if key not in expected],
        "of another shape": [
            f"{key} {found[key]} instead of {expected[key]}"
            for key in expected
            if key in found and found[key] != expected[key]
        ],
    }
    parts = []
    for kind, keys in kinds.items():
        if keys:
            more = f" and {len(keys) - SHOWN_KEYS} more" if len(keys) > SHOWN_KEYS else ""
            parts.append(f"{len(keys)} {kind}: {', '.join(keys[:SHOWN_KEYS])}{more}")
    return "; ".join(parts)


def recognise(state: dict[str, Tensor]) -> list[ModelConfig]:
    """The configurations that weights fit by their keys and shapes; several where networks share these."""
    found = shapes_of(state)
    fitting = next((config for config in MODEL_CONFIGS.values() if expected_shapes(config) == found), None)
    return [] if fitting is None else [config for config in MODEL_CONFIGS.values() if config.shares_weights(fitting)]


def _advice(state: dict[str, Tensor]) -> str:
    known = " or ".join(config.name for config in recognise(state))
    if known:
        return f"The file looks like {known}: choose that model, or another file"
    return f"The file looks like none of the known sizes: use {OFFICIAL}"
