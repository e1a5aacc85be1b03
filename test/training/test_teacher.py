"""Learning from a larger network: its features count, and nothing else of it."""

import dataclasses
from pathlib import Path

import pytest
import torch

from sam2_ros.model.checkpoint import load_model
from sam2_ros.model.config import get_config
from sam2_ros.tracking.preprocess import normalise
from training.config import (
    DataConfig,
    SceneData,
    StageConfig,
    TeacherConfig,
    TrainingConfig,
    TrainingError,
    read_config,
)
from training.export import export
from training.initial import untrained
from training.run import train
from training.teacher import Teacher, likeness

STAGE = StageConfig("stills", 3, 2, 2, 1, (1e-3, 1e-3))
SCENES = DataConfig(scenes=(SceneData("easy", 1_000_000, 2, sizes=((96, 96),)),))
CONFIG = TrainingConfig("toy", (STAGE,), SCENES, image_size=96, warm_up_steps=1, average_steps=1.0)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights by chance of a small network that teaches."""
    torch.manual_seed(4)
    file = tmp_path_factory.mktemp("teacher") / "weights.safetensors"
    export(untrained(get_config("toy")), file, torch.float32)
    return file


def test_places_are_compared_whatever_the_channels() -> None:
    features = torch.randn(2, 8, 3, 3)
    turned = torch.einsum("dc,bcij->bdij", torch.linalg.qr(torch.randn(8, 8))[0], features)
    assert torch.allclose(likeness(features), likeness(7 * turned + 3), atol=1e-4)
    assert not torch.allclose(likeness(features), likeness(features.flip(2)), atol=0.1)
    assert likeness(torch.randn(2, 5, 3, 3)).shape == (2, 9, 9)


def test_a_student_that_sees_as_its_teacher_has_nothing_to_learn(checkpoint: Path) -> None:
    torch.manual_seed(4)
    student = untrained(get_config("toy")).eval().requires_grad_(False)
    images = torch.randint(0, 256, (2, 3, 256, 256), dtype=torch.uint8)
    teacher = Teacher(TeacherConfig("toy", str(checkpoint), 10.0), "cpu")

    features = student.encode_image(normalise(images, torch.float32)).features
    assert float(teacher.loss(images, features)) < 1e-6
    other = torch.randn_like(features)
    assert float(teacher.loss(images, other)) > 0.1


def test_a_run_comes_closer_to_its_teacher(checkpoint: Path, clips: Path, tmp_path: Path) -> None:
    """The encoder alone is moved, by the teacher's loss far more than by any other."""
    taught = TeacherConfig("toy", str(checkpoint), 1000.0)
    stage = dataclasses.replace(STAGE, steps=25, learning_rate=(2e-3, 2e-3))
    far = train(dataclasses.replace(CONFIG, stages=(stage,)), tmp_path / "alone", clips)
    near = train(dataclasses.replace(CONFIG, stages=(stage,), teacher=taught), tmp_path / "taught", clips)
    images = torch.randint(0, 256, (4, 3, 96, 96), dtype=torch.uint8)
    images[:, :, 20:60, 30:70] //= 4
    losses = [distance(file, images, checkpoint) for file in (far, near)]
    assert losses[1] < 0.5 * losses[0]


def distance(weights: Path, images: torch.Tensor, checkpoint: Path) -> float:
    """Of a network's features from the teacher's."""

    student = load_model(get_config("toy", 96), weights)
    with torch.no_grad():
        features = student.encode_image(normalise(images, torch.float32)).features
    return float(Teacher(TeacherConfig("toy", str(checkpoint), 1.0), "cpu").loss(images, features))


def test_a_teacher_that_is_not_known_is_refused(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"the teacher: .*huge"):
        train(dataclasses.replace(CONFIG, teacher=TeacherConfig("huge", "huge.pt")), tmp_path, clips)


def test_the_example_names_a_teacher() -> None:
    config = read_config(Path(__file__).parents[2] / "training/distill.yaml")
    assert config.teacher is not None
    assert (config.model, config.teacher.model) == ("nano", "tiny")
