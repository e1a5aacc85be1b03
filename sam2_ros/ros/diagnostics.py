"""The node's state on /diagnostics, once a second."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_updater import DiagnosticStatusWrapper, Updater

from .statistics import Statistics
from .watch import SILENCE


@dataclass(frozen=True, slots=True)
class Health:
    """What diagnostics tell of an active node."""

    statistics: Statistics
    objects: int
    memory_bytes: int  # of the memory bank
    memory_bytes_per_object: int
    device: torch.device
    paused: bool


class Diagnostics:
    """Publishes by diagnostic_updater; ``look`` gives the node's health, None while it is not active."""

    def __init__(self, node: Any, look: Callable[[], Health | None]) -> None:
        self._look = look
        self._updater = Updater(node)
        self._updater.setHardwareID("none")
        self._updater.add("tracking", self._fill)

    def _fill(self, status: DiagnosticStatusWrapper) -> DiagnosticStatusWrapper:
        health = self._look()
        if health is None:
            status.summary(DiagnosticStatus.OK, "not active")
            return status
        statistics = health.statistics
        status.summary(*_summary(health))
        came, tracked = statistics.rates()
        figures = {
            "images per second received": f"{came:.1f}",
            "images per second tracked": f"{tracked:.1f}",
            "latency from image stamp, p50 / p95 / max, ms": statistics.percentiles("age"),
            "waiting in the mailbox, p50 / p95 / max, ms": statistics.percentiles("wait"),
            "computing, p50 / p95 / max, ms": statistics.percentiles("compute"),
            "images received": statistics.received,
            "images tracked": statistics.processed,
            "images dropped for newer ones": statistics.dropped,
            "images failed": statistics.failed,
            "objects": health.objects,
            "memory bank, bytes": health.memory_bytes,
            "memory bank, bytes per object": health.memory_bytes_per_object,
        }
        if health.device.type == "cuda":
            figures["GPU memory allocated, bytes"] = torch.cuda.memory_allocated(health.device)
        for name, value in figures.items():
            status.add(name, "none yet" if value is None else str(value))
        return status


def _summary(health: Health) -> tuple[bytes, str]:
    statistics = health.statistics
    if health.paused:
        return DiagnosticStatus.OK, "paused"
    if statistics.failed_in_a_row:
        return DiagnosticStatus.ERROR, "the last image could not be used; the log says why"
    if statistics.silence > SILENCE:
        return DiagnosticStatus.WARN, f"no image for {statistics.silence:.0f} s"
    if not health.objects:
        return DiagnosticStatus.OK, "active, nothing to track yet"
    return DiagnosticStatus.OK, f"tracking {health.objects} objects"
