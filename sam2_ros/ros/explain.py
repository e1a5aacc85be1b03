"""What the node says of an exception."""

import traceback

from ..errors import Sam2RosError


def explained(error: BaseException) -> str:
    """What to tell of an error: one that was raised on purpose speaks for itself."""
    return str(error) if isinstance(error, Sam2RosError) else f"{type(error).__name__}: {error}"


def located(error: BaseException) -> str:
    """What to tell of an error that nobody thought of: where it was raised, too."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return f"{explained(error)}{where}"
