"""What each step of a run is, known before it begins."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .config import StageConfig, TrainingConfig


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one process, and all chance in it."""

    number: int  # within the run, from 0
    stage: StageConfig
    rate: float  # learning rate
    seed: tuple[int, int, int]  # of the run, the step and the process

    def chance_to_draw(self) -> np.random.Generator:
        """Which clips, and what of them."""
        return np.random.default_rng((*self.seed, 0))

    def chance_to_prompt(self) -> np.random.Generator:
        """Which prompts they get."""
        return np.random.default_rng((*self.seed, 1))


def schedule(config: TrainingConfig, rank: int) -> Sequence[Step]:
    """All steps of the process number ``rank``."""
    stages = [(stage, index / stage.steps) for stage in config.stages for index in range(stage.steps)]
    if config.together:
        stages.sort(key=lambda step: step[1])
    steps = []
    for number, (stage, progress) in enumerate(stages):
        first, last = stage.learning_rate
        rate = (first + (last - first) * progress) * min(1.0, (number + 1) / config.warm_up_steps)
        steps.append(Step(number, stage, rate, (config.seed, number, rank)))
    return steps
