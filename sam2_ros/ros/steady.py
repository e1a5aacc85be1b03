"""Timers that run whether or not anybody publishes a simulated clock."""

from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.timer import Timer


def steady_timer(node: Any, period: float, callback: Callable[[], None]) -> Timer:
    """Calls ``callback`` every ``period`` seconds of real time, also under use_sim_time while a bag is paused."""
    timer: Timer = node.create_timer(period, callback, clock=Clock(clock_type=ClockType.STEADY_TIME))
    return timer
