"""The tracker: one verb for a stream, `Tracker.step`, and `remove` and `reset` beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..config import TrackerConfig
from ..errors import DeviceError, PromptError
from ..model.image_encoder import ImageFeatures
from ..model.sam2 import FEEDBACK_LIMIT, MaskPrediction, PromptTensors, Sam2
from .memory import MemoryBank
from .preprocess import check_frame, mask_to_square, prompt_tensors, to_network
from .prompt import Prompt, merge
from .result import FrameResult, ObjectState, PromptOutcome, clean, full_resolution, label_image, shapes


@dataclass(frozen=True, slots=True)
class Track:
    """What the tracker knows of an object besides its memories."""

    object_id: int
    slot: int  # of the memory bank
    label: str
    first_seen_ns: int
    last_seen_ns: int
    frames_since_seen: int
    born: int  # frame index of the first prompt


@dataclass(frozen=True, slots=True)
class Sighting:
    """One object in the frame at hand: what tracking said, and what stands after its prompts."""

    track: Track
    tracked: MaskPrediction | None
    prediction: MaskPrediction
    prompted: bool


def relabelled(track: Track, prompts: Sequence[Prompt]) -> Track:
    """The track with the last label that its prompts give."""
    labels = [prompt.label for prompt in prompts if prompt.label]
    return replace(track, label=labels[-1]) if labels else track


class Tracker:
    """Tracks any number of objects through a stream of frames, with memory that does not grow.

    Objects are independent of each other: N together give the same numbers as N alone. Every prompted frame is a
    conditioning frame, so a correction is never lost.
    """

    def __init__(self, network: Sam2, config: TrackerConfig | None = None) -> None:
        self._network = network
        self._config = config or TrackerConfig()
        self._bank = MemoryBank(network.config, self._config, network.device, network.dtype)
        self._tracks: list[Track] = []  # by ascending id
        self._frame = 0
        self._used_ids: set[int] = set()  # since ids had to be given again

    @property
    def object_ids(self) -> tuple[int, ...]:
        """Ids of the objects that are being tracked, ascending."""
        return tuple(track.object_id for track in self._tracks)

    @property
    def memory_bytes(self) -> int:
        """Bytes of the memory bank, constant over the tracker's life."""
        return self._bank.nbytes

    @property
    def config(self) -> TrackerConfig:
        """The settings in force."""
        return self._config

    def configure_cleaning(self, fill_hole_area: int, remove_speck_area: int) -> None:
        """Change the clean-up of masks while tracking; areas in pixels. Raises ConfigError."""
        self._config = replace(self._config, fill_hole_area=fill_hole_area, remove_speck_area=remove_speck_area)

    @torch.inference_mode()
    def step(self, frame: np.ndarray, prompts: Sequence[Prompt] = (), stamp_ns: int = 0) -> FrameResult:
        """Track all objects into the next frame (H, W, 3) uint8 RGB, then apply ``prompts`` to it in their order.

        A prompt with an unknown id starts that object, one with id 0 starts an object with a new id, any other refines
        its object. A prompt that cannot be used is refused in the result's ``outcomes`` and the rest go on. When the
        device's memory does not suffice for all objects the newest give way. The frame may change its size: memories
        live in the network's square image and carry over. Raises ImageError or DeviceError with nothing changed.
        """
        check_frame(frame)
        height, width = frame.shape[:2]
        outcomes, requests = self._admit(prompts, width, height)
        warnings: list[str] = []
        image = self._encode(frame)
        while True:
            try:
                sightings = self._look(image, requests, (width, height), stamp_ns)
                memory = self._memorise(image, sightings)
                states, labels = self._describe(sightings, height, width, stamp_ns)
                break
            except torch.cuda.OutOfMemoryError as error:
                self._make_room(requests, outcomes, warnings, error)
        self._commit(sightings, states, memory)
        scores = {state.object_id: state.mask_score for state in states}
        return FrameResult(
            frame_index=self._frame - 1,
            stamp_ns=stamp_ns,
            label_image=labels,
            objects=tuple(states),
            outcomes=tuple(
                replace(outcome, mask_score=scores.get(outcome.object_id, 0.0)) if outcome.accepted else outcome
                for outcome in outcomes
            ),
            warnings=tuple(warnings),
        )

    def remove(self, object_id: int) -> None:
        """Stop tracking an object. Raises PromptError when it is not tracked."""
        for track in self._tracks:
            if track.object_id == object_id:
                self._drop(track)
                return
        known = ", ".join(map(str, self.object_ids)) or "none"
        raise PromptError(f"object {object_id} cannot be removed: it is not tracked; tracked objects: {known}")

    def reset(self) -> None:
        """Stop tracking all objects. Ids used before are not given again as long as there are others."""
        for track in list(self._tracks):
            self._drop(track)

    # --- prompts -----------------------------------------------------------------------------------------------------

    def _admit(
        self, prompts: Sequence[Prompt], width: int, height: int
    ) -> tuple[list[PromptOutcome], dict[int, list[Prompt]]]:
        """An outcome for each prompt, and those that can be used by object id, in their order."""
        outcomes: list[PromptOutcome] = []
        requests: dict[int, list[Prompt]] = {}
        for prompt in prompts:
            try:
                fitting = prompt.check_on_image(width, height, self._config.max_points)
                object_id = self._assign(fitting, requests)
                self._check_sum(fitting, requests.get(object_id, []))
            except PromptError as error:
                outcomes.append(PromptOutcome(prompt.object_id, False, str(error)))
            else:
                requests.setdefault(object_id, []).append(fitting)
                outcomes.append(PromptOutcome(object_id, True, ""))
        return outcomes, requests

    def _check_sum(self, prompt: Prompt, earlier: Sequence[Prompt]) -> None:
        """Raise PromptError when the network would see too much of this prompt, or nothing."""
        said: Prompt | None = None
        for part in (*earlier, prompt):
            said = merge(said, part)
        assert said is not None
        limit = self._config.max_points
        if len(said.points) > limit:
            raise prompt.error(
                f"with those before it on this image it has {len(said.points)} points, the limit (max_points) is "
                f"{limit}; give fewer"
            )
        if prompt.mask is not None and prompt.mask.any():
            side = self._network.config.image_size
            if not mask_to_square(prompt.mask, side, torch.device("cpu"), torch.float32).any():
                raise prompt.error(f"its mask is so small that nothing of it is left at {side}x{side}; draw it larger")

    def _assign(self, prompt: Prompt, requests: dict[int, list[Prompt]]) -> int:
        """Id of the object that the prompt is for. Raises PromptError when it cannot be had."""
        taken = {*self.object_ids, *requests}
        if prompt.object_id in taken:
            return prompt.object_id
        limit = self._config.max_object_id
        if prompt.object_id > limit:
            raise prompt.error(
                f"label images in {self._config.mask_encoding} hold ids up to {limit}; "
                "choose a smaller id or the mask_encoding mono16"
            )
        if not prompt.can_start():
            raise prompt.error(
                "nothing in it is said to be the object, so it cannot start one; add a point, box or mask"
            )
        if len(taken) >= self._config.max_objects:
            raise prompt.error(
                f"{len(taken)} objects are tracked already, which is the limit (max_objects); remove one or raise it"
            )
        return prompt.object_id or self._new_id(taken)

    def _new_id(self, taken: set[int]) -> int:
        """The lowest id that was never used; when all were, they are given again from the lowest on."""
        ids = range(1, self._config.max_object_id + 1)
        if all(i in self._used_ids or i in taken for i in ids):
            self._used_ids = set()
        return next(i for i in ids if i not in self._used_ids and i not in taken)

    # --- the steps of a step -----------------------------------------------------------------------------------------

    def _encode(self, frame: np.ndarray) -> ImageFeatures:
        network = self._network
        try:
            return network.encode_image(to_network(frame, network.config.image_size, network.device, network.dtype))
        except torch.cuda.OutOfMemoryError as error:
            raise DeviceError(
                f"{network.device} has no memory left for an image; choose a smaller model or image_size"
            ) from error

    def _look(
        self, image: ImageFeatures, requests: dict[int, list[Prompt]], size: tuple[int, int], stamp_ns: int
    ) -> list[Sighting]:
        """All objects in this image, by id: those tracked, as their prompts correct them, and new ones."""
        sightings = [*self._track(image, requests, size), *self._start(image, requests, size, stamp_ns)]
        return sorted(sightings, key=lambda sighting: sighting.track.object_id)

    def _track(
        self, image: ImageFeatures, requests: dict[int, list[Prompt]], size: tuple[int, int]
    ) -> Iterator[Sighting]:
        """The objects that are known, all in one batch; then the prompts of each."""
        if not self._tracks:
            return
        memories = self._bank.recall([track.slot for track in self._tracks], self._frame)
        features = self._network.condition_on_memory(image, memories)
        batch = self._network.segment(features, image, self._no_prompt(len(self._tracks)))
        for row, track in enumerate(self._tracks):
            prompts = requests.get(track.object_id, [])
            corrected = self._prompt(features[row : row + 1], image, prompts, batch[row], size)
            yield Sighting(relabelled(track, prompts), batch[row], corrected, bool(prompts))

    def _start(
        self, image: ImageFeatures, requests: dict[int, list[Prompt]], size: tuple[int, int], stamp_ns: int
    ) -> Iterator[Sighting]:
        """The objects that begin with this image."""
        taken = {track.slot for track in self._tracks}
        free = (slot for slot in range(self._config.max_objects) if slot not in taken)
        for object_id, prompts in requests.items():
            if object_id not in self.object_ids:
                features = self._network.condition_on_nothing(image)
                started = self._prompt(features, image, prompts, None, size)
                track = Track(object_id, next(free), "", stamp_ns, stamp_ns, 0, self._frame)
                yield Sighting(relabelled(track, prompts), None, started, True)

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
        size: tuple[int, int],
    ) -> MaskPrediction:
        """The prediction after the prompts of one object, each seeing the mask that stood before it."""
        said: Prompt | None = None
        for prompt in prompts:
            said = merge(said, prompt)
            prediction = self._answer(features, image, said, prediction, size)
        assert prediction is not None  # an object is tracked or has a prompt
        return prediction

    def _answer(
        self,
        features: Tensor,
        image: ImageFeatures,
        prompt: Prompt,
        before: MaskPrediction | None,
        size: tuple[int, int],
    ) -> MaskPrediction:
        network = self._network
        side = network.config.image_size
        if prompt.mask is not None:
            return network.mask_as_output(image, mask_to_square(prompt.mask, side, network.device, network.dtype))
        earlier = None if before is None else before.masks.clamp(-FEEDBACK_LIMIT, FEEDBACK_LIMIT)
        return network.segment(features, image, prompt_tensors(network, prompt, size, earlier))

    def _memorise(self, image: ImageFeatures, sightings: list[Sighting]) -> Tensor | None:
        """Spatial memories (B, L, D) of the objects in this image."""
        if not sightings:
            return None
        return self._network.encode_memory(
            image,
            torch.cat([s.prediction.masks for s in sightings]),
            torch.cat([s.prediction.object_score for s in sightings]),
            torch.tensor([s.prompted for s in sightings], device=self._network.device),
        )

    def _describe(
        self, sightings: list[Sighting], height: int, width: int, stamp_ns: int
    ) -> tuple[list[ObjectState], np.ndarray]:
        """State of every object and the label image at the input's resolution."""
        config = self._config
        dtype = np.uint8 if config.mask_encoding == "mono8" else np.uint16
        if not sightings:
            return [], np.zeros((height, width), dtype=dtype)
        logits = full_resolution(torch.cat([s.prediction.masks for s in sightings]), height, width)
        logits = clean(logits, config.fill_hole_area, config.remove_speck_area)
        masks = logits > 0
        masks_on_host = masks.cpu().numpy()
        scores = torch.stack(
            [torch.cat([s.prediction.object_score.double(), s.prediction.iou.double()]) for s in sightings]
        ).tolist()
        states = []
        for row, (sighting, shape) in enumerate(zip(sightings, shapes(masks), strict=True)):
            object_score, mask_score = scores[row]
            track, visible = sighting.track, object_score > 0
            states.append(
                ObjectState(
                    object_id=track.object_id,
                    label=track.label,
                    visible=visible,
                    object_score=object_score,
                    mask_score=mask_score,
                    mask=masks_on_host[row],
                    logits=logits[row],
                    box=shape.box,
                    area=shape.area,
                    centroid=shape.centroid,
                    first_seen_ns=track.first_seen_ns,
                    last_seen_ns=stamp_ns if visible else track.last_seen_ns,
                    frames_since_seen=0 if visible else track.frames_since_seen + 1,
                    prediction=sighting.prediction,
                    tracked=sighting.tracked,
                )
            )
        return states, label_image(logits, [state.object_id for state in states], dtype)

    def _commit(self, sightings: list[Sighting], states: list[ObjectState], memory: Tensor | None) -> None:
        """Make this frame part of the past: the only place where a step changes state."""
        if memory is not None:
            self._bank.write(
                [s.track.slot for s in sightings],
                self._frame,
                memory,
                torch.cat([s.prediction.pointers for s in sightings]),
                [s.prompted for s in sightings],
            )
        self._tracks = [
            replace(sighting.track, last_seen_ns=state.last_seen_ns, frames_since_seen=state.frames_since_seen)
            for sighting, state in zip(sightings, states, strict=True)
        ]
        self._used_ids.update(self.object_ids)
        self._frame += 1

    # --- limits ------------------------------------------------------------------------------------------------------

    def _make_room(
        self,
        requests: dict[int, list[Prompt]],
        outcomes: list[PromptOutcome],
        warnings: list[str],
        error: torch.cuda.OutOfMemoryError,
    ) -> None:
        """Give up one object so that the rest go on: a new one if there is one, else the youngest of several."""
        device = self._network.device
        reason = f"{device} has no memory left for another object; remove one, or choose a smaller model or image_size"
        new = [object_id for object_id in requests if object_id not in self.object_ids]
        if new:
            refused = new[-1]
            del requests[refused]
            outcomes[:] = [
                replace(outcome, object_id=refused, accepted=False, reason=f"object {refused} is refused: {reason}")
                if outcome.object_id == refused
                else outcome
                for outcome in outcomes
            ]
        elif len(self._tracks) > 1:
            youngest = max(self._tracks, key=lambda track: track.born)
            self._drop(youngest)
            warnings.append(f"object {youngest.object_id} is no longer tracked: {reason}")
        else:
            raise DeviceError(
                f"{device} has no memory left to track on; choose a smaller model or image_size"
            ) from error
        if device.type == "cuda":
            torch.cuda.empty_cache()

    def _drop(self, track: Track) -> None:
        self._bank.forget(track.slot)
        self._tracks.remove(track)
