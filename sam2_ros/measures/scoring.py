"""Truth and results of a clip, frame after frame, to rows: only small numbers are kept, no pixels."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .identity import IdentitySwitches
from .labels import Labels
from .overlap import Overlaps, overlaps
from .record import Row
from .similarity import boundary_accuracy


@dataclass(frozen=True, slots=True)
class Said:
    """What the tracker published of one object besides its mask."""

    visible: bool
    visibility: float = float("nan")  # 0..1; NaN: nothing published
    mask_score: float = float("nan")  # predicted IoU, 0..1
    label: str = ""
    state: str = ""  # CONFIRMED, UNSURE, ABSENT or LOST
    remembered: bool = True
    anchor: bool = False
    memory_note: str = ""  # why it is not remembered, or an anchor
    attended: tuple[int, ...] = ()  # by which images it was found: how many before this one


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The result that is held against a frame of truth."""

    labels: Labels
    said: Mapping[int, Said] | None  # by id; None: masks are all there is


@dataclass(frozen=True, slots=True)
class Place:
    """Which frame of the clip, and of which objects its truth speaks."""

    frame: int  # from 0
    stamp_ns: int
    time_ns: int
    annotated: frozenset[int] | None = None  # None: of all objects


class Scorer:
    """Scores the annotated frames that it is given, in their order."""

    def __init__(self, match: Mapping[int, int] | None = None) -> None:
        """``match``: found id by true id; None: ids are equal."""
        self._match = match
        self._true_id = None if match is None else {found: true for true, found in match.items()}
        self._places: list[Place] = []
        self._rows: dict[int, list[Row]] = {}  # by true id
        self._labels: dict[int, str] = {}  # the tracker's own, by found id
        self._switches = IdentitySwitches()
        self.first_ids: frozenset[int] = frozenset()  # that truth shows on the first frame
        self.true_ids: set[int] = set()  # that truth shows at all
        self.found_ids: set[int] = set()  # that the results speak of

    @property
    def frames(self) -> int:
        """How many were scored."""
        return len(self._places)

    def add(self, place: Place, truth: Labels, found: Found) -> None:
        """Score a frame; truth and result are of one size."""
        common = overlaps(truth, found.labels)
        self._meet(common, found)
        for object_id, rows in self._rows.items():
            if _speaks_of(place, object_id):
                rows.append(self._row(object_id, place, truth, found, common))
        self._switches.add(common)
        self._places.append(place)

    def rows(self, object_id: int) -> tuple[Row, ...]:
        """Of a true object, one row for each frame whose truth speaks of it."""
        return tuple(self._rows[object_id])

    def label(self, object_id: int) -> str:
        """What the tracker calls a true object; empty when it has no name for it."""
        return self._labels.get(self.found_id(object_id), "")

    def switches(self, object_id: int) -> int:
        """Identity switches of a true object."""
        return self._switches.of(object_id)

    def found_id(self, object_id: int) -> int:
        """The id that stands for a true object in the results; 0 when nothing matches."""
        return object_id if self._match is None else self._match.get(object_id, 0)

    def _meet(self, common: Overlaps, found: Found) -> None:
        """Begin the rows of objects that nothing was seen of before, in truth or in the results."""
        said = found.said or {}
        found_ids = {*common.found_areas, *said}
        if not self._places:
            self.first_ids = frozenset(common.true_areas)
        self.true_ids.update(common.true_areas)
        self.found_ids.update(found_ids)
        self._labels.update({found_id: of.label for found_id, of in said.items() if of.label})
        for object_id in sorted({*common.true_areas, *self._true_ids_of(found_ids)} - self._rows.keys()):
            before = (place for place in self._places if _speaks_of(place, object_id))
            self._rows[object_id] = [self._unseen(object_id, place) for place in before]

    def _true_ids_of(self, found_ids: Iterable[int]) -> set[int]:
        if self._true_id is None:
            return set(found_ids)
        return {self._true_id[found_id] for found_id in found_ids if found_id in self._true_id}

    def _unseen(self, object_id: int, place: Place) -> Row:
        """The row of an object that neither truth nor the results knew yet: both are empty, which is right."""
        return Row(
            object_id=object_id,
            found_id=self.found_id(object_id),
            frame=place.frame,
            stamp_ns=place.stamp_ns,
            time_ns=place.time_ns,
            counted=True,
            region=1.0,
            boundary=1.0,
            visible=False,
            found=False,
            true_area=0,
            found_area=0,
            visibility=float("nan"),
            mask_score=float("nan"),
        )

    def _row(self, object_id: int, place: Place, truth: Labels, found: Found, common: Overlaps) -> Row:
        found_id = self.found_id(object_id)
        true_area, found_area = common.true_areas.get(object_id, 0), common.found_areas.get(found_id, 0)
        said = _said(found, found_id, found_area)
        # Two empty masks are told apart from pixels without looking at them.
        some = true_area or found_area
        return Row(
            object_id=object_id,
            found_id=found_id,
            frame=place.frame,
            stamp_ns=place.stamp_ns,
            time_ns=place.time_ns,
            counted=True,
            region=common.region(object_id, found_id),
            boundary=boundary_accuracy(found.labels.mask(found_id), truth.mask(object_id)) if some else 1.0,
            visible=bool(true_area),
            found=said.visible,
            true_area=true_area,
            found_area=found_area,
            visibility=said.visibility,
            mask_score=said.mask_score,
            state=said.state,
            remembered=said.remembered,
            anchor=said.anchor,
            memory_note=said.memory_note,
            attended=said.attended,
        )


def _speaks_of(place: Place, object_id: int) -> bool:
    return place.annotated is None or object_id in place.annotated


def _said(found: Found, found_id: int, area: int) -> Said:
    if found.said is None:
        return Said(visible=area > 0)
    return found.said.get(found_id, Said(visible=False))
