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
    """The value of a JSON text. Raises StateError."""
    try:
        return json.loads(text)
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
    """A value of a plain type: bool, int, float, str, or tuple of one of these to any number. Raises StateError."""
    if typing.get_origin(wanted) is tuple:
        if not isinstance(value, list):
            raise StateError(f"its {name} is not a list")
        return tuple(typed(typing.get_args(wanted)[0], each, name) for each in value)
    if wanted is float and type(value) is int:
        value = float(value) if abs(value) < LARGEST else value
    if type(value) is not wanted:
        raise StateError(f"its {name} is {str(value)[:40]!r}, which is no {wanted.__name__}")
    if type(value) is int and abs(value) >= LARGEST:
        raise StateError(f"its {name} is too large a number")
    return value
