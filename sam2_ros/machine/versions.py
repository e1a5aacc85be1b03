"""Which torch, numpy and Python go together; README.md and setup.py say the same."""

import re

LEAST_PYTHON = (3, 10)
LEAST_TORCH = (2, 3)  # the oldest one that all tests pass with, and the first that knows numpy 2
# The first torch whose compiler knows a Python, by its release notes and, for 3.14, its source.
COMPILES_SINCE = {(3, 12): (2, 4), (3, 13): (2, 6), (3, 14): (2, 10)}
NUMPY_REMEDY = f"pip install 'numpy<2', or a torch from {LEAST_TORCH[0]}.{LEAST_TORCH[1]} on that was built for numpy 2"


def torch_clash(torch: str, python: tuple[int, int]) -> tuple[str, str]:
    """What does not go together, and the remedy; both empty where all does. ``torch`` is its ``__version__``."""
    release = release_of(torch)
    if release < LEAST_TORCH:
        return f"torch {torch} is older than all that was tried", f"pip install 'torch>={written(LEAST_TORCH)}'"
    first = COMPILES_SINCE.get(python, LEAST_TORCH)
    if release < first:
        text = f"torch {torch} cannot compile with Python {written(python)}, so a GPU is slower than it could be"
        return text, f"pip install 'torch>={written(first)}'"
    return "", ""


def release_of(version: str) -> tuple[int, int]:
    """Major and minor number of a version; a vendor's build before a release counts as that release."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def written(release: tuple[int, int]) -> str:
    """As people write it."""
    return ".".join(map(str, release))
