"""What a node has while it is active, from its subscriptions to its worker."""

from contextlib import ExitStack
from typing import Any

from ..config import NodeConfig
from ..stream.association import Associator
from .bond import bonded
from .inputs import Inputs
from .mailbox import Mailbox
from .services import Services
from .space import live_space
from .statistics import Statistics
from .watch import Watch
from .worker import Engine, Worker


class Session:
    """From activation to deactivation. Raises whatever it cannot begin for, with nothing left behind."""

    def __init__(
        self, node: Any, engine: Engine, associator: Associator, callers: Services, config: NodeConfig
    ) -> None:
        self.statistics = Statistics()
        self.mailbox = Mailbox(self.statistics, config.track_every)
        with ExitStack() as closing:
            inputs = Inputs(node, self.mailbox, associator, config)
            closing.callback(inputs.close)
            space = live_space(node, engine.outputs, inputs.image_topic)
            if space is not None:
                closing.callback(space.close)
            closing.callback(Watch(node, inputs, self.statistics).close)
            if config.bond_heartbeat_period:
                closing.enter_context(bonded(node, config.bond_heartbeat_period))
            callers.put_prompts = self.mailbox.put_prompts
            closing.callback(callers.close)
            closing.callback(self.mailbox.close)
            self.worker = Worker(node, engine, self.mailbox, callers, self.statistics, config.look_ahead, space)
            self._closing = closing.pop_all()
        node.get_logger().info(f"tracking on {inputs.image_topic}")

    def close(self) -> None:
        """Hear nothing more, and tell callers so; the worker still finishes the image that it is at."""
        self._closing.close()
