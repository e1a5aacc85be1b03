"""Imports go down, never in a circle: each room of the package knows only those below it."""

import ast
import graphlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import CHECKOUT

PACKAGE = CHECKOUT / "sam2_ros"

# What each room may import of ours, besides itself; from the ground up. CONTRIBUTING.md says what the rooms are for.
# msg and srv are the generated messages.
LEAVES = {"errors", "config"}
ALLOWED = {
    "errors": set(),
    "config": {"errors"},
    "files": set(),
    "model": {"errors"},
    "synthetic": {"space", "errors"},
    "measures": {"errors"},
    "tracking": {"model", *LEAVES},
    "space": LEAVES,
    "weights": {"model", *LEAVES},
    "stored": {"tracking", *LEAVES},
    "report": {"measures", "errors", "files"},
    "__init__": {"model", "tracking"},
    "drawing": {"space", "tracking"},
    "stream": {"space", "tracking", *LEAVES},
    "machine": {"model", "tracking", "weights", *LEAVES},
    "bench": {"model", "stream", "tracking", "weights", *LEAVES},
    "bag": {"drawing", "measures", "space", "stream", "synthetic", "tracking", "files", *LEAVES},
    "evaluation": {"bag", "measures", "model", "report", "stream", "tracking", "weights", *LEAVES},
    "demo": {"bag", "drawing", "evaluation", "synthetic", "tracking", "weights", *LEAVES},
    "cli": {
        *("bag", "bench", "demo", "evaluation", "machine", "measures", "report", "stored", "synthetic", "tracking"),
        *("weights", *LEAVES),
    },
    "ros": {
        *("demo", "drawing", "machine", "msg", "space", "srv", "stored", "stream", "synthetic", "tracking", "weights"),
        *LEAVES,
    },
}
FILES = sorted(PACKAGE.rglob("*.py"))
STARTERS = sorted([*CHECKOUT.glob("scripts/*"), *CHECKOUT.glob("launch/*.py")])


def room_of(file: Path) -> str:
    """The room that a file of the package stands in; the files of its root are their own."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def modules_imported(file: Path) -> set[str]:
    """Full names of all modules that a file imports, and of all names that it imports from modules."""
    package = file.relative_to(CHECKOUT).parts[:-1]
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_file_imports_only_what_is_below_it(file: Path) -> None:
    ours = {name.split(".")[1] for name in modules_imported(file) if name.startswith("sam2_ros.")}
    room = room_of(file)
    assert ours - {room, "__version__"} <= ALLOWED[room]


def test_only_the_live_node_imports_ros() -> None:
    ros = {"rclpy", "cv_bridge", "rcl_interfaces", "launch", "diagnostic_updater", "std_srvs", "vision_msgs"}
    ros |= {f"{name}_msgs" for name in ("diagnostic", "geometry", "sensor", "std", "tf2")}
    ros |= {"builtin_interfaces", "tf2_ros"}
    guilty = [f for f in FILES if room_of(f) != "ros" and {n.split(".")[0] for n in modules_imported(f)} & ros]
    assert guilty == []


def test_the_package_itself_loads_without_torch() -> None:
    code = "import sam2_ros, sys; assert 'torch' not in sys.modules; from sam2_ros import Prompt, Tracker, load_model"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PACKAGE.parent)


def test_a_network_is_loaded_without_torchs_compiler() -> None:
    code = (
        "import sys; from sam2_ros.config import ModelChoice; from sam2_ros.weights.loading import load_network\n"
        "load_network(ModelChoice(device='cpu')); assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PACKAGE.parent)


def test_every_room_has_its_rule_and_no_rule_is_for_nobody() -> None:
    assert {room_of(file) for file in FILES} == set(ALLOWED)


def test_the_table_that_newcomers_read_says_the_same() -> None:
    rows = [line.split("|")[1:4] for line in (CHECKOUT / "CONTRIBUTING.md").read_text().splitlines() if "/` |" in line]
    told = {room.strip(" `/"): set(imports.replace(",", "").split()) for room, _, imports in rows}
    folders = {
        room: allowed - {*LEAVES, "msg", "srv"} for room, allowed in ALLOWED.items() if (PACKAGE / room).is_dir()
    }
    assert told == folders


def test_the_rules_allow_no_circle() -> None:
    graphlib.TopologicalSorter(ALLOWED).prepare()  # raises CycleError


def test_no_two_files_of_tests_have_one_name() -> None:
    names = [file.name for file in CHECKOUT.glob("test/**/test_*.py")]
    assert sorted(names) == sorted(set(names))  # pytest imports them by name alone


def test_the_root_holds_rooms_not_furniture() -> None:
    assert {file.name for file in PACKAGE.glob("*.py")} == {"__init__.py", "config.py", "errors.py"}


@pytest.mark.parametrize("file", STARTERS, ids=lambda file: file.name)
def test_what_starts_us_from_outside_finds_its_modules(file: Path) -> None:
    ours = {name.rpartition(".")[0] for name in modules_imported(file) if name.startswith("sam2_ros.")}
    assert [name for name in ours if importlib.util.find_spec(name) is None] == []
