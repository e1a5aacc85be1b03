"""Whether what a policy knows can have come of its own rule: what is read from a file may say anything."""

from collections.abc import Iterable

from .distractor import SIZES, Distractor
from .kalman import Kalman
from .motion import STEADY, Motion
from .policy import EMPTY, Policy

LARGEST = 1e9  # pixels, and pixels a frame: far beyond any image


def is_sane(policy: Policy, fresh: Policy, frame: int) -> bool:
    """Whether a policy may have followed from ``fresh`` in frames before ``frame``, as far as it matters."""
    match policy, fresh:
        case Distractor(), Distractor():
            return _is_sane_distractor(policy, fresh, frame)
        case Motion(), Motion():
            return _is_sane_motion(policy, fresh, frame)
    return type(policy) is type(fresh)


def _is_sane_distractor(policy: Distractor, fresh: Distractor, frame: int) -> bool:
    masks = fresh.limits.masks
    return (
        _ascend(policy.anchors, frame, fresh.anchors_attended)
        and _ascend(policy.spaced, frame, masks - 1)
        and _ascend([of for of, _ in policy.sizes], frame, SIZES)
        and all(0 < size < LARGEST for _, size in policy.sizes)
        and EMPTY <= policy.latest < frame
    )


def _is_sane_motion(policy: Motion, fresh: Motion, frame: int) -> bool:
    return (
        _ascend(policy.accepted, frame, fresh.limits.masks - 1)
        and 0 <= policy.run <= STEADY
        and all(0 < side < LARGEST for side in policy.size)
        and (policy.filter is None or _is_sane_filter(policy.filter))
    )


def _is_sane_filter(of: Kalman) -> bool:
    values = (*of.value, *of.velocity, *of.variance, *of.covariance, *of.velocity_variance)
    return all(abs(value) < LARGEST**2 for value in values) and min(*of.variance, *of.velocity_variance) > 0


def _ascend(frames: Iterable[int], end: int, most: int) -> bool:
    """Whether these are different frames before ``end`` in their order, and no more than that many."""
    frames = list(frames)
    return len(frames) <= most and frames == sorted({of for of in frames if EMPTY < of < end})
