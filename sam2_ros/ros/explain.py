"""What the node says of an exception."""

import traceback

from ..errors import Sam2RosError, ran_out_of_memory

MEMORY_REMEDY = "end other programs, or choose a smaller model, image_size or max_objects"


def explained(error: BaseException) -> str:
    """What to tell of an error: one that was raised on purpose speaks for itself."""
    if isinstance(error, Sam2RosError):
        return str(error)
    if ran_out_of_memory(error):
        return f"this machine has no memory left ({type(error).__name__}); {MEMORY_REMEDY}"
    return f"{type(error).__name__}: {error}"


def located(error: BaseException) -> str:
    """What to tell of an error that nobody thought of: where it was raised, too."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return f"{explained(error)}{where}"
