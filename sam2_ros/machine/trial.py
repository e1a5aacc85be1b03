"""Code that may crash, tried in a process of its own."""

import subprocess
import sys

PATIENCE = 60  # seconds
# A build against another numpy or OpenCV imports, and on the first image raises or crashes.
USE_CV_BRIDGE = """
from cv_bridge import CvBridge
from sensor_msgs.msg import Image

CvBridge().imgmsg_to_cv2(Image(height=1, width=1, encoding="bgr8", step=3, data=bytes(3)), "rgb8")
"""
# Its Python part is a package of its own, over a C library that was built for one Python.
USE_TF2 = """
from tf2_ros import Buffer, TransformListener

Buffer()
"""

# What makes a GPU quick. A compiler of kernels (Triton) and one of C can be missing, a driver refuse.
COMPILE = """
import torch

x = torch.ones(64, device="cuda")
assert torch.allclose(torch.compile(lambda x: x.sin() + 1)(x), x.sin() + 1)
"""
RECORD = """
import torch
from sam2_ros.model.graphed import CudaRecorder

x = torch.zeros(64, device="cuda")
replay = CudaRecorder(x.device).record(lambda: x.add_(1))
before = x.clone()
replay()
assert torch.equal(x, before + 1)
"""


def in_python(code: str, python: str = sys.executable, *options: str) -> tuple[str, str]:
    """What ``code`` prints in a fresh Python, and the last line of its error, empty when there was none."""
    try:
        done = subprocess.run(
            [python, *options, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return "", f"no answer within {PATIENCE} s"
    except OSError as error:
        return "", f"it does not start: {error}"
    if done.returncode == 0:
        return done.stdout.strip(), ""
    if done.returncode < 0:
        return "", f"it crashes the process (signal {-done.returncode})"
    lines = done.stderr.strip().splitlines()
    return "", lines[-1] if lines else f"it ends with status {done.returncode}"
