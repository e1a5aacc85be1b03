#!/usr/bin/env python3
"""How fast is the tracker beside the streaming inference of `transformers`, and do the two agree?

Both get the same weights, frames and boxes, in one process, frame by frame in turn; what else runs on the machine hits
both alike. A frame counts from the 8-bit image on the host to masks at its resolution on the host: `Tracker.step`
against Sam2VideoModel with its logits enlarged and cut at zero. The peer gets our resizing, since its own needs
torchvision. The first frames, which fill the memory, are not timed.

Agreement is the IoU of the masks of all objects and frames: with trained weights it stays near 1; with random ones
rounding doubles every frame, and only the first frames say anything.

Needs `pip install 'sam2_ros[bench]'`.
"""

import argparse
import copy
import dataclasses
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Sam2VideoConfig, Sam2VideoModel
from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession, Sam2VideoLayerNorm

# This checkout is what is measured, installed or not.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sam2_ros.bench.report import Timing, timing
from sam2_ros.bench.staged import FULL_MEMORY
from sam2_ros.config import ModelChoice, TrackerConfig
from sam2_ros.model.config import ModelConfig
from sam2_ros.model.mask_decoder import MaskDecoder
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

# Their names of our parts, in the order in which they are replaced.
NAMES = (
    (r"^image_encoder\.trunk\.", "vision_encoder.backbone."),
    (r"^image_encoder\.neck\.convs\.(\d)\.conv\.", r"vision_encoder.neck.convs.\1."),
    (r"patch_embed\.proj\.", "patch_embed.projection."),
    (r"^sam_prompt_encoder\.mask_downscaling\.0\.", "prompt_encoder.mask_embed.conv1."),
    (r"^sam_prompt_encoder\.mask_downscaling\.1\.", "prompt_encoder.mask_embed.layer_norm1."),
    (r"^sam_prompt_encoder\.mask_downscaling\.3\.", "prompt_encoder.mask_embed.conv2."),
    (r"^sam_prompt_encoder\.mask_downscaling\.4\.", "prompt_encoder.mask_embed.layer_norm2."),
    (r"^sam_prompt_encoder\.mask_downscaling\.6\.", "prompt_encoder.mask_embed.conv3."),
    (r"^sam_prompt_encoder\.", "prompt_encoder."),
    (r"^sam_mask_decoder\.output_upscaling\.0\.", "mask_decoder.upscale_conv1."),
    (r"^sam_mask_decoder\.output_upscaling\.1\.", "mask_decoder.upscale_layer_norm."),
    (r"^sam_mask_decoder\.output_upscaling\.3\.", "mask_decoder.upscale_conv2."),
    (r"^sam_mask_decoder\.", "mask_decoder."),
    (r"^memory_encoder\.mask_downsampler\.encoder\.12\.", "memory_encoder.mask_downsampler.final_conv."),
    (r"^memory_encoder\.pix_feat_proj\.", "memory_encoder.feature_projection."),
    (r"^memory_encoder\.out_proj\.", "memory_encoder.projection."),
    (r"^memory_encoder\.fuser\.(.*)\.gamma$", r"memory_encoder.memory_fuser.\1.scale"),
    (r"^memory_encoder\.fuser\.(.*)\.dwconv\.", r"memory_encoder.memory_fuser.\1.depthwise_conv."),
    (r"^memory_encoder\.fuser\.(.*)\.pwconv(\d)\.", r"memory_encoder.memory_fuser.\1.pointwise_conv\2."),
    (r"^memory_encoder\.fuser\.(.*)\.norm\.", r"memory_encoder.memory_fuser.\1.layer_norm."),
    (r"^memory_attention\.norm\.", "memory_attention.layer_norm."),
    (r"norm_final_attn", "layer_norm_final_attn"),
    (r"\.norm(\d)\.", r".layer_norm\1."),
    (r"^(mask_decoder|memory_attention)\.(.*attn.*)\.out_proj\.", r"\1.\2.o_proj."),
    (r"^obj_ptr_proj\.", "object_pointer_proj."),
    (r"^obj_ptr_tpos_proj\.", "temporal_positional_encoding_projection_layer."),
    (r"^no_mem_embed$", "no_memory_embedding"),
    (r"^no_mem_pos_enc$", "no_memory_positional_encoding"),
    (r"^no_obj_ptr$", "no_object_pointer"),
    (r"^no_obj_embed_spatial$", "occlusion_spatial_embedding_parameter"),
    (r"^maskmem_tpos_enc$", "memory_temporal_positional_encoding"),
    # Multi-layer perceptrons: the first and the last layer have names.
    (r"(\.mlp)\.layers\.0\.", r"\1.proj_in."),
    (r"(\.mlp)\.layers\.1\.", r"\1.proj_out."),
    (r"(_proj|_head|_mlps\.\d)\.layers\.0\.", r"\1.proj_in."),
    (r"(_proj|_head|_mlps\.\d)\.layers\.2\.", r"\1.proj_out."),
    (r"(_proj|_head|_mlps\.\d)\.layers\.1\.", r"\1.layers.0."),
)
GAUSSIAN = "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"
DOWNSAMPLER = re.compile(r"^memory_encoder\.mask_downsampler\.encoder\.(\d+)\.")
POINT = re.compile(r"^sam_prompt_encoder\.point_embeddings\.")


# --- the same network ------------------------------------------------------------------------------------------------


