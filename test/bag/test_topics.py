"""Which of several image topics is tracked on."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers.bags import DELAY_NS, HEIGHT, WIDTH, Message, compressed, image, picture, stamp_of, write_bag
from sam2_ros.bag import definitions
from sam2_ros.bag.reader import BagReader
from sam2_ros.bag.topics import image_topic
from sam2_ros.errors import BagError

ZERO = np.zeros((HEIGHT, WIDTH), np.uint8)


def raw(topic: str, encoding: str) -> Message:
    """A topic of an encoding; depth has two or four bytes a pixel."""
    size = {"16UC1": 2, "mono16": 2, "32FC1": 4, "rgb8": 3, "bgr8": 3, "yuv422_yuy2": 2}.get(encoding, 1)
    pixels = ZERO if size == 1 else np.zeros((HEIGHT, WIDTH, size), np.uint8)
    return image(0, topic, encoding, pixels)


def packed(topic: str, form: str, pixels: np.ndarray, suffix: str = ".png") -> Message:
    data = cv2.imencode(suffix, pixels)[1].reshape(-1)
    content = definitions.message(
        definitions.COMPRESSED_IMAGE, header=definitions.header(stamp_of(0), "eye"), format=form, data=data
    )
    return Message(topic, stamp_of(0) + DELAY_NS, definitions.COMPRESSED_IMAGE, content)


def chosen(path: Path, *messages: Message) -> str:
    with BagReader(write_bag(path, list(messages))) as reader:
        return image_topic(reader, None).name


@pytest.mark.parametrize("colours", ["rgb8", "bgr8", "yuv422_yuy2", "bayer_rggb8"])
def test_the_colour_topic_is_taken_beside_depth_and_infrared(tmp_path, colours, caplog):
    others = [raw("/depth", "16UC1"), raw("/aligned", "mono16"), raw("/metres", "32FC1"), raw("/infra", "mono8")]
    assert chosen(tmp_path / "bag", *others, raw("/z", colours)) == "/z"
    assert caplog.messages == [
        f"of /aligned, /depth, /infra, /metres, /z in {tmp_path / 'bag'}, /z is tracked on: the only one that fits"
    ]


def test_compressed_topics_are_told_apart_as_well(tmp_path):
    depth = packed("/depth/compressedDepth", "16UC1; compressedDepth png", ZERO.astype(np.uint16))
    sixteen = packed("/depth/compressed", "16UC1; png compressed ", ZERO.astype(np.uint16))
    infra = packed("/infra/compressed", "mono8; jpeg compressed ", ZERO, ".jpg")
    colours = packed("/z/compressed", "rgb8; jpeg compressed bgr8", picture(0), ".jpg")
    assert chosen(tmp_path / "bag", depth, sixteen, infra, colours) == "/z/compressed"


def test_a_grey_topic_is_taken_where_there_is_nothing_better(tmp_path):
    assert chosen(tmp_path / "bag", raw("/depth", "16UC1"), raw("/grey", "mono8")) == "/grey"


@pytest.mark.parametrize(
    "messages",
    [
        [raw("/left", "rgb8"), raw("/right", "rgb8"), raw("/depth", "16UC1")],
        [image(0), compressed(0)],
        [raw("/left", "mono8"), raw("/right", "mono8")],
        [raw("/depth", "16UC1"), raw("/metres", "32FC1")],
    ],
)
def test_where_several_fit_or_none_one_has_to_be_chosen(tmp_path, messages):
    with pytest.raises(BagError, match=r"has several image topics: .*; choose one with --image-topic"):
        chosen(tmp_path / "bag", *messages)
