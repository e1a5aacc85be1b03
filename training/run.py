"""The run: stage after stage, step after step, from where it was left."""

import dataclasses
import math
import time
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from pathlib import Path

import torch

from sam2_ros.model.config import ModelConfig, get_config
from sam2_ros.model.sam2 import Sam2
from sam2_ros.tracking.preprocess import normalise

from . import parallel
from .ahead import Batches, draw_ahead
from .batch import Batch
from .clips import Clips, prepare
from .config import TrainingConfig, TrainingError
from .export import WEIGHTS_FILE, export
from .initial import from_checkpoint, renew, untrained
from .log import Log, LogLine
from .schedule import Step, schedule
from .state import TrainingState
from .teacher import Teacher
from .unroll import Unroll

CLIPS_FOLDER = "clips"
PRINT_EVERY = 20  # steps


def train(config: TrainingConfig, folder: Path, clips_folder: Path | None = None, seconds: float = math.inf) -> Path:
    """Train, or go on training, in ``folder``; the weights file that came out.

    After so many ``seconds`` of steps the run is saved and its weights so far are written; called again it goes on.
    The batch of a step depends on the seed, the step and the process alone, so an interrupted run ends as an
    uninterrupted one. Raises TrainingError, Sam2RosError.
    """
    shape = _shape(config)
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
    teacher = None if config.teacher is None else Teacher(config.teacher, config.device)
    log = Log(folder, state.step) if parallel.is_first() else None
    steps = schedule(config, parallel.rank())[state.step :]
    started = time.perf_counter()
    end = started + seconds
    for step, batch in zip(steps, draw_ahead(Batches(clips, steps, shape.image_size), config.loaders), strict=True):
        means = _take(step, batch, state, teacher, config)
        state.step = step.number + 1
        now = time.perf_counter()
        line = LogLine(step.number, step.stage.name, now - started, step.rate, *means)
        started = now
        if log is not None:
            _tell(log, line, state)
            if state.step % config.save_every == 0:
                state.save(folder)
                log.draw()
        if parallel.any_is(now >= end):
            break
    if log is not None:
        state.save(folder)
        log.draw()
        export(state.averaged, folder / WEIGHTS_FILE)
    parallel.wait()
    return folder / WEIGHTS_FILE


def _tell(log: Log, line: LogLine, state: TrainingState) -> None:
    log.write(line)
    if state.step % PRINT_EVERY == 0:
        print(
            f"{line.step} {line.stage}: loss {line.total:.3f}, IoU {line.quality:.3f}, "
            f"presence {line.presence:.3f}, {line.seconds:.2f} s",
            flush=True,
        )


def _shape(config: TrainingConfig) -> ModelConfig:
    """Of the network; every stage's pictures fit it."""
    try:
        shape = get_config(config.model, config.image_size)
        for stage in config.stages:
            dataclasses.replace(shape, image_size=stage.image_size or shape.image_size)
    except ValueError as error:
        raise TrainingError(str(error)) from None
    return shape


def _clips(config: TrainingConfig, size: int, folder: Path) -> Clips:
    """The clips, prepared by one process while the others wait."""
    if not (config.data.scenes or config.data.collages or config.data.bags):
        raise TrainingError("the configuration names no data; add scenes, collages or bags")
    if parallel.is_first():
        clips = prepare(config.data, size, folder)
    parallel.wait()
    return clips if parallel.is_first() else prepare(config.data, size, folder)


def _take(
    step: Step, batch: Batch, state: TrainingState, teacher: Teacher | None, config: TrainingConfig
) -> list[float]:
    """One step; the total of the losses and each of them, means over the processes."""
    batch = batch.to(state.network.device)
    network = seeing(state.network, batch.images.shape[-1])
    state.optimizer.set_rate(step.rate)
    with _precision(config):
        encoded = network.encode_image(normalise(batch.images.flatten(0, 1), network.dtype))
        losses = Unroll(network, batch, encoded, step.stage, config.loss, step.chance_to_prompt()).run()
        total = losses.total(config.loss)
        if teacher is not None:
            total = total + teacher.loss(batch.images.flatten(0, 1), encoded.features)
    if not torch.isfinite(total):
        found = f"the loss is {float(total)} at step {step.number}"
        raise TrainingError(f"{found}; lower the learning rate and start again")
    state.optimizer.zero_grad()
    total.backward()
    parallel.average_gradients(state.network.parameters())
    torch.nn.utils.clip_grad_norm_(state.network.parameters(), config.clip_gradient)
    state.optimizer.step()
    state.average.update_parameters(state.network)
    parts = torch.stack([total.detach(), *(getattr(losses, name).detach() for name in losses.__slots__)])
    values: list[float] = parallel.mean(parts).tolist()
    return values


def _precision(config: TrainingConfig) -> AbstractContextManager[None]:
    """Of the forward pass; the weights, their gradients and the optimiser stay in float32."""
    if not config.mixed_precision:
        return nullcontext()
    return torch.autocast(torch.device(config.device).type, torch.bfloat16)


@lru_cache(maxsize=1)
def seeing(network: Sam2, size: int) -> Sam2:
    """The same parameters in a network that takes pictures of another size."""
    if size == network.config.image_size:
        return network
    other = Sam2(dataclasses.replace(network.config, image_size=size))
    other.load_state_dict(network.state_dict(keep_vars=True), assign=True)
    other.to(network.device)  # its tables are no parameters
    return other
