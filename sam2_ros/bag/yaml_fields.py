"""YAML mappings whose faults are reported with file, line and key."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..errors import BagError, quoted

MAX_DEPTH = 20  # of lists and mappings within each other, far more than any of our files has


@dataclass(frozen=True, slots=True)
class Field:
    """One key and its value."""

    line: int  # of the key, from 1
    node: yaml.Node  # the value


class Fields:
    """The keys of one YAML mapping. Every method raises BagError for a value that it cannot take."""

    def __init__(self, file: Path, node: yaml.Node, known: Sequence[str], what: str) -> None:
        """``known``: the keys that may be there; ``what``: the mapping, for a sentence."""
        self._file = file
        self.line = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            raise self.error(f"{what} is {_kind(node)}; give keys and values, such as {known[0]}: ...")
        self._fields: dict[str, Field] = {}
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key not in known:
                raise self.error(f"key {quoted(key)} is not known; use one of {', '.join(known)}", line)
            if key in self._fields:
                raise self.error(f"key {quoted(key)} is given twice; keep one", line)
            self._fields[key] = Field(line, value_node)

    def __contains__(self, key: str) -> bool:
        return key in self._fields

    def error(self, what: str, line: int | None = None) -> BagError:
        """A BagError that begins with file and line, by default the mapping's."""
        return BagError(f"{self._file}:{self.line if line is None else line}: {what}")

    def wrong(self, key: str, wanted: str) -> BagError:
        """A BagError for a value that is not what is ``wanted``."""
        return self.error(f"key {quoted(key)} is {self._get(key, None)!r}; give {wanted}", self._fields[key].line)

    def line_of(self, key: str) -> int:
        """Line of a key that is there."""
        return self._fields[key].line

    def entries(self, key: str) -> list[yaml.Node]:
        """The nodes of a list that is not empty."""
        node = self._fields[key].node if key in self else None
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            line = node.start_mark.line + 1 if node else self.line
            raise self.error(f"key {quoted(key)} has no entries; give a list under '{key}:', as '- frame: 0'", line)
        return list(node.value)

    def integer(self, key: str, default: int, maximum: int) -> int:
        """A whole number from 0 to ``maximum``."""
        value = self._get(key, default)
        if type(value) is not int or not 0 <= value <= maximum:
            raise self.wrong(key, f"a whole number from 0 to {maximum}")
        return value

    def seconds(self, key: str) -> float:
        """A duration, not negative."""
        value = self._get(key, 0)
        if not is_number(value) or value < 0:
            raise self.wrong(key, "a number of seconds, 0 or more")
        return float(value)

    def text(self, key: str, default: str) -> str:
        """A string."""
        value = self._get(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, "text, in quotes where it looks like something else")
        return value

    def choice(self, key: str, choices: Sequence[str], default: str) -> str:
        """One of several words."""
        value = self._get(key, default)
        if value not in choices:
            raise self.wrong(key, f"one of {', '.join(choices)}")
        return str(value)

    def numbers(self, key: str, count: int, wanted: str) -> list[float]:
        """A list of so many finite numbers."""
        value = self._get(key, [])
        if not is_numbers(value, count):
            raise self.wrong(key, wanted)
        return [float(number) for number in value]

    def list(self, key: str) -> list[Any]:
        """A list of anything; empty when the key is not there."""
        value = self._get(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, "a list")
        return value

    def _get(self, key: str, default: Any) -> Any:
        field = self._fields.get(key)
        if field is None:
            return default
        try:
            return yaml.SafeLoader("").construct_document(field.node)
        except RecursionError:
            raise self.error(f"the value of key {quoted(key)} is nested too deeply", field.line) from None
        except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none
            problem = getattr(error, "problem", None) or error
            raise self.error(f"the value of key {quoted(key)} cannot be used: {problem}", field.line) from error


class ShallowLoader(yaml.SafeLoader):
    """Gives up on nesting before the parser's time and Python's stack run out."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """A node and all below it. Raises RecursionError."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RecursionError
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def read_yaml(file: Path) -> yaml.Node:
    """The root node of a YAML file. Raises BagError when there is none."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BagError(f"the file {file} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        node = yaml.compose(text, Loader=ShallowLoader)
    except RecursionError:
        raise BagError(f"{file} is nested too deeply; give a list of prompts") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise BagError(f"{file}:{line}: this is no YAML: {error.problem}; correct the line") from error
    except yaml.YAMLError as error:
        raise BagError(f"{file}: this is no YAML: {' '.join(str(error).split())}") from error
    if node is None:
        raise BagError(f"{file} is empty; give at least one entry under 'prompts:'")
    return node


def is_number(value: Any) -> bool:
    """Whether a YAML value is a finite number; true and false are none."""
    return type(value) in (int, float) and math.isfinite(value)


def is_numbers(value: Any, count: int) -> bool:
    """Whether a YAML value is a list of so many finite numbers."""
    return isinstance(value, list) and len(value) == count and all(map(is_number, value))


def _kind(node: yaml.Node) -> str:
    return "a list" if isinstance(node, yaml.SequenceNode) else repr(node.value)
