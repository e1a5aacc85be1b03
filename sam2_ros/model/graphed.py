"""CUDA graphs: all kernels of a function launched at once, since launching them one by one takes longer than many run.

Recorded by ourselves rather than by torch.compile's "reduce-overhead": that keeps its graphs for one thread, and a node
configures in one and tracks in another. Recorded only when it is asked for, never while tracking. All graphs of a
network share the memory of what happens inside them, and that of what goes in and comes out: they run one after the
other, and what comes out is copied before the next.
"""

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from .passes import Function, Functions, Tensors

Run = Callable[[], None]

# What the passes read, by the places that they share.
PIXELS = ("pixels",)
IMAGE = ("features", "stride8", "stride4")
HISTORY = ("frames", "frame_time", "pointers", "pointer_age")
MASKS = ("masks", "object_score", "prompted")


class Recorder(Protocol):
    """Records launches, to launch them again."""

    def record(self, run: Run) -> Run:
        """What ``run`` launches, as one launch. ``run`` ran before; it neither waits for the device nor copies from the
        host."""

    def turn(self) -> AbstractContextManager[None]:
        """While something recorded runs and what it works on is filled and read: one at a time."""


class CudaRecorder:
    """Records CUDA graphs on a device. Safe between threads."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._lock = threading.Lock()
        with torch.cuda.device(device):
            self._aside = torch.cuda.Stream()
            self._pool = torch.cuda.graph_pool_handle()
            self._done = torch.cuda.Event()  # the end of the last turn, which may have been on another stream

    def record(self, run: Run) -> Run:
        """See `Recorder`. Whatever fails, the thread's stream is afterwards what it was before."""
        with torch.cuda.device(self._device):
            here = torch.cuda.current_stream()
            self._aside.wait_stream(here)
            with torch.cuda.stream(self._aside):
                run()  # the libraries set up their work space for a stream when they first use it
                self._aside.synchronize()
                give_back(self._device)  # while a graph is recorded, what lies ready cannot be given back
                graph = torch.cuda.CUDAGraph()
                self._capture(graph, run)
            here.wait_stream(self._aside)
        return graph.replay

    def _capture(self, graph: torch.cuda.CUDAGraph, run: Run) -> None:
        # Other threads may go on using the device meanwhile.
        graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
        try:
            run()
        except BaseException:
            with suppress(RuntimeError):  # it says once more that the recording failed
                self._end(graph)
            raise
        self._end(graph)

    def _end(self, graph: torch.cuda.CUDAGraph) -> None:
        try:
            graph.capture_end()
        except RuntimeError:
            # torch (2.11 for one) then believes in the recording still, and refuses to give memory back from then on.
            for name in ("_cuda_endAllocateToPool", "_cuda_releasePool"):
                with suppress(AttributeError, RuntimeError):
                    getattr(torch._C, name)(self._aside.device_index, self._pool)
            raise

    @contextmanager
    def turn(self) -> Iterator[None]:
        """See `Recorder`."""
        with self._lock, torch.cuda.device(self._device):
            stream = torch.cuda.current_stream()
            stream.wait_event(self._done)
            yield
            self._done.record(stream)


def give_back(device: torch.device) -> None:
    """What torch holds of a CUDA device and nobody uses, for whoever needs it."""
    if device.type == "cuda":
        with suppress(RuntimeError):  # while another thread records, it cannot
            torch.cuda.empty_cache()


class Arena:
    """Memory at addresses that stay, by the name of the place; what is recorded reads and writes there."""

    def __init__(self) -> None:
        self._blocks: dict[str, Tensor] = {}  # flat
        self._held: dict[str, weakref.ref[Tensor]] = {}  # what a place was filled with last

    def like(self, place: str, tensor: Tensor) -> Tensor:
        """A tensor of this shape, type and way of lying in memory at a place. A place that is too small is left to what
        was recorded with it, and a larger one takes its name: record what is large first."""
        block = self._blocks.get(place)
        if block is None or block.numel() < tensor.numel() or block.dtype != tensor.dtype:
            block = self._blocks[place] = tensor.new_empty(tensor.numel())
        return block[: tensor.numel()].as_strided(tensor.shape, torch.empty_like(tensor, device="meta").stride())

    def fill(self, places: Sequence[str], own: Sequence[Tensor], given: Sequence[Tensor]) -> None:
        """Copy what is given to the places, but what lies there already: an image is read by several passes."""
        changed = [i for i, place in enumerate(places) if not self._holds(place, own[i], given[i])]
        copy_all([own[i] for i in changed], [given[i] for i in changed])
        for i in changed:
            self._held[places[i]] = weakref.ref(given[i])

    def _holds(self, place: str, own: Tensor, given: Tensor) -> bool:
        held = self._held.get(place)
        return (
            place in IMAGE and held is not None and held() is given and self._blocks[place].data_ptr() == own.data_ptr()
        )


