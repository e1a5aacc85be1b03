"""Parameters have one home: the file that users edit and the help that they read follow the dataclasses."""

import dataclasses

import pytest
import yaml

from helpers import CHECKOUT
from sam2_ros.config import CONFIGS, TrackerConfig, meaning_of
from sam2_ros.errors import ConfigError

FILE = CHECKOUT / "config" / "tracker.yaml"


def test_the_parameter_file_shows_every_default() -> None:
    shown = yaml.safe_load(FILE.read_text())["/**"]["ros__parameters"]
    assert shown == {field.name: field.default for config in CONFIGS for field in dataclasses.fields(config)}


def test_every_parameter_is_explained() -> None:
    for config in CONFIGS:
        for field in dataclasses.fields(config):
            assert len(meaning_of(field).text) > 10, field.name


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("max_objects", 0, "parameter max_objects is 0; choose a value from 1 to 255"),
        ("max_objects", 300, "choose a value from 1 to 255"),
        ("max_objects", "4", "parameter max_objects is '4', which is not of type int"),
        ("max_objects", True, "not of type int"),
        ("mask_encoding", "rgb8", "parameter mask_encoding is 'rgb8'; choose one of mono8, mono16"),
    ],
)
def test_a_wrong_value_is_refused_with_the_reason(name: str, value: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        TrackerConfig(**{name: value})
