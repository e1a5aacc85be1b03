"""Everything that takes inputs, by name."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace as Message
from typing import Any

from hypothesis import strategies as st
from safetensors.torch import save_file

from helpers.fuzzing.descriptions import changes, names, parameter, yaml_text
from helpers.fuzzing.feeding import Target
from helpers.fuzzing.files import damaged, empty_folder, whole_files, whole_state
from helpers.fuzzing.messages import camera_info, click, detections, header, image, prompt_array
from helpers.fuzzing.world import TOY, good_image, world
from sam2_ros.bag.label_images import DTYPES, labels_of
from sam2_ros.bag.prompts_file import read_prompts_file
from sam2_ros.bag.reader import BagReader
from sam2_ros.config import DetectionConfig
from sam2_ros.errors import Sam2RosError
from sam2_ros.model.checkpoint import network_of, read_state
from sam2_ros.stored import state_file
from sam2_ros.stored.folder import file_in, file_of
from sam2_ros.stream.association import Associator
from sam2_ros.stream.depth_messages import camera_from, depth_from
from sam2_ros.stream.pointing import click_from, detections_from


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
        path = empty_folder() / name
        path.write_bytes(content)
        return read(path)

    return take


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
    path = empty_folder() / "s.safetensors"
    tensors, metadata = whole_state()
    content = json.loads(metadata["state"])
    change(content)
    save_file(tensors, path, metadata=metadata | {"state": json.dumps(content)})
    return _restore(path)


def _take_name(given: tuple[str, bool]) -> bool:
    name, is_object = given
    folder = empty_folder()
    found = (file_of if is_object else file_in)(str(folder), name)
    assert found.is_relative_to(folder.resolve())
    assert found != folder.resolve()
    return True


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
            data=st.deferred(lambda: st.one_of(damaged(whole_files("picture")), st.binary(max_size=60))),
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
                data=st.deferred(lambda: damaged(whole_files("depth"))),
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
            st.builds(Message, format=st.just("png"), data=st.deferred(lambda: damaged(whole_files("picture")))),
        ),
        _take_labels,
        together=40,
        crossed=400,
    ),
    "parameters": Target(parameter, _take_parameter, together=100),
    "prompts files": Target(
        yaml_text, _in_file("p.yaml", lambda path: bool(read_prompts_file(path) or True)), together=40, crossed=40
    ),
    "bags, mcap": Target(
        st.deferred(lambda: damaged(whole_files("bag")[:2])), _in_file("a.mcap", _read_bag), together=40
    ),
    "bags, sqlite3": Target(
        st.deferred(lambda: damaged(whole_files("bag")[2:])), _in_file("a.db3", _read_bag), together=40
    ),
    "checkpoints, pt": Target(
        st.deferred(lambda: damaged(whole_files("checkpoint")[:1])), _in_file("a.pt", _read_checkpoint)
    ),
    "checkpoints, safetensors": Target(
        st.deferred(lambda: damaged(whole_files("checkpoint")[1:])), _in_file("a.safetensors", _read_checkpoint)
    ),
    "states, bytes": Target(
        st.deferred(lambda: damaged(whole_files("state"))), _in_file("s.safetensors", _restore), together=40
    ),
    "states, contents": Target(changes(), _take_content, together=40),
    "names of files": Target(st.tuples(names, st.booleans()), _take_name, together=40, crossed=400),
}
