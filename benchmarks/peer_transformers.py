#!/usr/bin/env python3
"""How fast is the tracker beside the streaming inference of `transformers`, and do the two agree?

For SAM 2 and EdgeTAM. Both get the same weights, frames and boxes, in one process, frame by frame in turn; what else
runs on the machine hits both alike. A frame counts from the 8-bit image on the host to masks at its resolution on the
host: `Tracker.step` against Sam2VideoModel or EdgeTamVideoModel with its logits enlarged and cut at zero. The peer gets
our resizing, since its own needs torchvision. The first frames, which fill the memory, are not timed.

Agreement is the IoU of the masks of all objects and frames: with trained weights it stays near 1; with random ones
rounding doubles every frame, and only the first frames say anything.

Needs `pip install 'sam2_ros[bench]'`.
"""

import argparse
import dataclasses
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from transformers import EdgeTamVideoModel, Sam2VideoModel
from transformers.models.edgetam_video.modeling_edgetam_video import EdgeTamVideoInferenceSession
from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

# This checkout is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sam2_ros.bench.report import Timing, timing
from sam2_ros.bench.staged import FULL_MEMORY
from sam2_ros.config import ModelChoice, TrackerConfig
from sam2_ros.model.config import HieraShape, RepVitShape
from sam2_ros.model.passes import Passes
from sam2_ros.model.prompt_encoder import BOX_BOTTOM_RIGHT, BOX_TOP_LEFT
from sam2_ros.model.sam2 import Sam2
from sam2_ros.synthetic import DIFFICULTIES, SceneFrame, scene
from sam2_ros.tracking.preprocess import to_network, to_square
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.ready import quick_passes
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.tracking.transfer import wait_for
from sam2_ros.weights.loading import load_network

TheirModel: TypeAlias = "Sam2VideoModel | EdgeTamVideoModel"


class NoPeer(Exception):
    """There is nothing to compare with; the text says why."""


def their_model(network: Sam2) -> TheirModel:
    """Their network with our weights; every key of both is used. Raises NoPeer."""
    if isinstance(network.config.trunk, HieraShape):
        from their_sam2 import their_sam2

        return their_sam2(network)
    if isinstance(network.config.trunk, RepVitShape):
        if importlib.util.find_spec("timm") is None:
            raise NoPeer("transformers has its EdgeTAM's trunk from timm, which is not installed: pip install timm")
        from their_edgetam import their_edgetam

        return their_edgetam(network)
    raise NoPeer(f"transformers has no {network.config.name}; choose a SAM 2 or edgetam")


# --- the two trackers ------------------------------------------------------------------------------------------------


class Peer:
    """Streaming inference by transformers."""

    def __init__(self, model: TheirModel, network: Sam2, size: tuple[int, int]) -> None:
        self._model = model
        self._network = network  # only its shape, device and precision are used
        self._size = size
        session = Sam2VideoInferenceSession if isinstance(model, Sam2VideoModel) else EdgeTamVideoInferenceSession
        self._session = session(
            video_height=size[1],
            video_width=size[0],
            inference_device=network.device,
            inference_state_device=network.device,
            video_storage_device=network.device,
            dtype=network.dtype,
        )

    def begin(self, object_id: int, box: np.ndarray) -> None:
        """An object in the first frame; ``box`` (4,) in pixels of the image."""
        session, side = self._session, self._network.config.image_size
        corners = torch.from_numpy(to_square(box.reshape(2, 2), *self._size, side)).to(self._network.dtype)
        labels = torch.tensor([[[BOX_TOP_LEFT, BOX_BOTTOM_RIGHT]]], dtype=torch.int32)
        index = session.obj_id_to_idx(object_id)
        session.add_point_inputs(index, 0, {"point_coords": corners[None, None], "point_labels": labels})
        session.obj_with_new_inputs.append(object_id)

    def step(self, frame: np.ndarray) -> np.ndarray:
        """Masks (B, H, W) bool of a frame (H, W, 3) uint8."""
        network = self._network
        pixels = to_network(frame, network.config.image_size, network.device, network.dtype)
        logits = self._model(inference_session=self._session, frame=pixels).pred_masks  # (B, 1, S/4, S/4)
        width, height = self._size
        large = F.interpolate(logits.float(), size=(height, width), mode="bilinear", align_corners=False)
        masks: np.ndarray = (large[:, 0] > 0).cpu().numpy()
        return masks


class Ours:
    """`Tracker`, the same way."""

    def __init__(self, network: Sam2, passes: Passes, objects: int) -> None:
        self._tracker = Tracker(network, TrackerConfig(max_objects=objects), passes)
        self._prompts: list[Prompt] = []

    def begin(self, object_id: int, box: np.ndarray) -> None:
        """An object in the first frame; ``box`` (4,) in pixels of the image."""
        self._prompts.append(Prompt(object_id, box=box))

    def step(self, frame: np.ndarray) -> np.ndarray:
        """Masks (B, H, W) bool of a frame (H, W, 3) uint8."""
        prompts, self._prompts = self._prompts, []
        return np.stack([state.mask for state in self._tracker.step(frame, prompts).objects])


