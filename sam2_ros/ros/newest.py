"""A queue between two threads that keeps the newest: of a full one the oldest gives way."""

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """Hands over in order. Safe between threads; `put` never waits."""

    def __init__(self, most: int) -> None:
        """``most``: how many wait at once."""
        self._waiting: deque[T] = deque(maxlen=most)
        self._changed = threading.Condition()
        self._closed = False

    def put(self, item: T) -> bool:
        """Leave something; whether there was room, so that nothing had to give way."""
        with self._changed:
            room = len(self._waiting) < (self._waiting.maxlen or 0)
            self._waiting.append(item)
            self._changed.notify()
            return room

    def get(self) -> T | None:
        """The oldest that waits; waits for it. None: nothing is left, and nothing will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return self._waiting.popleft() if self._waiting else None

    def close(self) -> None:
        """Let `get` come to its end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
