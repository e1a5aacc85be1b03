"""The tracker: one verb for a stream, `Tracker.step`; `catch_up` for prompts that come late; `remove` and `reset`."""

import functools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np
import torch

from ..config import TrackerConfig
from ..errors import DeviceError, PromptError, StateError
from ..model.graphed import give_back
from ..model.image_encoder import ImageFeatures
from ..model.passes import Passes
from ..model.prepared import Tier, tier_of
from ..model.sam2 import Sam2
from .admission import Admission
from .describe import describe
from .memory import MemoryBank, SlotMemory
from .perceived import Perceived
from .preprocess import check_frame
from .prompt import Prompt
from .result import FrameResult, ObjectState, PromptOutcome
from .state import ObjectMemory, Origin, TrackerState, check_fits, check_origin
from .track import Sighting, Track
from .transfer import on
from .vision import Requests, Size, Vision
from .words import Words, sights_of


@dataclass(frozen=True, slots=True, eq=False)
class PastFrame:
    """An image that was tracked in before."""

    index: int  # its `FrameResult.frame_index`
    stamp_ns: int
    image: np.ndarray  # (H, W, 3) uint8 RGB


@dataclass(frozen=True, slots=True, eq=False)
class EncodedFrame:
    """An image and what the network sees in it, whatever is tracked."""

    image: np.ndarray  # (H, W, 3) uint8 RGB
    features: ImageFeatures


@dataclass(frozen=True, slots=True, eq=False)
class CaughtUp:
    """What came of prompts on an image of the past."""

    outcomes: tuple[PromptOutcome, ...]  # one per prompt, in their order
    states: tuple[
        tuple[ObjectState, ...], ...
    ]  # of the prompted objects, for each frame that they were carried through
    warnings: tuple[str, ...] = ()  # what the user should be told


Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")


