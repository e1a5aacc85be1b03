"""Inputs given to what takes them, many at once, and a look at the tracker's next frame."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace as Message
from typing import Any

from hypothesis import strategies as st

from helpers.fuzzing.messages import uint32
from helpers.fuzzing.world import world
from sam2_ros.errors import Sam2RosError

LONGEST = 1.0  # seconds of this thread that one input may take


@dataclass(frozen=True)
class Target:
    """Inputs of one kind, and what takes them: returns whether anything was accepted. Raises Sam2RosError."""

    inputs: st.SearchStrategy[Any]
    take: Callable[[Any], bool]
    together: int = 10  # inputs that are drawn between two looks at the tracker, at most
    crossed: int = 0  # more of them, each of parts of two of these, which is quick


def batches(target: Target) -> st.SearchStrategy[list[Any]]:
    """Inputs for `feed`."""
    drawn = st.lists(target.inputs, min_size=target.together // 2, max_size=target.together)
    return st.builds(lambda given, seed: [*given, *crossed(given, seed, target.crossed)], drawn, uint32)


def crossed(given: Sequence[Any], seed: int, count: int) -> list[Any]:
    """So many inputs, each with parts of two of the given ones."""
    rng = random.Random(seed)
    return [cross(rng.choice(given), rng.choice(given), rng) for _ in range(count)]


def cross(one: Any, other: Any, rng: random.Random) -> Any:
    """One input with parts of another: fields of messages, items of lists, stretches of bytes and texts."""
    match one, other:
        case Message(), Message():
            fields_ = vars(one).items()
            return Message(**{key: cross(value, getattr(other, key, value), rng) for key, value in fields_})
        case list(), [_, *_]:
            return [cross(value, rng.choice(other), rng) for value in one]
        case tuple(), tuple():
            return tuple(cross(*pair, rng) for pair in zip(one, other, strict=True))
        case (bytes() | str(), bytes() | str()) if type(one) is type(other) and rng.random() < 0.5:
            here, there = rng.randrange(len(one) + 1), rng.randrange(len(other) + 1)
            return one[:here] + other[there:]
    return rng.choice((one, other))


def feed(target: Target, given: Sequence[Any]) -> int:
    """Give inputs to a tracker at work, and look at its next frame; how many were accepted. Raises AssertionError."""
    accepted = sum(_given(target, one) for one in given)
    try:
        _look(target, given)
    except AssertionError as error:
        world().begin()
        raise AssertionError(f"the next frame is another one ({error}) after {_guilty(target, given)!r}") from error
    return accepted


def _given(target: Target, one: Any) -> bool:
    """Give one input; whether it was accepted."""
    started = time.thread_time()
    try:
        accepted, said = target.take(one), "taken"
    except Sam2RosError as error:
        accepted, said = False, str(error)
    except Exception as error:
        raise AssertionError(f"{type(error).__name__} of {one!r}") from error
    seconds = time.thread_time() - started
    assert said, f"no sentence for {one!r}"
    assert "\n" not in said, f"more than a line: {said} for {one!r}"
    assert seconds < LONGEST, f"{seconds:.1f} s for {one!r}"
    return accepted


def _look(target: Target, given: Sequence[Any]) -> None:
    """At the next frame after these inputs, which were given, then at that after those of them that were refused."""
    started, tried = time.thread_time(), len(given)
    while accepted := world().check():
        taken = {id(message) for message in accepted}
        given = [one for one in given if id(one) not in taken]
        tried += len(given)
        for one in given:
            _given(target, one)
    seconds = time.thread_time() - started
    assert seconds < LONGEST * max(1, tried / 10), f"{seconds:.1f} s for {tried} inputs"


def _guilty(target: Target, given: Sequence[Any]) -> Sequence[Any]:
    """The fewest of these inputs, by halving, after which the next frame is another one."""
    while len(given) > 1:
        half = len(given) // 2
        if _harmless(target, given[:half]):
            if _harmless(target, given[half:]):
                break  # only together
            given = given[half:]
        else:
            given = given[:half]
    return given


def _harmless(target: Target, given: Sequence[Any]) -> bool:
    try:
        for one in given:
            _given(target, one)
        _look(target, given)
    except AssertionError:
        world().begin()
        return False
    return True
