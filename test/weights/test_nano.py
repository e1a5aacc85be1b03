"""The network that ships with the package: it is there, it is the default, and it tracks."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from torch import Tensor

from sam2_ros.config import ModelChoice, TrackerConfig
from sam2_ros.demo.run import CLIP, CLIP_PROMPTS
from sam2_ros.errors import CheckpointError
from sam2_ros.measures.counting import counted
from sam2_ros.measures.figures import object_figures
from sam2_ros.measures.labels import LabelImage
from sam2_ros.measures.protocol import Measure
from sam2_ros.measures.record import Figures
from sam2_ros.measures.scoring import Found, Place, Said, Scorer
from sam2_ros.model.image_encoder import ImageFeatures
from sam2_ros.model.sam2 import Memories, Sam2
from sam2_ros.synthetic import SceneFrame, scene, settings_for
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.tracker import Tracker
from sam2_ros.weights.loading import load_network
from sam2_ros.weights.shipped import SHIPPED

SCENES = Path(__file__).parents[2] / "training" / "nano_scenes.safetensors"
SEEDS = (100, 101, 102)  # neither trained on nor in the benchmark's table


@pytest.fixture(scope="module")
def nano() -> Sam2:
    return load_network(ModelChoice(device="cpu"))


def drawn(difficulty: str) -> list[list[SceneFrame]]:
    settings = dataclasses.replace(settings_for(difficulty), frames=24)
    return [list(scene(seed, settings)) for seed in SEEDS]


@pytest.fixture(scope="module")
def clips() -> list[list[SceneFrame]]:
    return drawn("easy")


class Forgetful(Sam2):
    """Decodes every frame as if it were the first."""

    def condition_on_memory(self, image: ImageFeatures, memories: Memories) -> Tensor:
        return self.condition_on_nothing(image).expand(len(memories.frames), -1, -1, -1)


def scored(
    network: Sam2, clips: Sequence[list[SceneFrame]], config: TrackerConfig | None = None
) -> tuple[float, float]:
    """Mean J&F and share of visibilities told right, from a box per object."""
    figures = [item for frames in clips for item in figures_of(network, frames, config)]
    right = [item.visibility_accuracy for item in figures]
    return float(np.mean([item.j_and_f for item in figures])), float(np.mean(right))


def figures_of(network: Sam2, frames: list[SceneFrame], config: TrackerConfig | None) -> list[Figures]:
    boxes = enumerate(frames[0].boxes, start=1)
    prompts = [Prompt(i, box=np.array(box, float)) for i, box in boxes if box is not None]
    tracker, scorer = Tracker(network, config), Scorer()
    for index, frame in enumerate(frames):
        result = tracker.step(frame.image, () if index else prompts)
        said = {state.object_id: Said(state.visible) for state in result.objects}
        scorer.add(Place(index, index, index), LabelImage(frame.labels), Found(LabelImage(result.label_image), said))
    asked = {prompt.object_id for prompt in prompts}
    objects = counted(scorer, Measure.DAVIS).objects
    return [object_figures(item).figures for item in objects if item.object_id in asked]


def test_it_is_the_default_and_small(nano: Sam2) -> None:
    assert nano.config.name == "nano"
    assert SHIPPED["nano"].stat().st_size <= 10_000_000
    assert (SHIPPED["nano"].parent / "nano.md").is_file()


def test_it_tracks_and_needs_its_memory_for_that(nano: Sam2, clips: list[list[SceneFrame]]) -> None:
    j_and_f, visibility = scored(nano, clips)
    assert j_and_f > 0.91  # 0.96
    assert visibility > 0.97  # 1.00
    forgetful = Forgetful(nano.config)
    forgetful.load_state_dict(nano.state_dict())
    assert scored(forgetful.eval(), clips)[0] < j_and_f - 0.5


def test_it_keeps_hold_of_objects_that_hide_among_their_like(nano: Sam2) -> None:
    j_and_f, visibility = scored(nano, drawn("hard"))
    assert j_and_f > 0.75  # 0.82
    assert visibility > 0.92  # 0.94


def test_it_follows_a_real_flower_until_it_is_open_and_knows_that_it_does(nano: Sam2) -> None:
    video, tracker = cv2.VideoCapture(str(CLIP)), Tracker(nano)
    box = yaml.safe_load(CLIP_PROMPTS.read_text())["prompts"][0]["box"]
    prompts = [Prompt(1, box=np.array(box, float))]
    while video.grab():
        image = cv2.cvtColor(video.retrieve()[1], cv2.COLOR_BGR2RGB)
        result, prompts = tracker.step(image, prompts), []
    red, green, blue = np.moveaxis(image[:180, 100:330].astype(int), -1, 0)  # without other red things at the border
    flower = (red > 170) & (red > 2 * green) & (red > 2 * blue)
    mask = result.label_image[:180, 100:330] == 1
    assert (mask & flower).sum() / (mask | flower).sum() > 0.82  # 0.88: it has yellow parts, too
    assert (mask & flower).sum() > 0.95 * flower.sum()  # 0.99
    assert result.objects[0].mask_score > 0.8  # 0.95


def test_the_weights_that_know_made_up_scenes_alone_are_the_same_network_and_track(
    clips: list[list[SceneFrame]],
) -> None:
    network = load_network(ModelChoice(checkpoint=str(SCENES), device="cpu"))
    assert network.config.name == "nano"
    j_and_f, visibility = scored(network, clips)
    assert j_and_f > 0.93  # 0.94
    assert visibility > 0.97  # 1.00


@pytest.mark.parametrize("size", [192, 320])
def test_it_runs_at_another_size(size: int, clips: list[list[SceneFrame]]) -> None:
    assert scored(load_network(ModelChoice(image_size=size, device="cpu")), clips[:1])[0] > 0.6


def test_it_tracks_with_pooled_memory_and_with_memory_that_reaches_further_back(
    nano: Sam2, clips: list[list[SceneFrame]]
) -> None:
    exact, _ = scored(nano, clips[:2])
    pooled, _ = scored(load_network(ModelChoice(memory_pooling=2, device="cpu")), clips[:2])
    assert exact - 0.15 < pooled != exact
    strided, _ = scored(nano, clips[:2], TrackerConfig(memory_stride=4))
    assert exact - 0.1 < strided != exact


def test_a_checkpoint_without_a_model_is_recognised(tmp_path: Path, nano: Sam2) -> None:
    path = tmp_path / "mine.pt"
    torch.save({"model": nano.state_dict()}, path)
    assert load_network(ModelChoice(checkpoint=str(path), device="cpu")).config == nano.config
    torch.save({"model": {"weight": torch.zeros(3)}}, path)
    with pytest.raises(CheckpointError, match="fits none of the known models"):
        load_network(ModelChoice(checkpoint=str(path), device="cpu"))


@pytest.mark.parametrize("content", [b"", b"no safetensors", b"\xff" * 100])
def test_a_damaged_safetensors_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged, cut short or not a safetensors file"):
        load_network(ModelChoice(checkpoint=str(path), device="cpu"))
