"""What works here and what does not, with the remedy: one screen for a machine that is set up, or for a bug report."""

import importlib
import importlib.metadata
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ..config import ModelChoice
from ..weights.download import OFFICIAL_FILES, cache_folder
from ..weights.shipped import SHIPPED
from .system import cv_bridge_remedy
from .trial import COMPILE, RECORD, USE_CV_BRIDGE, USE_TF2, in_python
from .versions import LEAST_PYTHON, NUMPY_REMEDY, torch_clash, written

LEAST_RECEIVE_BUFFER = 8 * 2**20  # bytes: a raw 1080p image is 6 MB
RECEIVE_BUFFER = Path("/proc/sys/net/core/rmem_max")


class Verdict(Enum):
    """How a finding is meant."""

    GOOD = "ok"
    LESS = "warn"  # the tracker runs, but something of it does not, or slowly
    BAD = "FAIL"  # the tracker cannot run


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the screen."""

    subject: str
    verdict: Verdict
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f"\n       {'':14} -> {self.remedy}" if self.remedy else ""
        return f"[{self.verdict.value:>4}] {self.subject:14} {self.text}{remedy}"


def examine() -> list[Finding]:
    """All findings, in an order in which one thing builds on another."""
    checks: list[Callable[[], list[Finding]]] = [
        *(_python, _libraries, _torch, _gpu_tiers, _attention),
        *(_ros, _weights, _network, _tracker),
    ]
    return [finding for check in checks for finding in check()]


def works(findings: list[Finding]) -> bool:
    """Whether the tracker can run here."""
    return all(finding.verdict is not Verdict.BAD for finding in findings)


# --- checks ----------------------------------------------------------------------------------------------------------


def _python() -> list[Finding]:
    text = f"{platform.python_version()} ({sys.executable}), {platform.machine()}"
    if sys.version_info < LEAST_PYTHON:
        return [Finding("Python", Verdict.BAD, text, f"install Python {written(LEAST_PYTHON)} or newer")]
    return [Finding("Python", Verdict.GOOD, text)]


def _libraries() -> list[Finding]:
    findings = []
    for module, package in (("numpy", "numpy"), ("cv2", "opencv-python"), ("rosbags", "rosbags")):
        try:
            found = importlib.import_module(module)
        except Exception as error:  # a broken build can fail in any way
            findings.append(Finding(module, Verdict.BAD, _line(error), f"pip install {package}"))
        else:
            version = getattr(found, "__version__", None) or importlib.metadata.version(package)
            findings.append(Finding(module, Verdict.GOOD, version))
    return findings


def _torch() -> list[Finding]:
    try:
        import torch
    except Exception as error:
        return [Finding("torch", Verdict.BAD, _line(error), "pip install torch; on a Jetson see the README")]
    built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
    findings = [Finding("torch", Verdict.GOOD, f"{torch.__version__}, {built}"), _versions()]
    if torch.cuda.is_available():
        names = ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
        findings.append(Finding("GPU", Verdict.GOOD, names))
    elif Path("/dev/nvidiactl").exists() or Path("/dev/nvhost-gpu").exists():
        remedy = "install a torch with CUDA for this machine; on a Jetson from NVIDIA's index, see the README"
        findings.append(Finding("GPU", Verdict.LESS, "there is one, but torch does not see it", remedy))
    else:
        remedy = "nano runs on a CPU; for larger models use a machine with an NVIDIA GPU"
        findings.append(Finding("GPU", Verdict.LESS, "none", remedy))
    return findings


def _gpu_tiers() -> list[Finding]:
    """Whether torch really compiles for the GPU, and records CUDA graphs on it."""
    if not _has_gpu():
        return []
    findings = []
    for subject, code, works, remedy in (
        (
            "compiler",
            COMPILE,
            "torch compiles for the GPU",
            "install the triton that belongs to this torch, gcc, and Python's headers (python3-dev); until then the "
            "network runs uncompiled",
        ),
        (
            "CUDA graphs",
            RECORD,
            "they are recorded and run",
            "install a newer driver, or the torch that is made for it; until then every kernel is launched on its own",
        ),
    ):
        _, error = in_python(code)
        verdict = Verdict.LESS if error else Verdict.GOOD
        findings.append(Finding(subject, verdict, error or works, remedy if error else ""))
    return findings


def _attention() -> list[Finding]:
    """Whether torch has a fused kernel for the memory attention in the precision that the GPU is quick at."""
    if not _has_gpu():
        return []
    import torch

    from ..model.config import get_config
    from ..model.kernels import UNFUSED, attention_kernel, quick_dtype

    device = torch.device("cuda", torch.cuda.current_device())
    dtype = quick_dtype(device)
    kernel, precision = attention_kernel(get_config("tiny"), device, dtype), str(dtype).removeprefix("torch.")
    text = f"{kernel} in {precision}, which precision auto takes"
    if kernel == UNFUSED:
        remedy = "memory attention is several times slower: install a newer torch, or one made for this GPU"
        return [Finding("attention", Verdict.LESS, text, remedy)]
    return [Finding("attention", Verdict.GOOD, text)]


def _has_gpu() -> bool:
    try:
        import torch
    except Exception:  # told elsewhere
        return False
    return torch.cuda.is_available()


def _versions() -> Finding:
    """Whether this torch takes this numpy, which is tried, and knows this Python."""
    import torch

    try:
        torch.zeros(1).numpy()
    except Exception as error:  # numpy may be broken, too
        text = f"torch {torch.__version__} does not take this numpy: {_line(error)}"
        return Finding("versions", Verdict.BAD, text, NUMPY_REMEDY)
    clash, remedy = torch_clash(torch.__version__, sys.version_info[:2])
    if clash:
        return Finding("versions", Verdict.LESS, clash, remedy)
    return Finding("versions", Verdict.GOOD, "torch, numpy and Python go together")


def _ros() -> list[Finding]:
    distribution = os.environ.get("ROS_DISTRO")
    if not distribution:
        remedy = "source /opt/ros/DISTRO/setup.bash and the workspace's install/setup.bash for the live node"
        return [Finding("ROS 2", Verdict.LESS, "not sourced; bags can be replayed without it", remedy)]
    middleware, error = in_python("import rclpy; print(rclpy.get_rmw_implementation_identifier())")
    if error:
        remedy = "this Python is not the one that ROS was built for; make the venv with it and --system-site-packages"
        return [Finding("ROS 2", Verdict.LESS, f"{distribution}, but rclpy fails: {error}", remedy)]
    findings = [Finding("ROS 2", Verdict.GOOD, f"{distribution}, {middleware}")]
    _, error = in_python("import sam2_ros.msg")
    if error:
        remedy = "build the package with colcon and source install/setup.bash"
        findings.append(Finding("messages", Verdict.LESS, f"sam2_ros.msg is not there: {error}", remedy))
    _, error = in_python(USE_TF2)
    if error:
        remedy = f"for positions in a target_frame: sudo apt install ros-{distribution}-tf2-ros-py"
        findings.append(Finding("tf2", Verdict.LESS, error, remedy))
    else:
        findings.append(Finding("tf2", Verdict.GOOD, "transforms can be looked up, for depth with a target_frame"))
    _, error = in_python(USE_CV_BRIDGE)
    if error:
        findings.append(Finding("cv_bridge", Verdict.LESS, f"{error}; our own conversion serves", cv_bridge_remedy()))
    else:
        findings.append(Finding("cv_bridge", Verdict.GOOD, "works with this numpy"))
    return findings


def _weights() -> list[Finding]:
    findings = [
        Finding("weights", Verdict.GOOD, f"{name}: {path}")
        if path.is_file()
        else Finding("weights", Verdict.BAD, f"{name} is missing: {path}", "install the package again")
        for name, path in SHIPPED.items()
    ]
    cached = [name for name, file in OFFICIAL_FILES.items() if (cache_folder() / file.file_name).is_file()]
    text = ", ".join(cached) if cached else "none yet; sam2-ros download tiny fetches one"
    return [*findings, Finding("weights cache", Verdict.GOOD, f"{cache_folder()}: {text}")]


def _network() -> list[Finding]:
    if not RECEIVE_BUFFER.exists():
        return []
    size = int(RECEIVE_BUFFER.read_text())
    text = f"{size:,} bytes for receiving (rmem_max)"
    if size < LEAST_RECEIVE_BUFFER:
        remedy = "large images may be lost on the way: sudo sysctl -w net.core.rmem_max=33554432"
        return [Finding("sockets", Verdict.LESS, text, remedy)]
    return [Finding("sockets", Verdict.GOOD, text)]


def _tracker() -> list[Finding]:
    """Whether it really runs: one image through the network that comes with the package."""
    try:
        import numpy as np

        from ..tracking.prompt import Prompt
        from ..tracking.tracker import Tracker
        from ..weights.loading import load_network

        network = load_network(ModelChoice())
        Tracker(network).step(np.zeros((64, 64, 3), np.uint8), [Prompt(box=np.array([10.0, 10, 40, 40]))])
    except Exception as error:  # whatever it is, this screen is for telling it
        return [Finding("tracker", Verdict.BAD, _line(error), "mend what is said above first")]
    return [Finding("tracker", Verdict.GOOD, f"{network.config.name} runs on {network.device}")]


# --- helpers ---------------------------------------------------------------------------------------------------------


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
