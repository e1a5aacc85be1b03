"""What a device is quick at: which precision, and which of torch's attention kernels does the memory attention."""

import torch

from .config import ModelConfig

BY_OURSELVES = "products in blocks"  # see narrow.py
UNFUSED = "unfused"
UNKNOWN = "unknown"  # this torch does not tell

TOKENS = 128  # of the question: kernels depend on width, type and device, not on how many tokens there are


def attention_kernel(config: ModelConfig, device: torch.device, dtype: torch.dtype) -> str:
    """``flash``, ``efficient`` or ``cudnn`` on CUDA, whichever torch takes; or one of the above."""
    if device.type != "cuda":
        return BY_OURSELVES
    tokens = torch.empty(1, 1, TOKENS, config.hidden_dim, device=device, dtype=dtype)
    choice = _torchs_choice(tokens)
    if choice:
        return choice
    kernels = torch.backends.cuda
    try:
        asked = kernels.SDPAParams(tokens, tokens, tokens, None, 0.0, False, False)
        if kernels.can_use_flash_attention(asked, False):
            return "flash"
        if kernels.can_use_efficient_attention(asked, False):
            return "efficient"
        return "cudnn" if kernels.can_use_cudnn_attention(asked, False) else UNFUSED
    except (AttributeError, TypeError):
        return UNKNOWN


def _torchs_choice(tokens: torch.Tensor) -> str:
    """What torch itself would take for these queries, keys and values; empty where it does not tell.

    Newer ones take cuDNN's before the others on some GPUs.
    """
    names = {0: UNFUSED, 1: "flash", 2: "efficient", 3: "cudnn"}  # at::SDPBackend
    try:
        return names.get(int(torch._fused_sdp_choice(tokens, tokens, tokens)), "")
    except (AttributeError, RuntimeError, TypeError):
        return ""


def quick_dtype(device: torch.device) -> torch.dtype:
    """The precision whose products and attention a device has units and kernels for.

    bfloat16 from compute capability 8.0 on (Ampere, Orin), float16 from 7.0 on (Volta, Turing, Xavier), else float32.
    """
    if device.type != "cuda":
        return torch.float32
    capability = torch.cuda.get_device_capability(device)
    if capability >= (8, 0):
        return torch.bfloat16
    return torch.float16 if capability >= (7, 0) else torch.float32
