"""The quickest way in which a network's passes run here: found out and tried once, and left where it fails.

Tiers, from the best: compiled and recorded in CUDA graphs; graphs alone, where torch's compiler is missing, as in many
wheels for Jetson; compiled alone, where nothing can be recorded, as on the CPU; the network as it is.
"""

import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import TypeVar

import torch
from torch import Tensor

from ..errors import DeviceError
from .check import TOLERANCE, worst
from .compiled import compiled, seal
from .graphed import CudaRecorder, GraphedFunctions, Recorder, give_back, graphed
from .image_encoder import ImageFeatures
from .passes import FilledPasses, Functions, Passes, bucket, functions_of, packed_map
from .probe import History, probe
from .sam2 import MaskPrediction, Memories, Sam2

LEAST = 2  # masks and pointers that a history has to have: one alone would be a case of its own for the compiler

_log = logging.getLogger(__name__)
Answer = TypeVar("Answer")
Choose = Callable[[Passes, Sequence[int]], int]  # of the numbers of objects that fit, the one to prepare for


class Tier(Enum):
    """How passes run."""

    COMPILED_GRAPHS = "compiled, in CUDA graphs"
    GRAPHS = "uncompiled, in CUDA graphs"
    COMPILED = "compiled"
    PLAIN = "uncompiled"


class PreparedPasses:
    """Quick passes, and behind them the network itself, which goes on where they fail. Safe between threads."""

    def __init__(self, network: Sam2, functions: Functions, tier: Tier, most: int) -> None:
        self._network = network
        self._functions: Functions | None = functions  # None: all is left to the network
        self._quick: FilledPasses | None = FilledPasses(functions)
        self._tier = tier
        self._most = most

    @property
    def most(self) -> int:
        """Objects in the largest bucket that is not left to the network."""
        return self._most

    @property
    def tier(self) -> Tier:
        """How they run now."""
        return Tier.PLAIN if self._quick is None else self._tier

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        """See `Sam2.encode_image`."""
        return self._first_quickly(
            1, lambda quick: quick.encode_image(pixels), lambda: self._network.encode_image(pixels)
        )

    def follow(self, image: ImageFeatures, memories: Memories) -> tuple[Tensor, MaskPrediction]:
        """See `Sam2.follow`."""
        count, shortest = memories.frames.shape[0], min(memories.frames.shape[1], memories.pointers.shape[1])
        if shortest < LEAST:
            return self._network.follow(image, memories)
        return self._first_quickly(
            count, lambda quick: quick.follow(image, memories), lambda: self._network.follow(image, memories)
        )

    def encode_memory(self, image: ImageFeatures, masks: Tensor, object_score: Tensor, prompted: Tensor) -> Tensor:
        """See `Sam2.encode_memory`."""
        told = image, masks, object_score, prompted
        return self._first_quickly(
            masks.shape[0], lambda quick: quick.encode_memory(*told), lambda: self._network.encode_memory(*told)
        )

    def _first_quickly(
        self, count: int, quickly: Callable[[FilledPasses], Answer], plainly: Callable[[], Answer]
    ) -> Answer:
        if self._quick is not None and bucket(count) <= self._most:
            try:
                return quickly(self._quick)
            except Exception as error:  # a compiler or a driver can fail in any way, and what is tracked must not end
                self._leave(bucket(count), error)
            gc.collect()  # now that nothing of it is in use any more
            give_back(self._network.device)
        return plainly()

    def _leave(self, size: int, error: Exception) -> None:
        """Use the network from now on: for so many objects and more where memory did not suffice, else for all."""
        self._most = size // 2 if isinstance(error, torch.cuda.OutOfMemoryError) else 0
        _log.warning(
            "%s failed for %d objects together; the uncompiled network goes on with %s, slower: %s",
            self._tier.value,
            size,
            f"more than {self._most}" if self._most else "all",
            first_line(error),
        )
        if isinstance(self._functions, GraphedFunctions):
            self._functions.keep(self._most)
        if not self._most:
            self._quick = self._functions = None


def tier_of(passes: Passes) -> Tier:
    """How passes run; the network itself is plain."""
    return passes.tier if isinstance(passes, PreparedPasses) else Tier.PLAIN


