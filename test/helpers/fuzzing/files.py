"""Small whole files of all kinds, and ways to damage them."""

import random
import struct
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from helpers.bags import box_prompt, camera_bag, compressed, prompts, stamp_of
from helpers.fuzzing.messages import SIDE
from helpers.fuzzing.world import TOY, good_image, world
from sam2_ros.model.checkpoint import digest, random_model, recognise
from sam2_ros.stored import state_file


def empty_folder() -> Path:
    """An empty one, the same every time: to make another for every input takes longer than the input."""
    folder = Path(_keptempty_folder().name)
    for file in folder.iterdir():
        file.unlink()
    return folder


@cache
def _keptempty_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


@cache
def whole_files(kind: str) -> list[bytes]:
    """Whole files of a kind, small ones."""
    with tempfile.TemporaryDirectory() as folder:
        return _MAKERS[kind](Path(folder))


def _pictures(folder: Path) -> list[bytes]:
    pixels = good_image(0).data.reshape(SIDE, SIDE, 3)
    ends = (".jpg", ".png", ".webp", ".bmp", ".tiff", ".ppm", ".gif")
    return [cv2.imencode(end, pixels)[1].tobytes() for end in ends]


def _depths(folder: Path) -> list[bytes]:
    values = np.arange(SIDE * SIDE, dtype=np.uint16).reshape(SIDE, SIDE)
    return [bytes(12) + cv2.imencode(".png", values)[1].tobytes()]


def _bags(folder: Path) -> list[bytes]:
    def content(storage: str, *more: Any) -> bytes:
        path = camera_bag(folder / f"{storage}{len(more)}", 1, storage, *more)
        return next(file for file in path.iterdir() if file.suffix in (".mcap", ".db3")).read_bytes()

    extra = (compressed(0), prompts(stamp_of(0), stamp_of(0), box_prompt()))
    return [content("mcap"), content("mcap", *extra), content("sqlite3", *extra)]


def _checkpoints(folder: Path) -> list[bytes]:
    state = random_model(TOY).state_dict()
    torch.save({"model": state}, folder / "a.pt")
    save_file({key: value.contiguous() for key, value in state.items()}, folder / "a.safetensors")
    assert digest(state)
    recognise({})  # the first file that fits no network takes the process longer than all others
    return [(folder / "a.pt").read_bytes(), (folder / "a.safetensors").read_bytes()]


def _states(folder: Path) -> list[bytes]:
    state_file.write_state(folder / "s.safetensors", world().state)
    return [(folder / "s.safetensors").read_bytes()]


@cache
def whole_state() -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and metadata of a state."""
    path = empty_folder() / "s.safetensors"
    path.write_bytes(whole_files("state")[0])
    with state_file.safe_open(path, framework="pt") as file:
        return load_file(path), dict(file.metadata())


_MAKERS = {"picture": _pictures, "depth": _depths, "bag": _bags, "checkpoint": _checkpoints, "state": _states}


@st.composite
def damaged(draw: st.DrawFn, whole: Sequence[bytes]) -> bytes:
    """One of these files, cut, with bytes changed, taken out or doubled, or nothing of the kind."""
    file = bytearray(draw(st.sampled_from(whole)))
    rng = random.Random(draw(st.integers(0, 2**32 - 1)))  # many places at once cost nothing so
    for _ in range(rng.choice((0, 1, 1, 2, 8, 64))):
        at = rng.randrange(max(1, len(file) - 1)) if rng.random() < 0.5 else rng.randrange(min(len(file), 200) or 1)
        change = rng.randrange(5)
        if change == 0:
            file[at : at + 1] = bytes([rng.randrange(256)])
        elif change == 1:
            file[at : at + 8] = struct.pack("<Q", rng.choice((0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)))
        elif change == 2:
            del file[at : at + rng.randrange(1, 20)]
        elif change == 3:
            file[at:at] = file[at : at + rng.randrange(1, 40)]
        else:
            del file[rng.randrange(len(file) or 1) :]
    return bytes(file)
