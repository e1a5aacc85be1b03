"""One request for a folder of clips becomes one for each clip, with its own ground truth."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import EvaluationError
from .clips import find_clips
from .request import EvaluateRequest


def requests_of(request: EvaluateRequest, names: Path | None = None) -> list[EvaluateRequest]:
    """A request for each clip that ``request.results`` means.

    The truth of a clip lies under the same name as the clip; a clip that is the path itself has the truth as given.
    ``names``: a file with the name of a clip on each line, such as DAVIS's ImageSets/2017/val.txt; only these are
    taken. Raises EvaluationError when there is no clip, or none of a name.
    """
    clips = find_clips(request.results)
    every = [request] if clips == [request.results] else [_of(request, clip) for clip in clips]
    return every if names is None else _named(request, every, names)


def _of(request: EvaluateRequest, clip: Path) -> EvaluateRequest:
    root = request.results if request.results.is_dir() else request.results.parent
    inside = clip.relative_to(root) if clip.is_relative_to(root) else Path(clip.name)
    return replace(
        request,
        results=clip,
        truth=None if request.truth is None else request.truth / inside,
        keep=None if request.keep is None else request.keep / inside,
        name=str(inside),
    )


def _named(request: EvaluateRequest, every: Sequence[EvaluateRequest], names: Path) -> list[EvaluateRequest]:
    try:
        wanted = [line.strip() for line in names.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"the list of names {names} cannot be read: {error}; give a text file") from error
    known = {one.title: one for one in every}
    for name in wanted:
        if name not in known:
            raise EvaluationError(f"there is no {name} in {request.results}, but the list {names} names it")
    return [known[name] for name in wanted]
