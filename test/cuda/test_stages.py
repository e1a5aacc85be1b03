"""The fast part of what `benchmarks/on_gpu.py` asks of a GPU: right, the same in all ways, quiet, safe in faults?"""

from dataclasses import replace

import pytest
import torch

from gpu import faults, quiet, right, same
from gpu.results import Step, Verdict
from gpu.setting import FULL, Setting, Subject

QUICK = replace(
    FULL,
    width=640,
    height=480,
    exact_frames=20,
    quality=(("easy", 1),),
    quality_frames=20,
    quiet_rounds=1,
    together=(1, 3, 8),
)
NANO = Setting(Subject("nano", 384), torch.device("cuda"), QUICK)
STEPS = {f"{stage.__name__}: {step.name}": step for stage in (right, same, quiet, faults) for step in stage.steps(NANO)}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_everything_is_as_wanted(step: Step) -> None:
    found = list(step.run())
    assert found
    assert not [result for result in found if result.verdict is Verdict.BAD]
