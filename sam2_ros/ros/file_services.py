"""Services that read and write files, in the one folder that a parameter allows, one at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup

from sam2_ros.srv import LoadObject, LoadState, SaveObject, SaveState

from ..errors import Sam2RosError, StateError
from ..stored.folder import check_writable, file_in, file_of
from ..stored.state_file import read_state, write_state
from ..stream.pipeline import Pipeline
from ..tracking.state import TrackerState
from .background import Background
from .explain import explained

BUSY = "another file is being read or written; ask again when that is done"
UNCONFIGURED = "the node is not configured, so there is nothing to save or to restore; configure it first"


@dataclass(frozen=True, slots=True)
class Shelf:
    """What these services work on, as it is when one is called."""

    pipeline: Pipeline | None  # None: the node is not configured
    folder: str  # empty: none is allowed


class FileServices:
    """Saves and loads in a thread, so that images and other services go on; ``look`` tells what there is now."""

    def __init__(self, node: Any, look: Callable[[], Shelf]) -> None:
        self._look = look
        self._executor = lambda: node.executor
        self._logger = node.get_logger()
        self._busy = False
        group = ReentrantCallbackGroup()  # who waits for a disk holds up nobody
        self._services = [
            node.create_service(kind, name, callback, callback_group=group)
            for kind, name, callback in (
                (SaveState, "~/save_state", self._save_state),
                (LoadState, "~/load_state", self._load_state),
                (SaveObject, "~/save_object", self._save_object),
                (LoadObject, "~/load_object", self._load_object),
            )
        ]

    # --- callbacks ---------------------------------------------------------------------------------------------------

    async def _save_state(self, request: Any, response: Any) -> Any:
        def work(pipeline: Pipeline, folder: str) -> None:
            path = file_in(folder, request.path)
            state = pipeline.state()
            response.message = _written(path, state)
            response.object_ids = list(state.object_ids)

        return await self._answered(work, response)

    async def _load_state(self, request: Any, response: Any) -> Any:
        def work(pipeline: Pipeline, folder: str) -> None:
            saved = read_state(file_in(folder, request.path))
            pipeline.restore(saved.state)
            response.object_ids = list(saved.state.object_ids)
            response.message = f"{len(saved.state.objects)} objects, saved {saved.age:.1f} s ago"

        return await self._answered(work, response)

    async def _save_object(self, request: Any, response: Any) -> Any:
        def work(pipeline: Pipeline, folder: str) -> None:
            path = file_of(folder, request.name)
            response.message = _written(path, pipeline.object_state(request.object_id))

        return await self._answered(work, response)

    async def _load_object(self, request: Any, response: Any) -> Any:
        def work(pipeline: Pipeline, folder: str) -> None:
            saved = read_state(file_of(folder, request.name))
            response.object_id = pipeline.adopt(saved.state, request.object_id)
            response.message = f"object {request.name}, saved {saved.age:.1f} s ago, is looked for"

        return await self._answered(work, response)

    # --- parts -------------------------------------------------------------------------------------------------------

    async def _answered(self, work: Callable[[Pipeline, str], None], response: Any) -> Any:
        """The response after the work, or with the reason why it was not done."""
        try:
            await self._done(work)
            response.success = True
        except Exception as error:
            response.success, response.message = False, explained(error)
            if not isinstance(error, Sam2RosError):
                self._logger.error(f"a file service failed: {explained(error)}", throttle_duration_sec=1.0)
        return response

    async def _done(self, work: Callable[[Pipeline, str], None]) -> None:
        shelf = self._look()
        if shelf.pipeline is None:
            raise StateError(UNCONFIGURED)
        if self._busy:  # a flood of calls must not become one of threads
            raise StateError(BUSY)
        pipeline = shelf.pipeline
        self._busy = True
        try:
            await Background(self._executor(), lambda: work(pipeline, shelf.folder), "file service").outcome()
        finally:
            self._busy = False


def _written(path: Path, state: TrackerState) -> str:
    """Write a state; what to say of it."""
    check_writable(path)
    size = write_state(path, state)
    return f"{len(state.objects)} objects, {size:,} bytes, in {path}"