# --- measuring -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One number of objects."""

    objects: int
    ours: Timing
    peer: Timing
    ratio: float  # of the medians: how many times as fast we are
    first_iou: float  # of masks on the first frame
    mean_iou: float  # of all masks
    worst_iou: float

    def __str__(self) -> str:
        return (
            f"{self.objects:7} {self.ours.p50_ms:10.1f} {self.peer.p50_ms:10.1f} {self.ratio:8.2f} "
            f"{self.first_iou:10.4f} {self.mean_iou:9.4f} {self.worst_iou:9.4f}"
        )


# On a busy machine the processor's time says more than the clock on the wall, as long as there is one thread.
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
HEAD = f"{'objects':>7} {'ours ms':>10} {'peer ms':>10} {'faster':>8} {'first IoU':>10} {'mean':>9} {'worst':>9}"


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Of two masks; 1 when both are empty."""
    union = (a | b).sum()
    return float((a & b).sum() / union) if union else 1.0


def boxes(frame: SceneFrame, count: int) -> list[np.ndarray]:
    """Boxes of the objects that are seen, again and again until there are enough."""
    seen = [np.array(box, float) for box in frame.boxes if box is not None]
    return [seen[number % len(seen)] for number in range(count)]


def measure(
    network: Sam2,
    passes: Passes,
    model: TheirModel,
    clip: Sequence[SceneFrame],
    count: int,
    clock: Callable[[], float],
) -> Row:
    """Both on one clip, frame by frame in turn."""
    size = clip[0].image.shape[1], clip[0].image.shape[0]
    ours, peer = Ours(network, passes, count), Peer(model, network, size)
    for number, box in enumerate(boxes(clip[0], count), start=1):
        ours.begin(number, box)
        peer.begin(number, box)
    our_times: list[float] = []
    peer_times: list[float] = []
    ious = []
    for frame in clip:
        our_masks = _timed(ours.step, frame.image, network.device, clock, our_times)
        peer_masks = _timed(peer.step, frame.image, network.device, clock, peer_times)
        ious.append([iou(a, b) for a, b in zip(our_masks, peer_masks, strict=True)])
    our_timing, peer_timing = (timing(times[FULL_MEMORY + 1 :]) for times in (our_times, peer_times))
    values = np.array(ious)
    return Row(
        objects=count,
        ours=our_timing,
        peer=peer_timing,
        ratio=peer_timing.p50_ms / our_timing.p50_ms,
        first_iou=float(values[0].mean()),
        mean_iou=float(values.mean()),
        worst_iou=float(values.min()),
    )


def _timed(
    step: Callable[[np.ndarray], np.ndarray],
    frame: np.ndarray,
    device: torch.device,
    clock: Callable[[], float],
    taken: list[float],
) -> np.ndarray:
    wait_for(device)
    started = clock()
    masks = step(frame)
    wait_for(device)
    taken.append(clock() - started)
    return masks


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--checkpoint", default="auto", help="random gives any size weights without a download")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--image-size", type=int, default=0)
    parser.add_argument("--objects", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--frames", type=int, default=30, help="timed, after those that fill the memory")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="default: %(default)s")
    parser.add_argument("--compile", action="store_true", help="compile both with torch.compile")
    parser.add_argument("--json", type=Path, help="write the table to a file")
    options = parser.parse_args()

    choice = ModelChoice(
        options.model, options.checkpoint, options.device, options.precision, image_size=options.image_size
    )
    network = load_network(choice)
    try:
        model = their_model(network)
    except NoPeer as error:
        sys.exit(str(error))
    passes: Passes = network
    if options.compile:
        passes = quick_passes(network, TrackerConfig(max_objects=max(options.objects)))
        for name in ("vision_encoder", "memory_attention", "mask_decoder", "memory_encoder"):
            getattr(model, name).compile()
    settings = dataclasses.replace(
        DIFFICULTIES["easy"],
        width=options.width,
        height=options.height,
        objects_min=4,
        objects_max=4,
        frames=FULL_MEMORY + 1 + options.frames,
    )
    clip = list(scene(0, settings))
    print(
        f"{network.config.name}, {network.config.image_size} px, images {options.width}x{options.height}, "
        f"{network.device}, {network.dtype}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    )
    print(HEAD)
    rows = []
    with torch.inference_mode():
        for count in options.objects:
            rows.append(measure(network, passes, model, clip, count, CLOCKS[options.clock]))
            print(rows[-1], flush=True)
    if options.json:
        options.json.write_text(json.dumps([dataclasses.asdict(row) for row in rows], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
