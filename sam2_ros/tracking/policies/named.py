"""The policies by the names that users give them."""

from ...config import TrackerConfig
from ...model.config import ModelConfig
from .distractor import Distractor
from .motion import Motion
from .official import Official
from .policy import Limits, Policy

_LARGE_MOTION_WEIGHT = 0.15  # SAMURAI's for the large size, whose predicted IoU is to be trusted more


POLICIES: dict[str, type[Official] | type[Distractor] | type[Motion]] = {
    "official": Official,
    "distractor": Distractor,
    "motion": Motion,
}


def policy_of(model: ModelConfig, config: TrackerConfig) -> Policy:
    """The policy of an object that begins."""
    limits = Limits(
        masks=min(config.num_maskmem, model.num_maskmem),
        last_row=model.num_maskmem - 1,
        prompts=config.max_cond_frames_in_attn,
        stride=config.memory_stride,
        **({"motion_weight": _LARGE_MOTION_WEIGHT} if model.name.endswith("_large") else {}),
    )
    return POLICIES[config.memory_policy](limits)
