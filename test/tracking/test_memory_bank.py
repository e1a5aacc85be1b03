"""The memory bank: what it gives back, and in which batches."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sam2_ros.config import TrackerConfig
from sam2_ros.model.config import ModelConfig, get_config
from sam2_ros.tracking.memory import MemoryBank, Recalled, Selection, select
from sam2_ros.tracking.policies.policy import EMPTY, Attended, Held

TOY = get_config("toy", 64)
CPU = torch.device("cpu")


def bank(config: TrackerConfig, model: ModelConfig = TOY) -> MemoryBank:
    return MemoryBank(model, config, CPU, torch.float32)


def remember(bank: MemoryBank, slots: list[int], frame: int, prompted: bool, model: ModelConfig = TOY) -> None:
    """Memories that say which frame they are of."""
    tokens = torch.full((len(slots), model.memory_tokens, model.memory_dim), float(frame))
    bank.write(slots, frame, tokens, torch.full((len(slots), model.hidden_dim), float(frame)), [prompted] * len(slots))


def frames_of(recalled: Recalled) -> list[list[int]]:
    """Which frames each object is given."""
    return recalled.memories.frames[:, :, 0, 0].int().tolist()


def test_objects_with_equally_long_histories_come_together() -> None:
    memory = bank(TrackerConfig(max_objects=4))
    remember(memory, [0, 1], 0, prompted=True)
    for frame in range(1, 5):
        remember(memory, [0, 1], frame, prompted=False)
    remember(memory, [2], 4, prompted=True)
    recalled = memory.recall([0, 2, 1], 5)
    assert [each.rows for each in recalled] == [(0, 2), (1,)]
    assert frames_of(recalled[0]) == [[0, 1, 2, 3, 4]] * 2
    assert frames_of(recalled[1]) == [[4]]


def test_entries_rows_and_ages_of_what_is_attended() -> None:
    held = Held(prompted=(3, 25, EMPTY, EMPTY), recent=(15, 19, 10), pointers=(19, 15, 18))
    attended = Attended(prompted=(3, 25), recent=(15, 19), rows=(1, 0), pointers=(19, 18))
    # Of a prompt on a frame to come the mask counts and the pointer does not; entries after the four prompted ones.
    assert select(held, attended, now=20, prompted_time=6) == Selection(
        frame_entries=(0, 1, 4, 5), frame_times=(6, 6, 1, 0), pointer_entries=(0, 4, 6), pointer_ages=(17, 1, 2)
    )


@pytest.mark.parametrize(("batch", "sizes"), [(0, [5]), (1, [1] * 5), (2, [2, 2, 1]), (5, [5])])
def test_no_batch_is_larger_than_was_asked_for(batch: int, sizes: list[int]) -> None:
    memory = bank(TrackerConfig(max_objects=5, objects_per_batch=batch))
    remember(memory, [0, 1, 2, 3, 4], 0, prompted=True)
    recalled = memory.recall([0, 1, 2, 3, 4], 1)
    assert [len(each.rows) for each in recalled] == sizes
    assert [row for each in recalled for row in each.rows] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("stride", [1, 2, 5])
def test_with_a_stride_what_is_recalled_reaches_further_back(stride: int) -> None:
    memory = bank(TrackerConfig(max_objects=1, memory_stride=stride, num_maskmem=4))
    for frame in range(40):
        remember(memory, [0], frame, prompted=frame == 0)
        if frame >= 4 * stride:
            now = frame + 1
            wanted = [0, *sorted({frame, *((now - 2) // stride * stride - stride * i for i in range(2))})]
            (recalled,) = memory.recall([0], now)
            assert frames_of(recalled) == [wanted]
            assert recalled.memories.frame_time.tolist() == [[6, 2, 1, 0]]
            assert recalled.memories.pointers[0, :, 0].tolist()[1:] == list(range(frame, max(0, frame - 15), -1))


def test_a_network_that_was_trained_with_fewer_masks_is_given_no_more() -> None:
    model = replace(TOY, num_maskmem=3)
    memory = bank(TrackerConfig(max_objects=1), model)
    for frame in range(6):
        remember(memory, [0], frame, prompted=frame == 0, model=model)
    (recalled,) = memory.recall([0], 6)
    assert frames_of(recalled) == [[0, 4, 5]]
    assert recalled.memories.frame_time.tolist() == [[2, 1, 0]]


def test_pooled_memories_take_a_quarter_of_the_room() -> None:
    pooled = replace(TOY, memory_pooling=2)
    assert pooled.memory_tokens * 4 == TOY.memory_tokens
    config = TrackerConfig(max_objects=1)
    frames = (config.max_cond_frames + config.num_maskmem - 1) * TOY.memory_dim * 4  # bytes for each token
    assert bank(config).nbytes - bank(config, pooled).nbytes == frames * TOY.memory_tokens * 3 // 4


def test_a_rewound_slot_forgets_what_came_later() -> None:
    memory = bank(TrackerConfig(max_objects=1, memory_stride=2))
    for frame in range(8):
        remember(memory, [0], frame, prompted=frame == 0)
    memory.rewind(0, 6)
    (recalled,) = memory.recall([0], 6)
    assert max(np.ravel(frames_of(recalled))) == 4  # 5 was the frame before 6, and 6 and 7 took its place
