"""Where objects are, live: depth in, places out. Waiting for transforms happens in a thread of its own."""

import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..config import InputConfig, NodeConfig, SpaceConfig, SpaceNodeConfig
from ..errors import SpaceError
from ..space.transform import Transform
from ..stream.messages import stamp_ns
from ..stream.pipeline import Processed
from ..stream.places import Located, Locator, Placer
from . import parameters
from .depth_inputs import DepthInputs
from .explain import located as told
from .newest import Newest
from .outputs import Outputs
from .space_outputs import SpaceOutputs

if TYPE_CHECKING:
    from .transforms import Transforms

WAITING = 30  # images whose transform is waited for, at most: each holds its picture and the masks in it


@dataclass(frozen=True, slots=True)
class Finding:
    """An image on its way out."""

    processed: Processed
    located: Located
    until: float  # monotonic seconds until which its transform is waited for


class LiveSpace:
    """From activation to deactivation."""

    def __init__(self, node: Any, outputs: Outputs, config: SpaceNodeConfig, image_topic: str) -> None:
        self._node, self._outputs, self._wait = node, outputs, config.transform_wait
        space = parameters.read(node, SpaceConfig)
        limit = parameters.read(node, InputConfig).max_image_pixels
        self._locator, self._placer = Locator(space, image_topic, limit), Placer(space)
        self._findings: Newest[Finding] = Newest(WAITING)
        self._all_got_through = True
        with ExitStack() as closing:
            self._own = SpaceOutputs(node, config)
            closing.callback(self._own.close)
            reliability = parameters.read(node, NodeConfig).image_reliability
            inputs = DepthInputs(node, self._locator, config.depth_transport, reliability)
            closing.callback(inputs.close)
            self._transforms = _transforms(node) if space.target_frame else None
            if self._transforms is not None:
                closing.callback(self._transforms.close)
            self._thread = threading.Thread(target=self._work, name="space", daemon=True)
            self._thread.start()
            closing.callback(self._stop)
            self._closing = closing.pop_all()
        node.get_logger().info(f"depth from {inputs.topic}, camera_info from {inputs.info_topic}")

    def expect(self, image: Any) -> None:
        """This image is worked on now: its depth is not to be lost meanwhile."""
        self._locator.ring.expect(stamp_ns(image.header.stamp))

    def locate(self, processed: Processed) -> Located | None:
        """Where objects are in the camera's frame; None while nobody wants to know."""
        if not (self._own.wanted or self._outputs.shows_places):
            return None
        return self._locator.locate(processed.header, processed.result)

    def put(self, processed: Processed, located: Located) -> None:
        """Publish what is known of an image, as soon as its transform is there; does not wait for that."""
        room = self._findings.put(Finding(processed, located, time.monotonic() + self._wait))
        if not room and self._all_got_through:
            self._all_got_through = False
            self._node.get_logger().warning(
                f"{WAITING} images wait for a transform, the oldest are left out of ~/objects and what is in space: "
                "transforms come late, or a core is missing; a shorter transform_wait or a smaller rate helps"
            )

    def close(self) -> None:
        """Hear and say nothing more."""
        self._closing.close()

    def _stop(self) -> None:
        self._findings.close()
        self._thread.join(2 * self._wait + 1.0)

    def _work(self) -> None:
        while (finding := self._findings.get()) is not None:
            try:
                self._publish(finding)
            except Exception as error:  # one image must not end all that follow
                self._node.get_logger().error(f"places are not published: {told(error)}", throttle_duration_sec=1.0)

    def _publish(self, finding: Finding) -> None:
        def find(target: str, source: str, stamp: int) -> Transform:
            if self._transforms is None:
                raise SpaceError("no transforms are listened to")
            return self._transforms.find(target, source, stamp, finding.until)

        placed = self._placer.place(finding.located, find)
        for note in placed.notes:
            self._node.get_logger().warning(note)
        self._outputs.publish_objects(finding.processed, placed)
        self._own.publish(finding.processed, placed)


def _transforms(node: Any) -> "Transforms":
    from .transforms import Transforms  # tf2 in Python is a package of its own, which nothing else needs

    return Transforms(node)


def live_space(node: Any, outputs: Outputs, image_topic: str) -> LiveSpace | None:
    """What says where objects are, when the node's parameters ask for it."""
    config = parameters.read(node, SpaceNodeConfig)
    return LiveSpace(node, outputs, config, image_topic) if config.depth else None
