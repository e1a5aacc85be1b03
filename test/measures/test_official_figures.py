"""The figures of DAVIS, SA-V and VOT against those that the official tools gave for the same label images."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from helpers import DATA
from helpers.label_clips import label_clip
from sam2_ros.measures.counting import CountedObject, counted
from sam2_ros.measures.figures import object_figures
from sam2_ros.measures.labels import LabelImage, Layers
from sam2_ros.measures.longterm import Sighting, long_term
from sam2_ros.measures.protocol import Measure
from sam2_ros.measures.scoring import Found, Place, Scorer

RECORDING: Any = json.loads((DATA / "official_figures.json").read_text(encoding="utf-8"))
DAVIS = ("j_mean", "j_recall", "j_decay", "f_mean", "f_recall", "f_decay")


@dataclass(frozen=True)
class Scored:
    davis: dict[int, CountedObject]
    sa_v: dict[int, CountedObject]


def score(case: dict[str, Any], layered: bool = False) -> Scored:
    clip, scorer = label_clip(**case), Scorer()
    for index, (truth, found) in enumerate(zip(clip.truth, clip.found, strict=True)):
        both = [layers(pixels, case["objects"]) if layered else LabelImage(pixels) for pixels in (truth, found)]
        scorer.add(Place(index, index, index, both[0].annotated), both[0], Found(both[1], None))
    return Scored(
        *({item.object_id: item for item in counted(scorer, m).objects} for m in (Measure.DAVIS, Measure.SA_V))
    )


def layers(pixels, objects):  # type: ignore[no-untyped-def]
    height, width = pixels.shape
    return Layers(width, height, {object_id: pixels == object_id for object_id in range(1, objects + 1)})


@pytest.mark.parametrize(
    "entry", RECORDING["clips"], ids=lambda entry: f"{entry['case']['kind']}-{entry['case']['seed']}"
)
def test_figures_are_those_of_the_official_tools(entry: dict[str, Any]) -> None:
    scored = score(entry["case"])
    assert {str(object_id) for object_id in scored.davis} == entry["davis"].keys()
    assert {str(object_id) for object_id in scored.sa_v} == entry["sav"].keys()
    for object_id, wanted in entry["davis"].items():
        figures = object_figures(scored.davis[int(object_id)]).figures
        assert [getattr(figures, name) for name in DAVIS] == pytest.approx(wanted, abs=1e-9)
    for object_id, wanted in entry["sav"].items():
        figures = object_figures(scored.sa_v[int(object_id)]).figures
        assert [figures.j_mean, figures.f_mean] == pytest.approx(wanted, abs=1e-9)
    for object_id, wanted in entry["vot"].items():
        rows = scored.davis[int(object_id)].rows
        course = long_term(Sighting(row.true_area > 0, row.found_area > 0, row.region) for row in rows)
        counts = (course.absent, course.hallucinated, course.tracked, course.failed, course.missed)
        assert [*counts, course.quality] == pytest.approx(wanted, abs=1e-9)


def test_masks_of_each_object_give_the_figures_of_the_label_image() -> None:
    case = RECORDING["clips"][1]["case"]
    images, masks = score(case), score(case, layered=True)
    for object_id, item in images.sa_v.items():
        # Written out: what is not a number equals nothing.
        assert repr(object_figures(masks.sa_v[object_id])) == repr(object_figures(item))
    assert images.sa_v.keys() == masks.sa_v.keys()


def test_the_recording_has_all_that_can_go_wrong() -> None:
    entries = RECORDING["clips"]
    assert {entry["case"]["kind"] for entry in entries} == {"plain", "gaps", "wild", "late", "edges"}
    # On the clip of the late object the two rules differ: it counts for SA-V alone.
    late = next(entry for entry in entries if entry["case"]["kind"] == "late")
    assert late["davis"].keys() < late["sav"].keys()
    assert {index for entry in entries for counts in entry["vot"].values() for index in range(5) if counts[index]} == {
        *range(5)
    }
