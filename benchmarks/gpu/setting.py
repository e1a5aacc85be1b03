"""What a stage is run with: a network on a device, and how much of everything."""

import functools
from dataclasses import dataclass, replace

import torch

from sam2_ros.config import ModelChoice
from sam2_ros.model.sam2 import Sam2
from sam2_ros.synthetic import SceneFrame, scene, settings_for
from sam2_ros.weights.loading import load_network
from sam2_ros.weights.shipped import SHIPPED

from .results import Result, Verdict
from .script import LONG, SHORT, Script


@dataclass(frozen=True, slots=True)
class Subject:
    """A network."""

    model: str
    image_size: int

    def __str__(self) -> str:
        return f"{self.model} {self.image_size} px"

    @property
    def trained(self) -> bool:
        """Whether it tracks; of the others only the machinery can be seen, and rounding grows from frame to frame."""
        return self.model in SHIPPED


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much of everything."""

    width: int  # of images, in pixels
    height: int
    exact_frames: int  # compared between devices, of a trained network
    first_frames: int  # of one with random weights, before rounding has grown
    quality: tuple[tuple[str, int], ...]  # difficulties and numbers of clips
    quality_frames: int
    script: Script
    quiet_rounds: int  # of the script
    flat_frames: int
    settled: int  # of those, after which memory has to stay as it is
    together: tuple[int, ...]  # numbers of objects compared with one alone
    objects: tuple[int, ...]  # numbers of objects timed
    timed: int  # frames
    peer_objects: tuple[int, ...]  # timed beside transformers
    attention: tuple[int, int]  # queries and keys
    attention_batches: tuple[int, ...]
    copied: int  # bytes, to find out how fast memory is


FULL = Amounts(
    width=1280,
    height=720,
    exact_frames=60,
    first_frames=8,
    quality=(("easy", 2), ("hard", 1)),
    quality_frames=40,
    script=LONG,
    quiet_rounds=3,
    flat_frames=3000,
    settled=500,
    together=(1, 2, 3, 5, 8, 16),
    objects=(1, 4, 8, 16),
    timed=100,
    peer_objects=(1, 8),
    attention=(4096, 28736),
    attention_batches=(1, 4, 8),
    copied=2 << 30,
)
# The same on a CPU: that it runs, and nothing else.
TINY = Amounts(
    width=96,
    height=64,
    exact_frames=4,
    first_frames=3,
    quality=(("easy", 1),),
    quality_frames=4,
    script=SHORT,
    quiet_rounds=1,
    flat_frames=12,
    settled=4,
    together=(1, 3),
    objects=(1, 2),
    timed=3,
    peer_objects=(),
    attention=(64, 128),
    attention_batches=(1,),
    copied=1 << 20,
)


@dataclass(frozen=True, slots=True)
class Setting:
    """A network on a device, and how much of everything."""

    subject: Subject
    device: torch.device
    amounts: Amounts

    @property
    def cuda(self) -> bool:
        """Whether this is the real thing."""
        return self.device.type == "cuda"

    @property
    def script(self) -> Script:
        """What happens on the way; short where rounding grows from frame to frame."""
        script = self.amounts.script
        return script if self.subject.trained else replace(script, frames=min(script.frames, script.add + 4))

    def network(self, precision: str = "auto", device: str = "") -> Sam2:
        """The network, by default on the device and in the precision that it is used in."""
        return _network(self.subject, device or str(self.device), precision)

    def another_network(self) -> Sam2:
        """One more of the same, that nobody else has."""
        return _network.__wrapped__(self.subject, str(self.device), "auto")

    def on_cuda(self, result: Result) -> Result:
        """A result that is judged on CUDA only: how fast a CPU is, or how it rounds, is not what is asked."""
        return result if self.cuda else replace(result, verdict=Verdict.NOTED)

    def clip(self, frames: int, seed: int = 0, difficulty: str = "easy", size: int = 0) -> list[SceneFrame]:
        """A made-up clip with as many objects as there can be; ``size``: square, of so many pixels."""
        settings = settings_for(difficulty)
        settings = replace(
            settings,
            width=size or self.amounts.width,
            height=size or self.amounts.height,
            frames=frames,
            objects_min=4,
            objects_max=max(4, settings.objects_max),
        )
        return _clip(seed, settings)


@functools.cache
def _network(subject: Subject, device: str, precision: str) -> Sam2:
    checkpoint = "auto" if subject.trained else "random"
    return load_network(ModelChoice(subject.model, checkpoint, device, precision, image_size=subject.image_size))


@functools.cache
def _clip(seed: int, settings: object) -> list[SceneFrame]:
    return list(scene(seed, settings))  # type: ignore[arg-type]
