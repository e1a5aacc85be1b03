"""Which objects of a clip count, and on which frames: the rules of DAVIS 2017 and of SA-V.

DAVIS (semi-supervised): the objects of the first annotated frame; ids above the highest there are left out. Every
annotated frame counts but the first, which holds the prompt, and the last.

SA-V: of the same frames those from the first on which truth or the prediction has the object; an object that truth
does not show on any of them is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import EvaluationError
from .protocol import Measure
from .record import Row
from .scoring import Scorer


@dataclass(frozen=True, slots=True)
class CountedObject:
    """One object that counts, with all its rows."""

    object_id: int
    label: str
    switches: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """The objects that count, by id, and what the user should be told of the others."""

    objects: tuple[CountedObject, ...]
    notes: tuple[str, ...]


def counted(scorer: Scorer, measure: Measure) -> Counted:
    """The objects and rows of a finished clip. Raises EvaluationError when none counts."""
    if not scorer.true_ids:
        raise EvaluationError("the ground truth shows no object on any frame; its label images have 0 everywhere")
    kept = _as_davis(scorer) if measure is Measure.DAVIS else _as_sa_v(scorer)
    objects = tuple(
        CountedObject(object_id, scorer.label(object_id), scorer.switches(object_id), rows)
        for object_id, rows in sorted(kept.items())
    )
    left_out = sorted(scorer.true_ids - kept.keys())
    notes = [*_left_out(left_out, measure), *_strangers(scorer), *_short(scorer, objects)]
    return Counted(objects, tuple(notes))


def _as_davis(scorer: Scorer) -> dict[int, tuple[Row, ...]]:
    if not scorer.first_ids:
        raise EvaluationError(
            "the first annotated frame shows no object, and DAVIS counts the objects of that frame; "
            "choose the measure sa-v, which counts an object from the frame on which it appears"
        )
    highest = max(scorer.first_ids)
    return {object_id: _inner(scorer.rows(object_id)) for object_id in scorer.true_ids if object_id <= highest}


def _as_sa_v(scorer: Scorer) -> dict[int, tuple[Row, ...]]:
    rows = {object_id: _appeared(_inner(scorer.rows(object_id))) for object_id in scorer.true_ids}
    return {object_id: some for object_id, some in rows.items() if any(row.counted and row.visible for row in some)}


def _inner(rows: Sequence[Row]) -> tuple[Row, ...]:
    """All rows, of which the first and the last do not count."""
    ends = (0, len(rows) - 1)
    return tuple(replace(row, counted=False) if place in ends else row for place, row in enumerate(rows))


def _appeared(rows: Sequence[Row]) -> tuple[Row, ...]:
    """All rows, of which none counts before the first counted one on which truth or the prediction has the object."""
    seen = (place for place, row in enumerate(rows) if row.counted and (row.true_area or row.found_area))
    first = next(seen, len(rows))
    return tuple(replace(row, counted=False) if place < first else row for place, row in enumerate(rows))


def _left_out(ids: Sequence[int], measure: Measure) -> list[str]:
    if not ids:
        return []
    if measure is Measure.DAVIS:
        return [
            f"left out: {_objects(ids)} of the ground truth; as in DAVIS the objects of the first annotated frame "
            "count, --measure sa-v counts every object from its first frame on"
        ]
    return [f"left out: {_objects(ids)} of the ground truth; never seen between the first and last annotated frame"]


def _strangers(scorer: Scorer) -> list[str]:
    notes = []
    known = {scorer.found_id(object_id) for object_id in scorer.true_ids}
    if strange := sorted(scorer.found_ids - known):
        notes.append(f"not scored: {_objects(strange)} of the results, not in the ground truth")
    if missing := sorted(
        object_id for object_id in scorer.true_ids if scorer.found_id(object_id) not in scorer.found_ids
    ):
        notes.append(f"not found: {_objects(missing)} of the ground truth, not in the results, counts as empty")
    return notes


def _short(scorer: Scorer, objects: Sequence[CountedObject]) -> list[str]:
    if any(row.counted for item in objects for row in item.rows):
        return []
    return [f"only {scorer.frames} annotated frames, of which the first and the last do not count: no figure"]


def _objects(ids: Sequence[int]) -> str:
    return f"object{'s' if len(ids) > 1 else ''} {', '.join(map(str, ids))}"
