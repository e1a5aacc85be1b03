"""Where an object is first shown to the tracker, and which frames and objects count afterwards."""

from enum import Enum


class Protocol(str, Enum):
    """How results come about."""

    RECORDED = "recorded"  # they are there already
    PROMPTS = "prompts"  # the bag's own prompts
    DAVIS_SEMI = "davis-semi"  # each object's true mask on the first annotated frame that shows it
    FIRST_BOX = "first-box"  # the box around that mask
    FIRST_CLICK = "first-click"  # the pixel of that mask that is farthest from its outline


class Measure(str, Enum):
    """Whose rule says which frames and objects count."""

    DAVIS = "davis"
    SA_V = "sa-v"
