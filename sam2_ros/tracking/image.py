"""Single images: the parts are there, so one picture can be segmented without tracking anything."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ..errors import ImageError, PromptError
from ..model.image_encoder import ImageFeatures
from ..model.sam2 import FEEDBACK_LIMIT, Sam2
from .preprocess import check_frame, prompt_tensors, to_network_float
from .prompt import Prompt
from .result import full_resolution

MAX_POINTS = 1000


@dataclass(frozen=True, slots=True)
class ImagePrediction:
    """Three masks of one prompt on an image of H x W pixels, in the network's order."""

    masks: np.ndarray  # (3, H, W) bool
    ious: np.ndarray  # (3,) predicted IoU, 0..1
    low_res: Tensor  # (3, S/4, S/4) logits; one of them can be the next call's ``mask``


class ImagePredictor:
    """``set_image`` once, then any number of ``predict`` calls, which cost only the mask decoder."""

    def __init__(self, network: Sam2) -> None:
        self._network = network
        self._image: ImageFeatures | None = None
        self._size = (0, 0)

    @torch.inference_mode()
    def set_image(self, image: np.ndarray) -> None:
        """Encode an RGB image (H, W, 3) uint8. Raises ImageError."""
        check_frame(image)
        network = self._network
        pixels = to_network_float(image, network.config.image_size, network.device, network.dtype)
        self._image = network.encode_image(pixels)
        self._size = image.shape[1], image.shape[0]

    @torch.inference_mode()
    def predict(
        self,
        points: ArrayLike = (),
        labels: ArrayLike = (),
        box: ArrayLike | None = None,
        mask: Tensor | None = None,
    ) -> ImagePrediction:
        """Masks for points (P, 2) x, y in pixels with labels (P,) 1 object, 0 background, and a box (4,).

        ``mask`` (S/4, S/4): logits of an earlier prediction, to be refined by the points. Raises ImageError without an
        image and PromptError for a prompt that cannot be used.
        """
        if self._image is None:
            raise ImageError("there is no image to predict on; call set_image first")
        width, height = self._size
        prompt = Prompt(points=np.asarray(points), point_labels=np.asarray(labels), box=_array(box))
        prompt = prompt.check_on_image(width, height, MAX_POINTS)
        network = self._network
        features = network.condition_on_nothing(self._image)
        tensors = prompt_tensors(network, prompt, self._size, self._earlier(mask))
        output = network.decode(features, self._image, tensors)
        low_res = output.masks[0, 1:]
        logits = full_resolution(low_res, height, width)
        return ImagePrediction(
            masks=(logits > 0).cpu().numpy(),
            ious=output.ious[0, 1:].double().cpu().numpy(),
            low_res=low_res.clamp(-FEEDBACK_LIMIT, FEEDBACK_LIMIT),
        )

    def _earlier(self, mask: Tensor | None) -> Tensor | None:
        if mask is None:
            return None
        side = self._network.config.low_res_size
        if tuple(mask.shape) != (side, side):
            raise PromptError(
                f"the earlier mask has the shape {tuple(mask.shape)}; give logits of shape ({side}, {side}) "
                "from a prediction of the same model"
            )
        return mask.unsqueeze(0).to(self._network.device, self._network.dtype)


def _array(box: ArrayLike | None) -> np.ndarray | None:
    return None if box is None else np.asarray(box)
