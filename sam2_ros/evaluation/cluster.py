"""Many clips over a cluster with Ray: a task per clip, done again elsewhere when its worker or its machine dies.

The paths of clips, truth, weights and the work folder have to be the same on all machines, as on a network drive, and
all machines need this version of the package.
"""

import logging
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import ConfigError
from ..measures.protocol import Protocol
from ..measures.record import Evaluation, Failed
from ..report.files import Run
from .finished import Task, evaluate_once, evaluate_request, make_work_folder
from .many import collect
from .request import EvaluateRequest
from .threads import limited_threads

LOCAL = "local"
PATIENCE_S = 5.0  # for an answer from the head
STORE_BYTES = 100 << 20  # of Ray's shared memory on this machine: only figures go through it


@dataclass(frozen=True, slots=True)
class Cluster:
    """Which cluster does the work. Raises ConfigError."""

    address: str = "auto"  # the cluster that runs on this machine; local: a new one; else where its head is
    threads: int = 1  # of torch and OpenCV in each task; 0 is as many as they want
    attempts: int = 3  # for a clip whose worker or machine dies

    def __post_init__(self) -> None:
        for name, value, least in (("threads", self.threads, 0), ("attempts", self.attempts, 1)):
            if value < least:
                raise ConfigError(f"{name} is {value}; give {least} or more")


def evaluate_on_cluster(
    requests: Sequence[EvaluateRequest],
    work: Path,
    cluster: Cluster,
    progress: bool = True,
    task: Task = evaluate_request,
) -> Run:
    """Like `evaluate_many`, with the same figures, over a Ray cluster.

    Each task takes one CPU, and one GPU where its network runs on CUDA. Raises ConfigError when there is no cluster or
    no Ray, EvaluationError when ``work`` cannot be made.
    """
    with _connected(cluster.address) as ray:
        make_work_folder(work)
        gpus = int(ray.cluster_resources().get("GPU", 0))
        job = partial(
            _job, work=work.absolute(), task=task, threads=cluster.threads, place=Path.cwd(), version=__version__
        )
        return collect(_results(ray, job, requests, gpus, cluster.attempts), requests, progress)


def gpus_for(request: EvaluateRequest, there: int) -> int:
    """How many GPUs a request takes, of ``there`` in the cluster. Raises ConfigError when that cannot be had."""
    device = request.choice.device
    if request.protocol is Protocol.RECORDED or device == "cpu":
        return 0
    if device.startswith("cuda:"):
        raise ConfigError(f"the device is {device}, but on a cluster Ray says which GPU it is; give cuda or auto")
    if device.startswith("cuda") and not there:
        raise ConfigError(f"the device is {device}, but no machine of the cluster offers a GPU; give auto or cpu")
    return int(there > 0)


def _results(
    ray: Any, job: "partial[Evaluation | Failed]", requests: Sequence[EvaluateRequest], gpus: int, attempts: int
) -> Iterator[tuple[int, Evaluation | Failed]]:
    # max_retries is for deaths of workers and machines; what goes wrong with a clip is a result.
    remote = ray.remote(num_cpus=1, max_retries=attempts - 1)(job.func)
    needs = [gpus_for(request, gpus) for request in requests]
    running = {
        remote.options(num_gpus=need).remote(request, **job.keywords): index
        for index, (request, need) in enumerate(zip(requests, needs, strict=True))
    }
    try:
        while running:
            (done,), _ = ray.wait(list(running), num_returns=1)
            index = running.pop(done)
            try:
                yield index, ray.get(done)
            except ray.exceptions.RayError as error:
                yield index, _lost(requests[index], error, attempts)
    finally:
        for each in running:
            ray.cancel(each, force=True)


def _job(
    request: EvaluateRequest, work: Path, task: Task, threads: int, place: Path, version: str
) -> Evaluation | Failed:
    """What a worker does, on whatever machine."""
    machine = os.uname().nodename
    if version != __version__:
        return Failed(
            str(request.results),
            f"the machine {machine} has sam2_ros {__version__}, not {version}; install the same on all",
        )
    try:
        os.chdir(place)  # relative paths mean the same as where the command was given
    except OSError:
        return Failed(
            str(request.results),
            f"the machine {machine} has no folder {place}; the paths have to be the same on all machines",
        )
    with limited_threads(threads):
        return evaluate_once(request, work, task)


def _lost(request: EvaluateRequest, error: Exception, attempts: int) -> Failed:
    reason = str(error).strip().splitlines()[0].rstrip(".") or type(error).__name__
    return Failed(
        str(request.results), f"its worker or machine died {attempts} times: {reason}; look at the logs of Ray"
    )


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Ray, connected to a cluster: to the one that this process has already, else until the end of the block."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise ConfigError(
            "Ray is not installed; install it on all machines: pip install 'sam2_ros[cluster]'"
        ) from error
    if ray.is_initialized():
        yield ray
        return
    _connect(ray, address)
    try:
        yield ray
    finally:
        ray.shutdown()


def _connect(ray: Any, address: str) -> None:
    _check_listening(address)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address == LOCAL:
            ray.init(LOCAL, include_dashboard=False, object_store_memory=STORE_BYTES, **quiet)
        else:
            ray.init(address, **quiet)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise _no_cluster(address, error) from error


def _check_listening(address: str) -> None:
    """Raise ConfigError when nobody listens at HOST:PORT; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdecimal()):
        return
    try:
        socket.create_connection((host, int(port)), PATIENCE_S).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, error) from error


def _no_cluster(address: str, error: Exception) -> ConfigError:
    reason = " ".join(str(error).split()).rstrip(".")
    return ConfigError(
        f"there is no Ray cluster at {address} ({reason}); start one with 'ray start --head', or give {LOCAL}"
    )
