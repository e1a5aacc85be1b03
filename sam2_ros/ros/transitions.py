"""Changes of the node's state, answered while its only executor goes on.

rclpy carries out a transition inside the service's callback, which silences everything else for as long as it takes,
and lets an invalid request end the process. So change_state is answered by a coroutine here that drives rclpy's own
state machine: its callbacks may wait for threads, all of ROS stays in the executor's thread, and no second executor or
lock is needed. Humble to Jazzy and later have the two members of rclpy that this takes, and await coroutines alike.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lifecycle_msgs.msg import State, Transition
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.task import Future

from ..errors import quoted
from .explain import explained

SHUTDOWNS = (
    Transition.TRANSITION_UNCONFIGURED_SHUTDOWN,
    Transition.TRANSITION_INACTIVE_SHUTDOWN,
    Transition.TRANSITION_ACTIVE_SHUTDOWN,
)
SHUTDOWN = "shutdown"
# Where a failure leaves everything as it was; of others the node recovers by its error transition.
HARMLESS = (State.TRANSITION_STATE_CONFIGURING, State.TRANSITION_STATE_ACTIVATING)

Callback = Callable[[LifecycleState], Awaitable[None]]  # of the state before; raises what makes the transition fail


class Transitions:
    """One transition of a lifecycle node at a time; whoever asks for another meanwhile is refused."""

    def __init__(self, node: Any, callbacks: Mapping[int, Callback], interrupt: Callable[[], None]) -> None:
        """``callbacks``: by the state that the node is in during the transition. ``interrupt``: makes the transition
        that is going on end soon; a shutdown is not to wait for it."""
        self._node = node
        self._machine = node._state_machine
        self._callbacks = callbacks
        self._interrupt = interrupt
        self._running: Future | None = None
        node._service_change_state.callback = self._answer

    @property
    def state(self) -> LifecycleState:
        """The state that the node is in."""
        state_id, label = self._machine.current_state
        return LifecycleState(label, state_id)

    @property
    def busy(self) -> bool:
        """Whether a transition is going on."""
        return self._running is not None

    async def change(self, transition: Transition) -> bool:
        """Carry out a transition, told by its label or its id; whether it succeeded. Says why when it did not."""
        if self._running is not None and (transition.id in SHUTDOWNS or transition.label == SHUTDOWN):
            self._interrupt()
            await self._running
            transition = Transition(label=SHUTDOWN)
        possible = {} if self.busy else {label: number for number, label, *_ in self._machine.available_transitions}
        label = transition.label or next((label for label, id_ in possible.items() if id_ == transition.id), "")
        if label not in possible:
            self._refuse(transition, list(possible))
            return False
        self._running = Future(executor=self._node.executor)
        try:
            return await self._carry_out(label, possible[label])
        finally:
            self._running.set_result(None)
            self._running = None

    async def _answer(self, request: Any, response: Any) -> Any:
        response.success = await self.change(request.transition)
        return response

    def _refuse(self, transition: Transition, possible: list[str]) -> None:
        name = quoted(transition.label) if transition.label else transition.id
        there = f"possible: {', '.join(possible)}" if possible else "wait for its end" if self.busy else "it has ended"
        self._node.get_logger().warning(f"transition {name} is refused: the node is {self.state.label}; {there}")

    async def _carry_out(self, label: str, number: int) -> bool:
        before = self.state
        self._machine.trigger_transition_by_id(number, True)
        outcome = await self._outcome(label, before)
        self._machine.trigger_transition_by_label(outcome.to_label(), True)
        if outcome == TransitionCallbackReturn.ERROR:
            recovered = await self._outcome("recover", before)
            self._machine.trigger_transition_by_label(recovered.to_label(), True)
        return bool(outcome == TransitionCallbackReturn.SUCCESS)

    async def _outcome(self, label: str, before: LifecycleState) -> TransitionCallbackReturn:
        state = self.state.state_id
        try:
            await self._callbacks[state](before)
        except Exception as error:  # a transition must not take the process down
            self._node.get_logger().error(f"cannot {label}: {explained(error)}")
            return TransitionCallbackReturn.FAILURE if state in HARMLESS else TransitionCallbackReturn.ERROR
        return TransitionCallbackReturn.SUCCESS
