"""Prepares the next thing in a thread of its own while this one is worked on."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Raw = TypeVar("Raw")
Ready = TypeVar("Ready")


def ahead(take: Callable[[], Raw | None], prepare: Callable[[Raw], Ready]) -> Iterator[Ready]:
    """Everything that ``take`` gives until it gives None, prepared; always one more than was asked for."""

    def prepared() -> Ready | None:
        raw = take()
        return None if raw is None else prepare(raw)

    with ThreadPoolExecutor(1, "ahead") as pool:
        upcoming = pool.submit(prepared)
        while (ready := upcoming.result()) is not None:
            upcoming = pool.submit(prepared)
            yield ready
