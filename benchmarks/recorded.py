"""Small cases whose answers were recorded from official video predictors, in float64 on the CPU.

Everything that goes in is made here from seeds: weights of networks with few channels, frames and prompts. What came
out stands under ``CASE/fF/oO/QUANTITY``, in the format that ``parity.py`` describes (stored as float32), in

- ``test/data/official_toy.npz``: SAM 2 (facebookresearch/sam2, 2b90b9f), ``image/...`` is its image predictor's;
- ``test/data/official_light_toy.npz``: EdgeTAM (facebookresearch/EdgeTAM, 9cc44bf, with timm 1.0.31) and EfficientTAM
  (yformer/EfficientTAM, abcd061), one object at a time.

Settings as released, except: the widths, image size 64, memory kept in float64, every prompted frame a conditioning
frame, no hole filling.
"""

import dataclasses
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sam2_ros.model.checkpoint import expected_shapes, ready
from sam2_ros.model.config import CrossAttention, ModelConfig, PerceiverShape, RepVitShape, VitShape, get_config
from sam2_ros.model.sam2 import Sam2

SIZE = 64
SEED = 0
DATA = Path(__file__).parent.parent / "test" / "data"
RECORDINGS = [DATA / f"official_{name}.npz" for name in ("toy", "light_toy")]
TOY = get_config("toy", SIZE)
TOY_2_0 = dataclasses.replace(TOY, no_object_memory=False, pointer_time=False)
# Windows of 2x2 tokens in the perceiver.
EDGE_TOY = dataclasses.replace(
    TOY_2_0, name="edge_toy", trunk=RepVitShape(8, (1, 1, 2, 1)), compressor=PerceiverShape(latents=8, windows=2)
)
# Windows of 3x3 tokens, which 4x4 tokens do not fill.
_SMALL_VIT = VitShape(32, 2, blocks=3, global_attention_blocks=(2,), window_size=3)


def efficient_toy(cross_attention: CrossAttention) -> ModelConfig:
    """A small EfficientTAM with one of its kinds of attention to memories."""
    return dataclasses.replace(
        TOY_2_0, name="efficient_toy", trunk=_SMALL_VIT, neck="single", cross_attention=cross_attention
    )


# Gains by part of the key: masks are neither empty nor full, and memory, pointers and their ages matter.
GAINS = [
    (r"^maskmem_tpos_enc", 2.0),
    (r"no_obj_ptr|no_obj_embed_spatial", 4.0),
    (r"obj_ptr_proj\.layers\.2|obj_ptr_tpos_proj|cross_attn_image\.out_proj|mask_downsampler\.encoder\.12", 3.0),
    (r"output_hypernetworks_mlps\.\d\.layers\.2", 4.0),
    (r"gaussian_matrix", 1.5),
    (r"image_encoder\.neck", 0.4),
    (r"spatial_perceiver\.latents", 4.0),
    (r"\.to_(q|kv)\.", 1.6),
]
NORM = (
    r"norm\d?|norm_final_attn|mask_downscaling\.[14]|encoder\.(1|4|7|10)|output_upscaling\.1|"
    r"norm_x|norm_latents|norm_[01]|ff\.0"
)

BRANCH_SCALE = {"conv": 0.4, "conv2": 0.5}  # batch norms of branches beside a shortcut are weaker than it
EDGE_BIAS, EFFICIENT_BIAS = -0.7, -0.2  # object scores change sign


@dataclass(frozen=True)
class Case:
    """A stream of frames with prompts as events, in the format of ``parity.py``."""

    frames: int
    events: tuple[dict[str, Any], ...]
    config: ModelConfig = TOY
    object_bias: float = 4.0
    max_cond_frames_in_attn: int = 0


