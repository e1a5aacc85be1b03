"""Two ids for one thing: said once, when it has been so for a while."""

import numpy as np

from sam2_ros.stream.doubles import PATIENCE, Doubles
from sam2_ros.tracking.result import ObjectState


def state(object_id: int, x: int, width: int = 20, score: float = 3.0) -> ObjectState:
    mask = np.zeros((40, 60), bool)
    mask[10:30, x : x + width] = True
    box = (x, 10, x + width - 1, 29)
    prediction: object = None
    return ObjectState(
        *(object_id, "", score > 0, score, 0.9, mask, box, int(mask.sum()), None, 0, 0, 0, prediction, None)  # type: ignore[arg-type]
    )


def test_two_ids_of_one_thing_are_said_once_after_a_while() -> None:
    doubles = Doubles()
    said = [doubles.notes([state(1, 10), state(2, 10), state(3, 35)]) for _ in range(3 * PATIENCE)]
    assert [bool(notes) for notes in said].index(True) == PATIENCE - 1
    assert [note for notes in said for note in notes] == [
        "objects 1 and 2 cover each other (IoU above 0.9) for 10 images: they may be one thing under two ids; "
        "remove one, or prompt it where it is"
    ]


def test_it_is_said_again_when_they_parted_in_between() -> None:
    doubles = Doubles()
    together, apart = [state(1, 10), state(2, 10)], [state(1, 10), state(2, 30)]
    said = [doubles.notes(states) for states in [*[together] * PATIENCE, apart, *[together] * PATIENCE]]
    assert sum(map(len, said)) == 2


def test_what_merely_overlaps_or_is_not_seen_is_not_said() -> None:
    doubles = Doubles()
    for _ in range(2 * PATIENCE):
        assert doubles.notes([state(1, 10), state(2, 12)]) == []  # IoU 0.82
        assert doubles.notes([state(1, 10), state(2, 10, score=-3.0)]) == []
        assert doubles.notes([state(1, 10, 20), state(2, 10, 10)]) == []  # one in the other
