"""Sources of pictures: a repository arrives as it was at the commit that is named, or not at all."""

import subprocess
from pathlib import Path

import pytest

from training.config import TrainingError
from training.sources import SOURCES, Source, bring


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=someone", "-c", "user.email=someone@example.org")
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_a_repository_comes_at_its_commit(tmp_path: Path) -> None:
    (there := tmp_path / "there").mkdir()
    git(there, "init", "--quiet")
    commits = []
    for word in ("first", "second"):
        (there / "picture.jpg").write_text(word)
        git(there, "add", ".")
        git(there, "commit", "--quiet", "-m", word)
        commits.append(git(there, "rev-parse", "HEAD"))
    for commit, word in zip(("HEAD", *commits), ("second", "first", "second"), strict=True):
        source = Source(f"pictures@{commit[:7]}", "some", repository=str(there), commit=commit)
        folder = bring(source, tmp_path / "here")
        assert (folder / "picture.jpg").read_text() == word
        (folder / "picture.jpg").write_text("kept")
        assert (bring(source, tmp_path / "here") / "picture.jpg").read_text() == "kept"


def test_what_does_not_come_is_named_and_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    source = Source("nowhere", "some", repository=str(tmp_path / "nowhere"))
    with pytest.raises(TrainingError, match=r"nowhere could not be fetched .* leave it out with --sources"):
        bring(source, tmp_path / "here")
    assert not (tmp_path / "here/nowhere").exists()


def test_every_source_has_a_name_of_its_own_and_a_licence() -> None:
    assert len({source.name for source in SOURCES}) == len(SOURCES)
    assert all(source.licence for source in SOURCES)
