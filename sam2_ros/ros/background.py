"""Work that takes long, in a thread of its own, so that the node's only executor goes on answering."""

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from rclpy.executors import Executor
from rclpy.task import Future

Outcome = TypeVar("Outcome")


class Background(Generic[Outcome]):
    """Runs a function in a thread; a callback of the executor awaits its `outcome`.

    Python cannot end a thread, so one that is given up runs on by itself, and what it finds is dropped.
    """

    def __init__(self, executor: Executor, work: Callable[[], Outcome], name: str) -> None:
        self._work = work
        self._executor = executor
        self._future = Future(executor=executor)
        self._lock = threading.Lock()  # who comes first, the thread or `give_up`
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.thread.start()

    async def outcome(self) -> Outcome:
        """What the function returns. Raises what it raises, or what it was given up with."""
        found: Outcome = await self._future
        return found

    def give_up(self, reason: Exception) -> None:
        """Whoever waits for the outcome waits no longer: ``reason`` is raised there."""
        self._settle(self._future.set_exception, reason)

    def _run(self) -> None:
        try:
            found = self._work()
        except Exception as error:
            self._settle(self._future.set_exception, error)
        else:
            self._settle(self._future.set_result, found)

    def _settle(self, settle: Callable[[Any], None], value: Any) -> None:
        with self._lock:
            if not self._future.done():
                settle(value)
        self._executor.wake()
