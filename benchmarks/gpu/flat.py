"""Flat: memory stays as it is while objects come, are corrected, and go."""

import os
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
import torch

from sam2_ros.config import TrackerConfig
from sam2_ros.tracking.ready import ready_tracker
from sam2_ros.tracking.tracker import Tracker

from .results import Result, Step, at_most, noted
from .script import Shot, box, shots
from .setting import Setting

OBJECTS = 4
FILM = 20  # frames of the clip, shown there and back
GROWTH = 16.0  # MiB that count as none
PROMPTED, REMOVED = 0.2, 0.05  # share of the frames
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Usage:
    """Memory, in MiB; what a CPU does not have is 0."""

    allocated: float
    reserved: float
    device: float  # all that is used of it, by whomever
    resident: float


def usage(device: torch.device) -> Usage:
    """What is held now."""
    with Path("/proc/self/statm").open() as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB
    if device.type != "cuda":
        return Usage(0, 0, 0, resident)
    free, total = torch.cuda.mem_get_info(device)
    allocated, reserved = torch.cuda.memory_allocated(device), torch.cuda.memory_reserved(device)
    return Usage(allocated / MIB, reserved / MIB, (total - free) / MIB, resident)


def growth(before: Usage, after: Usage, most: float = GROWTH) -> Iterator[Result]:
    """By how much each kind grew."""
    for kind, a, b in zip(fields(Usage), astuple(before), astuple(after), strict=True):
        if a or b:
            yield at_most(f"{kind.name}: {a:,.0f} MiB, and since then", b - a, most, "MiB")


def steps(setting: Setting) -> list[Step]:
    """Only one."""
    return [Step("prompts coming and going", partial(_flat, setting))]


def _flat(setting: Setting) -> Iterator[Result]:
    amounts = setting.amounts
    tracker = ready_tracker(setting.network(), TrackerConfig(max_objects=OBJECTS), compiling=setting.cuda)
    yield noted("the network runs", tracker.tier.value)
    film = shots(setting.clip(FILM), amounts.script)
    chance = np.random.default_rng(0)
    settled = usage(setting.device)
    for index in range(amounts.flat_frames):
        if index == amounts.settled:
            settled = usage(setting.device)
        _frame(tracker, film[index % len(film)], chance)
    yield noted("frames", amounts.flat_frames)
    yield from growth(settled, usage(setting.device))
    yield noted("the network runs at the end", tracker.tier.value)


def _frame(tracker: Tracker, shot: Shot, chance: np.random.Generator) -> None:
    """A frame, with an object that goes before it or one that comes or is corrected in it."""
    if tracker.object_ids and chance.random() < REMOVED:
        tracker.remove(int(chance.choice(tracker.object_ids)))
    wanted = [box(shot, int(chance.integers(1, OBJECTS + 2)))] if chance.random() < PROMPTED else []
    tracker.step(shot.image, wanted)
