"""The thread that tracks: the newest image in, results out."""

import threading
import time
from dataclasses import dataclass
from typing import Any

from ..stream.messages import NS_PER_S, stamp_ns
from ..stream.pipeline import Pipeline, Prepared, Processed
from .ahead import ahead
from .explain import explained, located
from .mailbox import Mail, Mailbox
from .outputs import Outputs
from .services import Services
from .space import LiveSpace
from .statistics import Statistics, Timing

RESTART = 0.1  # seconds until the thread works again after what nobody foresaw
REPORT_PERIOD = 10.0  # seconds between two lines about the rate


@dataclass(frozen=True, slots=True)
class Taken:
    """What was in the mailbox, with the image prepared, or why it cannot be."""

    mail: Mail
    started: float  # when it was taken, monotonic seconds
    prepared: Prepared | BaseException


@dataclass(frozen=True, slots=True)
class Engine:
    """What a configured node has: what tracks, and where results go."""

    pipeline: Pipeline
    outputs: Outputs


class Worker:
    """Works until its mailbox is closed. What arrived by then is kept for the next image after that."""

    def __init__(
        self,
        node: Any,
        engine: Engine,
        mailbox: Mailbox,
        callers: Services,
        statistics: Statistics,
        look_ahead: bool = False,
        space: LiveSpace | None = None,
    ) -> None:
        self._logger, self._clock = node.get_logger(), node.get_clock()
        self._pipeline, self._outputs = engine.pipeline, engine.outputs
        self._mailbox, self._callers, self._statistics = mailbox, callers, statistics
        self._space = space
        self._begun: set[float] = set()  # when those images were taken that are worked on, monotonic seconds
        self._thread = threading.Thread(target=self._run, args=(look_ahead,), name="tracker", daemon=True)
        self._thread.start()

    @property
    def pipeline(self) -> Pipeline:
        """What it tracks with."""
        return self._pipeline

    @property
    def working(self) -> bool:
        """Whether it still does, which after the mailbox was closed it does with its last image."""
        return self._thread.is_alive()

    @property
    def at_work_since(self) -> float | None:
        """When the image at hand was taken, monotonic seconds; None when there is none."""
        return min(tuple(self._begun), default=None)

    def wait(self, seconds: float) -> bool:
        """Wait for its end, but no longer than that; whether it has ended."""
        self._thread.join(seconds)
        return not self.working

    def _run(self, look_ahead: bool) -> None:
        """Work on after whatever happens: a node without its worker would live and do nothing."""
        while not self._mailbox.closed:
            try:
                self._work(look_ahead)
            except BaseException as error:
                self._statistics.fail()
                self._logger.error(f"the tracking was interrupted and goes on: {located(error)}")
                time.sleep(RESTART)

    def _work(self, look_ahead: bool) -> None:
        since, done = time.monotonic(), 0
        self._begun = set()
        mails = iter(self._mailbox.take, None)
        for taken in ahead(self._mailbox.take, self._prepare) if look_ahead else map(self._prepare, mails):
            try:
                self._track(taken)
                done += 1
            except BaseException as error:  # one bad frame must not end the tracking, whatever it did
                self._fail(error)
            self._begun.discard(taken.started)
            if (elapsed := time.monotonic() - since) >= REPORT_PERIOD:
                self._logger.info(f"{done / elapsed:.1f} images/s; {self._statistics.counts()}")
                since, done = time.monotonic(), 0
        self._deliver(self._mailbox.rest())

    def _prepare(self, mail: Mail) -> Taken:
        """What can be done of an image before the one before it is done."""
        started = time.monotonic()
        self._begun.add(started)
        try:
            if self._space is not None:
                self._space.expect(mail.image)
            return Taken(mail, started, self._pipeline.prepare(mail.image))
        except BaseException as error:  # told when it is this image's turn
            return Taken(mail, started, error)

    def _track(self, taken: Taken) -> None:
        """One image from the mailbox to the publishers."""
        mail, started = taken.mail, taken.started
        self._deliver(mail)
        if isinstance(taken.prepared, BaseException):
            raise taken.prepared
        processed = self._pipeline.track(taken.prepared)
        if self._mailbox.closed:
            return  # the node may have let go of its publishers
        for note in processed.notes:
            self._logger.warning(note)  # unthrottled: each says something else
        self._publish(processed)
        self._callers.settle(processed.answers)
        now = time.monotonic()
        age = (self._clock.now().nanoseconds - stamp_ns(processed.header.stamp)) / NS_PER_S
        self._statistics.done(Timing(now, age, started - mail.arrived, now - started))

    def _publish(self, processed: Processed) -> None:
        places = None if self._space is None else self._space.locate(processed)
        self._outputs.publish(processed, places)
        if self._space is not None and places is not None:
            self._space.put(processed, places)

    def _fail(self, error: BaseException) -> None:
        if not self._mailbox.closed:
            self._statistics.fail()
            self._logger.error(f"image skipped: {explained(error)}", throttle_duration_sec=1.0)

    def _deliver(self, mail: Mail) -> None:
        """Prompts, clicks and detections to the pipeline."""
        for prompts in mail.prompts:
            self._pipeline.add_prompts(prompts)
        for pointing in mail.pointing:
            self._pipeline.add_pointing(pointing)
