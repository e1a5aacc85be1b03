"""The managed node ``sam2_tracker``: subscriptions in, worker thread, publishers out."""

from dataclasses import replace
from functools import partial
from typing import Any

from lifecycle_msgs.msg import State, Transition
from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.lifecycle import LifecycleNodeMixin, LifecycleState
from rclpy.node import Node
from rclpy.parameter import Parameter

from ..config import (
    DetectionConfig,
    InputConfig,
    ModelChoice,
    NodeConfig,
    Settable,
    StateConfig,
    TimeConfig,
    TrackerConfig,
)
from ..errors import DeviceError, Sam2RosError
from ..stream.association import Associator
from ..weights.allocator import give_back_memory
from . import parameters
from .background import Background
from .diagnostics import Diagnostics, Health
from .file_services import FileServices, Shelf
from .keeping import Keeper, restore
from .loading import Loading, Plan
from .outputs import Outputs
from .patience import Patience
from .services import Services
from .session import Session
from .steady import steady_timer
from .transitions import Transitions
from .worker import Engine, Worker

LAST_IMAGE = 1.5  # seconds that a deactivation gives the worker for the image that it is at
GIVE_UP_PERIOD = 0.5  # seconds between two looks at whether images keep failing
PROGRESS_PERIOD = 10.0  # seconds between two lines about loading
SETTABLE = {
    State.PRIMARY_STATE_UNCONFIGURED: set(Settable),
    State.PRIMARY_STATE_INACTIVE: {Settable.INACTIVE, Settable.ALWAYS},
}


