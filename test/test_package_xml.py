"""package.xml names what rosdep can install of what is imported; the changelog is one that bloom reads (REP 132)."""

import ast
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).parent.parent
MANIFEST = ElementTree.parse(ROOT / "package.xml").getroot()
KEYS = {"cv2": "python3-opencv", "PIL": "python3-pil", "rosbags": "python3-rosbags-pip", "yaml": "python3-yaml"}
KEYS["tf2_ros"] = "tf2_ros_py"  # of Python
KEYS["lz4"] = KEYS["rosbags"]  # which brings it
KEYS |= {name: f"python3-{name}" for name in ("numpy", "scipy", "tqdm")}
WITHOUT_KEY = {"torch", "safetensors"}
ON_DEMAND = {"bondpy", "jinja2", "markupsafe", "matplotlib", "ray"}  # and said so by what needs them
OF_THE_BUILD = {"rosidl_parser"}  # comes with the generators


def imported() -> set[str]:
    """The packages, not of Python itself and not ours, that the installed files import."""
    files = [*(ROOT / "sam2_ros").rglob("*.py"), *(ROOT / "launch").glob("*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return {module.split(".")[0] for module in modules} - set(sys.stdlib_module_names) - {"sam2_ros"}


def test_what_is_imported_is_declared() -> None:
    declared = {str(node.text) for tag in ("depend", "exec_depend") for node in MANIFEST.findall(tag)}
    needed = imported() - WITHOUT_KEY - ON_DEMAND - OF_THE_BUILD
    assert {KEYS.get(name, name) for name in needed} <= declared


def test_the_version_is_the_same_everywhere() -> None:
    assert f'version="{MANIFEST.findtext("version")}"' in (ROOT / "setup.py").read_text()


def test_the_changelog_begins_with_what_is_coming_or_with_this_version() -> None:
    found = re.search(r"^(.+)\n-+\n", (ROOT / "CHANGELOG.rst").read_text(), re.MULTILINE)
    assert found is not None
    assert re.fullmatch(rf"Forthcoming|{MANIFEST.findtext('version')} \(\d{{4}}-\d\d-\d\d\)", found[1])
