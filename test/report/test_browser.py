"""In a real browser: nothing that a label says runs, in the report and in the comparison. Left out where there is none.

Names of browsers are those of Debian, Chrome and Chromium; each prints a page as it is after its scripts ran.
"""

import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.evaluations import evaluation, pictures
from sam2_ros.measures.record import Evaluation, Failed, FramePictures
from sam2_ros.report.compare import compare
from sam2_ros.report.comparison import comparison_page
from sam2_ros.report.page import page

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
RAN = "ran-what-a-label-says"
ACT = f"document.documentElement.setAttribute('{RAN}','')"
EVIL = "".join(
    (
        f"<script>{ACT}</script>",
        f"</script><script>{ACT}</script>",
        f'"><img src=x onerror="{ACT}">',
        f"</style></title></svg><svg onload={ACT}></svg>",
        f'<iframe srcdoc="<script>parent.{ACT}</script>"></iframe>',
    )
)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no browser")


def after_scripts(text: str, folder: Path) -> str:
    """The page as a browser has it in the end."""
    (folder / "page.html").write_text(text, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--dump-dom"]
    command = [str(BROWSER), *options, f"--user-data-dir={folder / 'profile'}", (folder / "page.html").as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def something_ran(seen: str) -> bool:
    (root,) = re.findall(r"<html[^>]*>", seen)
    return RAN in root


def look(clip: Evaluation, stamps: Collection[int]) -> Iterator[FramePictures]:
    return (pictures(clip, stamp) for stamp in sorted(stamps))


def evil(clip: Evaluation) -> Evaluation:
    objects = tuple(replace(each, label=EVIL) for each in clip.objects)
    return replace(clip, name=EVIL, source=EVIL, notes=(EVIL,), objects=objects)


def test_a_browser_would_tell(tmp_path: Path) -> None:
    assert something_ran(after_scripts(f"<!doctype html><html><body>{EVIL}</body></html>", tmp_path))


def test_labels_in_a_report(tmp_path: Path) -> None:
    seen = after_scripts(page([evil(evaluation())], [Failed(EVIL, EVIL)], look), tmp_path)
    assert "&lt;script&gt;" in seen
    assert not something_ran(seen)


def test_labels_in_a_comparison(tmp_path: Path) -> None:
    comparison = compare([evil(evaluation())], [evil(evaluation(better_by=0.1))])
    seen = after_scripts(comparison_page(comparison, EVIL, EVIL), tmp_path)
    assert "&lt;script&gt;" in seen
    assert not something_ran(seen)