def prepared(
    network: Sam2,
    batches: Sequence[int],
    histories: Sequence[History],
    choose: Choose,
    recorder: Recorder | None = None,
    tiers: Sequence[Tier] = tuple(Tier),
) -> Passes:
    """The quickest passes that work here; the network itself, with a warning, where nothing else gives its numbers.

    ``batches``: numbers of objects, powers of two, ascending; those that memory suffices for are tried, and what
    ``choose`` takes of them is prepared. ``histories``: what objects remember most of the time. ``recorder``: by
    default CUDA graphs on CUDA and none elsewhere. ``tiers``: those that may be tried. Nothing is compiled or recorded
    after this. Nobody else may use the network meanwhile: to try it, objects are told to be present or absent.
    """
    if recorder is None and network.device.type == "cuda":
        recorder = CudaRecorder(network.device)
    fast, plain = compiled(functions_of(network)), functions_of(network)
    for tier, functions in _tiers(fast, plain, recorder):
        if tier not in tiers:
            continue
        try:
            passes = _prepared(network, functions, tier, batches, tuple(histories), choose)
        except Exception as error:  # a compiler can be missing or too old, a driver refuse, memory end
            _log.warning("%s, the network does not work here: %s", tier.value, first_line(error))
            continue
        seal(fast)
        _log.info("the network runs %s, up to %d objects together", tier.value, passes.most)
        return passes
    _log.warning("the network runs uncompiled, and slower")
    return network


def _tiers(fast: Functions, plain: Functions, recorder: Recorder | None) -> Iterator[tuple[Tier, Functions]]:
    if recorder is not None:
        yield Tier.COMPILED_GRAPHS, graphed(fast, recorder)
        yield Tier.GRAPHS, graphed(plain, recorder)
    yield Tier.COMPILED, fast


def _prepared(
    network: Sam2,
    functions: Functions,
    tier: Tier,
    batches: Sequence[int],
    histories: tuple[History, ...],
    choose: Choose,
) -> PreparedPasses:
    """Passes of one tier. Raises whatever goes wrong."""
    passes = FilledPasses(functions)
    most = choose(passes, _fitting(network, passes, batches, histories))
    if isinstance(functions, GraphedFunctions):
        most = _record(network, functions, most, histories)
        for size in _sizes(most):  # what is recorded has to do with other inputs as well
            _check(network, passes, size, histories, seed=1)
    give_back(network.device)
    return PreparedPasses(network, functions, tier, most)


def _fitting(network: Sam2, passes: Passes, batches: Sequence[int], histories: tuple[History, ...]) -> list[int]:
    """The numbers of objects that memory suffices for, each tried. Raises when there is none, or numbers differ."""
    fitting: list[int] = []
    for batch in batches:
        try:
            _check(network, passes, batch, histories, seed=0)
        except torch.cuda.OutOfMemoryError:
            if not fitting:
                raise
            break
        fitting.append(batch)
    give_back(network.device)
    return fitting


def _check(network: Sam2, passes: Passes, batch: int, histories: tuple[History, ...], seed: int) -> None:
    error, allowed = worst(network, passes, batch, histories, seed), TOLERANCE[network.dtype]
    if not error <= allowed:
        raise DeviceError(
            f"it gives other numbers (relative error {error:.1g}, at most {allowed:.1g} is expected); another version "
            "of torch may mend that"
        )


@torch.inference_mode()
def _record(network: Sam2, functions: GraphedFunctions, most: int, histories: tuple[History, ...]) -> int:
    """Record all passes for up to so many objects, the largest first: the memory of all is that of the largest.

    The number of objects that memory suffices for. Raises whatever else goes wrong.
    """
    gc.collect()  # what is let go while a graph is recorded can spoil it
    pixels = packed_map(probe(network, 1).pixels)
    functions.encode_image.record(pixels)
    features = [packed_map(tensor) for tensor in functions.encode_image(pixels)]
    for size in reversed(_sizes(most)):
        try:
            frame = probe(network, size)
            functions.encode_memory.record(features[0], frame.masks, frame.object_score, frame.prompted)
            for history in sorted(histories, key=lambda history: history.masks, reverse=True):
                m = probe(network, size, history).memories
                functions.follow.record(*features, m.frames, m.frame_time, m.pointers, m.pointer_age)
        except torch.cuda.OutOfMemoryError:
            if size == 1:
                raise
            most = size // 2
            functions.keep(most)
            give_back(network.device)
    return most


def _sizes(most: int) -> list[int]:
    """1, 2, 4 ... up to a power of two."""
    return [1 << power for power in range(most.bit_length())]


def first_line(error: Exception) -> str:
    """What an error says, without the story behind it; torch's compiler begins with a line on whose error it is."""
    lines = (str(error).strip() or type(error).__name__).splitlines()
    return " ".join(lines[: 2 if lines[0].endswith(":") else 1])
