"""The error hierarchy. Every message says what is wrong, with which value, and what to do about it.

The library raises these, the command line prints them and exits 1, the node logs them, drops the input and goes on.
"""

LONGEST_QUOTE = 60  # characters of what others wrote that a sentence repeats


def quoted(text: str) -> str:
    """What others wrote, for a sentence: on one line, not too long."""
    return repr(text if len(text) <= LONGEST_QUOTE else f"{text[: LONGEST_QUOTE - 3]}...")


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that this machine has no memory left: Python's, or torch's, which is of no own class."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "allocate memory" in str(error))


class Sam2RosError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(Sam2RosError):
    """A parameter has a value that cannot work."""


class CheckpointError(Sam2RosError):
    """A weights file is missing, damaged, or of another network."""


class DownloadError(CheckpointError):
    """A weights file could not be fetched."""


class DeviceError(Sam2RosError):
    """The compute device is not there or ran out of memory."""


class ImageError(Sam2RosError):
    """An image cannot be used: encoding, size or data length."""


class SpaceError(Sam2RosError):
    """It cannot be said where things are: depth, camera model or transform is missing or wrong."""


class PromptError(Sam2RosError):
    """A prompt cannot be used on this image or for this object."""


class StateError(Sam2RosError):
    """A saved state cannot be written, is damaged, or is of another network or other settings."""


class BagError(Sam2RosError):
    """A bag, a video, an image folder or a prompts file cannot be read or written."""


class EvaluationError(Sam2RosError):
    """Results and truth, or two evaluations, cannot be compared."""


class BenchError(Sam2RosError):
    """The results of a benchmark cannot be written."""
