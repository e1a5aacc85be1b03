"""SAM 2.1 object tracking for ROS 2: hold on to *that* object."""

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .model.checkpoint import load_model
    from .tracking.prompt import Prompt
    from .tracking.tracker import Tracker

_HOMES = {"Prompt": ".tracking.prompt", "Tracker": ".tracking.tracker", "load_model": ".model.checkpoint"}
__all__ = ["Prompt", "Tracker", "load_model"]

# The generated messages (sam2_ros.msg) may be installed in another place than these modules.
__path__ = pkgutil.extend_path(__path__, __name__)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """The public names, loaded when they are first used: whoever only wants sam2_ros.msg does not wait for torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name], __name__), name)
