"""What the network says of objects in an image: no state, no memory of its own."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ..errors import DeviceError
from ..model.image_encoder import ImageFeatures
from ..model.sam2 import FEEDBACK_LIMIT, MaskPrediction, Memories, PromptTensors, Sam2
from .preprocess import mask_to_square, prompt_tensors, to_network
from .prompt import Prompt, merge
from .track import Sighting, Track

Requests = Mapping[int, Sequence[Prompt]]  # by object id, in their order
Size = tuple[int, int]  # of an image, width and height in pixels


class Vision:
    """The network, asked about tracks and prompts."""

    def __init__(self, network: Sam2) -> None:
        self._network = network

    def encode(self, frame: np.ndarray) -> ImageFeatures:
        """Features of an RGB image (H, W, 3) uint8. Raises DeviceError when there is no room for them."""
        network = self._network
        try:
            return network.encode_image(to_network(frame, network.config.image_size, network.device, network.dtype))
        except torch.cuda.OutOfMemoryError as error:
            raise DeviceError(
                f"{network.device} has no memory left for an image; choose a smaller model or image_size"
            ) from error

    def follow(
        self, image: ImageFeatures, tracks: Sequence[Track], memories: Memories, requests: Requests, size: Size
    ) -> Iterator[Sighting]:
        """Objects that are known, all in one batch, then the prompts of each."""
        features = self._network.condition_on_memory(image, memories)
        batch = self._network.segment(features, image, self._no_prompt(len(tracks)))
        for row, track in enumerate(tracks):
            prompts = requests.get(track.object_id, ())
            corrected = self._prompt(features[row : row + 1], image, prompts, batch[row], size)
            yield Sighting(track.relabelled(prompts), batch[row], corrected, bool(prompts))

    def start(self, image: ImageFeatures, track: Track, prompts: Sequence[Prompt], size: Size) -> Sighting:
        """An object that begins with this image."""
        features = self._network.condition_on_nothing(image)
        return Sighting(track.relabelled(prompts), None, self._prompt(features, image, prompts, None, size), True)

    def memorise(self, image: ImageFeatures, sightings: Sequence[Sighting]) -> Tensor:
        """Spatial memories (B, L, D) of the objects in this image."""
        return self._network.encode_memory(
            image,
            torch.cat([s.prediction.masks for s in sightings]),
            torch.cat([s.prediction.object_score for s in sightings]),
            torch.tensor([s.prompted for s in sightings], device=self._network.device),
        )

    def _no_prompt(self, count: int) -> PromptTensors:
        device = self._network.device
        return PromptTensors(
            torch.zeros(count, 0, 2, device=device, dtype=self._network.dtype),
            torch.zeros(count, 0, device=device, dtype=torch.long),
        )

    def _prompt(
        self,
        features: Tensor,
        image: ImageFeatures,
        prompts: Sequence[Prompt],
        prediction: MaskPrediction | None,
        size: Size,
    ) -> MaskPrediction:
        """The prediction after the prompts of one object, each seeing the mask that stood before it."""
        said: Prompt | None = None
        for prompt in prompts:
            said = merge(said, prompt)
            prediction = self._answer(features, image, said, prediction, size)
        assert prediction is not None  # an object is tracked or has a prompt
        return prediction

    def _answer(
        self, features: Tensor, image: ImageFeatures, prompt: Prompt, before: MaskPrediction | None, size: Size
    ) -> MaskPrediction:
        network = self._network
        side = network.config.image_size
        if prompt.mask is not None:
            return network.mask_as_output(image, mask_to_square(prompt.mask, side, network.device, network.dtype))
        earlier = None if before is None else before.masks.clamp(-FEEDBACK_LIMIT, FEEDBACK_LIMIT)
        return network.segment(features, image, prompt_tensors(network, prompt, size, earlier))
