"""Transforms by tf2, with a short wait in the thread that asks."""

import time
from typing import Any

from rclpy.time import Time
from tf2_msgs.msg import TFMessage
from tf2_ros import Buffer, TransformException, TransformListener

from ..errors import SpaceError
from ..space.transform import Transform
from ..stream.depth_messages import transform_from
from ..stream.pipeline import JUMP_NS

LOOK_AGAIN = 0.005  # seconds


class _Listener(TransformListener):
    """Fills a buffer, and empties it when stamps of a frame jump back, as of a bag that loops.

    tf2 takes nothing that is much older than what it has: it would wait until the second time round is over.
    """

    def __init__(self, buffer: Buffer, node: Any) -> None:
        self._newest_ns: dict[str, int] = {}  # by child frame
        super().__init__(buffer, node, spin_thread=False)

    def callback(self, data: TFMessage) -> None:
        for transform in data.transforms:
            frame, stamp_ns = transform.child_frame_id, Time.from_msg(transform.header.stamp).nanoseconds
            if stamp_ns < self._newest_ns.get(frame, stamp_ns) - JUMP_NS:
                self.buffer.clear()
                self._newest_ns.clear()
            self._newest_ns[frame] = max(stamp_ns, self._newest_ns.get(frame, stamp_ns))
        super().callback(data)


class Transforms:
    """What /tf and /tf_static tell, from now on."""

    def __init__(self, node: Any) -> None:
        self._buffer = Buffer()
        self._listener = _Listener(self._buffer, node)

    def find(self, target: str, source: str, stamp_ns: int, until: float) -> Transform:
        """The transform from ``source`` to ``target`` at a stamp; waits until a monotonic time. Raises SpaceError."""
        names = target.lstrip("/"), source.lstrip("/")
        while True:
            try:
                # Not `lookup_transform`, which would wait by the node's clock, and that may stand still.
                found = self._buffer.lookup_transform_core(*names, Time(nanoseconds=stamp_ns))
                return transform_from(found.transform)
            except TransformException as error:
                if time.monotonic() >= until:
                    raise SpaceError(f"there is no transform from {names[1]} to {names[0]}: {error}") from error
            time.sleep(LOOK_AGAIN)

    def close(self) -> None:
        """Stop listening."""
        self._listener.unregister()
