"""From parameters to a pipeline that is ready: minutes of work where a network is downloaded or compiled."""

import logging
import threading
import time
from dataclasses import dataclass

from rclpy.executors import Executor

from ..config import InputConfig, ModelChoice, TimeConfig, TrackerConfig
from ..errors import Sam2RosError
from ..stream.pipeline import Pipeline
from ..tracking.ready import ready_tracker
from ..weights.loading import load_network, wants_compiling
from .background import Background
from .pixels import converter

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be loaded."""

    choice: ModelChoice
    tracker: TrackerConfig
    input: InputConfig
    time: TimeConfig


class Loading:
    """Loads in a thread, and says how far it is."""

    def __init__(self, executor: Executor, plan: Plan) -> None:
        self._plan = plan
        self._began = time.monotonic()
        self._stage = "starting"
        self._interrupted = threading.Event()
        self._background = Background(executor, self._load, "loading")

    @property
    def progress(self) -> str:
        """What is being done, and for how long it is going on."""
        return f"{self._stage} ({time.monotonic() - self._began:.0f} s)"

    @property
    def thread(self) -> threading.Thread:
        """The thread that it runs in."""
        return self._background.thread

    async def pipeline(self) -> Pipeline:
        """What was loaded. Raises whatever kept it from that."""
        return await self._background.outcome()

    def interrupt(self) -> None:
        """Whoever waits is told so at once; the thread ends where it next can."""
        self._interrupted.set()
        self._background.give_up(Sam2RosError("interrupted, since the node is to shut down"))

    def _load(self) -> Pipeline:
        plan, choice = self._plan, self._plan.choice
        self._begin(f"loading the model {choice.model}, checkpoint {choice.checkpoint}")
        network = load_network(choice)
        compiling = wants_compiling(choice.compile_network, network.device)
        self._begin("compiling the network, which takes minutes the first time" if compiling else "warming up")
        tracker = ready_tracker(network, plan.tracker, compiling)
        self._begin("trying cv_bridge")
        pipeline = Pipeline(tracker, converter(_log.warning, plan.input.max_image_pixels), plan.time)
        if choice.checkpoint == "random":
            _log.warning("the weights are random: everything runs, but the masks mean nothing")
        _log.info(
            "%s on %s in %s, %s, up to %d objects, memory bank %.0f MiB",
            network.config.name,
            network.device,
            network.dtype,
            tracker.tier.value,
            plan.tracker.max_objects,
            tracker.memory_bytes / 2**20,
        )
        return pipeline

    def _begin(self, stage: str) -> None:
        if self._interrupted.is_set():
            raise Sam2RosError("interrupted")
        self._stage = stage
        _log.info("%s", stage)
