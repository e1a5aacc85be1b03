"""The network that runs, loaded once for many clips, and its name for a report."""

import hashlib
from functools import lru_cache
from pathlib import Path

from ..config import ModelChoice
from ..model.sam2 import Sam2
from ..weights.download import checkpoint_file
from ..weights.loading import load_network
from ..weights.shipped import SHIPPED


@lru_cache(maxsize=1)
def network(choice: ModelChoice) -> Sam2:
    """The network of these settings; the last one stays loaded. Raises what `load_network` raises."""
    return load_network(choice)


def checkpoint_name(choice: ModelChoice) -> str:
    """File name and sha256 of the weights of a network that was loaded already."""
    if choice.checkpoint == "random":
        return "random"
    if choice.checkpoint == "auto":
        name = network(choice).config.name
        return _described(SHIPPED.get(name) or checkpoint_file(name))
    return _described(Path(choice.checkpoint).expanduser())


@lru_cache(maxsize=1)
def _described(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while piece := file.read(1 << 20):
            digest.update(piece)
    return f"{path.name} {digest.hexdigest()}"
