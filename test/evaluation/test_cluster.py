"""A real Ray cluster of two nodes (two raylets on this machine), one of which is killed while it works."""

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers import CHECKOUT, TESTS
from helpers.clip_tasks import clips, quick, task, tries, wait_until
from sam2_ros.config import ModelChoice
from sam2_ros.errors import ConfigError
from sam2_ros.evaluation.cluster import Cluster, evaluate_on_cluster, gpus_for
from sam2_ros.evaluation.many import Workers, evaluate_many
from sam2_ros.evaluation.request import EvaluateRequest
from sam2_ros.measures.protocol import Protocol
from sam2_ros.report.files import Run

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
ray = pytest.importorskip("ray", reason="Ray is not installed (pip install 'sam2_ros[cluster]')")
pytestmark = pytest.mark.filterwarnings("ignore")

NODE = {"num_cpus": 1, "object_store_memory": 80 << 20}


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    from ray.cluster_utils import Cluster as Nodes

    with pytest.MonkeyPatch.context() as patch:
        # Workers import the tasks of these tests, and this checkout.
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (TESTS, CHECKOUT))))
        found = Nodes(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
        try:
            yield found
        finally:
            found.shutdown()


def run(requests: list[EvaluateRequest], work: Path, cluster: Cluster) -> Run:
    return evaluate_on_cluster(requests, work, cluster, progress=False, task=task)


def started(requests: list[EvaluateRequest]) -> int:
    return sum(len(tries(request.results)) for request in requests)


def alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    return True


def test_a_cluster_finds_what_one_process_finds(nodes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    requests = clips(Path("bags"), "a", "fail", "die 1", "b", "die 9")  # by relative paths
    serial = evaluate_many(requests[:2], tmp_path / "serial", Workers(), progress=False, task=task)
    found = run(requests, Path("work"), Cluster(nodes.address, attempts=2))
    assert not ray.is_initialized()
    assert repr(found.evaluations[0]) == repr(serial.evaluations[0])
    assert found.failed[0] == serial.failed[0]
    assert [each.name for each in found.evaluations] == ["clip0", "clip2", "clip3"]
    assert [len(tries(request.results)) for request in requests] == [2, 2, 2, 1, 2]  # the serial run's are among them
    assert found.failed[1].source == "bags/clip4.txt"
    assert "died 2 times" in found.failed[1].reason
    again = run(requests[:1], Path("work"), Cluster(nodes.address))
    assert repr(again.evaluations) == repr(found.evaluations[:1])
    assert len(tries(requests[0].results)) == 2  # finished clips are not done again


def test_a_node_that_is_killed_while_it_works_loses_nothing(nodes: Any, tmp_path: Path) -> None:
    second = nodes.add_node(**NODE)
    nodes.wait_for_nodes()
    requests = clips(tmp_path / "bags", *["await go"] * 4)

    def kill() -> None:
        wait_until(lambda: started(requests) == 2)  # one on each node, since none ends yet
        workers = [tries(request.results)[0][0] for request in requests if tries(request.results)]
        nodes.remove_node(second, allow_graceful=False)
        wait_until(lambda: not all(alive(worker) for worker in workers))  # it could still hand in its result
        (tmp_path / "bags" / "go").touch()

    killer = threading.Thread(target=kill)
    killer.start()
    found = run(requests, tmp_path / "work", Cluster(nodes.address))
    killer.join()
    assert found.failed == ()
    assert [each.name for each in found.evaluations] == [f"clip{index}" for index in range(4)]
    assert started(requests) == 5  # what was lost was begun twice
    serial = evaluate_many(requests, tmp_path / "serial", Workers(), progress=False, task=quick)
    assert repr(found) == repr(serial)


def test_gpus_are_asked_for_where_there_are_any(tmp_path: Path) -> None:
    request = EvaluateRequest(tmp_path)
    assert gpus_for(request, there=0) == 0
    assert gpus_for(request, there=4) == 1
    assert gpus_for(replace(request, choice=ModelChoice(device="cpu")), there=4) == 0
    assert gpus_for(replace(request, protocol=Protocol.RECORDED), there=4) == 0
    with pytest.raises(ConfigError, match="the device is cuda:1, but on a cluster Ray says which"):
        gpus_for(replace(request, choice=ModelChoice(device="cuda:1")), there=4)
    with pytest.raises(ConfigError, match="no machine of the cluster offers a GPU"):
        gpus_for(replace(request, choice=ModelChoice(device="cuda")), there=0)


def test_a_cluster_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no Ray cluster at 127\.0\.0\.1:1 .* 'ray start --head'"):
        run([], tmp_path / "work", Cluster("127.0.0.1:1"))
