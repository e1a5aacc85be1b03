"""The config dataclasses as ROS parameters: declared from their fields, read back into them."""

import dataclasses
import difflib
from collections.abc import Collection, Sequence
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from ..config import CONFIGS, Config, Settable, check_value, meaning_of
from ..errors import ConfigError

OTHERS = ("qos_overrides.", "diagnostic_updater.")  # declared later, or by others
Read = TypeVar("Read", bound=Config)


def declare(node: Node) -> None:
    """Declare every field of every config as a parameter of the node, with its default, meaning and range."""
    for config in CONFIGS:
        for field in dataclasses.fields(config):
            node.declare_parameter(field.name, field.default, descriptor(field))


def misspelt(node: Node) -> list[str]:
    """One sentence for each parameter that was given and that nobody declared: ROS itself says nothing of those."""
    # rclpy has no public way to ask what was given.
    given: dict[str, Any] = getattr(node, "_parameter_overrides", {})
    known = [field.name for config in CONFIGS for field in dataclasses.fields(config)]
    sentences = []
    for name in sorted(given):
        if not node.has_parameter(name) and not name.startswith(OTHERS):
            near = difflib.get_close_matches(name, known, n=1)
            advice = f"did you mean {near[0]}?" if near else "`ros2 param list` shows those that there are"
            sentences.append(f"there is no parameter {name}, it is ignored; {advice}")
    return sentences


def descriptor(field: "dataclasses.Field[Any]") -> ParameterDescriptor:
    """What ``ros2 param describe`` says of a field."""
    meaning = meaning_of(field)
    constraints = f"one of {', '.join(meaning.choices)}; " if meaning.choices else ""
    described = ParameterDescriptor(
        description=meaning.text, additional_constraints=f"{constraints}can be set {meaning.settable.value}"
    )
    if meaning.limits is not None:
        low, high = meaning.limits
        if isinstance(field.default, float):
            described.floating_point_range = [FloatingPointRange(from_value=float(low), to_value=float(high))]
        else:
            described.integer_range = [IntegerRange(from_value=low, to_value=high)]
    return described


def read(node: Node, config: type[Read]) -> Read:
    """The node's parameters as one config. Raises ConfigError."""
    return config(**{field.name: node.get_parameter(field.name).value for field in dataclasses.fields(config)})


def validate(parameters: Sequence[Parameter], settable: Collection[Settable]) -> SetParametersResult:
    """Whether these values may be set now, with the reason when not. ``settable``: what can be set in this state."""
    fields = {field.name: field for config in CONFIGS for field in dataclasses.fields(config)}
    for parameter in parameters:
        if parameter.name in fields:
            try:
                _check(fields[parameter.name], parameter.value, settable)
            except ConfigError as error:
                return SetParametersResult(successful=False, reason=str(error))
    return SetParametersResult(successful=True)


def _check(field: "dataclasses.Field[Any]", value: Any, settable: Collection[Settable]) -> None:
    check_value(field, value)
    needed = meaning_of(field).settable
    if needed not in settable:
        way = "`deactivate`" if needed == Settable.INACTIVE else "`deactivate` and `cleanup`"
        raise ConfigError(
            f"parameter {field.name} can be set {needed.value} only; bring it there by {way} of `ros2 lifecycle set`, "
            "set it, and bring it back"
        )