class TrackerNode(LifecycleNodeMixin, Node):
    """Configure loads the network, activate starts tracking, deactivate stops taking images and keeps the objects."""

    def __init__(self, **node_arguments: Any) -> None:
        Node.__init__(self, "sam2_tracker", **node_arguments)
        # As rclpy's LifecycleNode, but with a group for its services in which one that waits holds up no other.
        LifecycleNodeMixin.__init__(self, callback_group=ReentrantCallbackGroup())
        parameters.declare(self)
        for sentence in parameters.misspelt(self):
            self.get_logger().warning(sentence)
        self._transitions = Transitions(
            self,
            {
                State.TRANSITION_STATE_CONFIGURING: self._configure,
                State.TRANSITION_STATE_ACTIVATING: self._activate,
                State.TRANSITION_STATE_DEACTIVATING: self._deactivate,
                State.TRANSITION_STATE_CLEANINGUP: self._clean_up,
                State.TRANSITION_STATE_SHUTTINGDOWN: self._shut_down,
                State.TRANSITION_STATE_ERRORPROCESSING: self._recover,
            },
            self._interrupt,
        )
        self.add_on_set_parameters_callback(self._on_set_parameters)
        self._loading: Loading | None = None  # while configuring
        self._engine: Engine | None = None  # while configured
        self._session: Session | None = None  # while active
        self._keeper: Keeper | None = None  # while active, with a state file
        self._worker: Worker | None = None  # of the last session, which may still be at its last image
        self._associator = Associator(DetectionConfig())
        self._callers = Services(self, self._set_paused)
        self._file_services = FileServices(self, self._shelf)
        self._diagnostics = Diagnostics(self, self._health)
        self._patience = Patience(GIVE_UP_PERIOD)  # with the image at hand
        self._at_work = 0.0  # seconds that it has taken so far
        self._hopeless = ""  # why the node gives up
        steady_timer(self, GIVE_UP_PERIOD, self._look_whether_to_give_up)
        self.get_logger().info("unconfigured; autostart, or `ros2 lifecycle set`, brings it to active")

    # --- transitions -------------------------------------------------------------------------------------------------

    async def autostart(self) -> None:
        """Bring the node to active when its parameters say so."""
        if parameters.read(self, NodeConfig).autostart_node and await self._transitions.change(
            Transition(id=Transition.TRANSITION_CONFIGURE)
        ):
            await self._transitions.change(Transition(id=Transition.TRANSITION_ACTIVATE))

    async def _configure(self, before: LifecycleState) -> None:
        """Read the parameters, load the network, warm it up, offer the outputs."""
        read = partial(parameters.read, self)
        plan = Plan(read(ModelChoice), read(TrackerConfig), read(InputConfig), read(TimeConfig))
        self._associator = Associator(parameters.read(self, DetectionConfig))
        crop_masks = parameters.read(self, NodeConfig).publish_cropped_masks
        loading = self._loading = Loading(self.executor, plan)
        progress = steady_timer(self, PROGRESS_PERIOD, lambda: self.get_logger().info(f"still {loading.progress}"))
        try:
            self._engine = Engine(await loading.pipeline(), Outputs(self, crop_masks))
        finally:
            self._loading = None
            self.destroy_timer(progress)
            if self._engine is None:
                give_back_memory()

    async def _activate(self, before: LifecycleState) -> None:
        """Take images and prompts, start the worker."""
        assert self._engine is not None
        if self._worker is not None and self._worker.working:
            raise DeviceError("the image of before the deactivation is not finished yet; try again in a moment")
        config = parameters.read(self, NodeConfig)
        await self._begin_keeping(parameters.read(self, StateConfig))
        self._session = Session(self, self._engine, self._associator, self._callers, config)
        self._worker = self._session.worker
        self.on_activate(before)  # the publishers

    async def _deactivate(self, before: LifecycleState) -> None:
        """Stop taking images; the objects stay."""
        await self._stop()
        self.on_deactivate(before)
        if self._hopeless:
            raise Sam2RosError(self._hopeless)

    async def _clean_up(self, before: LifecycleState) -> None:
        """Let go of the network and of everything tracked."""
        self._release()

    async def _shut_down(self, before: LifecycleState) -> None:
        """Stop from any state."""
        await self._stop()
        self._release()

    async def _recover(self, before: LifecycleState) -> None:
        """Let go of everything; the node is unconfigured then and can be configured again."""
        await self._stop()
        self._release()
        self.get_logger().error("unconfigured after an error; mend what the log names, then configure again")

    def _interrupt(self) -> None:
        if self._loading is not None:
            self._loading.interrupt()

    # --- what the transitions do -------------------------------------------------------------------------------------

    async def _stop(self) -> None:
        session = self._close_session()
        if session is not None and not await self._background(partial(session.worker.wait, LAST_IMAGE)):
            self.get_logger().warning(f"the last image takes more than {LAST_IMAGE:g} s; it is not waited for")
        keeper, self._keeper = self._keeper, None
        if keeper is not None and session is not None and not session.worker.working:
            await self._background(keeper.save)

    async def _begin_keeping(self, config: StateConfig) -> None:
        """Restore what the state file holds, and save to it from now on."""
        assert self._engine is not None
        pipeline = self._engine.pipeline
        try:
            if found := await self._background(partial(restore, pipeline, config)):
                self.get_logger().info(found)
        except Sam2RosError as error:  # tracking is worth more than what was tracked
            self.get_logger().error(f"nothing is restored: {error}")
        self._keeper = Keeper(pipeline, config, self.get_logger()) if config.state_file else None

    def _close_session(self) -> Session | None:
        session, self._session = self._session, None
        if session is not None:
            session.close()
            if self._keeper is not None:
                self._keeper.close()
            self.get_logger().info(f"stopped; {session.statistics.counts()}")
        return session

    async def _background(self, work: Any) -> Any:
        return await Background(self.executor, work, "waiting").outcome()

    def _release(self) -> None:
        engine, self._engine, self._worker = self._engine, None, None
        for publisher in engine.outputs.publishers if engine is not None else ():
            self.destroy_lifecycle_publisher(publisher)
        del engine
        give_back_memory()

    # --- the end of the process --------------------------------------------------------------------------------------

    def end(self, seconds: float) -> None:
        """Stop what goes on, without waiting longer than that for the last image."""
        self._interrupt()
        session = self._close_session()
        if session is not None and session.worker.wait(seconds) and self._keeper is not None:
            self._keeper.save()

    @property
    def answering(self) -> bool:
        """Whether somebody still waits for an answer that is known, or a transition for its end."""
        return self._callers.waiting or self._transitions.busy

    # --- parts -------------------------------------------------------------------------------------------------------

    def _set_paused(self, paused: bool) -> bool:
        if self._session is None:
            return False
        self._session.mailbox.paused = paused
        self.get_logger().info("paused: images are not tracked in" if paused else "tracking again")
        return True

    def _shelf(self) -> Shelf:
        pipeline = None if self._engine is None else self._engine.pipeline
        return Shelf(pipeline, parameters.read(self, StateConfig).allow_file_services)

    def _look_whether_to_give_up(self) -> None:
        """After too many failures in a row only a person can help: say so by the error transition."""
        self._at_work = self._patience.look(None if self._session is None else self._session.worker.at_work_since)
        if self._session is None or self._transitions.busy:
            return
        config, worker = parameters.read(self, NodeConfig), self._session.worker
        limit, failures = config.max_consecutive_failures, self._session.statistics.failed_in_a_row
        if limit and failures >= limit:
            reason = f"{failures} images in a row failed (max_consecutive_failures is {limit}); giving up"
            self.executor.create_task(self._give_up, reason)
        elif not worker.working:
            self.executor.create_task(self._give_up, "the thread that tracks has ended; giving up")
        elif config.max_image_seconds and self._at_work >= config.max_image_seconds:
            reason = (
                f"an image takes longer than {config.max_image_seconds:g} s (max_image_seconds), as if a driver hung; "
                "giving up; what hangs ends only with the process"
            )
            self.executor.create_task(self._give_up, reason)

    async def _give_up(self, reason: str) -> None:
        self._hopeless = reason
        await self._transitions.change(Transition(id=Transition.TRANSITION_DEACTIVATE))
        self._hopeless = ""

    def _health(self) -> Health:
        state, session, engine = self._transitions.state.label, self._session, self._engine
        return Health(
            state=f"{state}: {self._loading.progress}" if self._loading is not None else state,
            tracker=None if engine is None else engine.pipeline.tracker,
            statistics=None if session is None else session.statistics,
            paused=session is not None and session.mailbox.paused,
            at_work=self._at_work,
        )

    def _on_set_parameters(self, changed: list[Parameter]) -> SetParametersResult:
        settable = SETTABLE.get(self._transitions.state.state_id, {Settable.ALWAYS})
        verdict = parameters.validate(changed, settable)
        if verdict.successful:
            self._apply({parameter.name: parameter.value for parameter in changed})
        return verdict

    def _apply(self, values: dict[str, Any]) -> None:
        """New values of parameters that what runs has to be told of."""
        detection = self._associator.config
        score = values.get("min_detection_score", detection.min_detection_score)
        self._associator.config = replace(detection, min_detection_score=score)
        if self._engine is not None:
            outputs, tracker = self._engine.outputs, self._engine.pipeline.tracker
            outputs.crop_masks = values.get("publish_cropped_masks", outputs.crop_masks)
            tracker.configure_cleaning(
                values.get("fill_hole_area", tracker.config.fill_hole_area),
                values.get("remove_speck_area", tracker.config.remove_speck_area),
            )
