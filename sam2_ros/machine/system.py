"""What the system has beneath a virtual environment: its numpy is the one that its cv_bridge was built for."""

import sys
from pathlib import Path

from .trial import in_python


def system_numpy() -> str:
    """Version of the system's numpy, which a newer one in a virtual environment hides; empty when there is none."""
    python = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
    version, _ = in_python("import numpy; print(numpy.__version__)", str(python), "-I")
    return version


def cv_bridge_remedy() -> str:
    """What brings cv_bridge back; pip finds the OpenCV that takes this numpy."""
    numpy = system_numpy()
    if not numpy:
        return "install a cv_bridge that was built for this numpy and OpenCV"
    return f"cv_bridge comes back with the numpy that it was built for: pip install numpy=={numpy} opencv-python"
