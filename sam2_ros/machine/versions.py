"""Which torch, numpy and Python go together; README.md and setup.py say the same."""

import re

LEAST_PYTHON = (3, 10)
# The oldest that all tests pass with. It knows numpy 2, as 2.3 was the first to, and compiles with Python 3.12.
LEAST_TORCH = (2, 4)
# The first torch whose compiler knows a newer Python: by the release notes of 2.6 and the source of 2.10.
COMPILES_SINCE = {(3, 13): (2, 6), (3, 14): (2, 10)}
NUMPY_REMEDY = "pip install 'numpy<2', or a torch that was built for numpy 2 (the ordinary ones from 2.3 on are)"


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