CLICK: dict[str, Any] = {"frame": 0, "object": 1, "points": [[14, 41]], "labels": [1]}
BOX: dict[str, Any] = {"frame": 0, "object": 2, "box": [25, 14, 37, 47]}
CASES = {
    # Memory and pointers fill up; two clicks, a mask, a late box, a correction with background, a one-click correction.
    "stream": Case(
        20,
        (
            {"frame": 0, "object": 1, "points": [[14, 41], [16, 26]], "labels": [1, 1]},
            {"frame": 0, "object": 2, "mask_ellipse": [30, 31, 5, 13]},
            {"frame": 6, "object": 3, "box": [25, 14, 37, 47]},
            {"frame": 10, "object": 1, "points": [[20, 24], [40, 12]], "labels": [1, 0]},
            {"frame": 12, "object": 3, "points": [[33, 33]], "labels": [1]},
        ),
    ),
    # Object scores change sign from frame to frame.
    "occlusion": Case(10, (CLICK, BOX), object_bias=-0.3),
    # More prompted frames than are attended at once.
    "limit": Case(
        12,
        (
            CLICK,
            *({"frame": f, "object": 1, "points": [[14 + f, 41 - f]], "labels": [1]} for f in (3, 5, 8)),
        ),
        max_cond_frames_in_attn=2,
    ),
    "sam2.0": Case(6, (CLICK, BOX), config=TOY_2_0),
}
# The bank fills up; a click, a late box, a mask, a correction with background, a one-click correction.
_STREAM = (
    CLICK,
    {"frame": 2, "object": 2, "box": [25, 14, 37, 47]},
    {"frame": 3, "object": 3, "mask_ellipse": [30, 31, 5, 13]},
    {"frame": 6, "object": 1, "points": [[20, 24], [40, 12]], "labels": [1, 0]},
    {"frame": 7, "object": 2, "points": [[33, 33]], "labels": [1]},
)
LIGHT_CASES = {
    "edgetam": Case(10, _STREAM, config=EDGE_TOY),
    "edgetam_occlusion": Case(8, (CLICK, BOX), config=EDGE_TOY, object_bias=EDGE_BIAS),
    "efficienttam": Case(8, (CLICK, BOX), config=efficient_toy("full"), object_bias=EFFICIENT_BIAS),
    "efficienttam_1": Case(10, _STREAM, config=efficient_toy("pooled")),
    "efficienttam_2": Case(10, _STREAM, config=efficient_toy("pooled_shifted")),
}
CASES |= LIGHT_CASES


def weights(config: ModelConfig, object_bias: float) -> dict[str, torch.Tensor]:
    """Seeded weights; each tensor depends on its name alone."""
    state = {}
    for key, shape in expected_shapes(config).items():
        rng = np.random.default_rng([SEED, zlib.crc32(key.encode())])
        values = rng.standard_normal(shape)
        if re.search(rf"({NORM})\.weight$", key):
            values = (3 if key == "spatial_perceiver.norm.weight" else 1) + 0.1 * values
        elif key.endswith("gamma"):
            values = 0.5 + 0.1 * values
        elif key.endswith("pred_obj_score_head.layers.2.bias"):
            values = object_bias + 0 * values
        elif key.endswith("running_var"):
            values = 0.5 + 0.5 * values**2
        elif key.endswith("bn.weight"):
            values = BRANCH_SCALE.get(key.split(".")[-3], 1.0) + 0.1 * values
        elif key.endswith(("bias", "running_mean")):
            values = 0.1 * values
        else:
            fan_in = int(np.prod(shape[1:])) if len(shape) in (2, 4) and "embed" not in key else 4
            gain = next((gain for pattern, gain in GAINS if re.search(pattern, key)), 1.3)
            values = gain * values / np.sqrt(fan_in)
        state[key] = torch.from_numpy(values.astype(np.float32))
    return state


def network(case: Case, dtype: torch.dtype = torch.float64, device: torch.device | str = "cpu") -> Sam2:
    """The case's network, ready for inference."""
    model = Sam2(case.config)
    model.load_state_dict(weights(case.config, case.object_bias))
    return ready(model, device, dtype)


def frames(count: int) -> list[np.ndarray]:
    """Frames (64, 64, 3) uint8: smooth noise under which two blobs move."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    waves = rng.uniform(-9, 9, (6, 2))
    ground = sum(np.sin(a * x + b * y + k) for k, (a, b) in enumerate(waves))
    pictures = []
    for t in range(count):
        blobs = [
            np.exp(-(((x - cx) ** 2 + (y - cy) ** 2) / r))
            for cx, cy, r in ((0.25 + 0.012 * t, 0.55, 0.01), (0.5, 0.45 - 0.008 * t, 0.02))
        ]
        channels = [ground * 20 + 110, ground * 12 + 90 + 120 * blobs[0], 100 - ground * 15 + 130 * blobs[1]]
        pictures.append(np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8))
    return pictures


def recording(name: str) -> dict[str, np.ndarray]:
    """What the official predictor answered in a case: ``fF/oO/QUANTITY``."""
    found: dict[str, np.ndarray] = {}
    for file in RECORDINGS:
        with np.load(file) as arrays:
            found |= {key.split("/", 1)[1]: arrays[key] for key in arrays.files if key.startswith(f"{name}/")}
    return found


def picture() -> np.ndarray:
    """One image (48, 80, 3) uint8 whose sides differ from the network's."""
    return np.ascontiguousarray(np.concatenate((frames(1)[0], frames(9)[8]), axis=1)[8:56, 20:100])
