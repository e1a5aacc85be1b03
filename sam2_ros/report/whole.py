"""Files that appear whole or not at all, and are replaced at once."""

from pathlib import Path
from types import TracebackType

from ..errors import EvaluationError
from ..files.unfinished import Unfinished


class Whole:
    """A name beside ``path`` to write to; it takes the place of ``path`` when the block ends without an error."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Path:
        try:
            self._part = Unfinished(self._path, is_folder=False, hidden=True)
        except OSError as error:
            raise self._refusal(error) from error
        return self._part.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._part.path.chmod(0o644)  # a new one is for its owner alone
                self._part.path.replace(self._path)
        except OSError as trouble:
            raise self._refusal(trouble) from trouble
        finally:
            self._part.close()
        if isinstance(error, OSError):
            raise self._refusal(error) from error

    def _refusal(self, error: OSError) -> EvaluationError:
        return EvaluationError(f"cannot write {self._path}: {error.strerror or error}; choose another place")


def write_whole(path: Path, text: str) -> None:
    """Write a file that others may read at any time: it is replaced at once. Raises EvaluationError."""
    with Whole(path) as part:
        part.write_text(text, encoding="utf-8")
