"""What is done already: every finished clip is a file in the work folder, named by all that its figures depend on."""

import hashlib
import logging
import traceback
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

from .. import __version__
from ..errors import EvaluationError, Sam2RosError
from ..measures.record import Evaluation, Failed
from ..report.files import read_json, write_json
from .content import Sums
from .request import EvaluateRequest

SUMS = "sums"  # folder in the work folder
NOT_INPUT = ("keep",)  # fields of a request that change no figure

_log = logging.getLogger(__name__)


Task = Callable[[EvaluateRequest], Evaluation]


def evaluate_request(request: EvaluateRequest) -> Evaluation:
    """The work itself."""
    # Only where the work is done: a cluster's driver needs no torch.
    from .one import evaluate

    return evaluate(request)


def make_work_folder(work: Path) -> None:
    """Make the folder for finished clips. Raises EvaluationError."""
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EvaluationError(f"cannot make the folder {work}: {error.strerror or error}; choose another") from error


def evaluate_once(request: EvaluateRequest, work: Path, task: Task, device: str | None = None) -> Evaluation | Failed:
    """Evaluate a clip unless that is done already. Whatever goes wrong with it becomes a reason; nothing is raised.

    ``device``: where to compute when the request leaves that open; it is no part of the name of the file.
    """
    try:
        file = work / f"{key_of(request, Sums(work / SUMS))}.json"
        done = _read(file)
        if done is None:
            write_json(task(_on(request, device)), file)
            done = read_json(file)  # so that a clip is the same whether it was done just now or before
        return replace(done, source=str(request.results))  # it may have been done under another path
    except Sam2RosError as error:
        return Failed(str(request.results), str(error))
    except OSError as error:
        what, why = error.filename or request.results, error.strerror or error
        return Failed(str(request.results), f"{what} cannot be read or written: {why}; check rights and disk")
    except Exception as error:  # a fault of this package must not stop a thousand bags either
        place = traceback.extract_tb(error.__traceback__)[-1]
        _log.debug("%s", request.results, exc_info=error)
        reason = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
        return Failed(str(request.results), f"unexpected {reason}; please report this")


def key_of(request: EvaluateRequest, sums: Sums) -> str:
    """SHA-256 of the content of all files of a request, of its settings, and of the version of this package."""
    digest = hashlib.sha256(__version__.encode())
    checkpoint = Path(request.choice.checkpoint)
    if checkpoint.is_file():
        digest.update(sums.of(checkpoint))
    for each in fields(request):
        if each.name in NOT_INPUT:
            continue
        value = getattr(request, each.name)
        digest.update(f"\n{each.name}=".encode())
        # By name and content: a folder that has moved is still the same.
        digest.update(value.name.encode() + sums.of(value) if isinstance(value, Path) else repr(value).encode())
    return digest.hexdigest()


def _read(file: Path) -> Evaluation | None:
    """What was found before; None when there is nothing that can be read."""
    if not file.is_file():
        return None
    try:
        return read_json(file)
    except EvaluationError as error:
        _log.warning("evaluated again: %s", error)
        return None


def _on(request: EvaluateRequest, device: str | None) -> EvaluateRequest:
    """The request with its network on a device, if it does not name one itself."""
    if device is None or request.choice.device not in ("auto", "cuda"):
        return request
    return replace(request, choice=replace(request.choice, device=device))
