"""Dataclasses as plain JSON values and back, exactly: NaN is null, infinities are words, rows are a table."""

import dataclasses
import math
import types
import typing
from collections.abc import Sequence
from typing import Any, TypeVar

Made = TypeVar("Made")
Plain = Any  # None, bool, int, float, str, lists and string-keyed dictionaries of them
INFINITIES = {"inf": math.inf, "-inf": -math.inf}


def to_plain(value: Any) -> Plain:
    """What json can write of a dataclass, a number, a text, None, or tuples of them.

    A tuple of dataclasses of one kind becomes a table, its columns named once: evaluations have a million rows.
    """
    if isinstance(value, float):
        return _plain_float(value)
    if isinstance(value, tuple):
        if value and dataclasses.is_dataclass(value[0]):
            return _table(value)
        return [to_plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        return {each.name: to_plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    return value


def from_plain(kind: type[Made], value: Plain) -> Made:
    """The dataclass ``kind`` that `to_plain` made ``value`` of. Raises TypeError, ValueError or KeyError."""
    return _reader(kind)(value)


def _plain_float(value: float) -> Plain:
    if math.isfinite(value):
        return float(value)  # a plain one, also where numpy gave it
    return None if math.isnan(value) else str(float(value))


def _table(items: Sequence[Any]) -> Plain:
    names = [each.name for each in dataclasses.fields(items[0])]
    return {"columns": names, "rows": [[to_plain(getattr(item, name)) for name in names] for item in items]}


def _reader(kind: Any) -> Any:
    """A function from a plain value to a value of the annotation ``kind``."""
    if dataclasses.is_dataclass(kind):
        return _dataclass_reader(kind)
    if typing.get_origin(kind) is tuple:
        return _tuple_reader(typing.get_args(kind)[0])
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        inner = _reader(next(each for each in typing.get_args(kind) if each is not types.NoneType))
        return lambda value: None if value is None else inner(value)
    if kind is float:
        return _float
    return lambda value: _checked(kind, value)


def _dataclass_reader(kind: Any) -> Any:
    hints = typing.get_type_hints(kind)
    readers = {each.name: _reader(hints[each.name]) for each in dataclasses.fields(kind)}
    return lambda value: kind(**{name: readers[name](item) for name, item in value.items()})


def _tuple_reader(item: Any) -> Any:
    if dataclasses.is_dataclass(item):
        return _table_reader(item)
    read = _reader(item)
    return lambda value: tuple(map(read, value))


def _table_reader(item: Any) -> Any:
    hints = typing.get_type_hints(item)

    def table(value: Plain) -> tuple[Any, ...]:
        if not value:
            return ()
        names = value["columns"]
        readers = [_reader(hints[name]) for name in names]
        return tuple(
            item(**{name: read(cell) for name, read, cell in zip(names, readers, cells, strict=True)})
            for cells in value["rows"]
        )

    return table


def _float(value: Plain) -> float:
    if value is None:
        return math.nan
    return INFINITIES[value] if isinstance(value, str) else float(value)


def _checked(kind: type, value: Plain) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
