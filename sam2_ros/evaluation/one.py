"""One clip to its evaluation: tracked through where that is asked for, then held against its ground truth."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .. import __version__
from ..errors import EvaluationError
from ..measures.counting import counted
from ..measures.figures import Course, clip_figures, mask_score_bins, object_figures, visibility_bins
from ..measures.positions import position_figures
from ..measures.protocol import Protocol
from ..measures.realtime import Work
from ..measures.record import Evaluation, Settings
from ..measures.scoring import Scorer
from ..stream.messages import NS_PER_S
from .clip import Clip, open_clip, start_ns, with_results
from .pairs import clock, standing_images, standing_results
from .positions import Standing, compare_positions
from .request import EvaluateRequest
from .run import Places, images_bag, places, track
from .sources import is_bag, protocol_of

RECORDED = "recorded"  # in place of a network's name


def evaluate(request: EvaluateRequest, progress: bool = False) -> Evaluation:
    """Evaluate one clip. Raises Sam2RosError.

    ``progress``: bars, on a terminal. With ``request.realtime`` the evaluation is that of the results that stand at the
    time of each annotated frame, and has the figures of unlimited time beside it.
    """
    protocol = protocol_of(request)
    with places(request.keep) as at:
        run = Run(request, protocol, at, progress)
        notes = run.track(at.tracked, None) if run.tracks else ()
        with open_clip(request, protocol, run.images, run.results) as clip:
            match = clip.matched_ids(progress) if request.match_ids else None
            offline = run.offline(clip, match)
            evaluation = run.live(clip, match, offline) if request.realtime else offline
        at.drop_images()
    return replace(evaluation, notes=(*notes, *_matched(match), *evaluation.notes))


@dataclass(frozen=True, slots=True)
class Run:
    """A request on its way."""

    request: EvaluateRequest
    protocol: Protocol
    at: Places
    progress: bool

    @property
    def tracks(self) -> bool:
        """Whether the tracker has to run."""
        return self.protocol is not Protocol.RECORDED

    @property
    def images(self) -> Path:
        """What was tracked on."""
        return images_bag(self.request, self.at) if self.tracks else self.request.results

    @property
    def results(self) -> Path:
        """What was found with no image dropped."""
        return self.at.tracked if self.tracks else self.request.results

    def track(self, output: Path, only: frozenset[int] | None) -> tuple[str, ...]:
        """Run the tracker; what the user should be told of its prompts."""
        return track(self.request, self.protocol, self.at, output, only, self.progress)

    def offline(self, clip: Clip, match: Mapping[int, int] | None) -> Evaluation:
        """With the result of its own image for every annotated frame."""
        scorer = clip.scored(match, clip.tracked.times_ns, self.progress)
        if match is None:
            _check_ids(clip, scorer)
        unseen = len(clip.truth.stamps) - len(clip.pairs)
        course = Course(scorer.frames, unseen, tuple(clip.tracked.latencies_s.values()))
        return self._with_positions(self._evaluation(clip, scorer, course, _gaps(clip)), self.results, match)

    def _with_positions(
        self, evaluation: Evaluation, results: Path, match: Mapping[int, int] | None, standing: Standing | None = None
    ) -> Evaluation:
        """The same with figures of positions in space, where results and truth have any."""
        request, truth = self.request, self.request.truth or self.request.results
        if not is_bag(truth) or not is_bag(results):
            return evaluation
        found = compare_positions(results, truth, request.truth_3d_topic, match, request.tolerance_s, standing)
        return replace(
            evaluation,
            positions=found.errors,
            figures=replace(evaluation.figures, **position_figures(found.errors)),
            notes=(*evaluation.notes, *found.notes),
        )

    def live(self, clip: Clip, match: Mapping[int, int] | None, offline: Evaluation) -> Evaluation:
        """With the result that a tracker in a hurry would have had by the time of each annotated frame."""
        works = clock(self.request, clip.tracked)
        stamps = clip.tracked.stamps
        pairs = standing_results(clip.pairs, stamps, works)
        results, notes = self.results, _recorded_note(clip, works)
        if self.tracks:
            results, notes = self.at.live, []
            self.track(results, frozenset(stamps[work.index] for work in works))
        with with_results(clip, results, pairs) as late:
            scorer = late.scored(match, clip.tracked.times_ns, self.progress)
        latencies_s = tuple((work.finished_ns - work.started_ns) / NS_PER_S for work in works)
        course = Course(scorer.frames, len(stamps) - len(works), latencies_s)
        evaluation = self._evaluation(clip, scorer, course, [*_gaps(clip), *notes])

        def standing(times: Iterable[int]) -> Mapping[int, int | None]:
            return standing_images(times, stamps, works, self.request.tolerance_s)

        return replace(self._with_positions(evaluation, results, match, standing), offline=offline.figures)

    def _evaluation(self, clip: Clip, scorer: Scorer, course: Course, notes: Sequence[str]) -> Evaluation:
        kept = counted(scorer, self.request.measure)
        rows = tuple(row for item in kept.objects for row in item.rows)
        objects = tuple(
            replace(each, label=each.label or clip.truth.names.get(each.object_id, ""))
            for each in map(object_figures, kept.objects)
        )
        width, height = clip.size()
        return Evaluation(
            name=self.request.title,
            source=str(self.request.results),
            settings=self._settings(),
            width=width,
            height=height,
            figures=clip_figures(objects, rows, course),
            objects=objects,
            rows=tuple(sorted(rows, key=lambda row: (row.frame, row.object_id))),
            mask_score_bins=mask_score_bins(rows),
            visibility_bins=visibility_bins(rows),
            latencies_s=course.latencies_s,
            notes=(*notes, *kept.notes),
            start_ns=start_ns(self.request.results),
        )

    def _settings(self) -> Settings:
        request = self.request
        model, checkpoint = _network_names(request) if self.tracks else (RECORDED, RECORDED)
        return Settings(
            protocol=self.protocol.value,
            measure=request.measure.value,
            model=model,
            checkpoint=checkpoint,
            match_ids=request.match_ids,
            tolerance_s=request.tolerance_s,
            realtime=request.realtime,
            latency_s=float("nan") if request.latency_s is None else request.latency_s,
            version=__version__,
            memory_policy=request.config.memory_policy if self.tracks else RECORDED,
        )


def _network_names(request: EvaluateRequest) -> tuple[str, str]:
    from .network import checkpoint_name, network

    return network(request.choice).config.name, checkpoint_name(request.choice)


# --- notes -----------------------------------------------------------------------------------------------------------


def _check_ids(clip: Clip, scorer: Scorer) -> None:
    """Refuse results that have objects, none of which is one of the truth: they are counted in another way."""
    if scorer.found_ids and not scorer.found_ids & scorer.true_ids:
        raise EvaluationError(
            f"the objects of {clip.tracked.path} ({_ids(scorer.found_ids)}) and of its ground truth {clip.truth.path} "
            f"({_ids(scorer.true_ids)}) have no id in common; match them by overlap with --match-ids"
        )


def _matched(match: Mapping[int, int] | None) -> list[str]:
    if match is None:
        return []
    pairs = ", ".join(f"{true_id} is {found_id}" for true_id, found_id in sorted(match.items())) or "none matched"
    return [f"ids of ground truth and results were matched by overlap (Hungarian method): {pairs}"]


def _gaps(clip: Clip) -> list[str]:
    notes = [*clip.images.notes]
    annotated, images = len(clip.truth.stamps), len(clip.tracked.stamps)
    if len(clip.pairs) < images:
        notes.append(f"{len(clip.pairs)} of {images} images have ground truth; only these count")
    if unseen := annotated - len(clip.pairs):
        notes.append(f"{unseen} of {annotated} annotated frames have no result and were not counted")
    return notes


def _recorded_note(clip: Clip, works: Sequence[Work]) -> list[str]:
    dropped = len(clip.tracked.stamps) - len(works)
    if not dropped:
        return []
    return [
        f"{dropped} images would have been dropped; results of the others are as recorded, where nothing was dropped: "
        "choose a protocol that runs the tracker to have it track without the dropped ones"
    ]


def _ids(ids: set[int]) -> str:
    return ", ".join(map(str, sorted(ids)))
