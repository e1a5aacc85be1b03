"""What the network says of objects in an image: no state, no memory of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..errors import DeviceError
from ..model.image_encoder import ImageFeatures
from ..model.passes import Passes
from ..model.sam2 import FEEDBACK_LIMIT, MaskPrediction, Sam2
from .memory import Recalled
from .preprocess import mask_to_square, prompt_tensors, to_network
from .prompt import Prompt, merge
from .track import Sighting, Track
from .transfer import to_device

Requests = Mapping[int, Sequence[Prompt]]  # by object id, in their order
Size = tuple[int, int]  # of an image, width and height in pixels


class Vision:
    """The network, asked about tracks and prompts, about at most ``batch`` objects at once.

    ``passes`` does what every frame needs, the network itself the rest.
    """

    def __init__(self, network: Sam2, passes: Passes, batch: int) -> None:
        self._network = network
        self._passes = passes
        self._batch = batch

    def encode(self, frame: np.ndarray) -> ImageFeatures:
        """Features of an RGB image (H, W, 3) uint8. Raises DeviceError when there is no room for them."""
        network = self._network
        try:
            return self._passes.encode_image(
                to_network(frame, network.config.image_size, network.device, network.dtype)
            )
        except torch.cuda.OutOfMemoryError as error:
            raise DeviceError(
                f"{network.device} has no memory left for an image; choose a smaller model or image_size"
            ) from error

    def follow(
        self, image: ImageFeatures, tracks: Sequence[Track], recalled: Recalled, requests: Requests, size: Size
    ) -> list[Sighting]:
        """Of these tracks those that are recalled, in one batch, then the prompts of each."""
        features, batch = self._passes.follow(image, recalled.memories)
        sightings = [
            self._corrected(tracks[row], features[place : place + 1], image, batch[place], requests, size)
            for place, row in enumerate(recalled.rows)
        ]
        return [replace(seen, attended=those) for seen, those in zip(sightings, recalled.attended, strict=True)]

    def prefer(self, sighting: Sighting, candidate: int) -> Sighting:
        """An object that was tracked, without a prompt, with another candidate as its mask."""
        assert sighting.tracked is not None
        preferred = self._network.prefer(sighting.tracked, candidate)
        return replace(sighting, tracked=preferred, prediction=preferred)

    def _corrected(
        self,
        track: Track,
        features: Tensor,
        image: ImageFeatures,
        tracked: MaskPrediction,
        requests: Requests,
        size: Size,
    ) -> Sighting:
        prompts = requests.get(track.object_id, ())
        corrected = self._prompt(features, image, prompts, tracked, size)
        is_anchor = bool(prompts) and not prompts[-1].denies
        return Sighting(track.relabelled(prompts), tracked, corrected, is_anchor, bool(prompts))

    def start(self, image: ImageFeatures, track: Track, prompts: Sequence[Prompt], size: Size) -> Sighting:
        """An object that begins with this image."""
        features = self._network.condition_on_nothing(image)
        return Sighting(track.relabelled(prompts), None, self._prompt(features, image, prompts, None, size), True, True)

    def memorise(self, image: ImageFeatures, sightings: Sequence[Sighting]) -> Tensor:
        """Spatial memories (B, L, D) of the objects in this image."""
        batches = (sightings[at : at + self._batch] for at in range(0, len(sightings), self._batch))
        return torch.cat([self._memorise(image, batch) for batch in batches])

    def _memorise(self, image: ImageFeatures, sightings: Sequence[Sighting]) -> Tensor:
        device = self._network.device
        prompted = [s.prompted for s in sightings]
        return self._passes.encode_memory(
            image,
            torch.cat([s.prediction.masks for s in sightings]),
            torch.cat([s.prediction.object_score for s in sightings]),
            to_device(np.array(prompted), device)
            if any(prompted)
            else torch.zeros(len(prompted), dtype=torch.bool, device=device),
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