def copy_all(targets: Sequence[Tensor], sources: Sequence[Tensor]) -> None:
    """Copy tensors pair by pair, in one launch for each type."""
    for dtype in {target.dtype for target in targets}:
        pairs = [pair for pair in zip(targets, sources, strict=True) if pair[0].dtype == dtype]
        torch._foreach_copy_([pair[0] for pair in pairs], [pair[1] for pair in pairs])


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """What runs again, and the tensors that it reads and writes each time."""

    run: Run
    inputs: Tensors
    outputs: Tensors


class Graphed:
    """A function of tensors that is recorded for some combinations of shapes; for all others it is called as it is.

    What it gives is the caller's own.
    """

    def __init__(self, function: Function, name: str, places: Sequence[str], arena: Arena, recorder: Recorder) -> None:
        """``places``: of the inputs in the arena; places of the outputs are named after ``name``."""
        self._function = function
        self._name, self._places = name, tuple(places)
        self._arena, self._recorder = arena, recorder
        self._recorded: dict[tuple[torch.Size, ...], Recorded] = {}

    def __call__(self, *inputs: Tensor) -> Tensors:
        """The function's tensors for these."""
        recorded = self._recorded.get(_shapes(inputs))
        if recorded is None:
            return self._function(*inputs)
        with self._recorder.turn():
            self._arena.fill(self._places, recorded.inputs, inputs)
            recorded.run()
            outputs = tuple(torch.empty_like(output) for output in recorded.outputs)
            copy_all(outputs, recorded.outputs)
        return outputs

    def record(self, *inputs: Tensor) -> None:
        """Record the function for the shapes of these. Raises what goes wrong, with nothing changed."""
        found = self._function(*inputs)
        own = tuple(self._arena.like(place, given) for place, given in zip(self._places, inputs, strict=True))
        outputs = tuple(self._arena.like(f"{self._name} {i}", output) for i, output in enumerate(found))
        del found  # a second one of these may be too much
        with self._recorder.turn():
            self._arena.fill(self._places, own, inputs)

            def run() -> None:
                copy_all(outputs, self._function(*own))

            self._recorded[_shapes(inputs)] = Recorded(self._recorder.record(run), own, outputs)

    def keep(self, most: int) -> None:
        """Forget what was recorded for more than so many objects."""
        self._recorded = {shapes: kept for shapes, kept in self._recorded.items() if shapes[-1][0] <= most}

    @property
    def count(self) -> int:
        """How many are recorded."""
        return len(self._recorded)


def _shapes(tensors: Tensors) -> tuple[torch.Size, ...]:
    return tuple(tensor.shape for tensor in tensors)


@dataclass(frozen=True, slots=True, eq=False)
class GraphedFunctions(Functions):
    """The passes' functions, each of which can be recorded."""

    encode_image: Graphed
    follow: Graphed
    encode_memory: Graphed

    def keep(self, most: int) -> None:
        """Forget what was recorded for more than so many objects."""
        for function in (self.encode_image, self.follow, self.encode_memory):
            function.keep(most)


def graphed(functions: Functions, recorder: Recorder) -> GraphedFunctions:
    """The same functions, with nothing recorded yet."""
    arena = Arena()
    return GraphedFunctions(
        Graphed(functions.encode_image, "image", PIXELS, arena, recorder),
        Graphed(functions.follow, "follow", IMAGE + HISTORY, arena, recorder),
        Graphed(functions.encode_memory, "memory", IMAGE[:1] + MASKS, arena, recorder),
    )
