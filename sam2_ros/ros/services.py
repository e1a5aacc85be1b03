"""The node's services. Those that change what is tracked answer when it has happened, with the next image."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.service import Service
from rclpy.task import Future
from std_srvs.srv import SetBool, Trigger

from sam2_ros.msg import Prompt, PromptArray, PromptOutcome
from sam2_ros.srv import AddPrompts, RemoveObject

from ..stream.pipeline import Answer
from ..tracking.result import PromptOutcome as Outcome
from .steady import steady_timer

PATIENCE = 5.0  # seconds until a caller is told that no image came
NO_IMAGE = f"no image came within {PATIENCE:g} s; it takes effect with the next one; check the image topic"
STOPPED = "the tracker was deactivated first; it takes effect with the first image after the next activation"
NOT_ACTIVE = "the tracker is not active; activate it first: ros2 lifecycle set NODE activate"


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """A caller who waits."""

    message: PromptArray
    future: Future
    since: float = field(default_factory=time.monotonic)


class Services:
    """Services of a node; ``put_prompts`` hands prompts to the tracking, None while there is none."""

    def __init__(self, node: Any, set_paused: Callable[[bool], bool]) -> None:
        """``set_paused``: stops or continues to take images; False when the node is not active."""
        self.put_prompts: Callable[[Any], None] | None = None
        self._executor = lambda: node.executor
        self._set_paused = set_paused
        self._pending: list[Pending] = []
        self._unanswered = 0
        self._lock = threading.Lock()  # of that list: the worker settles, the executor loses patience
        self._timer = steady_timer(node, 0.5, self._lose_patience)
        # A group of their own: in the node's, a caller who waits for an image would keep images from being taken.
        group = ReentrantCallbackGroup()
        self._services: list[Service] = [
            node.create_service(kind, name, callback, callback_group=group)
            for kind, name, callback in (
                (AddPrompts, "~/add_prompts", self._add_prompts),
                (RemoveObject, "~/remove_object", self._remove_object),
                (Trigger, "~/reset", self._reset),
                (SetBool, "~/set_paused", self._pause),
            )
        ]

    @property
    def waiting(self) -> bool:
        """Whether somebody still has no answer, though it may be known."""
        return self._unanswered > 0

    def settle(self, answers: tuple[Answer, ...]) -> None:
        """Tell those who asked what became of it. Called from the worker."""
        for answer in answers:
            for pending in list(self._pending):
                if pending.message is answer.message:
                    self._resolve(pending, answer.outcomes)

    def close(self) -> None:
        """Nobody is to wait for what will not come."""
        self.put_prompts = None
        for pending in list(self._pending):
            self._resolve(pending, _refused(pending.message, STOPPED))

    # --- callbacks ---------------------------------------------------------------------------------------------------

    async def _add_prompts(self, request: Any, response: Any) -> Any:
        outcomes = await self._ask(request.prompts)
        response.outcomes = [
            PromptOutcome(object_id=o.object_id, accepted=o.accepted, mask_score=o.mask_score, reason=o.reason)
            for o in outcomes
        ]
        return response

    async def _remove_object(self, request: Any, response: Any) -> Any:
        (outcome,) = await self._ask(_command(Prompt(object_id=request.object_id, action=Prompt.REMOVE)))
        response.success, response.message = outcome.accepted, outcome.reason
        return response

    async def _reset(self, request: Any, response: Any) -> Any:
        (outcome,) = await self._ask(_command(Prompt(action=Prompt.RESET)))
        response.success, response.message = outcome.accepted, outcome.reason
        return response

    def _pause(self, request: Any, response: Any) -> Any:
        response.success = self._set_paused(request.data)
        response.message = "" if response.success else NOT_ACTIVE
        return response

    # --- waiting -----------------------------------------------------------------------------------------------------

    async def _ask(self, message: PromptArray) -> tuple[Outcome, ...]:
        """What becomes of prompts."""
        if self.put_prompts is None:
            return _refused(message, NOT_ACTIVE)
        if not message.prompts:
            return ()
        pending = Pending(message, Future(executor=self._executor()))
        self._pending.append(pending)
        self.put_prompts(message)
        self._unanswered += 1
        try:
            outcomes: tuple[Outcome, ...] = await pending.future
        finally:
            self._unanswered -= 1
        return outcomes

    def _lose_patience(self) -> None:
        for pending in list(self._pending):
            if time.monotonic() - pending.since > PATIENCE:
                self._resolve(pending, _refused(pending.message, NO_IMAGE))

    def _resolve(self, pending: Pending, outcomes: tuple[Outcome, ...]) -> None:
        with self._lock:
            if pending not in self._pending:
                return
            self._pending.remove(pending)
        pending.future.set_result(outcomes)
        executor = self._executor()
        if executor is not None:
            executor.wake()


def _command(prompt: Prompt) -> PromptArray:
    return PromptArray(prompts=[prompt])


def _refused(message: PromptArray, reason: str) -> tuple[Outcome, ...]:
    return tuple(Outcome(prompt.object_id, False, reason) for prompt in message.prompts)
