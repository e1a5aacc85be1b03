"""Stages in processes of their own: each has its time, and none takes another with it."""

import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import ModuleType

from . import attention, card, fast, faults, flat, quiet, right, same
from .results import Entry, Report, Result, Step, failed, left_out, noted
from .setting import Setting

STAGES: dict[str, ModuleType] = {
    module.__name__.rpartition(".")[2]: module for module in (card, right, same, quiet, flat, fast, attention, faults)
}
GRACE = 5.0  # seconds beyond its time after which a stage is ended: one step may hang
LOG = "sam2_ros"


@dataclass(frozen=True, slots=True)
class Job:
    """A stage for a network, and its time."""

    stage: str
    setting: Setting
    seconds: float


def run(jobs: list[Job], report: Report, end: float) -> None:
    """All of them, one after the other, until the clock (monotonic) says ``end``."""
    begun = time.monotonic()
    for job in jobs:
        seconds = min(job.seconds, end - time.monotonic() - GRACE)
        found = _in_a_process(job, seconds) if seconds > 0 else iter([left_out(job.stage, "no time was left")])
        for result in found:
            report.add(Entry(job.stage, str(job.setting.subject), time.monotonic() - begun, result))
        report.write()


def _in_a_process(job: Job, seconds: float) -> Iterator[Result]:
    """What a stage finds. Forked: torch is imported, and nothing of it was used, so this costs nothing."""
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe(duplex=False)
    process = fork.Process(target=_work, args=(job, seconds, there))
    process.start()
    there.close()
    end = time.monotonic() + seconds + GRACE
    try:
        while here.poll(max(0.0, end - time.monotonic())):
            yield here.recv()
        yield failed(job.stage, f"hangs: ended after {seconds + GRACE:.0f} s")
    except EOFError:  # it is through
        process.join(GRACE)
        if process.exitcode:
            yield failed(job.stage, f"its process ended with {process.exitcode}")
    finally:
        with suppress(ProcessLookupError):  # with all that it started: torch compiles in several
            os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()


def _work(job: Job, seconds: float, results: Connection) -> None:
    """In the process of the stage."""
    os.setsid()
    for result in stage(STAGES[job.stage].steps(job.setting), job.setting, time.monotonic() + seconds):
        results.send(result)


def stage(steps: list[Step], setting: Setting, end: float) -> Iterator[Result]:
    """Step by step, each caught by itself, until the clock (monotonic) says ``end``."""
    with _heard() as lines:
        for step in steps:
            if step.needs_cuda and not setting.cuda:
                yield left_out(step.name, "needs CUDA, left out")
            elif time.monotonic() > end:
                yield left_out(step.name, "no time was left")
            else:
                yield from _caught(step, end)
            yield from (noted(f"{step.name}, log", line) for line in lines)
            lines.clear()


def _caught(step: Step, end: float) -> Iterator[Result]:
    try:
        for result in step.run():
            yield result
            if time.monotonic() > end:
                yield left_out(step.name, "no time was left for the rest")
                return
    except Exception as error:  # whatever it is, the others go on
        yield failed(step.name, f"{type(error).__name__}: {error}")


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What the package says meanwhile."""
    lines: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    log, ear = logging.getLogger(LOG), Ear()
    level = log.level
    log.addHandler(ear)
    log.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        log.removeHandler(ear)
        log.setLevel(level)
