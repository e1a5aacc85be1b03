"""Which reliability to ask a topic's publishers for."""

from typing import Any

from rclpy.qos import ReliabilityPolicy

# By the parameter image_reliability.
RELIABILITY = {"best_effort": ReliabilityPolicy.BEST_EFFORT, "reliable": ReliabilityPolicy.RELIABLE}


def wanted_reliability(node: Any, topic: str, choice: str) -> ReliabilityPolicy:
    """What ``choice`` forces; else reliable only when all publishers offer it, since otherwise some would be lost."""
    if choice in RELIABILITY:
        return RELIABILITY[choice]
    offered = [info.qos_profile.reliability for info in node.get_publishers_info_by_topic(topic)]
    reliable = bool(offered) and all(policy == ReliabilityPolicy.RELIABLE for policy in offered)
    return ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
