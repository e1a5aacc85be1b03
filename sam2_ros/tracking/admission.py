"""Which prompts are taken, and for which object: ids, limits, and the reason of every refusal."""

from collections.abc import Collection, Sequence

import torch

from ..config import TrackerConfig
from ..errors import PromptError, StateError
from .preprocess import mask_to_square
from .prompt import Prompt, merge
from .result import PromptOutcome


class Admission:
    """Checks prompts and hands out ids; remembers which ids were ever used."""

    def __init__(self, config: TrackerConfig, side: int) -> None:
        """``side``: of the network's square image in pixels."""
        self._config = config
        self._side = side
        self._used: set[int] = set()  # since ids had to be given again

    def use(self, ids: Collection[int]) -> None:
        """Note that objects with these ids exist."""
        self._used.update(ids)

    @property
    def used(self) -> tuple[int, ...]:
        """Ids that are not given to new objects, ascending."""
        return tuple(sorted(self._used))

    def restore(self, used: Collection[int]) -> None:
        """Take these ids for used, and no others."""
        self._used = set(used)

    def admit(
        self, prompts: Sequence[Prompt], size: tuple[int, int], known: Collection[int]
    ) -> tuple[list[PromptOutcome], dict[int, list[Prompt]]]:
        """An outcome for each prompt on an image of ``size`` (width, height), and those that can be used by object id,
        in their order. ``known``: ids of the objects that are tracked."""
        outcomes: list[PromptOutcome] = []
        requests: dict[int, list[Prompt]] = {}
        for prompt in prompts:
            try:
                fitting = prompt.check_on_image(*size, self._config.max_points)
                object_id = self._assign(fitting, {*known, *requests})
                self._check_sum(fitting, requests.get(object_id, []))
            except PromptError as error:
                outcomes.append(PromptOutcome(prompt.object_id, False, str(error)))
            else:
                requests.setdefault(object_id, []).append(fitting)
                outcomes.append(PromptOutcome(object_id, True, ""))
        return outcomes, requests

    def place(self, object_id: int, known: Collection[int]) -> int:
        """Id of an object that begins without a prompt; 0 asks for a new one. Raises StateError when there is none."""
        taken, limit = set(known), self._config.max_object_id
        if object_id in taken:
            raise StateError(f"object {object_id} is tracked already; remove it, or choose another id or 0")
        if object_id > limit:
            raise StateError(
                f"label images in {self._config.mask_encoding} hold ids up to {limit}; choose a smaller id"
            )
        if len(taken) >= self._config.max_objects:
            raise StateError(f"{len(taken)} objects are tracked already, which is the limit (max_objects); remove one")
        return object_id or self._new_id(taken)

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
            side = self._side
            if not mask_to_square(prompt.mask, side, torch.device("cpu"), torch.float32).any():
                raise prompt.error(f"its mask is so small that nothing of it is left at {side}x{side}; draw it larger")

    def _assign(self, prompt: Prompt, taken: set[int]) -> int:
        """Id of the object that the prompt is for. Raises PromptError when it cannot be had."""
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
        if all(i in self._used or i in taken for i in ids):
            self._used = set()
        return next(i for i in ids if i not in self._used and i not in taken)
