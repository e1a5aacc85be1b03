"""The run: stage after stage, step after step, from where it was left."""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from sam2_ros.model.config import get_config
from sam2_ros.model.sam2 import Sam2

from . import parallel
from .batch import Batch, draw_batch
from .clips import Clips, prepare
from .config import StageConfig, TrainingConfig, TrainingError
from .export import WEIGHTS_FILE, export
from .initial import from_checkpoint, renew, untrained
from .log import Log, LogLine
from .state import TrainingState
from .unroll import Unroll

CLIPS_FOLDER = "clips"
PRINT_EVERY = 20  # steps


def train(config: TrainingConfig, folder: Path, clips_folder: Path | None = None) -> Path:
    """Train, or go on training, in ``folder``; the weights file that came out.

    The batch of a step depends on the seed, the step and the process alone, so an interrupted run ends as an
    uninterrupted one. Raises TrainingError, Sam2RosError.
    """
    shape = get_config(config.model, config.image_size)
    torch.manual_seed(config.seed)
    network = untrained(shape) if config.start is None else from_checkpoint(shape, config.start)
    for name in config.renew:
        renew(network, name)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not name.startswith(config.freeze) if config.freeze else True)
    state = TrainingState(network.to(config.device), config)
    folder.mkdir(parents=True, exist_ok=True)
    if state.load(folder) and parallel.is_first():
        print(f"going on after step {state.step}")
    clips = _clips(config, shape.image_size, clips_folder or folder / CLIPS_FOLDER)
    log = Log(folder, state.step) if parallel.is_first() else None
    for step, stage, progress in _schedule(config, state.step):
        line = _step(state, config, clips, step, stage, progress)
        state.step = step + 1
        if log is None:
            continue
        log.write(line)
        if state.step % PRINT_EVERY == 0:
            print(
                f"{step} {stage.name}: loss {line.total:.3f}, IoU {line.quality:.3f}, presence {line.presence:.3f}, "
                f"{line.seconds:.2f} s",
                flush=True,
            )
        if state.step % config.save_every == 0:
            state.save(folder)
            log.draw()
    if log is not None:
        state.save(folder)
        log.draw()
        export(state.averaged, folder / WEIGHTS_FILE)
    parallel.wait()
    return folder / WEIGHTS_FILE


def _clips(config: TrainingConfig, size: int, folder: Path) -> Clips:
    """The clips, prepared by one process while the others wait."""
    if not config.data.scenes and not config.data.bags:
        raise TrainingError("the configuration names no data; add scenes or bags")
    if parallel.is_first():
        clips = prepare(config.data, size, folder)
    parallel.wait()
    return clips if parallel.is_first() else prepare(config.data, size, folder)


def _schedule(config: TrainingConfig, done: int) -> Iterator[tuple[int, StageConfig, float]]:
    """(step, stage, progress within the stage 0..1) of the steps that are left."""
    step = 0
    for stage in config.stages:
        for index in range(stage.steps):
            if step >= done:
                yield step, stage, index / stage.steps
            step += 1


def _step(
    state: TrainingState, config: TrainingConfig, clips: Clips, step: int, stage: StageConfig, progress: float
) -> LogLine:
    started = time.perf_counter()
    rng = np.random.default_rng((config.seed, step, parallel.rank()))
    size = stage.image_size or state.network.config.image_size
    batch = _on_device(draw_batch(clips, stage, size, rng), state.network.device)
    first, last = stage.learning_rate
    rate = (first + (last - first) * progress) * min(1.0, (step + 1) / config.warm_up_steps)
    state.optimizer.set_rate(rate)
    with _precision(config):
        losses = Unroll(seeing(state.network, size), batch, stage, config.loss, rng).run()
        total = losses.total(config.loss)
    if not torch.isfinite(total):
        raise TrainingError(f"the loss is {float(total)} at step {step}; lower the learning rate and start again")
    state.optimizer.zero_grad()
    total.backward()
    parallel.average_gradients(state.network.parameters())
    torch.nn.utils.clip_grad_norm_(state.network.parameters(), config.clip_gradient)
    state.optimizer.step()
    state.average.update_parameters(state.network)
    parts = torch.stack([total.detach(), *(getattr(losses, name).detach() for name in losses.__slots__)])
    return LogLine(step, stage.name, time.perf_counter() - started, rate, *parallel.mean(parts).tolist())


@contextmanager
def _precision(config: TrainingConfig) -> Iterator[None]:
    """Of the forward pass; the weights, their gradients and the optimiser stay in float32."""
    if not config.mixed_precision:
        yield
        return
    device = torch.device(config.device).type
    # torch's fused attention for the CPU gains nothing from bfloat16, its plain one does: 1.5 times faster backwards.
    kernel = sdpa_kernel(SDPBackend.MATH) if device == "cpu" else nullcontext()
    with torch.autocast(device, torch.bfloat16), kernel:
        yield


@lru_cache(maxsize=1)
def seeing(network: Sam2, size: int) -> Sam2:
    """The same parameters in a network that takes pictures of another size."""
    if size == network.config.image_size:
        return network
    other = Sam2(dataclasses.replace(network.config, image_size=size))
    other.load_state_dict(network.state_dict(keep_vars=True), assign=True)
    return other


def _on_device(batch: Batch, device: torch.device) -> Batch:
    return Batch(batch.numbers, batch.images.to(device), batch.masks.to(device), batch.clip.to(device))
