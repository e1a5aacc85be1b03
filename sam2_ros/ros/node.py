"""The managed node ``sam2_tracker``: subscriptions in, worker thread, publishers out."""

import logging
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import rclpy
from rcl_interfaces.msg import SetParametersResult
from rclpy.exceptions import ParameterException
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions

from ..config import DetectionConfig, ModelChoice, NodeConfig, TimeConfig, TrackerConfig
from ..errors import Sam2RosError
from ..stream.association import Associator
from ..stream.messages import NS_PER_S, stamp_ns
from ..stream.pipeline import Pipeline, Prepared
from ..tracking.ready import ready_tracker
from ..weights.allocator import give_back_memory
from ..weights.loading import load_network, wants_compiling
from . import parameters
from .ahead import ahead
from .diagnostics import Diagnostics, Health
from .inputs import Inputs
from .mailbox import Mail, Mailbox
from .outputs import Outputs
from .pixels import converter
from .services import Services
from .statistics import Statistics, Timing
from .watch import Watch

REPORT_PERIOD = 10.0  # seconds between two lines about the rate
GIVE_UP_PERIOD = 0.5  # seconds between two looks at whether images keep failing
SIGNAL_LATENCY = 0.2  # seconds until the main thread looks up from waiting


def explained(error: Exception) -> str:
    """What to tell of an error: one that was raised on purpose speaks for itself."""
    return str(error) if isinstance(error, Sam2RosError) else f"{type(error).__name__}: {error}"


class ForwardLog(logging.Handler):
    """Passes the package's own log lines, a download's for one, to the node's logger."""

    def __init__(self, logger: Any) -> None:
        super().__init__(logging.INFO)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        if record.levelno >= logging.WARNING:
            self._logger.warning(record.getMessage())
        else:
            self._logger.info(record.getMessage())


@dataclass(frozen=True, slots=True)
class Taken:
    """What was in the mailbox, with the image prepared, or why it cannot be."""

    mail: Mail
    started: float  # when it was taken, monotonic seconds
    prepared: Prepared | Exception


