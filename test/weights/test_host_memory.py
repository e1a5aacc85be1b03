"""A process that may not have more memory: one sentence, and it goes on."""

import subprocess
import sys
from pathlib import Path

LIMITED = """
import resource
import numpy as np
from sam2_ros.config import ModelChoice, TrackerConfig
from sam2_ros.errors import Sam2RosError, ran_out_of_memory
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network

network = load_network(ModelChoice(model="nano", device="cpu"))
config = TrackerConfig(max_objects=16, objects_per_batch=16)
tracker, alone = Tracker(network, config), Tracker(network, config)
frame = np.zeros((96, 128, 3), np.uint8)
for each in (tracker, alone):
    each.step(frame, [Prompt(1, box=[20, 20, 60, 60])])
    each.step(frame)

pages = int(open("/proc/self/statm").read().split()[0])
size = pages * resource.getpagesize()
unlimited = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (size + (1 << 24), unlimited[1]))
try:
    load_network(ModelChoice(model="large", checkpoint="random", device="cpu"))
except Sam2RosError as error:
    print("loading:", error)
huge = np.broadcast_to(np.uint8(0), (9000, 9000, 3))
try:
    tracker.step(huge)
except (Sam2RosError, MemoryError, RuntimeError) as error:
    print("an image:", isinstance(error, Sam2RosError) or ran_out_of_memory(error))
try:
    tracker.step(frame, [Prompt(box=[20, 20, 60 + n, 60]) for n in range(15)])
except (Sam2RosError, MemoryError, RuntimeError) as error:
    print("more objects:", isinstance(error, Sam2RosError) or ran_out_of_memory(error))
resource.setrlimit(resource.RLIMIT_AS, unlimited)
now, then = tracker.step(frame).objects, alone.step(frame).objects
print("objects:", [state.object_id for state in now], "as ever:", bool((now[0].logits == then[0].logits).all()))
tracker.step(frame, [Prompt(box=[20, 20, 60 + n, 60]) for n in range(15)])
print("objects:", len(tracker.object_ids))
"""


def test_loading_images_and_objects_that_do_not_fit_cost_nothing_else() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        timeout=120,
    )
    assert done.stdout.splitlines() == [
        "loading: this machine has no memory left for the model; choose a smaller one",
        "an image: True",
        "more objects: True",
        "objects: [1] as ever: True",
        "objects: 16",
    ], done.stderr[-2000:]
