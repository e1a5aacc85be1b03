"""The SAM 2 / SAM 2.1 network: tensors in, tensors or small dataclasses out. Knows nothing of time, objects or ROS."""

from .checkpoint import load_model, random_model
from .config import MODEL_CONFIGS, ModelConfig, get_config
from .sam2 import Sam2

__all__ = ["MODEL_CONFIGS", "ModelConfig", "Sam2", "get_config", "load_model", "random_model"]
