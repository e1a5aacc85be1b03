"""The bond by which nav2's lifecycle manager notices that a node has died."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import ConfigError

TOPIC = "bond"
HEARTBEAT_TIMEOUT = 4.0  # seconds, as nav2's own nodes have it


@contextmanager
def bonded(node: Any, period: float) -> Iterator[None]:
    """Send heartbeats every ``period`` seconds under the node's name, which is where the manager expects them.

    Raises ConfigError where bondpy is missing.
    """
    try:
        from bondpy.bondpy import Bond
    except ImportError:
        raise ConfigError(
            f"parameter bond_heartbeat_period is {period:g}, but bondpy is not installed: install "
            "ros-$ROS_DISTRO-bondpy, or set it to 0.0 and the lifecycle manager's bond_timeout, too"
        ) from None
    bond = Bond(node, TOPIC, node.get_name())
    bond.heartbeat_period, bond.heartbeat_timeout = period, HEARTBEAT_TIMEOUT
    bond.start()
    try:
        yield
    finally:
        bond.shutdown()
        # It has destroyed these, but the node still lists them, and their events would fail in the executor.
        node.destroy_subscription(bond.sub)
        node.destroy_publisher(bond.pub)
