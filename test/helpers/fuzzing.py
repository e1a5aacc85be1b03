"""Anything that may come in, and what has to come of it: it is taken, or refused with one Sam2RosError.

`TARGETS` are by name; `batches` draws inputs for one of them, `feed` gives them to it. They are tried together at a
tracker at work: its next frame after all of them that were refused has to be what it is without them, to the bit. Where
it is not, halves are tried until only those are left that do it.
"""

import json
import random
import struct
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import SimpleNamespace as Message
from typing import Any

import cv2
import numpy as np
import torch
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from helpers.bags import box_prompt, camera_bag, compressed, prompts, stamp_of
from sam2_ros.bag.label_images import DTYPES, labels_of
from sam2_ros.bag.prompts_file import ACTIONS, KEYS, read_prompts_file
from sam2_ros.bag.reader import BagReader
from sam2_ros.config import CONFIGS, DetectionConfig, TimeConfig, TrackerConfig, meaning_of
from sam2_ros.errors import Sam2RosError
from sam2_ros.model.checkpoint import digest, network_of, random_model, read_state, recognise
from sam2_ros.model.config import get_config
from sam2_ros.stored import state_file
from sam2_ros.stored.folder import file_in, file_of
from sam2_ros.stream.association import Associator
from sam2_ros.stream.depth_messages import camera_from, depth_from
from sam2_ros.stream.messages import NS_PER_S
from sam2_ros.stream.pipeline import MAX_WAITING, Pipeline, Processed
from sam2_ros.stream.pixels import ENCODINGS, to_rgb
from sam2_ros.stream.pointing import click_from, detections_from
from sam2_ros.tracking.state import TrackerState
from sam2_ros.tracking.tracker import Tracker

SIDE = 48  # pixels of the images of the tracker at work
TOY = get_config("toy", 32)
LONGEST = 1.0  # seconds of this thread that one input may take

# --- values ----------------------------------------------------------------------------------------------------------

EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, SIDE - 0.5, SIDE, SIDE + 1e-9, 1e9, -1e9, 1e300, float("inf"), float("nan")]
number = st.one_of(st.sampled_from(EDGES), st.floats(0, SIDE), st.floats())
uint8, uint32, int32 = st.integers(0, 255), st.integers(0, 2**32 - 1), st.integers(-(2**31), 2**31 - 1)
object_id = st.one_of(st.integers(0, 6), st.sampled_from([254, 255, 256, 65535, 65536]), uint32)
stamp = st.one_of(
    st.builds(Message, sec=st.integers(0, 6), nanosec=st.sampled_from([0, 1, NS_PER_S // 2])),
    st.builds(Message, sec=int32, nanosec=uint32),
)
header = st.builds(Message, stamp=stamp, frame_id=st.text(max_size=5))
point = st.builds(Message, x=number, y=number)
box = st.builds(
    Message,
    center=st.builds(Message, position=point, theta=st.sampled_from([0.0, 0.0, 0.0, 1.0, float("nan")])),
    size_x=number,
    size_y=number,
)
size = st.one_of(st.integers(0, 9), st.just(SIDE), st.sampled_from([2**16, 2**31, 2**32 - 1]), uint32)
raw = st.one_of(st.binary(max_size=300), st.just(bytes(SIDE * SIDE)), st.just(b"\xff" * SIDE * SIDE * 3))
wild_image = st.builds(
    Message,
    header=header,
    height=size,
    width=size,
    encoding=st.one_of(st.sampled_from([*ENCODINGS, "16UC1", "32FC1", "rgb16"]), st.text(max_size=8)),
    is_bigendian=uint8,
    step=st.one_of(st.sampled_from([0, SIDE, 3 * SIDE, 4 * SIDE]), uint32),
    data=raw,
)
fitting_image = st.builds(
    lambda one, height, width, of_pixel: Message(
        **vars(one) | {"height": height, "width": width, "step": width * of_pixel, "data": one.data * 2}
    ),
    wild_image,
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 4),
)
image = st.one_of(wild_image, fitting_image)
NO_MASK = Message(header=Message(), height=0, width=0, encoding="", is_bigendian=0, step=0, data=b"")
prompt = st.builds(
    Message,
    object_id=object_id,
    label=st.text(max_size=8),
    action=st.one_of(st.sampled_from([0, 0, 0, 1, 2, 3]), uint8),
    points=st.lists(point, max_size=4),
    point_labels=st.lists(st.one_of(st.integers(0, 1), uint8), max_size=4),
    has_box=st.booleans(),
    box=box,
    mask=st.one_of(st.just(NO_MASK), st.just(NO_MASK), image),
)
prompt_array = st.builds(Message, header=header, prompts=st.lists(prompt, max_size=4))
hypothesis_ = st.builds(
    Message, hypothesis=st.builds(Message, class_id=st.text(max_size=4), score=st.one_of(st.floats(0, 1), number))
)
detection = st.builds(
    Message, bbox=box, results=st.lists(hypothesis_, max_size=2), id=st.one_of(st.text(max_size=3), st.just("1"))
)
detections = st.builds(Message, header=header, detections=st.lists(detection, max_size=4))
click = st.one_of(st.builds(Message, header=header, point=point), point)


@st.composite
def damaged(draw: st.DrawFn, whole: Sequence[bytes]) -> bytes:
    """One of these files, cut, with bytes changed, taken out or doubled, or nothing of the kind."""
    file = bytearray(draw(st.sampled_from(whole)))
    rng = random.Random(draw(st.integers(0, 2**32 - 1)))  # many places at once cost nothing so
    for _ in range(rng.choice((0, 1, 1, 2, 8, 64))):
        at = rng.randrange(max(1, len(file) - 1)) if rng.random() < 0.5 else rng.randrange(min(len(file), 200) or 1)
        change = rng.randrange(5)
        if change == 0:
            file[at : at + 1] = bytes([rng.randrange(256)])
        elif change == 1:
            file[at : at + 8] = struct.pack("<Q", rng.choice((0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)))
        elif change == 2:
            del file[at : at + rng.randrange(1, 20)]
        elif change == 3:
            file[at:at] = file[at : at + rng.randrange(1, 40)]
        else:
            del file[rng.randrange(len(file) or 1) :]
    return bytes(file)


# --- a tracker at work -----------------------------------------------------------------------------------------------


def good_image(second: int) -> Message:
    """What the camera of the tracker at work shows."""
    pixels = np.random.default_rng(5).integers(0, 90, (SIDE, SIDE, 3), dtype=np.uint8)
    pixels[10:30, 5 + second : 25 + second] = (250, 200, 40)
    head = Message(stamp=Message(sec=second, nanosec=0), frame_id="eye")
    return Message(
        header=head, height=SIDE, width=SIDE, encoding="rgb8", is_bigendian=0, step=3 * SIDE, data=pixels.reshape(-1)
    )


def good_prompt(number: int) -> Message:
    """A box for an object."""
    centre = Message(position=Message(x=15.0 + number, y=20.0), theta=0.0)
    around = Message(center=centre, size_x=20.0, size_y=20.0)
    rest = {"label": "block", "action": 0, "points": [], "point_labels": [], "has_box": True, "mask": NO_MASK}
    return Message(object_id=number, box=around, **rest)


class World:
    """A pipeline that has tracked two objects for a while, and what its next frame has to be."""

    def __init__(self, policy: str = "official") -> None:
        self.pipeline = Pipeline(
            Tracker(random_model(TOY), TrackerConfig(max_objects=6, memory_policy=policy)),
            to_rgb,
            TimeConfig(history_seconds=3.0),
        )
        self.pointed: dict[int, tuple[Any, Any]] = {}  # each Pointing by its id, and its message
        self._followed: list[Any] = []  # messages that were accepted by way of that
        self._pointing = self.pipeline._apply_pointing
        self.pipeline._apply_pointing = self._apply_pointing  # type: ignore[method-assign]
        self._catching_up = self.pipeline._catch_up
        self.pipeline._catch_up = self._catch_up  # type: ignore[method-assign]
        self._caught_up = False
        self.pipeline.add_prompts(Message(header=good_image(0).header, prompts=[good_prompt(1), good_prompt(2)]))
        self.pipeline.process(good_image(1))
        self.state: TrackerState = self.pipeline.state()
        self.bytes = self.pipeline.tracker.memory_bytes
        self.begin()
        self.expected = self.next_frame()
        self.begin()

    def begin(self) -> None:
        """As it was at the beginning, with two images remembered."""
        self.pointed.clear()
        self._followed.clear()
        self.pipeline._waiting.clear()
        self.pipeline._pointing.clear()
        self.pipeline.restore(self.state)
        for second in (2, 3):
            self.pipeline.process(good_image(second))

    def next_frame(self) -> Processed:
        """The tracker's next good image."""
        return self.pipeline.process(good_image(4))

    def check(self) -> list[Any]:
        """Messages that the next frame accepts; when there are none, it is what it ever was."""
        processed = self.next_frame()
        result, expected = processed.result, self.expected.result
        assert len({state.object_id for state in result.objects}) == len(result.objects) <= 6
        assert all(0 < state.object_id < 256 for state in result.objects)
        assert self.pipeline.tracker.memory_bytes == self.bytes
        assert len(self.pipeline._waiting) <= MAX_WAITING
        assert all(outcome.accepted or outcome.reason for answer in processed.answers for outcome in answer.outcomes)
        accepted = [a.message for a in processed.answers if any(outcome.accepted for outcome in a.outcomes)]
        accepted += self._followed
        if not accepted:
            assert np.array_equal(result.label_image, expected.label_image)
            for now, then in zip(result.objects, expected.objects, strict=True):
                assert torch.equal(now.logits, then.logits)
        self.begin()
        return accepted

    def _apply_pointing(self, pointing: Any, latest: Any) -> list[str]:
        self._caught_up = False
        notes = self._pointing(pointing, latest)
        if self._caught_up:
            self._followed.append(self.pointed[id(pointing)][1])
        return notes

    def _catch_up(self, past: Sequence[Any], given: Sequence[Any]) -> Any:
        caught_up = self._catching_up(past, given)
        self._caught_up = any(outcome.accepted for outcome in caught_up.outcomes)
        return caught_up


@cache
def world(policy: str = "official") -> World:
    """One for all inputs of a process."""
    return World(policy)


# --- what is done with inputs ----------------------------------------------------------------------------------------


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


def _take_prompts(message: Message) -> bool:
    world().pipeline.add_prompts(message)
    return True


def _take_pointing(read: Callable[[Message], Any]) -> Callable[[Message], bool]:
    def take(message: Message) -> bool:
        pointing = read(message)
        world().pointed[id(pointing)] = pointing, message
        world().pipeline.add_pointing(pointing)
        return True

    return take


def _take_image(message: Message) -> bool:
    return world().pipeline.prepare(message).encoded.image.ndim == 3


def _take_labels(message: Message) -> bool:
    return labels_of(message).ndim == 2


def _take_parameter(given: tuple[type[Any], str, Any]) -> bool:
    kind, name, value = given
    return bool(kind(**{name: value}))


def _in_file(name: str, read: Callable[[Path], bool]) -> Callable[[bytes], bool]:
    def take(content: bytes) -> bool:
        path = _folder() / name
        path.write_bytes(content)
        return read(path)

    return take


def _folder() -> Path:
    """An empty one, the same every time: to make another for every input takes longer than the input."""
    folder = Path(_kept_folder().name)
    for file in folder.iterdir():
        file.unlink()
    return folder


@cache
def _kept_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


def _read_bag(path: Path) -> bool:
    for recover in (False, True):
        try:
            with BagReader(path, recover) as bag:
                for topic in bag.topics:
                    for recorded in bag.messages(topic, bag.span()):
                        bag.decode(recorded)
        except Sam2RosError:
            if recover:
                raise
    return True


def _read_checkpoint(path: Path) -> bool:
    network_of(TOY, read_state(path), path)
    return True


def _restore(path: Path) -> bool:
    """A state that is believed has to be one that can be tracked on with."""
    saved = state_file.read_state(path).state
    pipeline = world().pipeline
    try:
        pipeline.restore(saved)
        pipeline.process(good_image(3))
        pipeline.process(good_image(4))
    finally:
        world().begin()
    return True


def _take_content(change: Callable[[dict[str, Any]], None]) -> bool:
    """A state with another description and a right checksum."""
    path = _folder() / "s.safetensors"
    tensors, metadata = _whole_state()
    content = json.loads(metadata["state"])
    change(content)
    save_file(tensors, path, metadata=metadata | {"state": json.dumps(content)})
    return _restore(path)


def _take_name(given: tuple[str, bool]) -> bool:
    name, is_object = given
    folder = _folder()
    found = (file_of if is_object else file_in)(str(folder), name)
    assert found.is_relative_to(folder.resolve())
    assert found != folder.resolve()
    return True


# --- inputs that need files ------------------------------------------------------------------------------------------


@cache
def _files(kind: str) -> list[bytes]:
    """Whole files of a kind, small ones."""
    with tempfile.TemporaryDirectory() as folder:
        return _MAKERS[kind](Path(folder))


def _pictures(folder: Path) -> list[bytes]:
    pixels = good_image(0).data.reshape(SIDE, SIDE, 3)
    ends = (".jpg", ".png", ".webp", ".bmp", ".tiff", ".ppm", ".gif")
    return [cv2.imencode(end, pixels)[1].tobytes() for end in ends]


def _depths(folder: Path) -> list[bytes]:
    values = np.arange(SIDE * SIDE, dtype=np.uint16).reshape(SIDE, SIDE)
    return [bytes(12) + cv2.imencode(".png", values)[1].tobytes()]


def _bags(folder: Path) -> list[bytes]:
    def content(storage: str, *more: Any) -> bytes:
        path = camera_bag(folder / f"{storage}{len(more)}", 1, storage, *more)
        return next(file for file in path.iterdir() if file.suffix in (".mcap", ".db3")).read_bytes()

    extra = (compressed(0), prompts(stamp_of(0), stamp_of(0), box_prompt()))
    return [content("mcap"), content("mcap", *extra), content("sqlite3", *extra)]


def _checkpoints(folder: Path) -> list[bytes]:
    state = random_model(TOY).state_dict()
    torch.save({"model": state}, folder / "a.pt")
    save_file({key: value.contiguous() for key, value in state.items()}, folder / "a.safetensors")
    assert digest(state)
    recognise({})  # the first file that fits no network takes the process longer than all others
    return [(folder / "a.pt").read_bytes(), (folder / "a.safetensors").read_bytes()]


def _states(folder: Path) -> list[bytes]:
    state_file.write_state(folder / "s.safetensors", world().state)
    return [(folder / "s.safetensors").read_bytes()]


@cache
def _whole_state() -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and metadata of a state."""
    path = _folder() / "s.safetensors"
    path.write_bytes(_files("state")[0])
    with state_file.safe_open(path, framework="pt") as file:
        return load_file(path), dict(file.metadata())


_MAKERS = {"picture": _pictures, "depth": _depths, "bag": _bags, "checkpoint": _checkpoints, "state": _states}

anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def changes(draw: st.DrawFn) -> Callable[[dict[str, Any]], None]:
    """Something else in places of the description of a state."""
    seed, values = draw(st.integers(0, 2**32 - 1)), draw(st.lists(anything, min_size=1, max_size=3))

    def change(content: dict[str, Any]) -> None:
        rng = random.Random(seed)
        for value in values:
            at: Any = content
            while True:
                keys = list(at) if isinstance(at, dict) else list(range(len(at)))
                key = rng.choice(keys)
                if not isinstance(at[key], dict | list) or not at[key] or rng.random() < 0.2:
                    break
                at = at[key]
            old = at[key]
            near = type(old) is int and rng.random() < 0.5
            at[key] = old + rng.choice((-1, 1, 2**20, -(2**40))) if near else value

    return change


entry = st.dictionaries(
    st.one_of(st.sampled_from(KEYS), st.text(max_size=4)),
    st.one_of(anything, st.sampled_from(ACTIONS), st.lists(number, max_size=5), st.just([1, 2, 30, 40])),
    max_size=5,
)
yaml_text = st.one_of(
    st.builds(lambda entries: json.dumps({"prompts": entries}).encode(), st.lists(entry, max_size=3)),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from([b"- " * 3000, b"[" * 3000, b"&a [*a]", b"prompts: [&a {frame: 0, box: *a}]", b"\0", b"\xff\xfe"]),
    damaged(
        [b"prompts:\n  - frame: 0\n    object: 1\n    box: [210, 120, 290, 260]\n  - time: 2.5\n    action: reset\n"]
    ),
)
parameter = st.sampled_from([(kind, field.name, field) for kind in CONFIGS for field in fields(kind)]).flatmap(
    lambda one: st.tuples(
        st.just(one[0]),
        st.just(one[1]),
        st.one_of(
            anything, st.sampled_from([one[2].default, *meaning_of(one[2]).choices, *(meaning_of(one[2]).limits or ())])
        ),
    )
)
names = st.one_of(
    st.text(max_size=20).map(lambda text: text + ".safetensors"),
    st.lists(st.sampled_from(["..", ".", "/", "a", "~", "\0", "etc", "\n"]), max_size=8).map(
        lambda parts: "/".join(parts) + ".safetensors"
    ),
    st.text(max_size=300),
)

DEPTHS = ["16UC1", "32FC1"]
camera_info = st.builds(
    Message,
    header=header,
    width=size,
    height=size,
    k=st.lists(number, min_size=9, max_size=9),
    p=st.lists(number, min_size=12, max_size=12),
    d=st.lists(number, max_size=15),
    distortion_model=st.one_of(st.sampled_from(["plumb_bob", "equidistant"]), st.text(max_size=5)),
    binning_x=st.one_of(st.integers(0, 4), uint32),
    binning_y=st.one_of(st.integers(0, 4), uint32),
    roi=st.builds(Message, x_offset=uint32, y_offset=uint32, width=size, height=size, do_rectify=st.booleans()),
)

TARGETS: dict[str, Target] = {
    "prompts": Target(prompt_array, _take_prompts, crossed=20),
    "clicks": Target(click, _take_pointing(click_from), crossed=40),
    "detections": Target(
        detections,
        _take_pointing(lambda message: detections_from(message, Associator(DetectionConfig()))),
        crossed=40,
    ),
    "images": Target(image, _take_image, together=40, crossed=400),
    "compressed images": Target(
        st.builds(
            Message,
            header=header,
            format=st.one_of(st.sampled_from(["jpeg", "png", "rgb8; jpeg compressed bgr8"]), st.text(max_size=6)),
            data=st.deferred(lambda: st.one_of(damaged(_files("picture")), st.binary(max_size=60))),
        ),
        _take_image,
        together=40,
        crossed=160,
    ),
    "depth": Target(
        st.one_of(
            st.builds(
                lambda one, name: Message(**vars(one) | {"encoding": name}), image, st.sampled_from(["16UC1", "32FC1"])
            ),
            st.builds(
                Message,
                format=st.sampled_from(["16UC1; compressedDepth png", "32FC1; compressedDepth rvl", "rvl", "\n"]),
                data=st.deferred(lambda: damaged(_files("depth"))),
            ),
        ),
        lambda message: bool(depth_from(message)),
        together=40,
        crossed=400,
    ),
    "camera models": Target(
        camera_info, lambda message: bool(camera_from(message, rectified=False)), together=20, crossed=400
    ),
    "label images": Target(
        st.one_of(
            st.tuples(image, st.sampled_from([*DTYPES, "rgb8"])).map(
                lambda two: Message(**{**vars(two[0]), "encoding": two[1]})
            ),
            st.builds(Message, format=st.just("png"), data=st.deferred(lambda: damaged(_files("picture")))),
        ),
        _take_labels,
        together=40,
        crossed=400,
    ),
    "parameters": Target(parameter, _take_parameter, together=100),
    "prompts files": Target(
        yaml_text, _in_file("p.yaml", lambda path: bool(read_prompts_file(path) or True)), together=40, crossed=40
    ),
    "bags, mcap": Target(st.deferred(lambda: damaged(_files("bag")[:2])), _in_file("a.mcap", _read_bag), together=40),
    "bags, sqlite3": Target(st.deferred(lambda: damaged(_files("bag")[2:])), _in_file("a.db3", _read_bag), together=40),
    "checkpoints, pt": Target(
        st.deferred(lambda: damaged(_files("checkpoint")[:1])), _in_file("a.pt", _read_checkpoint)
    ),
    "checkpoints, safetensors": Target(
        st.deferred(lambda: damaged(_files("checkpoint")[1:])), _in_file("a.safetensors", _read_checkpoint)
    ),
    "states, bytes": Target(
        st.deferred(lambda: damaged(_files("state"))), _in_file("s.safetensors", _restore), together=40
    ),
    "states, contents": Target(changes(), _take_content, together=40),
    "names of files": Target(st.tuples(names, st.booleans()), _take_name, together=40, crossed=400),
}
