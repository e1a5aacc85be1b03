"""Messages of a stream by their stamps, asked for in nearly the order in which they come."""

from collections import Counter
from collections.abc import Iterable, Iterator

from .reader import Recorded
from .stamps import Clock


class Seeker:
    """Hands out messages by stamp; holds back only those that came before an earlier wanted one.

    Two streams of one camera have the same order, so that nothing is held; whatever the order is, all are found.
    """

    def __init__(self, messages: Iterator[Recorded], wanted: Iterable[int], clock: Clock) -> None:
        """``wanted``: stamps that will be asked for, each as often as it will be."""
        self._messages = messages
        self._stamp_of = clock.stamp_of
        self._uses = Counter(wanted)
        self._held: dict[int, Recorded] = {}

    def get(self, stamp_ns: int) -> Recorded | None:
        """The first message of this stamp; None when there is none."""
        while stamp_ns not in self._held:
            recorded = next(self._messages, None)
            if recorded is None:
                return None
            self._hold(recorded)
        self._uses[stamp_ns] -= 1
        return self._held[stamp_ns] if self._uses[stamp_ns] > 0 else self._held.pop(stamp_ns)

    def _hold(self, recorded: Recorded) -> None:
        stamp = self._stamp_of(recorded)
        if stamp is not None and self._uses[stamp] > 0:
            self._held.setdefault(stamp, recorded)
