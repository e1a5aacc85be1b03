"""CUDA graphs: all kernels of a function launched at once, since launching them one by one takes longer than many run.

Recorded by ourselves rather than by torch.compile's "reduce-overhead": that keeps its graphs for one thread, and a node
configures in one and tracks in another.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

WARM_UP = 3  # runs before the recording: kernels are chosen in the first ones

_log = logging.getLogger(__name__)

Tensors = tuple[Tensor, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """A graph, and the tensors that it reads and writes each time."""

    graph: torch.cuda.CUDAGraph
    inputs: Tensors
    outputs: Tensors


class Graphed:
    """A function of CUDA tensors, recorded once for every combination of shapes. Safe between threads.

    What it gives is the caller's own. Where recording fails the function is called as it is, after one warning.
    """

    def __init__(self, function: Callable[..., Tensors]) -> None:
        self._function = function
        self._recorded: dict[tuple[torch.Size, ...], Recorded] = {}
        self._lock = threading.Lock()
        self._done = torch.cuda.Event()  # the last run, which may be on another stream
        self._fails = False

    def __call__(self, *inputs: Tensor) -> Tensors:
        """The function's tensors for these."""
        with self._lock:
            recorded = self._recording_for(inputs)
            if recorded is None:
                return self._function(*inputs)
            stream = torch.cuda.current_stream()
            stream.wait_event(self._done)
            for own, given in zip(recorded.inputs, inputs, strict=True):
                own.copy_(given, non_blocking=True)
            recorded.graph.replay()
            outputs = tuple(output.clone() for output in recorded.outputs)
            self._done.record(stream)
            return outputs

    def _recording_for(self, inputs: Tensors) -> Recorded | None:
        shapes = tuple(tensor.shape for tensor in inputs)
        if shapes not in self._recorded and not self._fails:
            try:
                self._recorded[shapes] = _record(self._function, inputs)
            except torch.cuda.OutOfMemoryError:
                raise
            except RuntimeError as error:
                self._fails = True
                reason = (str(error).strip() or "no reason given").splitlines()[0]
                _log.warning("CUDA graphs cannot be recorded here, so kernels are launched one by one: %s", reason)
        return self._recorded.get(shapes)


def _record(function: Callable[..., Tensors], inputs: Tensors) -> Recorded:
    own = tuple(tensor.clone() for tensor in inputs)
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(WARM_UP):
            function(*own)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    # Other threads may go on using the device meanwhile.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        outputs = function(*own)
    return Recorded(graph, own, outputs)