class TrackerNode(LifecycleNode):
    """Configure loads the network, activate starts tracking, deactivate stops taking images and keeps the objects."""

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__("sam2_tracker", **node_arguments)
        parameters.declare(self)
        for sentence in parameters.misspelt(self):
            self.get_logger().warning(sentence)
        self.add_on_set_parameters_callback(self._on_set_parameters)
        self.configuring = False  # in a transition that can take minutes
        self._pipeline: Pipeline | None = None
        self._mailbox: Mailbox | None = None
        self._worker: threading.Thread | None = None
        self._inputs: Inputs | None = None
        self._watch: Watch | None = None
        self._statistics = Statistics()
        self._outputs: Outputs | None = None
        self._associator = Associator(DetectionConfig())
        self._callers = Services(self, self._set_paused)
        self._diagnostics = Diagnostics(self, self._health)
        self._gave_up = False
        self.create_timer(GIVE_UP_PERIOD, self._look_whether_to_give_up)
        self.get_logger().info("unconfigured; the launch file, or `ros2 lifecycle set`, brings it to active")

    # --- transitions -------------------------------------------------------------------------------------------------

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Read the parameters, load the network, warm it up, offer the outputs."""
        self.configuring = True
        try:
            self._set_up()
        except Exception as error:  # a transition must not take the process down
            self.get_logger().error(f"cannot configure: {explained(error)}")
            self._release()
            return TransitionCallbackReturn.FAILURE
        finally:
            self.configuring = False
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Take images and prompts, start the worker."""
        try:
            self._start()
        except Exception as error:
            self.get_logger().error(f"cannot activate: {explained(error)}")
            self._stop()
            return TransitionCallbackReturn.FAILURE
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop taking images; the objects stay."""
        self._stop()
        if self._gave_up:
            return TransitionCallbackReturn.ERROR
        return super().on_deactivate(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let go of everything; the node is unconfigured then and can be configured again."""
        self._gave_up = False
        self._stop()
        self._release()
        self.get_logger().error("unconfigured after an error; mend what the log names, then configure again")
        return TransitionCallbackReturn.SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let go of the network and of everything tracked."""
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop from any state."""
        self._stop()
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def close(self) -> None:
        """Stop the worker before the process ends."""
        self._stop()

    # --- the way of an image -----------------------------------------------------------------------------------------

    def _work(self, mailbox: Mailbox, look_ahead: bool) -> None:
        """Runs in the worker thread: takes the newest image, tracks, publishes."""
        since, done = time.monotonic(), 0
        for taken in ahead(mailbox.take, self._prepare) if look_ahead else map(self._prepare, iter(mailbox.take, None)):
            try:
                self._track(taken)
                done += 1
            except Exception as error:  # one bad frame must not end the tracking
                self._statistics.fail()
                self.get_logger().error(f"image skipped: {explained(error)}", throttle_duration_sec=1.0)
            if (elapsed := time.monotonic() - since) >= REPORT_PERIOD:
                self.get_logger().info(f"{done / elapsed:.1f} images/s; {self._statistics.counts()}")
                since, done = time.monotonic(), 0

    def _prepare(self, mail: Mail) -> Taken:
        """What can be done of an image before the one before it is done."""
        assert self._pipeline is not None
        started = time.monotonic()
        try:
            return Taken(mail, started, self._pipeline.prepare(mail.image))
        except Exception as error:  # told when it is this image's turn
            return Taken(mail, started, error)

    def _track(self, taken: Taken) -> None:
        """One image from the mailbox to the publishers."""
        assert self._pipeline is not None
        assert self._outputs is not None
        mail, started = taken.mail, taken.started
        self._deliver(mail)
        if isinstance(taken.prepared, Exception):
            raise taken.prepared
        processed = self._pipeline.track(taken.prepared)
        for note in processed.notes:
            self.get_logger().warning(note)  # unthrottled: each says something else
        self._outputs.publish(processed)
        self._callers.settle(processed.answers)
        now = time.monotonic()
        age = (self.get_clock().now().nanoseconds - stamp_ns(processed.header.stamp)) / NS_PER_S
        self._statistics.done(Timing(now, age, started - mail.arrived, now - started))

    def _deliver(self, mail: Mail) -> None:
        """Prompts, clicks and detections to the pipeline."""
        assert self._pipeline is not None
        for prompts in mail.prompts:
            self._pipeline.add_prompts(prompts)
        for pointing in mail.pointing:
            self._pipeline.add_pointing(pointing)

    # --- what the transitions do -------------------------------------------------------------------------------------

    def _set_up(self) -> None:
        choice = parameters.read(self, ModelChoice)
        config = parameters.read(self, TrackerConfig)
        node_config = parameters.read(self, NodeConfig)
        self._associator = Associator(parameters.read(self, DetectionConfig))
        self.get_logger().info(f"loading the model {choice.model}, checkpoint {choice.checkpoint}")
        network = load_network(choice)
        tracker = ready_tracker(network, config, wants_compiling(choice.compile_network, network.device))
        self._pipeline = Pipeline(tracker, converter(self.get_logger().warning), parameters.read(self, TimeConfig))
        self._outputs = Outputs(self, node_config.publish_cropped_masks)
        if choice.checkpoint == "random":
            self.get_logger().warning("the weights are random: everything runs, but the masks mean nothing")
        self.get_logger().info(
            f"{network.config.name} on {network.device} in {network.dtype}, up to {config.max_objects} objects, "
            f"memory bank {self._pipeline.tracker.memory_bytes / 2**20:.0f} MiB"
        )

    def _start(self) -> None:
        self._statistics = Statistics()
        config = parameters.read(self, NodeConfig)
        mailbox = self._mailbox = Mailbox(self._statistics, config.track_every)
        self._inputs = Inputs(self, mailbox, self._associator, config)
        self._watch = Watch(self, self._inputs, self._statistics)
        self._callers.put_prompts = mailbox.put_prompts
        self._worker = threading.Thread(
            target=self._work, args=(mailbox, config.look_ahead), name="tracker", daemon=True
        )
        self._worker.start()
        self.get_logger().info(f"tracking on {self._inputs.image_topic}")

    # --- parts -------------------------------------------------------------------------------------------------------

    def _set_paused(self, paused: bool) -> bool:
        if self._mailbox is None:
            return False
        self._mailbox.paused = paused
        self.get_logger().info("paused: images are not tracked in" if paused else "tracking again")
        return True

    def _look_whether_to_give_up(self) -> None:
        """After too many failures in a row only a person can help: say so by the error transition."""
        if self._mailbox is None:
            return
        limit = parameters.read(self, NodeConfig).max_consecutive_failures
        failures = self._statistics.failed_in_a_row
        if limit and failures >= limit:
            self.get_logger().error(
                f"{failures} images in a row failed (max_consecutive_failures is {limit}); giving up"
            )
            self._gave_up = True
            self.trigger_deactivate()

    def _health(self) -> Health | None:
        if self._mailbox is None or self._pipeline is None:
            return None
        tracker = self._pipeline.tracker
        return Health(
            self._statistics,
            len(tracker.object_ids),
            tracker.memory_bytes,
            tracker.memory_bytes_per_object,
            tracker.device,
            self._mailbox.paused,
        )

    def _on_set_parameters(self, changed: list[Parameter]) -> SetParametersResult:
        verdict = parameters.validate(changed)
        if verdict.successful:
            values = {parameter.name: parameter.value for parameter in changed}
            detection = self._associator.config
            score = values.get("min_detection_score", detection.min_detection_score)
            self._associator.config = replace(detection, min_detection_score=score)
            if self._outputs is not None:
                self._outputs.crop_masks = values.get("publish_cropped_masks", self._outputs.crop_masks)
            if self._pipeline is not None:
                config = self._pipeline.tracker.config
                self._pipeline.tracker.configure_cleaning(
                    values.get("fill_hole_area", config.fill_hole_area),
                    values.get("remove_speck_area", config.remove_speck_area),
                )
        return verdict

    def _stop(self) -> None:
        if self._watch is not None:
            self._watch.close()
        if self._inputs is not None:
            self._inputs.close()
        self._inputs = self._watch = None
        if self._mailbox is not None and self._worker is not None:
            self._callers.close()
            left = self._mailbox.close()
            self._worker.join()
            self._deliver(left)  # for the next image after the next activation
            self.get_logger().info(f"stopped; {self._statistics.counts()}")
        self._mailbox = self._worker = None

    def _release(self) -> None:
        self._pipeline = None
        for publisher in self._outputs.publishers if self._outputs is not None else ():
            self.destroy_lifecycle_publisher(publisher)
        self._outputs = None
        give_back_memory()


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    # With rclpy's own handlers the context is gone before the node could say a last word.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = TrackerNode()
    except ParameterException as error:
        rclpy.logging.get_logger("sam2_tracker").fatal(f"cannot start: {error}; correct the parameter file")
        rclpy.shutdown()
        sys.exit(1)
    log = logging.getLogger("sam2_ros")
    log.addHandler(ForwardLog(node.get_logger()))
    log.setLevel(logging.INFO)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    stop = threading.Event()

    def on_signal(*_: Any) -> None:
        stop.set()
        if node.configuring:  # a download or a load is not waited for
            # Not KeyboardInterrupt: when one passes through exec, as of any dataclass that is just being imported,
            # Python kills itself by SIGINT at its end although it was caught.
            sys.exit()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    with suppress(SystemExit):
        while not stop.is_set():
            executor.spin_once(timeout_sec=SIGNAL_LATENCY)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # it is leaving already
    node.close()
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown()
