"""What a stage finds, one thing at a time, and what becomes of it: a line, a JSON file and a Markdown table."""

import dataclasses
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any


class Verdict(Enum):
    """What is to be thought of a result."""

    GOOD = "good"
    BAD = "BAD"
    NOTED = "noted"  # nothing was asked of it
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Result:
    """One thing that was found out."""

    name: str
    told: str  # for people
    verdict: Verdict
    value: float | None = None
    wanted: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a stage that may fail without the others."""

    name: str
    run: Callable[[], Iterable[Result]]
    needs_cuda: bool = False


def at_most(name: str, value: float, limit: float, unit: str = "") -> Result:
    """A number that must not be larger; one that is not a number is bad."""
    verdict = Verdict.GOOD if value <= limit else Verdict.BAD
    return Result(name, _text(value, unit), verdict, value, f"at most {_text(limit, unit)}")


def at_least(name: str, value: float, limit: float, unit: str = "") -> Result:
    """A number that must not be smaller; one that is not a number is bad."""
    verdict = Verdict.GOOD if value >= limit else Verdict.BAD
    return Result(name, _text(value, unit), verdict, value, f"at least {_text(limit, unit)}")


def holds(name: str, truth: bool, told: str = "") -> Result:
    """Something that has to be so."""
    return Result(name, told or ("yes" if truth else "no"), Verdict.GOOD if truth else Verdict.BAD)


def noted(name: str, value: float | str, unit: str = "") -> Result:
    """Something to know."""
    if isinstance(value, str):
        return Result(name, value, Verdict.NOTED)
    return Result(name, _text(value, unit), Verdict.NOTED, value)


def left_out(name: str, why: str) -> Result:
    """What was not looked at."""
    return Result(name, why, Verdict.LEFT_OUT)


def failed(name: str, why: str) -> Result:
    """What ended with an error."""
    return Result(name, why, Verdict.BAD)


def objects(count: int) -> str:
    """So many of them."""
    return "1 object" if count == 1 else f"{count} objects"


def _text(value: float, unit: str) -> str:
    return f"{value:,.4g} {unit}".rstrip() if abs(value) < 1e4 else f"{value:,.0f} {unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Entry:
    """A result and where it is from."""

    stage: str
    subject: str
    seconds: float  # since the command began
    result: Result

    def __str__(self) -> str:
        r = self.result
        wanted = f" ({r.wanted})" if r.wanted else ""
        return f"{self.seconds:6.1f} s  {self.stage:9} {self.subject:15} {r.verdict.value:8} {r.name}: {r.told}{wanted}"


@dataclass(slots=True)
class Report:
    """Everything so far. Written anew after every stage, so that whatever ends the command, nothing is lost."""

    folder: Path
    facts: dict[str, Any]  # how it was run
    entries: list[Entry] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Keep an entry, and say it."""
        self.entries.append(entry)
        print(entry, flush=True)

    @property
    def bad(self) -> int:
        """Results that are not as wanted."""
        return sum(entry.result.verdict is Verdict.BAD for entry in self.entries)

    def write(self) -> None:
        """Put both files into the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, text in (("on_gpu.json", self._json()), ("on_gpu.md", self._markdown())):
            unfinished = self.folder / f".{name}"
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(self.folder / name)

    def _json(self) -> str:
        entries = [
            {"stage": e.stage, "subject": e.subject, "seconds": round(e.seconds, 1), **_plain(e.result)}
            for e in self.entries
        ]
        return json.dumps({**self.facts, "results": entries}, indent=1) + "\n"

    def _markdown(self) -> str:
        lines = ["# On a GPU", "", *(f"- {name}: {value}" for name, value in self.facts.items()), ""]
        counts = ((v.value, sum(e.result.verdict is v for e in self.entries)) for v in Verdict)
        lines += [", ".join(f"{count} {name}" for name, count in counts), ""]
        for stage in dict.fromkeys(entry.stage for entry in self.entries):
            lines += [f"## {stage}", "", "| network | what | found | wanted | |", "|---|---|---|---|---|"]
            lines += [_row(entry) for entry in self.entries if entry.stage == stage]
            lines += [""]
        return "\n".join(lines)


def _plain(result: Result) -> dict[str, Any]:
    return {**dataclasses.asdict(result), "verdict": result.verdict.value}


def _row(entry: Entry) -> str:
    r = entry.result
    cells = entry.subject, r.name, r.told, r.wanted, r.verdict.value
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
