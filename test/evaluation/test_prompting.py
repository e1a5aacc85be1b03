"""Prompts from ground truth, as each protocol asks for them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.tracked_bags import block, write_pngs
from sam2_ros.bag import definitions
from sam2_ros.bag.layouts import label_folder
from sam2_ros.bag.truth import FolderTruth
from sam2_ros.evaluation.prompting import prompt_entries
from sam2_ros.measures.protocol import Protocol
from sam2_ros.stream.messages import commands_from


@pytest.mark.parametrize("protocol", [Protocol.DAVIS_SEMI, Protocol.FIRST_BOX, Protocol.FIRST_CLICK])
def test_every_object_is_prompted_where_it_first_appears(tmp_path: Path, protocol: Protocol) -> None:
    # Object 1 is a block of 10 by 10 at (10, 10); object 3, a block at the left border, comes with the second frame.
    frames = {"0": block(10), "1": block(0, y=20, object_id=3, pixels=block(10)), "2": block(10)}
    folder = label_folder(write_pngs(tmp_path / "truth", frames))
    truth = FolderTruth(folder, {100: "0", 200: "1", 300: "2"})
    entries = prompt_entries(truth, protocol, {100: 4, 200: 6, 300: 8})
    assert [(entry.frame, entry.message.object_id) for entry in entries] == [(4, 1), (6, 3)]
    first, second = commands_from(_array(entries))
    if protocol is Protocol.DAVIS_SEMI:
        assert np.array_equal(first.mask, frames["0"] == 1)
        assert np.array_equal(second.mask, frames["1"] == 3)
    elif protocol is Protocol.FIRST_BOX:
        assert first.box.tolist() == [10, 10, 19, 19]
        assert second.box.tolist() == [0, 20, 9, 29]
    else:
        # The middle of a block with an even side is one of four pixels.
        assert first.points.tolist()[0] in [[x, y] for x in (14, 15) for y in (14, 15)]
        assert second.points.tolist()[0] in [[x, y] for x in (4, 5) for y in (24, 25)]
        assert first.point_labels.tolist() == [1]


def _array(entries: Any) -> Any:
    return definitions.message(
        definitions.PROMPT_ARRAY, header=definitions.header(0), prompts=[entry.message for entry in entries]
    )
