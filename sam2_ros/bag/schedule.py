"""Which prompts are for which image of a replay."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ..stream.messages import NS_PER_S, stamp_ns
from . import definitions
from .prompts_file import PromptEntry

# A time in a prompts file is typed by hand, so 0.033 has to find the image at 0.0333 s and 0.0334 as well.
TIME_TOLERANCE_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class RecordedPrompts:
    """A prompt message of the bag."""

    time_ns: int  # when it was recorded
    message: Any  # sam2_ros/PromptArray


@dataclass(frozen=True, slots=True)
class Moment:
    """When and as which an image came."""

    index: int  # in the replay, from 0
    time_ns: int  # when it was recorded
    header: Any  # std_msgs/Header


class Schedule:
    """Hands out every prompt message with its image, also one that was recorded long after the image.

    A stamped message is for the first image that is not older than its stamp, one without for the first image recorded
    after it. What is for no image of the replay can be asked for at the end.
    """

    def __init__(self, recorded: Iterable[RecordedPrompts], entries: Iterable[PromptEntry], start_ns: int) -> None:
        """``start_ns``: when the replayed part of the bag begins, by the time of recording."""
        self._start_ns = start_ns
        self._recorded = list(recorded)
        self._entries = list(entries)
        self._too_early: list[str] = []
        self._first_stamp_ns: int | None = None
        self._latest_stamp_ns = 0

    def due(self, moment: Moment) -> list[Any]:
        """The sam2_ros/PromptArray messages to apply to this image, in their order. Each is handed out once."""
        stamp = stamp_ns(moment.header.stamp)
        if self._first_stamp_ns is None:
            self._first_stamp_ns = stamp
            self._refuse_earlier(stamp)
        messages = [self._stamped(item.message, moment) for item in self._take_recorded(moment, stamp)]
        entries = self._take_entries(moment, stamp - self._first_stamp_ns)
        if entries:
            array = definitions.message(
                definitions.PROMPT_ARRAY, header=definitions.header(0), prompts=[entry.message for entry in entries]
            )
            messages.append(self._stamped(array, moment))
        self._latest_stamp_ns = max(self._latest_stamp_ns, stamp)
        return messages

    def not_applied(self) -> list[str]:
        """One sentence for each message and entry that no image was for."""
        late = [f"the prompts stamped {_seconds(item)} s are for no image: the replay ended" for item in self._recorded]
        late += [f"{entry.place}: {_aim(entry)} is for no image: the replay ended" for entry in self._entries]
        return [*self._too_early, *late]

    def _refuse_earlier(self, first_stamp_ns: int) -> None:
        """Set aside what was meant for images before the replayed ones: on another image it would be wrong."""
        kept = []
        for item in self._recorded:
            stamp = stamp_ns(item.message.header.stamp)
            if stamp and stamp < first_stamp_ns:
                self._too_early.append(f"the prompts stamped {_seconds(item)} s are for an image before the first one")
            elif not stamp and item.time_ns < self._start_ns:
                self._too_early.append("prompts without a stamp were recorded before the replayed part of the bag")
            else:
                kept.append(item)
        self._recorded = kept

    def _take_recorded(self, moment: Moment, stamp: int) -> list[RecordedPrompts]:
        def is_due(item: RecordedPrompts) -> bool:
            wanted = stamp_ns(item.message.header.stamp)
            return wanted <= stamp if wanted else item.time_ns <= moment.time_ns

        due = [item for item in self._recorded if is_due(item)]
        self._recorded = [item for item in self._recorded if not is_due(item)]
        return due

    def _take_entries(self, moment: Moment, since_first_ns: int) -> list[PromptEntry]:
        def is_due(entry: PromptEntry) -> bool:
            if entry.frame is not None:
                return entry.frame <= moment.index
            assert entry.time_ns is not None
            return entry.time_ns <= since_first_ns + TIME_TOLERANCE_NS

        due = [entry for entry in self._entries if is_due(entry)]
        self._entries = [entry for entry in self._entries if not is_due(entry)]
        return due

    def _stamped(self, message: Any, moment: Moment) -> Any:
        """The message with the image's stamp when it has none, so that a copy of it finds the same image again."""
        # A stamp that an earlier image has as well would lead there.
        if stamp_ns(message.header.stamp) or stamp_ns(moment.header.stamp) <= self._latest_stamp_ns:
            return message
        return replace(message, header=moment.header)


def _seconds(item: RecordedPrompts) -> str:
    seconds, ns = divmod(stamp_ns(item.message.header.stamp), NS_PER_S)
    return f"{seconds}.{ns:09d}"


def _aim(entry: PromptEntry) -> str:
    if entry.frame is not None:
        return f"frame {entry.frame}"
    assert entry.time_ns is not None
    return f"{entry.time_ns / NS_PER_S:g} s"
