"""Worker processes that may die: what one was working on is given to another."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from .threads import limited_threads

Item = TypeVar("Item")
Result = TypeVar("Result")
Job = Callable[[Item, int], Result]  # an item and the number of the worker, from 0; picklable

PATIENCE_S = 10.0  # for a worker that was asked to end


@dataclass(frozen=True, slots=True)
class Lost:
    """An item whose workers died, as often as was allowed."""

    attempts: int
    exit_code: int | None  # of the last one; negative: the signal that killed it


@dataclass(slots=True)
class _Worker:
    process: Any  # multiprocessing's classes differ by context
    pipe: Connection
    number: int
    index: int | None = None  # of the item that it works on


class Crew(Generic[Item, Result]):
    """``count`` spawned processes that do ``job``, each with ``threads`` threads (0: as many as the libraries want)."""

    def __init__(self, job: Job[Item, Result], count: int, threads: int, attempts: int) -> None:
        self._job, self._count, self._threads, self._attempts = job, count, threads, attempts
        # Spawned: a forked process would inherit torch's threads and CUDA in a state that it cannot use.
        self._context = multiprocessing.get_context("spawn")

    def work(self, items: Sequence[Item]) -> Iterator[tuple[int, Result | Lost]]:
        """Index and result of every item, as they are done. All processes have ended when the iteration has."""
        todo = deque(range(len(items)))
        tries = [0] * len(items)
        crew = [self._hire(number) for number in range(min(self._count, len(items)))]
        try:
            while True:
                for worker in crew:
                    if worker.index is None and todo:
                        worker.index = todo.popleft()
                        _send(worker, (worker.index, items[worker.index]))
                busy = [worker for worker in crew if worker.index is not None]
                if not busy:
                    return
                for worker in self._ready(busy):
                    index = worker.index
                    assert index is not None
                    answer = _receive(worker)
                    if answer is not None:
                        worker.index = None
                        yield index, answer[0]
                        continue
                    lost = self._bury(worker, tries[index] + 1)
                    crew[crew.index(worker)] = self._hire(worker.number)
                    tries[index] += 1
                    if tries[index] < self._attempts:
                        todo.appendleft(index)
                    else:
                        yield index, lost
        finally:
            _dismiss(crew)

    def _hire(self, number: int) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_serve, args=(theirs, self._job, number, self._threads), daemon=True, name=f"evaluate-{number}"
        )
        process.start()
        theirs.close()  # so that its end is heard when the process dies
        return _Worker(process, ours, number)

    @staticmethod
    def _ready(busy: Sequence[_Worker]) -> list[_Worker]:
        heard = set(wait([worker.pipe for worker in busy]))
        return [worker for worker in busy if worker.pipe in heard]

    @staticmethod
    def _bury(worker: _Worker, attempts: int) -> Lost:
        worker.process.join()
        worker.pipe.close()
        return Lost(attempts, worker.process.exitcode)


def _send(worker: _Worker, message: Any) -> None:
    with suppress(OSError):  # it is dead, which is found out when its answer does not come
        worker.pipe.send(message)


def _receive(worker: _Worker) -> tuple[Any] | None:
    """The answer; None from a process that has died."""
    try:
        return (worker.pipe.recv(),)
    except (EOFError, OSError):
        return None


def _dismiss(crew: Sequence[_Worker]) -> None:
    for worker in crew:
        worker.pipe.close()  # an idle one ends by this
        if worker.index is not None:
            worker.process.terminate()
    for worker in crew:
        worker.process.join(PATIENCE_S)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _serve(pipe: Connection, job: Job[Any, Any], number: int, threads: int) -> None:
    """A worker's life: items come, results go, until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent as well, which then ends its workers
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what is half written is taken away
    try:
        with limited_threads(threads):
            while True:
                _, item = pipe.recv()
                pipe.send(job(item, number))
    except (EOFError, OSError, KeyboardInterrupt):
        return
