"""The node's state file: what it held is restored, what is tracked is saved to it, aside from the tracking."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..config import StateConfig
from ..errors import Sam2RosError, StateError
from ..stored.state_file import put_aside, read_state, write_state
from ..stream.pipeline import Pipeline

LOOK_PERIOD = 0.05  # seconds between two looks at whether something is to be saved


class Keeper:
    """Saves a pipeline's state when objects begin or end and every so often, in a thread of its own."""

    def __init__(self, pipeline: Pipeline, config: StateConfig, logger: Any) -> None:
        self._pipeline, self._logger = pipeline, logger
        self._path, self._period = Path(config.state_file).expanduser(), config.autosave_seconds
        self._noted = self._now()
        self._last = time.monotonic()
        self._saving = threading.Lock()
        self._closed = threading.Event()
        if self._period:
            threading.Thread(target=self._watch, name="keeper", daemon=True).start()

    def close(self) -> None:
        """Save no more by itself."""
        self._closed.set()

    def save(self) -> None:
        """Save what is tracked now, when that is something new; what goes wrong is logged, and the file stays."""
        with self._saving:
            noted = self._now()
            if noted == self._noted:
                return
            self._noted, self._last = noted, time.monotonic()
            try:
                write_state(self._path, self._pipeline.state())
            except Sam2RosError as error:
                self._logger.error(f"what is tracked is not saved: {error}", throttle_duration_sec=10.0)

    def _watch(self) -> None:
        while not self._closed.wait(LOOK_PERIOD):
            if self._now()[1] != self._noted[1] or time.monotonic() - self._last >= self._period:
                self._survived(self.save)

    def _survived(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # the next save may do better
            self._logger.error(f"what is tracked is not saved: {error!r}", throttle_duration_sec=10.0)

    def _now(self) -> tuple[int, tuple[int, ...]]:
        tracker = self._pipeline.tracker
        return tracker.frame_count, tracker.object_ids


def restore(pipeline: Pipeline, config: StateConfig) -> str:
    """Let a pipeline that has tracked nothing yet go on from the state file; what came of it, empty when nothing.

    A file that cannot be used is put aside, since the next save would overwrite it. Raises StateError or DeviceError.
    """
    path = Path(config.state_file).expanduser()
    if not config.state_file or pipeline.tracker.frame_count or not path.exists():
        return ""
    try:
        saved = read_state(path)
        if abs(saved.age) > config.state_max_age:
            raise StateError(
                f"what {path} holds is {saved.age:.0f} s old, more than state_max_age ({config.state_max_age:g})"
            )
        pipeline.restore(saved.state)
    except StateError as error:
        raise StateError(f"{error}; it is put aside as {put_aside(path).name}") from None
    ids = ", ".join(map(str, saved.state.object_ids)) or "none"
    return f"restored from {path}, {saved.age:.1f} s old: objects {ids}"
