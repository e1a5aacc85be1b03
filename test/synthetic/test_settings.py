from dataclasses import replace

import pytest

from sam2_ros.errors import ConfigError
from sam2_ros.synthetic import DIFFICULTIES, SceneSettings, scene, settings_for


def test_difficulties_by_name():
    assert list(DIFFICULTIES) == ["easy", "medium", "hard"]
    assert settings_for("easy") == SceneSettings()
    assert settings_for("hard").hidings > settings_for("easy").hidings == 0


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"width": 20}, "scene setting width is 20; choose a value from 64 to 4096"),
        ({"fps": float("nan")}, "scene setting fps is nan; choose a value from"),
        ({"objects_max": 7}, "scene setting objects_max is 7; choose a value from 1 to 6"),
        ({"frames": 2.5}, "scene setting frames is 2.5; choose a whole number"),
        ({"size_min": 0.5, "size_max": 0.3}, "size_min 0.5 and size_max 0.3 are the wrong way round"),
    ],
)
def test_what_cannot_be_a_setting(wrong, sentence):
    with pytest.raises(ConfigError, match=sentence):
        SceneSettings(**wrong)


def test_an_unknown_difficulty():
    with pytest.raises(ConfigError, match="unknown difficulty 'hell'; choose one of easy, medium, hard"):
        settings_for("hell")


def test_a_negative_seed_is_refused_at_once():
    with pytest.raises(ConfigError, match="the seed of a scene is -1; choose 0 or a positive number"):
        scene(-1, SceneSettings())


def test_objects_that_do_not_fit():
    crowd = replace(settings_for("hard"), objects_min=6, size_min=0.6, size_max=0.6, width=64, height=64)
    with pytest.raises(ConfigError, match=r"6 objects of up to 0\.6 of the picture do not fit"):
        next(scene(0, crowd))
