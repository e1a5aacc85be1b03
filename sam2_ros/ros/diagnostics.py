"""The node's state on /diagnostics, once a second."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_updater import DiagnosticStatusWrapper, Updater

from ..tracking.tracker import Tracker
from .statistics import Statistics
from .steady import steady_timer
from .watch import SILENCE


@dataclass(frozen=True, slots=True)
class Health:
    """What diagnostics tell of a node."""

    state: str  # of its life cycle, and what it is doing there
    tracker: Tracker | None  # None: not configured
    statistics: Statistics | None  # None: not active
    paused: bool
    at_work: float  # seconds that the image at hand has taken so far


class Diagnostics:
    """Publishes by diagnostic_updater; ``look`` gives the node's health."""

    def __init__(self, node: Any, look: Callable[[], Health]) -> None:
        self._look = look
        self._updater = Updater(node)
        self._updater.setHardwareID("none")
        self._updater.add("tracking", self._fill)
        # The updater's own timer stands still with a simulated clock.
        node.destroy_timer(self._updater.timer)
        period = node.get_parameter("diagnostic_updater.period").value
        self._timer = steady_timer(node, period, self._updater.force_update)

    def _fill(self, status: DiagnosticStatusWrapper) -> DiagnosticStatusWrapper:
        health = self._look()
        status.summary(*_summary(health))
        for name, value in (*_of_statistics(health.statistics).items(), *_of_tracker(health.tracker).items()):
            status.add(name, "none yet" if value is None else str(value))
        return status


def _of_statistics(statistics: Statistics | None) -> Mapping[str, object]:
    if statistics is None:
        return {}
    came, tracked = statistics.rates()
    return {
        "images per second received": f"{came:.1f}",
        "images per second tracked": f"{tracked:.1f}",
        "latency from image stamp, p50 / p95 / max, ms": statistics.percentiles("age"),
        "waiting in the mailbox, p50 / p95 / max, ms": statistics.percentiles("wait"),
        "computing, p50 / p95 / max, ms": statistics.percentiles("compute"),
        "images received": statistics.received,
        "images tracked": statistics.processed,
        "images dropped for newer ones": statistics.dropped,
        "images failed": statistics.failed,
    }


def _of_tracker(tracker: Tracker | None) -> Mapping[str, object]:
    """Of the GPU's memory also when there is none: what an unconfigured node still holds is worth knowing."""
    figures: dict[str, object] = {}
    if tracker is not None:
        figures = {
            "objects": len(tracker.object_ids),
            "memory bank, bytes": tracker.memory_bytes,
            "memory bank, bytes per object": tracker.memory_bytes_per_object,
            "network runs": tracker.tier.value,
        }
    if torch.cuda.is_initialized():
        device = tracker.device if tracker is not None and tracker.device.type == "cuda" else None
        figures["GPU memory allocated, bytes"] = torch.cuda.memory_allocated(device)
        figures["GPU memory reserved, bytes"] = torch.cuda.memory_reserved(device)
    return figures


def _summary(health: Health) -> tuple[bytes, str]:
    statistics, tracker = health.statistics, health.tracker
    if statistics is None or tracker is None:
        return DiagnosticStatus.OK, health.state
    if health.at_work > SILENCE:
        return DiagnosticStatus.ERROR, f"the image at hand has taken {health.at_work:.0f} s so far"
    if health.paused:
        return DiagnosticStatus.OK, "paused"
    if statistics.failed_in_a_row:
        return DiagnosticStatus.ERROR, "the last image could not be used; the log says why"
    if statistics.silence > SILENCE:
        return DiagnosticStatus.WARN, f"no image for {statistics.silence:.0f} s"
    if not tracker.object_ids:
        return DiagnosticStatus.OK, "active, nothing to track yet"
    return DiagnosticStatus.OK, f"tracking {len(tracker.object_ids)} objects"