def their_config(config: ModelConfig) -> Sam2VideoConfig:
    """Their description of a network."""
    dims = [config.embed_dim * 2**stage for stage in range(4)]
    background = config.background_position_size
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": config.embed_dim,
        "num_attention_heads": config.num_heads,
        "image_size": [config.image_size] * 2,
        "window_positional_embedding_background_size": [background] * 2,
        "blocks_per_stage": list(config.stages),
        "embed_dim_per_stage": dims,
        "num_attention_heads_per_stage": [config.num_heads * 2**stage for stage in range(4)],
        "window_size_per_stage": list(config.window_sizes),
        "global_attention_blocks": list(config.global_attention_blocks),
    }
    vision = {
        "model_type": "sam2_vision_model",
        "backbone_config": backbone,
        "backbone_channel_list": dims[::-1],
        "backbone_feature_sizes": [[config.image_size // stride] * 2 for stride in (4, 8, 16)],
        "fpn_hidden_size": config.hidden_dim,
    }
    decoder = {
        "hidden_size": config.hidden_dim,
        "mlp_dim": config.feedforward_dim,
        "iou_head_hidden_dim": config.hidden_dim,
    }
    return Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": config.hidden_dim, "image_size": config.image_size},
        mask_decoder_config=decoder,
        image_size=config.image_size,
        num_maskmem=config.num_maskmem,
        enable_occlusion_spatial_embedding=config.no_object_memory,
        enable_temporal_pos_encoding_for_object_pointers=config.pointer_time,
        memory_attention_hidden_size=config.hidden_dim,
        memory_attention_num_layers=config.memory_attention_layers,
        memory_attention_feed_forward_hidden_size=config.feedforward_dim,
        memory_attention_rope_feat_sizes=[config.feature_size] * 2,
        memory_encoder_hidden_size=config.hidden_dim,
        memory_encoder_output_channels=config.memory_dim,
        mask_downsampler_embed_dim=config.hidden_dim,
        memory_fuser_embed_dim=config.hidden_dim,
        memory_fuser_intermediate_dim=4 * config.hidden_dim,
    )


def their_weights(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our weights under their names."""
    renamed = {}
    for key, value in state.items():
        if key != GAUSSIAN and not POINT.match(key):
            renamed[_their_name(key)] = value
    points = [state[f"sam_prompt_encoder.point_embeddings.{label}.weight"] for label in range(4)]
    renamed["prompt_encoder.point_embed.weight"] = torch.cat(points)
    for owner in ("shared_image_embedding", "prompt_encoder.shared_embedding"):
        renamed[f"{owner}.positional_embedding"] = state[GAUSSIAN]
    return renamed


def _their_name(key: str) -> str:
    layer = DOWNSAMPLER.match(key)
    if layer and int(layer[1]) < 12:
        group, place = divmod(int(layer[1]), 3)
        kind = ("conv", "layer_norm")[place]
        return DOWNSAMPLER.sub(f"memory_encoder.mask_downsampler.layers.{group}.{kind}.", key)
    for pattern, name in NAMES:
        key = re.sub(pattern, name, key)
    return key


def their_model(network: Sam2) -> Sam2VideoModel:
    """Their network with our weights; every key of both is used."""
    config = network.config
    model = Sam2VideoModel(their_config(config))
    for layer in model.memory_attention.layers:  # their width of a memory is a constant, that of the official sizes
        for name in ("k_proj", "v_proj"):
            setattr(layer.cross_attn_image, name, nn.Linear(config.memory_dim, config.hidden_dim))
    _upscale_as(model.mask_decoder, network.sam_mask_decoder)
    side = config.image_size // 4
    for block in model.vision_encoder.backbone.blocks:
        if block.query_stride:
            # Their pooling blocks need windows; one as large as the map is none.
            block.window_size = block.window_size or side
            side //= 2
    model.load_state_dict(their_weights(network.state_dict()), strict=True)
    nn.Module.to(model, network.device, network.dtype)  # theirs has types of its own
    model.requires_grad_(False).train(False)
    return model


def _upscale_as(theirs: Any, ours: MaskDecoder) -> None:
    """Give their decoder our upscaling's widths and kernels: theirs are those of the official sizes."""
    up8, norm, _, up4, _ = ours.output_upscaling
    theirs.upscale_conv1, theirs.upscale_conv2 = copy.deepcopy(up8), copy.deepcopy(up4)
    theirs.upscale_layer_norm = Sam2VideoLayerNorm(norm.normalized_shape, data_format="channels_first")
    theirs.conv_s0, theirs.conv_s1 = copy.deepcopy(ours.conv_s0), copy.deepcopy(ours.conv_s1)
    mlps: list[Any] = list(ours.output_hypernetworks_mlps)
    for their_mlp, mlp in zip(theirs.output_hypernetworks_mlps, mlps, strict=True):
        their_mlp.proj_out = copy.deepcopy(mlp.layers[-1])


# --- the two trackers ------------------------------------------------------------------------------------------------


class Peer:
    """Streaming inference by transformers."""

    def __init__(self, model: Sam2VideoModel, network: Sam2, size: tuple[int, int]) -> None:
        self._model = model
        self._network = network  # only its shape, device and precision are used
        self._size = size
        self._session = Sam2VideoInferenceSession(
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
    model: Sam2VideoModel,
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
    model = their_model(network)
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
