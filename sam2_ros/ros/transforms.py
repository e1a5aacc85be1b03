"""Transforms by tf2, with a short wait in the thread that asks."""

import time
from typing import Any

from rclpy.time import Time
from tf2_ros import Buffer, TransformException, TransformListener

from ..errors import SpaceError
from ..space.transform import Transform
from ..stream.depth_messages import transform_from
from ..stream.pipeline import JUMP_NS

LOOK_AGAIN = 0.005  # seconds


class Transforms:
    """What /tf and /tf_static tell, from now on."""

    def __init__(self, node: Any) -> None:
        self._buffer = Buffer()
        self._newest_ns = 0  # stamp that was asked for
        self._listener = TransformListener(self._buffer, node, spin_thread=False)

    def find(self, target: str, source: str, stamp_ns: int, until: float) -> Transform:
        """The transform from ``source`` to ``target`` at a stamp; waits until a monotonic time. Raises SpaceError."""
        names = target.lstrip("/"), source.lstrip("/")
        self._forget_the_future(stamp_ns)
        while True:
            try:
                # Not `lookup_transform`, which would wait by the node's clock, and that may stand still.
                found = self._buffer.lookup_transform_core(*names, Time(nanoseconds=stamp_ns))
                return transform_from(found.transform)
            except TransformException as error:
                if time.monotonic() >= until:
                    raise SpaceError(f"there is no transform from {names[1]} to {names[0]}: {error}") from error
            time.sleep(LOOK_AGAIN)

    def _forget_the_future(self, stamp_ns: int) -> None:
        """When stamps jump back, as of a bag that loops: tf2 takes nothing that is much older than what it has."""
        if stamp_ns < self._newest_ns - JUMP_NS:
            self._buffer.clear()
            self._newest_ns = 0
        self._newest_ns = max(self._newest_ns, stamp_ns)

    def close(self) -> None:
        """Stop listening."""
        self._listener.unregister()
