"""Dataclasses as JSON and back: of what is read, every field has to be there and of its type."""

import dataclasses
import json
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from ..errors import StateError

LARGEST = 2**62  # of whole numbers: what is reckoned with them still fits into 64 bits
Record = TypeVar("Record")


def parse(text: str) -> Any:
    """The value of a JSON text without the numbers that are none. Raises StateError."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise StateError(f"its description is no JSON ({type(error).__name__})") from None


def record(kind: type[Record], fields: object) -> Record:
    """A dataclass of plain fields from what was parsed; those with defaults may be missing. Raises StateError."""
    if not isinstance(fields, Mapping):
        raise StateError(f"its description has no {kind.__name__} where one belongs")
    hints = typing.get_type_hints(kind)
    known = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise StateError(f"its {kind.__name__} has an unknown field {unknown[0][:40]!r}")
    missing = [name for name, field in known.items() if name not in fields and field.default is dataclasses.MISSING]
    if missing:
        raise StateError(f"its {kind.__name__} has no {missing[0]}")
    return kind(**{name: typed(hints[name], value, name) for name, value in fields.items()})


def typed(wanted: Any, value: Any, name: str) -> Any:
    """A value of a plain type, a tuple of them, a dataclass, or nothing where that may be. Raises StateError."""
    if typing.get_origin(wanted) is tuple:
        return _tuple(typing.get_args(wanted), value, name)
    if type(None) in (choices := typing.get_args(wanted)):
        return None if value is None else typed(choices[0], value, name)
    if dataclasses.is_dataclass(wanted):
        return record(typing.cast("type[Any]", wanted), value)
    if wanted is float and type(value) is int and abs(value) < LARGEST:
        value = float(value)
    if type(value) is not wanted:
        raise StateError(f"its {name} is {str(value)[:40]!r}, which is no {wanted.__name__}")
    if type(value) in (int, float) and not abs(value) < LARGEST:
        raise StateError(f"its {name} is too large a number")
    return value


def _tuple(wanted: tuple[Any, ...], value: Any, name: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise StateError(f"its {name} is not a list")
    kinds = [wanted[0]] * len(value) if wanted[-1] is Ellipsis else list(wanted)
    if len(kinds) != len(value):
        raise StateError(f"its {name} has {len(value)} values, not {len(kinds)}")
    return tuple(typed(kind, each, name) for kind, each in zip(kinds, value, strict=True))


def _refuse(constant: str) -> Any:
    raise ValueError(constant)
