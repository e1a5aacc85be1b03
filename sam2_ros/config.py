"""Every runtime parameter, once: its default, meaning, range and unit. ROS parameters and commands derive from here."""

import dataclasses
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .errors import ConfigError

MAX_OBJECT_ID = {"mono8": 255, "mono16": 65535}  # by the encoding of the label image


class Settable(Enum):
    """When a parameter of the live node can be set."""

    UNCONFIGURED = "while the node is unconfigured"
    INACTIVE = "while the node is not active"
    ALWAYS = "at any time"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a parameter means to somebody who sets it."""

    text: str
    limits: tuple[int, int] | None = None  # smallest and largest value
    choices: tuple[str, ...] = ()
    settable: Settable = Settable.UNCONFIGURED


def _parameter(default: Any, text: str, **meaning: Any) -> Any:
    return field(default=default, metadata={"meaning": Meaning(text, **meaning)})


def meaning_of(parameter: "dataclasses.Field[Any]") -> Meaning:
    """The description of one field of a config dataclass."""
    meaning: Meaning = parameter.metadata["meaning"]
    return meaning


def check_value(parameter: "dataclasses.Field[Any]", value: Any) -> None:
    """Raise ConfigError when ``value`` cannot be the value of this parameter."""
    meaning = meaning_of(parameter)
    wanted: type[Any] = type(parameter.default)
    if type(value) is not wanted:
        raise ConfigError(
            f"parameter {parameter.name} is {value!r}, which is not of type {wanted.__name__}; it means: {meaning.text}"
        )
    if meaning.choices and value not in meaning.choices:
        raise ConfigError(f"parameter {parameter.name} is {value!r}; choose one of {', '.join(meaning.choices)}")
    if meaning.limits is not None and not meaning.limits[0] <= value <= meaning.limits[1]:
        low, high = meaning.limits
        raise ConfigError(f"parameter {parameter.name} is {value!r}; choose a value from {low} to {high}")


@dataclass(frozen=True, slots=True)
class Config:
    """The parameters of one concern, checked when they are put together; every field is made by `_parameter`."""

    def __post_init__(self) -> None:
        for parameter in dataclasses.fields(self):
            check_value(parameter, getattr(self, parameter.name))


@dataclass(frozen=True, slots=True)
class TrackerConfig(Config):
    """How the tracker remembers and what it gives back. Raises ConfigError."""

    max_objects: int = _parameter(
        16, "objects tracked at the same time; their memory is set aside at the start", limits=(1, 255)
    )
    max_points: int = _parameter(32, "points in one prompt", limits=(1, 1000))
    num_maskmem: int = _parameter(
        7,
        "masks remembered per object: one prompted and the frames right before this one; no more than the network was "
        "trained with, which is 3 for nano",
        limits=(2, 7),
    )
    memory_stride: int = _parameter(
        1,
        "frames from one remembered mask to the next, not counting the frame right before this one; above 1 the memory "
        "reaches further back, which is not what the network was trained with",
        limits=(1, 100),
    )
    memory_policy: str = _parameter(
        "official",
        "which frames an object remembers: official, the last ones whatever was in them; distractor, those in which it "
        "was seen, and some in which it was told apart from something like it (DAM4SAM); motion, those in which it was "
        "seen for sure where its motion led (SAMURAI)",
        choices=("official", "distractor", "motion"),
    )
    objects_per_batch: int = _parameter(
        0,
        "objects that go through the network together; 0: all, and in the live node as many as it measures to be "
        "quickest",
        limits=(0, 255),
    )
    max_cond_frames: int = _parameter(
        4, "prompted frames kept per object: the first and the most recent", limits=(1, 64)
    )
    max_cond_frames_in_attn: int = _parameter(
        0,
        "of the kept prompted frames, how many are attended at once, nearest first; 0 means all of them",
        limits=(0, 64),
    )
    mask_encoding: str = _parameter(
        "mono8", "label image: mono8 (ids to 255) or mono16 (ids to 65535)", choices=("mono8", "mono16")
    )
    lost_after: float = _parameter(
        2.0,
        "seconds out of view after which an object counts as lost and no longer as absent; it is looked for in both",
        limits=(0, 86_400),
    )
    unsure_mask_score: float = _parameter(
        0.65, "predicted IoU below which an object in view is unsure, not confirmed; calibrated for nano", limits=(0, 1)
    )
    unsure_stability: float = _parameter(
        0.75,
        "stability below which an object in view is unsure: the share of its mask that stays when the threshold of its "
        "logits goes from -1 to 1; calibrated for nano",
        limits=(0, 1),
    )
    fill_hole_area: int = _parameter(
        0,
        "holes in a mask up to this many pixels are filled; 0 leaves them",
        limits=(0, 1_000_000),
        settable=Settable.ALWAYS,
    )
    remove_speck_area: int = _parameter(
        0,
        "separate specks of a mask up to this many pixels are removed, so that far ones do not widen its box; 0 leaves "
        "them",
        limits=(0, 1_000_000),
        settable=Settable.ALWAYS,
    )
    box_of: str = _parameter(
        "mask",
        "what box and centroid of an object are of: mask, or largest_part, its largest connected part, whatever specks "
        "lie around; masks and areas stay whole",
        choices=("mask", "largest_part"),
    )

    @property
    def max_object_id(self) -> int:
        """Largest object id that the label image can hold."""
        return MAX_OBJECT_ID[self.mask_encoding]


@dataclass(frozen=True, slots=True)
class ModelChoice(Config):
    """Which network runs, where and how precisely. Raises ConfigError."""

    model: str = _parameter(
        "auto",
        "the network: nano (comes with the package), tiny, small, base_plus, large, edgetam, efficienttam_ti, _ti_1, "
        "_ti_2, _ti_512x512, _s, _s_1, _s_2, _s_512x512, or a full name such as sam2_hiera_tiny; auto is what the "
        "checkpoint's weights are, and nano when no checkpoint is named",
    )
    checkpoint: str = _parameter(
        "auto",
        "weights: path of an official .pt file or a .safetensors file; auto takes those of the package (nano) or "
        "downloads them once; random needs none and tracks nothing",
    )
    device: str = _parameter("auto", "auto (CUDA where there is one), cpu, cuda or cuda:N")
    precision: str = _parameter(
        "auto",
        "float32, bfloat16 or float16; auto is float32 on the CPU, bfloat16 on CUDA, and float16 on GPUs before "
        "compute capability 8.0, which are slow at bfloat16",
        choices=("auto", "float32", "bfloat16", "float16", "float64"),
    )
    compile_network: str = _parameter(
        "auto",
        "auto compiles the network in the live node on CUDA; always, never: the first start takes minutes longer, then "
        "every image is faster; what is compiled is tried first, and left alone where it gives other numbers",
        choices=("auto", "always", "never"),
    )
    image_size: int = _parameter(
        0,
        "side of the square image that the network sees, in pixels, a multiple of 32 (edgetam: 256); 0 is the model's "
        "own",
        limits=(0, 4096),
    )
    memory_pooling: int = _parameter(
        1,
        "2 averages a mask's memory over squares of 2x2 tokens: a quarter of the work of looking at it, and no longer "
        "exactly SAM 2; 1 leaves it as it is, as edgetam and efficienttam's _1 and _2 want it",
        limits=(1, 2),
    )


@dataclass(frozen=True, slots=True)
class TimeConfig(Config):
    """How prompts find the image that they were made on. Raises ConfigError."""

    history_seconds: float = _parameter(
        2.0,
        "seconds for which images are remembered, so that a late prompt finds its image; 0 applies it to the next one",
        limits=(0, 60),
    )
    stamp_tolerance: float = _parameter(
        0.0,
        "seconds by which the stamp of a prompt may miss that of its image; 0 is half the usual time between two "
        "tracked images, and all of it where images between them were dropped",
        limits=(0, 10),
    )
    catch_up_frames: int = _parameter(
        10,
        "images that an object is carried through at once after a late prompt; more are thinned out evenly",
        limits=(1, 1000),
    )


@dataclass(frozen=True, slots=True)
class DetectionConfig(Config):
    """How boxes from a detector are taken. Raises ConfigError."""

    min_detection_score: float = _parameter(
        0.5,
        "score from which on a detection may start an object or correct one",
        limits=(0, 1),
        settable=Settable.ALWAYS,
    )
    min_match_iou: float = _parameter(
        0.3, "overlap (IoU of boxes) from which on a detection may be of a tracked object", limits=(0, 1)
    )


@dataclass(frozen=True, slots=True)
class SpaceConfig(Config):
    """How it is found out where objects are, from depth, camera model and transforms. Raises ConfigError."""

    depth_tolerance: float = _parameter(
        0.0,
        "seconds by which the stamp of a depth image may miss that of the image; 0 is half the usual time between two "
        "depth images",
        limits=(0, 10),
        settable=Settable.INACTIVE,
    )
    image_rectified: str = _parameter(
        "auto",
        "whether the image has no distortion any more: yes takes P of camera_info, no takes K and its distortion; auto "
        "is yes where the image's topic has `rect` in it",
        choices=("auto", "yes", "no"),
        settable=Settable.INACTIVE,
    )
    mask_erosion: int = _parameter(
        3,
        "pixels of the depth image that are left out all around a mask, where background and flying pixels are",
        limits=(0, 50),
        settable=Settable.INACTIVE,
    )
    min_depth_pixels: int = _parameter(
        50,
        "pixels of a mask that have to have a depth; with fewer the object has no position",
        limits=(1, 100_000),
        settable=Settable.INACTIVE,
    )
    position_mask_score: float = _parameter(
        0.3,
        "predicted IoU that a mask has to have for its object to get a position: below, nano's masks mostly lie on "
        "something else; 0: any",
        limits=(0, 1),
        settable=Settable.INACTIVE,
    )
    box_3d: str = _parameter(
        "aligned",
        "aligned: boxes along the axes of the camera's optical frame; oriented: along the object's principal axes",
        choices=("aligned", "oriented"),
        settable=Settable.INACTIVE,
    )
    target_frame: str = _parameter(
        "",
        "frame of the positions, such as map, by /tf at the stamp of the image; empty: the camera's optical frame",
        settable=Settable.INACTIVE,
    )
    without_transform: str = _parameter(
        "camera",
        "what happens while there is no transform to target_frame: camera gives positions in the camera's frame, none "
        "gives no positions",
        choices=("camera", "none"),
        settable=Settable.INACTIVE,
    )
    velocity_noise: float = _parameter(
        0.0,
        "acceleration that is usual for the objects, metres per second squared, for a velocity by a filter; 0: no "
        "velocities",
        limits=(0, 1000),
        settable=Settable.INACTIVE,
    )


@dataclass(frozen=True, slots=True)
class SpaceNodeConfig(Config):
    """What the live node takes and sends of where objects are. Raises ConfigError."""

    depth: bool = _parameter(
        False,
        "subscribe `depth` and `camera_info`, of the image that is tracked, and say where objects are",
        settable=Settable.INACTIVE,
    )
    depth_transport: str = _parameter(
        "raw",
        "raw subscribes `depth`, compressedDepth subscribes `depth/compressedDepth`, png or rvl",
        choices=("raw", "compressedDepth"),
        settable=Settable.INACTIVE,
    )
    transform_wait: float = _parameter(
        0.1,
        "seconds that ~/objects and what is in space wait for a transform to target_frame; tracking goes on meanwhile",
        limits=(0, 5),
        settable=Settable.INACTIVE,
    )
    publish_tf: bool = _parameter(
        False, "broadcast a frame on /tf for every object that has a position", settable=Settable.INACTIVE
    )
    tf_names: str = _parameter(
        "id",
        "name of these frames: id is sam2_object_ID, label the object's label where it has one of its own",
        choices=("id", "label"),
        settable=Settable.INACTIVE,
    )


@dataclass(frozen=True, slots=True)
class NodeConfig(Config):
    """What the live node receives and sends. Raises ConfigError."""

    image_transport: str = _parameter(
        "raw",
        "raw subscribes `image`, compressed subscribes `image/compressed`",
        choices=("raw", "compressed"),
        settable=Settable.INACTIVE,
    )
    image_reliability: str = _parameter(
        "auto",
        "auto asks for what the image's publishers offer; best_effort fits every publisher, reliable only some",
        choices=("auto", "best_effort", "reliable"),
        settable=Settable.INACTIVE,
    )
    track_every: int = _parameter(
        1,
        "only every so-manieth image is tracked in, the others are passed over without a result; 1 takes all",
        limits=(1, 1000),
        settable=Settable.INACTIVE,
    )
    look_ahead: bool = _parameter(
        False,
        "encode the next image while this one is tracked in: more images a second, each of them older when it is out",
        settable=Settable.INACTIVE,
    )
    max_consecutive_failures: int = _parameter(
        300,
        "images in a row that may fail before the node gives up: it goes through its error transition to unconfigured; "
        "0 never gives up",
        limits=(0, 1_000_000),
        settable=Settable.ALWAYS,
    )
    max_image_seconds: float = _parameter(
        60.0,
        "seconds that one image may take, then the node gives up likewise: what computes, a driver for one, hangs; "
        "0 waits for ever",
        limits=(0, 86_400),
        settable=Settable.ALWAYS,
    )
    autostart_node: bool = _parameter(
        False, "the node configures and activates itself when it starts, as after it was respawned"
    )
    bond_heartbeat_period: float = _parameter(
        0.0,
        "seconds between two heartbeats of the bond with nav2's lifecycle manager, usually 0.1; 0: no bond, then the "
        "manager's bond_timeout has to be 0.0 as well",
        limits=(0, 10),
        settable=Settable.INACTIVE,
    )
    publish_cropped_masks: bool = _parameter(
        False, "put every object's own mask into ~/objects, so that overlapping masks survive", settable=Settable.ALWAYS
    )


@dataclass(frozen=True, slots=True)
class StateConfig(Config):
    """What outlives the live node. Raises ConfigError."""

    state_file: str = _parameter(
        "",
        "file, ending with .safetensors, to which all that is tracked is saved, and from which it is restored when the "
        "node is activated again; empty: nothing outlives the node",
        settable=Settable.INACTIVE,
    )
    autosave_seconds: float = _parameter(
        10.0,
        "seconds between two saves to state_file, beside those when an object begins or ends, at deactivation and at "
        "the end; 0 leaves only the last two",
        limits=(0, 3600),
        settable=Settable.INACTIVE,
    )
    state_max_age: float = _parameter(
        3600.0,
        "seconds after which what is saved in state_file is no longer restored, but put aside",
        limits=(0, 1_000_000_000),
        settable=Settable.INACTIVE,
    )
    allow_file_services: str = _parameter(
        "",
        "folder in which the services save_state, load_state, save_object and load_object may read and write; empty: "
        "they are refused",
        settable=Settable.INACTIVE,
    )

    def __post_init__(self) -> None:
        Config.__post_init__(self)
        if self.state_file and not self.state_file.endswith(".safetensors"):
            raise ConfigError(f"parameter state_file is {self.state_file!r}; give a file that ends with .safetensors")


@dataclass(frozen=True, slots=True)
class InputConfig(Config):
    """Which images are taken. Raises ConfigError."""

    max_image_pixels: int = _parameter(
        50_000_000,
        "pixels that an image may have; a larger one is refused before it is decoded",
        limits=(1, 89_000_000),  # beyond, Pillow warns of bombs by itself
    )


# What the live node declares as parameters.
CONFIGS: tuple[type[Config], ...] = (
    *(ModelChoice, TrackerConfig, InputConfig, TimeConfig, DetectionConfig),
    *(SpaceConfig, SpaceNodeConfig, NodeConfig, StateConfig),
)
