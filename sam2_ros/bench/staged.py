"""One frame in stages, made of the same parts as the tracker: what `Tracker.step` does, with a watch between."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from ..config import TrackerConfig
from ..model.config import ModelConfig
from ..model.sam2 import MaskPrediction, PromptTensors, Sam2
from ..stream.messages import MessageTypes, masks_message, objects_message, pack_array
from ..stream.pixels import to_rgb
from ..tracking.describe import describe
from ..tracking.memory import MemoryBank
from ..tracking.preprocess import to_network
from ..tracking.result import FrameResult
from ..tracking.track import Sighting, Track
from .watch import ATTEND, DECODE, DESCRIBE, ENCODE, MEMORISE, SEGMENT, TELL, UPLOAD, FlopWatch, Watch

FULL_MEMORY = 16  # frames after which a memory that began with one prompt is as long as it gets: 7 masks, 16 pointers

# Objects with the fields of the real messages, which take as long to fill.
TYPES = MessageTypes.found(lambda name: SimpleNamespace, pack_array)


class Staged:
    """A number of objects with a full memory of noise."""

    def __init__(self, network: Sam2, objects: int) -> None:
        self._network = network
        self._config = TrackerConfig(max_objects=objects)
        self._bank = MemoryBank(network.config, self._config, network.device, network.dtype)
        self._slots = list(range(objects))
        self._frame = 0
        for frame in range(FULL_MEMORY):
            self._remember(
                self._noise(network.config.memory_tokens, network.config.memory_dim),
                self._noise(network.config.hidden_dim),
                prompted=not frame,
            )

    def step(self, message: Any, watch: Watch) -> FrameResult:
        """Track in a sensor_msgs/CompressedImage, and make messages of the result."""
        with watch.stage(DECODE):
            frame = to_rgb(message)
        with watch.stage(UPLOAD):
            config = self._network.config
            pixels = to_network(frame, config.image_size, self._network.device, self._network.dtype)
        prediction = self.look(pixels, watch)
        with watch.stage(DESCRIBE):
            sightings = [Sighting(Track(s + 1, s, "", 0, 0, 0, 0), None, prediction[s], False) for s in self._slots]
            states, labels = describe(sightings, (frame.shape[1], frame.shape[0]), 0, self._config)
            result = FrameResult(self._frame, 0, labels, tuple(states), ())
        with watch.stage(TELL):
            masks_message(TYPES, None, result)
            objects_message(TYPES, None, result, 0.0, cropped_masks=False)
        return result

    def look(self, pixels: Tensor, watch: Watch) -> MaskPrediction:
        """The network's part: pixels (1, 3, S, S) to the masks of all objects, and those to memory."""
        network, count = self._network, len(self._slots)
        with watch.stage(ENCODE):
            image = network.encode_image(pixels)
        with watch.stage(ATTEND):
            (recalled,) = self._bank.recall(self._slots, self._frame)  # histories are equally long
            features = network.condition_on_memory(image, recalled.memories)
        with watch.stage(SEGMENT):
            points = torch.zeros(count, 0, 2, device=network.device, dtype=network.dtype)
            prediction = network.segment(features, image, PromptTensors(points, points[..., 0].long()))
        with watch.stage(MEMORISE):
            prompted = torch.zeros(count, dtype=torch.bool, device=network.device)
            memory = network.encode_memory(image, prediction.masks, prediction.object_score, prompted)
            self._remember(memory, prediction.pointers, prompted=False)
        return prediction

    def _remember(self, memory: Tensor, pointers: Tensor, prompted: bool) -> None:
        self._bank.write(self._slots, self._frame, memory, pointers, [prompted] * len(self._slots))
        self._frame += 1

    def _noise(self, *shape: int) -> Tensor:
        # Made on the host, so that every device starts from the same.
        noise = torch.randn(len(self._slots), *shape, generator=torch.Generator().manual_seed(self._frame))
        return noise.to(self._network.device, self._network.dtype)


@torch.no_grad()  # in inference mode torch before 2.6 counts nothing
def count_flops(config: ModelConfig, objects: Sequence[int]) -> list[dict[str, int]]:
    """Floating-point operations of each of the network's stages, for these numbers of objects; computes nothing.

    Counted is what the weights of the file ask for, also where two of them are folded into one.
    """
    with torch.device("meta"):
        network = Sam2(config)
    network = network.to("meta").eval().requires_grad_(False)
    counts = []
    for count in objects:
        watch = FlopWatch()
        Staged(network, count).look(torch.empty(1, 3, config.image_size, config.image_size, device="meta"), watch)
        counts.append(dict(watch.flops))
    return counts
