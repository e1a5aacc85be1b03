"""What a tracker knows, apart from the tracker: to be saved, restored, or given to another one."""

from dataclasses import dataclass, fields

from ..config import TrackerConfig
from ..errors import StateError
from ..model.sam2 import Sam2
from .memory import SlotMemory
from .track import Track

# Settings that say what is remembered, and where: memories of others do not fit.
REMEMBERING = ("memory_policy", "num_maskmem", "memory_stride", "max_cond_frames")


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose memories these are: to another network they mean nothing."""

    model: str
    weights: str  # sha256
    image_size: int  # pixels
    memory_pooling: int

    @classmethod
    def of(cls, network: Sam2) -> "Origin":
        """That of a network's memories."""
        config = network.config
        return cls(config.name, network.weights_sha256, config.image_size, config.memory_pooling)


@dataclass(frozen=True, slots=True, eq=False)
class ObjectMemory:
    """Everything that the next results of one object depend on."""

    track: Track  # its slot says nothing here
    memory: SlotMemory


@dataclass(frozen=True, slots=True, eq=False)
class TrackerState:
    """Everything that the next results of a tracker depend on, besides its network and its settings."""

    origin: Origin
    config: TrackerConfig
    frame: int  # frames tracked in so far
    used_ids: tuple[int, ...]  # that are not given to new objects
    objects: tuple[ObjectMemory, ...]  # by ascending id
    recent_stamps: tuple[int, ...] = ()  # ns, of the last images, ascending, where somebody remembers these

    @property
    def object_ids(self) -> tuple[int, ...]:
        """Ids of the objects, ascending."""
        return tuple(each.track.object_id for each in self.objects)


def check_origin(state: TrackerState, origin: Origin) -> None:
    """Raise StateError when a state is of another network."""
    for field in fields(Origin):
        theirs, ours = getattr(state.origin, field.name), getattr(origin, field.name)
        if theirs != ours:
            raise StateError(
                f"the state was saved with {field.name} {_short(theirs)}, but this tracker has {_short(ours)}: its "
                "memories mean nothing here; load the network that it was saved with"
            )


def check_fits(state: TrackerState, origin: Origin, config: TrackerConfig) -> None:
    """Raise StateError when a tracker of this network and these settings cannot go on from a state."""
    check_origin(state, origin)
    for name in REMEMBERING:
        theirs, ours = getattr(state.config, name), getattr(config, name)
        if theirs != ours:
            raise StateError(f"the state was saved with {name} {theirs}, but here it is {ours}; set it to {theirs}")
    if len(state.objects) > config.max_objects:
        raise StateError(
            f"the state has {len(state.objects)} objects, more than max_objects ({config.max_objects}); raise it"
        )
    if state.objects and state.object_ids[-1] > config.max_object_id:
        raise StateError(
            f"the state has an object {state.object_ids[-1]}, but label images in {config.mask_encoding} hold ids up "
            f"to {config.max_object_id}; set mask_encoding to mono16"
        )


def _short(value: object) -> str:
    return str(value)[:12] or "none"
