"""The ways in which passes run, each by itself."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sam2_ros.config import TrackerConfig
from sam2_ros.model.graphed import CudaRecorder, Recorder
from sam2_ros.model.passes import Passes, bucket
from sam2_ros.model.prepared import Tier, prepared
from sam2_ros.model.sam2 import Sam2
from sam2_ros.tracking.ready import histories
from sam2_ros.tracking.transfer import on

Run = Callable[[], None]
WAYS = Tier.COMPILED_GRAPHS, Tier.GRAPHS, Tier.COMPILED


class Again:
    """Stands for graphs where there is no CUDA: what was recorded runs again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def record(self, run: Run) -> Run:
        """See `Recorder`."""
        run()
        return run

    @contextmanager
    def turn(self) -> Iterator[None]:
        """See `Recorder`."""
        with self._lock:
            yield


def recorder_for(network: Sam2) -> Recorder:
    """What records on the network's device."""
    return CudaRecorder(network.device) if network.device.type == "cuda" else Again()


def passes_in(tier: Tier, network: Sam2, config: TrackerConfig, recorder: Recorder | None = None) -> Passes:
    """Passes of this tier alone; where it does not work, the network itself, and a warning in the log."""
    recorder = recorder or recorder_for(network)
    sizes = _sizes(bucket(config.max_objects))
    with on(network.device):
        return prepared(network, sizes, histories(network, config), _largest, recorder, (tier,))


def best(network: Sam2) -> Tier:
    """The tier that a tracker gets here; on the CPU compiling would take minutes, and graphs stand for it."""
    return Tier.COMPILED_GRAPHS if network.device.type == "cuda" else Tier.GRAPHS


def _largest(_: Passes, fitting: Sequence[int]) -> int:
    return fitting[-1]


def _sizes(most: int) -> list[int]:
    return [1 << power for power in range(most.bit_length())]
