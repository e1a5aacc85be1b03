"""Files that appear whole or not at all, and are replaced at once."""

import os
import tempfile
from pathlib import Path
from types import TracebackType

from ..errors import EvaluationError


class Whole:
    """A name beside ``path`` to write to; it takes the place of ``path`` when the block ends without an error."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Path:
        try:
            number, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.absolute().parent)
        except OSError as error:
            raise self._refusal(error) from error
        os.close(number)
        self._part = Path(name)
        return self._part

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._part.chmod(0o644)  # mkstemp's files are for their owner alone
                self._part.replace(self._path)
        except OSError as trouble:
            raise self._refusal(trouble) from trouble
        finally:
            self._part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise self._refusal(error) from error

    def _refusal(self, error: OSError) -> EvaluationError:
        return EvaluationError(f"cannot write {self._path}: {error.strerror or error}; choose another place")


def write_whole(path: Path, text: str) -> None:
    """Write a file that others may read at any time: it is replaced at once. Raises EvaluationError."""
    with Whole(path) as part:
        part.write_text(text, encoding="utf-8")
