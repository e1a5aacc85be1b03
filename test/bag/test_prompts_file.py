import re

import cv2
import numpy as np
import pytest

from helpers.bags import SECOND
from sam2_ros.bag import definitions
from sam2_ros.bag.prompts_file import read_prompts_file
from sam2_ros.errors import BagError, PromptError
from sam2_ros.stream.messages import Remove, Reset, commands_from


def read(tmp_path, content):
    file = tmp_path / "prompts.yaml"
    file.write_text(content, encoding="utf-8")
    return read_prompts_file(file)


def commands(entries):
    """What the entries ask for, after a way through the serialised message."""
    array = definitions.message(
        definitions.PROMPT_ARRAY, header=definitions.header(0), prompts=[entry.message for entry in entries]
    )
    store = definitions.typestore()
    data = store.serialize_cdr(array, definitions.PROMPT_ARRAY)
    return commands_from(store.deserialize_cdr(data, definitions.PROMPT_ARRAY))


def test_every_key(tmp_path):
    mask = np.zeros((48, 64), dtype=np.uint16)
    mask[3:5, 7:9] = 3  # a small id in 16 bits
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    entries = read(
        tmp_path,
        """
prompts:
  - frame: 0
    label: cup
    box: [1, 2.5, 30, 40]
    points: [[3, 4], [5.5, 6]]
    labels: [1, 0]
  - time: 1.5
    object: 7
    points: [[9, 9]]
    action: replace
  - {frame: 3, object: 2, mask: mask.png}
  - {frame: 4, object: 2, action: remove}
  - {frame: 5, action: reset}
""",
    )
    assert [entry.frame for entry in entries] == [0, None, 3, 4, 5]
    assert [entry.time_ns for entry in entries] == [None, SECOND * 3 // 2, None, None, None]
    assert entries[1].place == f"{tmp_path / 'prompts.yaml'}:8"
    first, second, third, fourth, fifth = commands(entries)
    assert (first.object_id, first.label, first.box.tolist(), first.replace) == (0, "cup", [1, 2.5, 30, 40], False)
    assert (first.points.tolist(), first.point_labels.tolist()) == ([[3, 4], [5.5, 6]], [1, 0])
    assert (second.object_id, second.replace, second.point_labels.tolist(), second.box) == (7, True, [1], None)
    assert third.mask.shape == (48, 64)
    assert np.array_equal(third.mask, mask != 0)
    assert (fourth, fifth) == (Remove(2), Reset())


def test_opacity_of_a_mask_file_says_nothing(tmp_path):
    pixels = np.zeros((4, 5, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    pixels[1, 2, 0] = 1
    cv2.imwrite(str(tmp_path / "m.png"), pixels)
    (entry,) = read(tmp_path, "prompts: [{frame: 0, mask: m.png}]")
    (prompt,) = commands([entry])
    assert np.argwhere(prompt.mask).tolist() == [[1, 2]]


ENTRY = "prompts:\n  - frame: 0\n    "


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (ENTRY + "boxx: [1, 2, 3, 4]", "prompts.yaml:3: key 'boxx' is not known; use one of frame, time, object"),
        (ENTRY + "box: [1, 2, 3]", "prompts.yaml:3: key 'box' is [1, 2, 3]; give [x_min, y_min, x_max, y_max]"),
        (ENTRY + "box: [1, 2, 3, .nan]", "prompts.yaml:3: key 'box' is [1, 2, 3, nan]; give [x_min"),
        (ENTRY + "box: 5", "prompts.yaml:3: key 'box' is 5; give [x_min"),
        (ENTRY + "box: [9, 2, 3, 4]", "prompts.yaml:2: prompt for a new object: its box (9, 2, 3, 4) has no area"),
        (ENTRY + "points: [1, 2]", "prompts.yaml:3: key 'points' is [1, 2]; give a list of points, [[x, y], ...]"),
        (ENTRY + "points: [[1, a]]", "prompts.yaml:3: key 'points' is [[1, 'a']]; give a list of points"),
        (ENTRY + "points: []", "prompts.yaml:3: key 'points' is []; give a list of points"),
        (ENTRY + "points: {x: 1}", "prompts.yaml:3: key 'points' is {'x': 1}; give a list"),
        (
            ENTRY + "points: [[1, 2]]\n    labels: [1, 0]",
            "prompts.yaml:4: key 'labels' is [1, 0]; give one for each of",
        ),
        (ENTRY + "points: [[1, 2]]\n    labels: [2]", "prompts.yaml:4: key 'labels' is [2]; give a list of 1 (object)"),
        (ENTRY + "points: [[1, 2]]\n    labels: [true]", "prompts.yaml:4: key 'labels' is [True]; give a list of 1"),
        (ENTRY + "labels: [1]", "prompts.yaml:3: key 'labels' is [1]; give one for each of the 0 points"),
        (ENTRY + "object: 1", "prompts.yaml:2: prompt for object 1: it is empty; give points, a box or a mask"),
        (ENTRY + "object: -1", "prompts.yaml:3: key 'object' is -1; give a whole number from 0 to 4294967295"),
        (ENTRY + "object: cup", "prompts.yaml:3: key 'object' is 'cup'; give a whole number"),
        (ENTRY + "label: 3", "prompts.yaml:3: key 'label' is 3; give text, in quotes"),
        (ENTRY + "action: delete", "prompts.yaml:3: key 'action' is 'delete'; give one of add, replace, remove, reset"),
        (ENTRY + "action: remove", "prompts.yaml:2: action remove needs the object's id; give key 'object'"),
        (ENTRY + "action: reset\n    box: [1, 2, 3, 4]", "prompts.yaml:4: key 'box' has no meaning with action reset"),
        (ENTRY + "frame: 1", "prompts.yaml:3: key 'frame' is given twice; keep one"),
        (ENTRY + "time: 1", "prompts.yaml:2: the entry has both 'frame' and 'time'; give exactly one"),
        (ENTRY + "mask: gone.png", "prompts.yaml:3: key 'mask': the file "),
        (ENTRY + "mask: prompts.yaml", "is no image that can be read; give a PNG of the image's size"),
        (ENTRY + "label: 2020-99-99\n    box: [1, 2, 3, 4]", "prompts.yaml:3: the value of key 'label' cannot be used"),
        ("prompts:\n  - object: 1", "prompts.yaml:2: the entry has neither 'frame' nor 'time'; give exactly one"),
        ("prompts:\n  - frame: 1.5", "prompts.yaml:2: key 'frame' is 1.5; give a whole number from 0"),
        ("prompts:\n  - frame: yes", "prompts.yaml:2: key 'frame' is True; give a whole number"),
        ("prompts:\n  - time: -2", "prompts.yaml:2: key 'time' is -2; give a number of seconds, 0 or more"),
        ("prompts:\n  - time: soon", "prompts.yaml:2: key 'time' is 'soon'; give a number of seconds"),
        ("prompts:\n  - 5", "prompts.yaml:2: an entry of 'prompts' is '5'; give keys and values, such as frame: ..."),
        ("prompts: 3", "prompts.yaml:1: key 'prompts' has no entries; give a list under 'prompts:'"),
        ("prompts: []", "prompts.yaml:1: key 'prompts' has no entries"),
        ("{}", "prompts.yaml:1: key 'prompts' has no entries"),
        ("prompt: []", "prompts.yaml:1: key 'prompt' is not known; use one of prompts"),
        ("- frame: 0", "prompts.yaml:1: the file is a list; give keys and values, such as prompts: ..."),
        ("prompts:\n  - frame: [0", "prompts.yaml:2: this is no YAML: "),
        ("prompts:\n\t- frame: 0", "prompts.yaml:2: this is no YAML: "),
        ("a\x00b", "prompts.yaml: this is no YAML: "),
        ("", "prompts.yaml is empty; give at least one entry under 'prompts:'"),
        ("# nothing\n", "prompts.yaml is empty"),
    ],
)
def test_faults_are_named_with_file_line_and_key(tmp_path, content, message):
    with pytest.raises(BagError, match=re.escape(message)):
        read(tmp_path, content)


def test_file_that_is_not_there(tmp_path):
    with pytest.raises(BagError, match=r"the file .*no.yaml cannot be read: No such file"):
        read_prompts_file(tmp_path / "no.yaml")


def test_file_that_is_no_text(tmp_path):
    (tmp_path / "p.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(BagError, match=r"the file .*p.yaml cannot be read"):
        read_prompts_file(tmp_path / "p.yaml")


def test_a_prompt_that_only_the_tracker_can_judge_is_no_fault_of_the_file(tmp_path):
    (entry,) = read(tmp_path, "prompts: [{frame: 0, box: [1000, 1000, 2000, 2000]}]")
    assert not isinstance(commands([entry])[0], PromptError)


@pytest.mark.parametrize("content", ["- " * 3000, "[" * 3000, "prompts: [{frame: 0, label: " + "[" * 3000])
def test_a_file_that_is_nested_too_deeply(tmp_path, content):
    with pytest.raises(BagError, match="nested too deeply"):
        read(tmp_path, content)
