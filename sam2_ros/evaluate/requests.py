"""One request for a folder of clips becomes one for each clip, with its own ground truth."""

from dataclasses import replace

from .clips import find_clips
from .request import EvaluateRequest


def requests_of(request: EvaluateRequest) -> list[EvaluateRequest]:
    """A request for each clip that ``request.results`` means.

    The truth of a clip lies under the same name as the clip; a clip that is the path itself has the truth as given.
    Raises EvaluationError when there is no clip.
    """
    clips = find_clips(request.results)
    if clips == [request.results]:
        return [request]
    root = request.results if request.results.is_dir() else request.results.parent
    every = []
    for clip in clips:
        inside = clip.relative_to(root) if clip.is_relative_to(root) else clip.name
        truth = None if request.truth is None else request.truth / inside
        keep = None if request.keep is None else request.keep / inside
        every.append(replace(request, results=clip, truth=truth, keep=keep, name=str(inside)))
    return every
