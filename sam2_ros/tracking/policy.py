"""Which of an object's memories are kept, and which are attended to on a frame. Frames are counted from 0.

Kept: of the prompted frames the first and the most recent ones; of all frames, prompted or not, the last few.
Attended: by the rule of the official predictor, see `select`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

# Frame number of an entry that holds nothing: before all that can be, since memories from elsewhere lie before frame 0.
EMPTY = -(1 << 40)


@dataclass(frozen=True, slots=True)
class Selection:
    """What one object attends to: entries of its memory and how far back they lie."""

    frame_entries: tuple[int, ...]
    frame_times: tuple[int, ...]  # row of the temporal encoding
    pointer_entries: tuple[int, ...]
    pointer_ages: tuple[int, ...]  # in frames


def entry_to_overwrite(prompted: Sequence[int]) -> int | None:
    """Entry that takes the next prompted frame: a free one, else the oldest after the first, which is never lost."""
    free = [entry for entry, frame in enumerate(prompted) if frame == EMPTY]
    if free:
        return free[0]
    rest = range(1, len(prompted))
    return min(rest, key=lambda entry: prompted[entry]) if rest else None


def attended_prompts(prompted: Sequence[int], now: int, limit: int) -> list[int]:
    """Prompted frames that are attended on frame ``now``: all of them, or with a limit above 0 the nearest one
    before, the nearest one at or after, then the rest by distance."""
    if limit <= 0 or len(prompted) <= limit:
        return sorted(prompted)
    before = [frame for frame in prompted if frame < now]
    after = [frame for frame in prompted if frame >= now]
    first = [*([max(before)] if before else []), *([min(after)] if after else [])]
    rest = sorted((frame for frame in prompted if frame not in first), key=lambda frame: abs(frame - now))
    return sorted([*first, *rest][:limit])


def recent_frames(now: int, count: int, stride: int) -> list[int]:
    """The ``count`` frames before ``now`` whose masks are attended, newest first: the one right before it, and of those
    before that one the last multiples of ``stride``."""
    latest_multiple = (now - 2) // stride * stride
    return [now - 1, *(latest_multiple - stride * i for i in range(count - 1))]


def select(
    prompted: Sequence[int],
    recent: Sequence[int],
    recent_pointers: Sequence[int],
    now: int,
    limit: int,
    prompted_time: int,
    wanted: Sequence[int],
) -> Selection:
    """What an object attends to on frame ``now``, given the frame number in each entry of its memory.

    Entries are counted through: the prompted ones first, then the recent ones (and likewise for pointers). Prompted
    frames come first with the temporal row ``prompted_time``, then those of ``wanted`` (see `recent_frames`) that are
    there, oldest first, row t for ``wanted[t]``. A recent frame that is attended as a prompted one is not attended
    twice. Pointers: those of the attended prompted frames, then of the recent frames, newest first.
    """
    offset = len(prompted)
    attended = attended_prompts([frame for frame in prompted if frame != EMPTY], now, limit)
    prompted_entries = [prompted.index(frame) for frame in attended]
    frames = [
        (offset + recent.index(frame), row)
        for row, frame in enumerate(wanted)
        if frame != EMPTY and frame in recent and frame not in attended
    ][::-1]
    pointers = sorted(
        (now - frame, offset + entry)
        for entry, frame in enumerate(recent_pointers)
        if frame != EMPTY and now - frame <= len(recent_pointers) and frame not in attended
    )
    # On a frame that is tracked again, a prompted frame may lie in the future: its mask counts, its pointer has no age.
    past = [frame for frame in attended if frame <= now]
    return Selection(
        frame_entries=(*prompted_entries, *(entry for entry, _ in frames)),
        frame_times=(*(prompted_time for _ in attended), *(row for _, row in frames)),
        pointer_entries=(*(prompted.index(frame) for frame in past), *(entry for _, entry in pointers)),
        pointer_ages=(*(now - frame for frame in past), *(age for age, _ in pointers)),
    )
