"""Which network a file of weights belongs to: by keys and shapes and, where networks share these, by its sha256."""

from pathlib import Path

from torch import Tensor

from ..errors import CheckpointError
from ..model.checkpoint import OFFICIAL, recognise
from ..model.config import MODEL_CONFIGS, ModelConfig
from .download import OFFICIAL_FILES, sha256_of


def identify(state: dict[str, Tensor], path: Path) -> ModelConfig:
    """The network that the weights ``state`` of a file belong to. Raises CheckpointError when that is not certain."""
    fitting = recognise(state)
    if not fitting:
        raise CheckpointError(f"{path} fits none of the known models; use {OFFICIAL}")
    if len(fitting) == 1:
        return fitting[0]
    released = _released_as(path, fitting)
    if released is None:
        names = ", ".join(config.name for config in fitting)
        raise CheckpointError(
            f"{path} fits {names}, which share their keys and shapes, and is none of the official files; "
            "name the one that it was trained as: the parameter model"
        )
    return released


def check_kind(config: ModelConfig, path: Path) -> None:
    """Raise CheckpointError when the file is the official one of another network with the same keys and shapes."""
    alike = [other for other in MODEL_CONFIGS.values() if other.shares_weights(config)]
    if len(alike) == 1:
        return
    released = _released_as(path, alike)
    if released is not None and released.name != config.name:
        raise CheckpointError(
            f"{path} is the official file of {released.name}: its weights would fit {config.name}, but were trained "
            f"for another attention or image size; choose the model {released.name}"
        )


def _released_as(path: Path, among: list[ModelConfig]) -> ModelConfig | None:
    digest = sha256_of(path)
    return next((c for c in among if c.name in OFFICIAL_FILES and OFFICIAL_FILES[c.name].sha256 == digest), None)
