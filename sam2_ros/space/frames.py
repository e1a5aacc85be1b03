"""A tree of frames over time, as /tf and /tf_static tell it: which transform takes one frame to another at a stamp."""

from bisect import bisect_left, insort
from dataclasses import dataclass, field

from ..errors import SpaceError
from .transform import IDENTITY, NS_PER_S, Transform, between

MAX_STEPS = 1000  # from a frame to its root; more is a circle


@dataclass(slots=True)
class _Edge:
    """The poses of a frame in its parent's."""

    parent: str
    fixed: Transform | None = None  # of one that does not move
    stamps: list[int] = field(default_factory=list)  # ascending
    poses: dict[int, Transform] = field(default_factory=dict)  # by stamp

    def at(self, child: str, stamp_ns: int) -> Transform:
        if self.fixed is not None:
            return self.fixed
        if stamp_ns in self.poses:
            return self.poses[stamp_ns]
        place = bisect_left(self.stamps, stamp_ns)
        if place in (0, len(self.stamps)):
            near = self.stamps[min(place, len(self.stamps) - 1)]
            raise SpaceError(
                f"the transform from {child} to {self.parent} is not known at the image's stamp, the nearest is "
                f"{abs(stamp_ns - near) / NS_PER_S:.3f} s away; check that whoever publishes it runs and has the same "
                "clock"
            )
        before, after = self.stamps[place - 1 : place + 1]
        return between(self.poses[before], self.poses[after], (stamp_ns - before) / (after - before))


class FrameTree:
    """What is known of frames. Grows with what it is told: `forget_before` bounds it."""

    def __init__(self) -> None:
        self._edges: dict[str, _Edge] = {}  # by child

    def add(self, parent: str, child: str, stamp_ns: int, transform: Transform, fixed: bool) -> None:
        """The transform from ``child`` to ``parent`` at a stamp, or, when it is fixed, at all times."""
        parent, child = parent.lstrip("/"), child.lstrip("/")
        edge = self._edges.get(child)
        if edge is None or edge.parent != parent:
            edge = self._edges[child] = _Edge(parent)
        if fixed:
            edge.fixed = transform
            return
        if stamp_ns not in edge.poses:
            insort(edge.stamps, stamp_ns)
        edge.poses[stamp_ns] = transform

    def forget_before(self, stamp_ns: int) -> None:
        """Let go of what is older than a stamp, but for the last of it, which is needed between two."""
        for edge in self._edges.values():
            old = edge.stamps[: max(0, bisect_left(edge.stamps, stamp_ns) - 1)]
            del edge.stamps[: len(old)]
            for stamp in old:
                del edge.poses[stamp]

    def find(self, target: str, source: str, stamp_ns: int) -> Transform:
        """The transform from ``source`` to ``target`` at a stamp. Raises SpaceError when it is not known."""
        target, source = target.lstrip("/"), source.lstrip("/")
        if target == source:
            return IDENTITY
        up, down = self._roots(source), self._roots(target)
        common = next((frame for frame in up if frame in down), None)
        if common is None:
            known = ", ".join(sorted({*self._edges, *(edge.parent for edge in self._edges.values())})) or "none"
            raise SpaceError(
                f"there is no transform from {source} to {target}; the frames on /tf and /tf_static are: {known}"
            )
        forth = self._climb(source, common, stamp_ns)
        return self._climb(target, common, stamp_ns).inverse().after(forth)

    def _roots(self, frame: str) -> list[str]:
        """A frame, its parent, and so on."""
        found = [frame]
        while found[-1] in self._edges and len(found) < MAX_STEPS:
            found.append(self._edges[found[-1]].parent)
        return found

    def _climb(self, frame: str, ancestor: str, stamp_ns: int) -> Transform:
        transform = IDENTITY
        while frame != ancestor:
            edge = self._edges[frame]
            transform, frame = edge.at(frame, stamp_ns).after(transform), edge.parent
        return transform
