"""Many clips: what is done stays done, one that fails stops no other, and worker processes may die."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ..errors import ConfigError
from ..measures.record import Evaluation, Failed
from ..report.files import Run
from .crew import Crew, Lost
from .finished import Task, evaluate_once, evaluate_request, make_work_folder
from .request import EvaluateRequest
from .threads import limited_threads


@dataclass(frozen=True, slots=True)
class Workers:
    """Who does the work on this machine. Raises ConfigError."""

    count: int = 1  # processes; 1 is this one
    threads: int = 0  # of torch and OpenCV, in each; 0 is as many as they want
    devices: tuple[str, ...] = ()  # such as cuda:0, cuda:1: given to the processes in turn
    attempts: int = 3  # for a clip whose process dies

    def __post_init__(self) -> None:
        for name, value, least in (
            ("workers", self.count, 1),
            ("threads", self.threads, 0),
            ("attempts", self.attempts, 1),
        ):
            if value < least:
                raise ConfigError(f"{name} is {value}; give {least} or more")

    def device(self, number: int) -> str | None:
        """Where the process of this number, from 0, computes; None when that is left to the request."""
        return self.devices[number % len(self.devices)] if self.devices else None


def evaluate_many(
    requests: Sequence[EvaluateRequest],
    work: Path,
    workers: Workers,
    progress: bool = True,
    task: Task = evaluate_request,
) -> Run:
    """Evaluate clips, except those that the folder ``work`` has already, and leave each that is finished there.

    In the order of the requests, whoever did them; with the same number of threads the figures do not depend on the
    number of processes. Raises EvaluationError when ``work`` cannot be made.
    """
    make_work_folder(work)
    if workers.count == 1:
        with limited_threads(workers.threads):
            return collect(
                (
                    (index, evaluate_once(request, work, task, workers.device(0)))
                    for index, request in enumerate(requests)
                ),
                requests,
                progress,
            )
    crew: Crew[EvaluateRequest, Evaluation | Failed] = Crew(
        partial(_job, work=work, workers=workers, task=task), workers.count, workers.threads, workers.attempts
    )
    return collect(crew.work(requests), requests, progress)


def collect(
    results: Iterable[tuple[int, Evaluation | Failed | Lost]], requests: Sequence[EvaluateRequest], progress: bool
) -> Run:
    """Put results in the order of their requests, under a bar over all."""
    found: dict[int, Evaluation | Failed] = {}
    failed = 0
    with tqdm(total=len(requests), unit=" clips", disable=None if progress else True) as bar:
        for index, result in results:
            found[index] = _buried(requests[index], result) if isinstance(result, Lost) else result
            if isinstance(found[index], Failed):
                failed += 1
                bar.set_postfix(failed=failed, refresh=False)
            bar.update()
    ordered = [found[index] for index in range(len(requests))]
    return Run(
        tuple(each for each in ordered if isinstance(each, Evaluation)),
        tuple(each for each in ordered if isinstance(each, Failed)),
    )


def _job(request: EvaluateRequest, number: int, work: Path, workers: Workers, task: Task) -> Evaluation | Failed:
    return evaluate_once(request, work, task, workers.device(number))


def _buried(request: EvaluateRequest, lost: Lost) -> Failed:
    how = f"signal {-lost.exit_code}" if lost.exit_code and lost.exit_code < 0 else f"exit code {lost.exit_code}"
    times = "once" if lost.attempts == 1 else f"{lost.attempts} times"
    return Failed(
        str(request.results),
        f"the process that worked on it died {times} ({how}): often it ran out of memory, so try fewer workers",
    )