def _at_work(
    method: "Callable[Concatenate[Tracker, Arguments], Returned]",
) -> "Callable[Concatenate[Tracker, Arguments], Returned]":
    """A method of the tracker that uses the network, on its device in whatever thread."""

    @functools.wraps(method)
    def worked(self: "Tracker", /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Returned:
        with torch.inference_mode(), on(self.device):
            return method(self, *args, **kwargs)

    return worked


class Tracker:
    """Tracks any number of objects through a stream of frames, with memory that does not grow.

    Objects are independent of each other: N together give the same numbers as N alone. Every prompted frame is a
    conditioning frame, so a correction is never lost.
    """

    def __init__(self, network: Sam2, config: TrackerConfig | None = None, passes: Passes | None = None) -> None:
        """``passes``: what does the network's work of every frame, the network itself when None."""
        self._config = config or TrackerConfig()
        self._device = network.device
        self._origin = Origin.of(network)
        self._passes = passes or network
        batch = self._config.objects_per_batch or self._config.max_objects
        self._vision = Vision(network, self._passes, batch)
        self._admission = Admission(self._config, network.config.image_size)
        self._bank = MemoryBank(network.config, self._config, network.device, network.dtype)
        self._tracks: list[Track] = []  # by ascending id
        self._frame = 0

    @property
    def object_ids(self) -> tuple[int, ...]:
        """Ids of the objects that are being tracked, ascending."""
        return tuple(track.object_id for track in self._tracks)

    @property
    def frame_count(self) -> int:
        """Frames that were tracked in."""
        return self._frame

    @property
    def memory_bytes(self) -> int:
        """Bytes of the memory bank, constant over the tracker's life."""
        return self._bank.nbytes

    @property
    def memory_bytes_per_object(self) -> int:
        """Of these, what is set aside for one object."""
        return self.memory_bytes // self._config.max_objects

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self._device

    @property
    def tier(self) -> Tier:
        """How the network's passes run now."""
        return tier_of(self._passes)

    @property
    def config(self) -> TrackerConfig:
        """The settings in force."""
        return self._config

    def configure_cleaning(self, fill_hole_area: int, remove_speck_area: int) -> None:
        """Change the clean-up of masks while tracking; areas in pixels. Raises ConfigError."""
        self._config = replace(self._config, fill_hole_area=fill_hole_area, remove_speck_area=remove_speck_area)

    @_at_work
    def encode(self, frame: np.ndarray) -> EncodedFrame:
        """The part of `step` that needs nothing of the frames before: another thread may do it ahead.

        ``frame``: (H, W, 3) uint8 RGB. Raises ImageError or DeviceError.
        """
        check_frame(frame)
        return EncodedFrame(frame, self._vision.encode(frame))

    @_at_work
    def step(self, frame: np.ndarray | EncodedFrame, prompts: Sequence[Prompt] = (), stamp_ns: int = 0) -> FrameResult:
        """Track all objects into the next frame (H, W, 3) uint8 RGB, then apply ``prompts`` to it in their order.

        A prompt with an unknown id starts that object, one with id 0 starts an object with a new id, any other refines
        its object. A prompt that cannot be used is refused in the result's ``outcomes`` and the rest go on. When the
        device's memory does not suffice for all objects the newest give way. The frame may change its size: memories
        live in the network's square image and carry over. Raises ImageError or DeviceError with nothing changed.
        """
        encoded = frame if isinstance(frame, EncodedFrame) else self.encode(frame)
        size, image = (encoded.image.shape[1], encoded.image.shape[0]), encoded.features
        outcomes, requests = self._admission.admit(prompts, size, self.object_ids)
        warnings: list[str] = []
        while True:
            try:
                seen = self._perceive(image, self._tracks, requests, size, self._frame, stamp_ns)
                found, labels = describe(seen.sightings, size, stamp_ns, self._config, seen.said)
                break
            except torch.cuda.OutOfMemoryError as error:
                self._make_room(requests, outcomes, warnings, error)
        self._remember(seen, self._frame)
        states = seen.noted(found)
        warnings += unconfirmed(states, requests)
        self._tracks = seen.tracks(states, stamp_ns)
        self._admission.use(self.object_ids)
        self._frame += 1
        return FrameResult(
            frame_index=self._frame - 1,
            stamp_ns=stamp_ns,
            label_image=labels,
            objects=tuple(states),
            outcomes=_with_scores(outcomes, {state.object_id: state.mask_score for state in states}),
            warnings=tuple(warnings),
        )

    @_at_work
    def catch_up(self, past: Sequence[PastFrame], prompts: Sequence[Prompt]) -> CaughtUp:
        """Apply prompts that were made on ``past[0]``, then carry their objects through the rest of ``past``.

        ``past``: frames that `step` has seen, in their order, some may be left out. Other objects are not touched. What
        a prompted object remembers of ``past[0]`` and later is forgotten, except frames that were prompted themselves:
        the past is now another one. Raises DeviceError with nothing changed.
        """
        first = past[0].image
        outcomes, requests = self._admission.admit(prompts, (first.shape[1], first.shape[0]), self.object_ids)
        self._refuse_hollow(requests, outcomes, past[0].index)
        if not requests:
            return CaughtUp(tuple(outcomes), ())
        touched = [track for track in self._tracks if track.object_id in requests]
        kept = self._bank.copy([track.slot for track in touched])
        for track in touched:
            self._bank.rewind(track.slot, past[0].index)
            if requests[track.object_id][-1].denies:
                self._bank.withdraw(track.slot, past[0].index)
        try:
            carried, states = self._carry(past, touched, requests)
        except BaseException as error:
            for slot in set(range(self._config.max_objects)) - {track.slot for track in self._tracks}:
                self._bank.forget(slot)  # a new object had begun there
            self._bank.restore(kept)
            if not isinstance(error, torch.cuda.OutOfMemoryError | DeviceError):
                raise
            raise DeviceError(
                f"{self._device} has no memory left to apply a late prompt; nothing is changed"
            ) from error
        others = [track for track in self._tracks if track.object_id not in requests]
        self._tracks = sorted([*others, *carried], key=lambda track: track.object_id)
        self._admission.use(self.object_ids)
        scores = {state.object_id: state.mask_score for state in states[0]}
        return CaughtUp(_with_scores(outcomes, scores), tuple(states), tuple(unconfirmed(states[0], requests)))

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

    # --- what it knows -----------------------------------------------------------------------------------------------

    @_at_work
    def state(self) -> TrackerState:
        """A copy of all that the next results depend on, on the tracker's device."""
        return TrackerState(
            origin=self._origin,
            config=self._config,
            frame=self._frame,
            used_ids=self._admission.used,
            objects=tuple(ObjectMemory(track, self._bank.take(track.slot)) for track in self._tracks),
        )

    @_at_work
    def restore(self, state: TrackerState) -> None:
        """Go on from what `state` gave, of this tracker or another one with the same network; all else is forgotten.

        On the same kind of device, in the same precision, results are those of the other tracker to the bit. Raises
        StateError or DeviceError with nothing changed.
        """
        check_fits(state, self._origin, self._config)
        if not all(self._bank.fits(each.memory, state.frame) for each in state.objects):
            raise StateError("the state's memories are not such as this tracker makes them; it is damaged")
        memories = self._here([each.memory for each in state.objects])
        self.reset()
        for slot, memory in enumerate(memories):
            self._bank.put(slot, memory)
        self._tracks = [replace(each.track, slot=slot) for slot, each in enumerate(state.objects)]
        self._admission.restore(state.used_ids)
        self._frame = state.frame

    def object_state(self, object_id: int) -> TrackerState:
        """Of one object what it was prompted with: enough to find it again in other images, see `adopt`.

        Raises StateError when there is no such object, or nothing prompted of it.
        """
        state = self.state()
        mine = [each for each in state.objects if each.track.object_id == object_id]
        if not mine:
            known = ", ".join(map(str, self.object_ids)) or "none"
            raise StateError(f"object {object_id} cannot be saved: it is not tracked; tracked objects: {known}")
        memory = mine[0].memory.prompted()
        if not len(memory.frames):
            raise StateError(f"object {object_id} cannot be saved: nothing that it was prompted with is remembered")
        return replace(state, used_ids=(object_id,), objects=(replace(mine[0], memory=memory),))

    @_at_work
    def adopt(self, state: TrackerState, object_id: int = 0) -> int:
        """Look for the one object of a state as well, from the next frame on, by what it was prompted with; its id.

        ``object_id``: 0 for a new one. To the object it is as if its state had been saved just now. Raises StateError
        or DeviceError with nothing changed.
        """
        check_origin(state, self._origin)
        if len(state.objects) != 1:
            raise StateError(f"the state holds {len(state.objects)} objects, not one; save one of them by itself")
        given, memory = state.objects[0], state.objects[0].memory.prompted(later=self._frame - state.frame)
        self._bank.check_room(memory)
        (here,) = self._here([memory])
        object_id = self._admission.place(object_id, self.object_ids)
        slot = min(set(range(self._config.max_objects)) - {track.slot for track in self._tracks})
        self._bank.adopt(slot, here)
        track = replace(given.track, object_id=object_id, slot=slot, born=self._frame)
        self._tracks = sorted([*self._tracks, track], key=lambda track: track.object_id)
        self._admission.use([object_id])
        return object_id

    def _here(self, memories: Sequence[SlotMemory]) -> list[SlotMemory]:
        """Memories on the tracker's device. Raises DeviceError."""
        try:
            return [memory.to(self._device, self._bank.dtype) for memory in memories]
        except torch.cuda.OutOfMemoryError as error:
            raise DeviceError(f"{self._device} has no memory left to restore a state; nothing is changed") from error

    # --- the parts of a step -----------------------------------------------------------------------------------------

    def _perceive(
        self, image: ImageFeatures, tracks: Sequence[Track], requests: Requests, size: Size, frame: int, stamp_ns: int
    ) -> Perceived:
        """What is seen of objects in this image, and what is to be remembered of it; nothing is changed yet."""
        sightings = self._look(image, tracks, requests, size, frame, stamp_ns)
        if not sightings:
            return Perceived()
        slots = [s.track.slot for s in sightings]
        words = Words(sightings, self._bank.looks)  # on their way before the memory is asked for
        if self._bank.chooses:
            before = words.wait()
            choices = self._bank.choices(slots, sights_of(sightings, before, frame, stamp_ns, size))
            said = [told.taking(choice) for told, choice in zip(before, choices, strict=True)]
            sightings = [
                s if now is then else self._vision.prefer(s, now.chosen)
                for s, then, now in zip(sightings, before, said, strict=True)
            ]
            memory = self._vision.memorise(image, sightings)
        else:
            memory = self._vision.memorise(image, sightings)
            said = words.wait()
        return Perceived(
            sightings, said, memory, self._bank.plans(slots, sights_of(sightings, said, frame, stamp_ns, size))
        )

    def _look(
        self, image: ImageFeatures, tracks: Sequence[Track], requests: Requests, size: Size, frame: int, stamp_ns: int
    ) -> list[Sighting]:
        """Objects in this image, by id: those tracked, as their prompts correct them, and new ones."""
        sightings: list[Sighting] = []
        for recalled in self._bank.recall([track.slot for track in tracks], frame):
            sightings += self._vision.follow(image, tracks, recalled, requests, size)
        taken = {track.slot for track in self._tracks}
        free = (slot for slot in range(self._config.max_objects) if slot not in taken)
        known = {*self.object_ids, *(track.object_id for track in tracks)}
        for object_id, prompts in requests.items():
            if object_id not in known:
                track = Track(object_id, next(free), "", stamp_ns, stamp_ns, 0, frame)
                sightings.append(self._vision.start(image, track, prompts, size))
        return sorted(sightings, key=lambda sighting: sighting.track.object_id)

    def _carry(
        self, past: Sequence[PastFrame], tracks: Sequence[Track], requests: Requests
    ) -> tuple[list[Track], list[tuple[ObjectState, ...]]]:
        """The tracks of the requested objects after ``past``, and what was seen of them in each of its frames."""
        seen: list[tuple[ObjectState, ...]] = []
        carried = list(tracks)
        for number, frame in enumerate(past):
            image = self._vision.encode(frame.image)
            size = frame.image.shape[1], frame.image.shape[0]
            wanted = {} if number else requests
            there = self._perceive(image, carried, wanted, size, frame.index, frame.stamp_ns)
            self._remember(there, frame.index)
            found, _ = describe(there.sightings, size, frame.stamp_ns, self._config, there.said)
            states = there.noted(found)
            carried = there.tracks(states, frame.stamp_ns)
            seen.append(tuple(states))
        return carried, seen

    def _remember(self, seen: Perceived, frame: int) -> None:
        if seen.memory is not None:
            self._bank.write(
                seen.slots,
                frame,
                seen.memory,
                torch.cat([s.prediction.pointers for s in seen.sightings]),
                [s.prompted for s in seen.sightings],
                seen.plans,
            )

    # --- limits ------------------------------------------------------------------------------------------------------

    def _make_room(
        self,
        requests: dict[int, list[Prompt]],
        outcomes: list[PromptOutcome],
        warnings: list[str],
        error: torch.cuda.OutOfMemoryError,
    ) -> None:
        """Give up one object so that the rest go on: a new one if there is one, else the youngest of several."""
        device = self._device
        reason = f"{device} has no memory left for another object; remove one, or choose a smaller model or image_size"
        new = [object_id for object_id in requests if object_id not in self.object_ids]
        if new:
            refuse(new[-1], f"object {new[-1]} is refused: {reason}", requests, outcomes)
        elif len(self._tracks) > 1:
            youngest = max(self._tracks, key=lambda track: track.born)
            self._drop(youngest)
            warnings.append(f"object {youngest.object_id} is no longer tracked: {reason}")
        else:
            raise DeviceError(
                f"{device} has no memory left to track on; choose a smaller model or image_size"
            ) from error
        give_back(device)

    def _refuse_hollow(self, requests: dict[int, list[Prompt]], outcomes: list[PromptOutcome], frame: int) -> None:
        """Refuse to deny an object on the only image that it is known from: nothing would be left to look for."""
        for track in self._tracks:
            denied = track.object_id in requests and requests[track.object_id][-1].denies
            if denied and self._bank.stands_on(track.slot, frame):
                reason = f"object {track.object_id} was prompted on this image alone, so it cannot be denied there"
                refuse(track.object_id, f"{reason}; prompt it elsewhere first, or remove it", requests, outcomes)

    def _drop(self, track: Track) -> None:
        self._bank.forget(track.slot)
        self._tracks.remove(track)


def unconfirmed(states: Sequence[ObjectState], prompted: Collection[int]) -> list[str]:
    """A sentence for each object that counts as visible with an empty mask, when that begins or after a prompt.

    ``prompted``: ids of the objects that were prompted on this image.
    """
    return [
        f"object {state.object_id} counts as visible ({state.object_score:.1f}), but its mask is empty, so it is not "
        f"taken as seen; prompt it {'with a larger mask or box' if state.object_id in prompted else 'again'}"
        for state in states
        if state.visible and not state.in_view and (state.object_id in prompted or state.frames_since_seen == 1)
    ]


def refuse(object_id: int, reason: str, requests: dict[int, list[Prompt]], outcomes: list[PromptOutcome]) -> None:
    """Take back that the prompts of an object were accepted."""
    del requests[object_id]
    outcomes[:] = [
        replace(outcome, accepted=False, reason=reason)
        if outcome.object_id == object_id and outcome.accepted
        else outcome
        for outcome in outcomes
    ]


def _with_scores(outcomes: Sequence[PromptOutcome], scores: dict[int, float]) -> tuple[PromptOutcome, ...]:
    """The outcomes with the predicted IoU of what was accepted."""
    return tuple(
        replace(outcome, mask_score=scores.get(outcome.object_id, 0.0)) if outcome.accepted else outcome
        for outcome in outcomes
    )
