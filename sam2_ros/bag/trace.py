"""What trackers remembered, frame by frame and object by object, as JSON lines: one object of one frame each."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from ..tracking.policies.policy import Attended
from ..tracking.result import FrameResult, ObjectState


class Trace:
    """An open file that takes results."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def add(self, result: FrameResult) -> None:
        """Write a line for each object of a frame."""
        for state in result.objects:
            self._file.write(json.dumps(_entry(result, state)) + "\n")


@contextmanager
def trace(path: Path) -> Iterator[Trace]:
    """A new file, open while this lasts."""
    with path.open("w", encoding="utf-8") as file:
        yield Trace(file)


def _entry(result: FrameResult, state: ObjectState) -> dict[str, Any]:
    note = state.memory
    return {
        "frame": result.frame_index,
        "stamp_ns": result.stamp_ns,
        "object": state.object_id,
        "label": state.label,
        "state": state.state.name,
        "object_score": round(state.object_score, 4),
        "mask_score": round(state.mask_score, 4),
        "area": state.area,
        "attended": None if note is None or note.attended is None else _attended(note.attended),
        "kept": note is not None and note.kept,
        "promoted": note is not None and note.promoted,
        "why": "" if note is None else note.why,
    }


def _attended(those: Attended) -> dict[str, Any]:
    """Frame numbers; a recent one with its row of the temporal encoding."""
    return {
        "prompted": list(those.prompted),
        "recent": [list(pair) for pair in zip(those.recent, those.rows, strict=True)],
        "pointers": list(those.pointers),
    }
