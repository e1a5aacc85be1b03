"""Training: what a step sees, what it is told, and that a run comes out the same however often it is interrupted."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from helpers import CHECKOUT
from recorded import EDGE_TOY, weights
from sam2_ros.bag.synthesize import SynthesizeRequest, synthesize
from sam2_ros.config import ModelChoice
from sam2_ros.model.config import MODEL_CONFIGS, get_config
from sam2_ros.model.image_encoder import ImageFeatures
from sam2_ros.model.mask_decoder import DecoderOutput
from sam2_ros.model.sam2 import Sam2
from sam2_ros.synthetic import settings_for
from sam2_ros.tracking.preprocess import normalise
from sam2_ros.weights.loading import load_network
from training.batch import draw_batch
from training.clips import Clips, prepare
from training.config import (
    BagData,
    DataConfig,
    LossConfig,
    SceneData,
    StageConfig,
    TrainingConfig,
    TrainingError,
    read_config,
)
from training.initial import untrained
from training.log import read_log
from training.losses import Losses, frame_losses
from training.prompts import clicks_inside, corrections, jittered_boxes
from training.run import train
from training.schedule import schedule
from training.unroll import CERTAIN, LONGEST_SPELL, Unroll, draw_leaks, draw_spells

SCENES = DataConfig(scenes=(SceneData("easy", 1_000_000, 2, sizes=((96, 96), (128, 96))),))
STILLS = StageConfig("stills", 2, 2, 3, 1, (1e-3, 1e-3), corrections=2)
CLIPS = StageConfig(
    "clips", 2, 2, 2, 4, (1e-3, 1e-4), image_size=64, strides=(1, 2), corrections=1, kinds=(("box", 0.5), ("mask", 0.5))
)
CONFIG = TrainingConfig("toy", (STILLS, CLIPS), SCENES, image_size=96, save_every=1)
STILLS_ALONE = dataclasses.replace(CONFIG, stages=(STILLS,))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Path:
    """Weights of a run of CONFIG that nothing interrupted, beside its log."""
    return train(CONFIG, tmp_path_factory.mktemp("whole"), folder)


@pytest.fixture(scope="module")
def stills(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Path:
    """Weights of a run of STILLS_ALONE."""
    return train(STILLS_ALONE, tmp_path_factory.mktemp("stills"), folder)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


# --- the run ---------------------------------------------------------------------------------------------------------


def test_stages_follow_each_other_or_take_turns_to_the_end() -> None:
    long = dataclasses.replace(STILLS, steps=4)
    one_by_one = dataclasses.replace(CONFIG, stages=(long, CLIPS))
    assert [step.stage.name for step in schedule(one_by_one, 0)] == ["stills"] * 4 + ["clips"] * 2
    turns = schedule(dataclasses.replace(one_by_one, together=True), 0)
    assert [step.stage.name for step in turns] == ["stills", "clips", "stills", "stills", "clips", "stills"]
    assert [step.number for step in turns] == list(range(6))


def test_a_run_leaves_weights_that_the_package_loads_a_log_and_curves(whole: Path) -> None:
    network = load_network(ModelChoice(checkpoint=str(whole), device="cpu"))
    assert network.config.name == "toy"
    lines = read_log(whole.parent)
    assert [(line.step, line.stage) for line in lines] == [(0, "stills"), (1, "stills"), (2, "clips"), (3, "clips")]
    assert all(np.isfinite(line.total) and 0 <= line.quality <= 1 for line in lines)
    assert (whole.parent / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_an_interrupted_run_ends_as_one_that_was_not(tmp_path: Path, folder: Path, whole: Path) -> None:
    first_part = dataclasses.replace(CONFIG, stages=(STILLS, dataclasses.replace(CLIPS, steps=1)))
    train(first_part, tmp_path, folder)
    # The rate of the second stage depends on its length, so its first step is the same in both.
    resumed = train(CONFIG, tmp_path, folder)
    assert resumed.read_bytes() == whole.read_bytes()
    assert [line.step for line in read_log(tmp_path)] == [0, 1, 2, 3]


def test_a_run_that_is_stopped_by_the_clock_leaves_weights_and_goes_on(
    tmp_path: Path, folder: Path, whole: Path
) -> None:
    stopped = train(CONFIG, tmp_path, folder, seconds=0.0).read_bytes()
    assert [line.step for line in read_log(tmp_path)] == [0]
    load_network(ModelChoice(checkpoint=str(tmp_path / "weights.safetensors"), device="cpu"))
    assert train(CONFIG, tmp_path, folder).read_bytes() == whole.read_bytes() != stopped


def test_batches_drawn_by_other_processes_are_the_same(tmp_path: Path, folder: Path, whole: Path) -> None:
    together = train(dataclasses.replace(CONFIG, loaders=2), tmp_path, folder)
    assert together.read_bytes() == whole.read_bytes()


def test_another_seed_gives_other_weights(tmp_path: Path, folder: Path, stills: Path) -> None:
    other = train(dataclasses.replace(STILLS_ALONE, seed=5), tmp_path, folder)
    assert stills.read_bytes() != other.read_bytes()


def test_steps_on_the_same_clip_lower_the_loss(tmp_path: Path, folder: Path) -> None:
    stage = dataclasses.replace(STILLS, steps=40, learning_rate=(2e-3, 2e-3), corrections=0)
    train(dataclasses.replace(CONFIG, stages=(stage,), warm_up_steps=1, save_every=100), tmp_path, folder)
    losses = [line.total for line in read_log(tmp_path)]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_the_weights_of_a_run_can_be_fine_tuned_on_a_bag(tmp_path: Path, stills: Path) -> None:
    settings = dataclasses.replace(settings_for("easy"), frames=9, width=96, height=80)
    synthesize(SynthesizeRequest(tmp_path / "bag", 3, settings, progress=False))
    bag = BagData(str(tmp_path / "bag"), "/camera/image_raw", "/ground_truth/masks", clip_frames=5)
    config = dataclasses.replace(
        CONFIG, start=str(stills), data=DataConfig(bags=(bag,)), stages=(CLIPS,), freeze=("image_encoder",)
    )
    tuned = load_network(ModelChoice(checkpoint=str(train(config, tmp_path / "second")), device="cpu"))
    before = load_network(ModelChoice(checkpoint=str(stills), device="cpu"))
    frozen, free = "image_encoder.trunk.patch_embed.proj.weight", "memory_encoder.out_proj.weight"
    assert torch.equal(tuned.get_parameter(frozen), before.get_parameter(frozen))
    assert not torch.equal(tuned.get_parameter(free), before.get_parameter(free))


def test_edgetam_is_fine_tuned_with_the_statistics_that_it_came_with(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODEL_CONFIGS, "edge_toy", EDGE_TOY)
    before = weights(EDGE_TOY, 4.0)
    large = "image_encoder.trunk.body.stages_3.blocks.0.channel_mixer.conv1.bn.running_var"
    before[large][0] = 1e5  # more than half precision holds
    torch.save({"model": before}, tmp_path / "start.pt")
    stage = dataclasses.replace(CLIPS, steps=1)
    config = dataclasses.replace(
        CONFIG,
        model="edge_toy",
        image_size=64,
        start=str(tmp_path / "start.pt"),
        stages=(stage,),
        warm_up_steps=1,
        average_steps=1.0,
    )
    tuned = load_network(ModelChoice(checkpoint=str(train(config, tmp_path, folder)), device="cpu")).state_dict()
    statistics = [key for key in before if "running" in key]
    assert all(torch.equal(tuned[key], before[key]) for key in statistics)
    for key in ("spatial_perceiver.latents_2d", "image_encoder.trunk.body.stem.conv1.bn.weight"):
        assert (tuned[key] - before[key].half()).abs().max() > 0


@pytest.mark.parametrize(("size", "stage"), [(384, None), (None, 128)])
def test_a_stage_whose_pictures_do_not_fit_the_network_is_refused_at_the_start(
    size: int | None, stage: int | None, tmp_path: Path
) -> None:
    stages = (STILLS, dataclasses.replace(CLIPS, image_size=stage))
    with pytest.raises(TrainingError, match="it has to be a positive multiple of 256 for edgetam"):
        train(dataclasses.replace(CONFIG, model="edgetam", image_size=size, stages=stages), tmp_path)


def test_a_bag_without_labels_of_its_images_is_refused(tmp_path: Path) -> None:
    settings = dataclasses.replace(settings_for("easy"), frames=2, width=96, height=80)
    synthesize(SynthesizeRequest(tmp_path / "bag", 3, settings, progress=False))
    bag = BagData(str(tmp_path / "bag"), "/camera/image_raw", "/camera/image_raw")
    with pytest.raises(TrainingError, match="rgb8; label images have to be mono8"):
        prepare(DataConfig(bags=(bag,)), 64, tmp_path / "clips")


# --- what a step sees ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """A clip whose pictures are their own labels."""
    folder = tmp_path_factory.mktemp("labels")
    settings = dataclasses.replace(settings_for("easy"), frames=4, width=96, height=96)
    synthesize(SynthesizeRequest(folder / "bag", 3, settings, progress=False))
    bag = BagData(str(folder / "bag"), "/ground_truth/masks", "/ground_truth/masks")
    return prepare(DataConfig(bags=(bag,)), 96, folder / "clips")


@pytest.mark.parametrize("size", [64, 96])
def test_masks_stay_on_their_objects_however_a_clip_is_cut_and_turned(
    labels: Clips, size: int, rng: np.random.Generator
) -> None:
    stage = dataclasses.replace(CLIPS, frames=3, strides=(1,))
    for _ in range(10):
        batch = draw_batch(labels, stage, size, rng)
        assert batch.images.shape == (3, 2, 3, size, size)
        for index, clip in enumerate(batch.clip.tolist()):
            grey = batch.images[:, clip, 0]
            inside = grey[batch.masks[:, index]]
            # An object's pixels are darker or lighter than the rest by its number; resizing blurs some edges.
            assert (inside == inside.median()).float().mean() > 0.7
            assert batch.masks[0, index].any()


def test_parts_that_are_no_wider_than_asked_are_not_resized(labels: Clips, rng: np.random.Generator) -> None:
    stage = dataclasses.replace(CLIPS, frames=3, strides=(1,), widest=1.0)
    for _ in range(10):
        batch = draw_batch(labels, stage, 64, rng)
        for index, clip in enumerate(batch.clip.tolist()):
            inside = batch.images[:, clip, 0][batch.masks[:, index]]
            assert len(inside.unique()) == 1  # an edge that was resized would be blurred


def test_one_long_clip_among_many_short_ones_is_found(tmp_path: Path, rng: np.random.Generator) -> None:
    clip = np.zeros((12, 64, 64, 4), np.uint8)
    clip[:, 20:40, 20:40] = 3
    files = [tmp_path / f"{index}.npy" for index in range(100)]
    for index, file in enumerate(files):
        np.save(file, clip if index == 70 else clip[:4])
    stage = dataclasses.replace(CLIPS, frames=6, clips=10, strides=(1, 2), jumps=0.3)
    assert draw_batch(Clips(files), stage, 64, rng).masks.flatten(2).any(dim=2).all()


def test_frames_that_a_jump_leaves_out_are_counted(tmp_path: Path, rng: np.random.Generator) -> None:
    clip = np.zeros((20, 32, 32, 4), np.uint8)
    clip[..., :3] = 80 + 4 * np.arange(20)[:, None, None, None]  # brighter by the frame
    clip[:, 8:24, 8:24, 3] = 1
    np.save(tmp_path / "clip.npy", clip)
    np.save(tmp_path / "rest.npy", clip[:1])  # what is left over of a bag takes no part, and nothing away
    clips = Clips([tmp_path / "clip.npy", tmp_path / "rest.npy"])
    stage = dataclasses.replace(CLIPS, frames=5, clips=1, strides=(1,), jumps=0.5)
    spans = set()
    for _ in range(20):
        batch = draw_batch(clips, stage, 32, rng)
        brightness = batch.images[:, 0, 0, 0, 0].double()
        numbers = torch.tensor(batch.numbers).double()
        per_frame = (brightness[-1] - brightness[0]) / numbers[-1]
        assert brightness.numpy() == pytest.approx((brightness[0] + per_frame * numbers).numpy(), abs=1.5)
        assert 3 <= abs(float(per_frame)) <= 5.2  # contrast changes by a quarter, a film may run backwards
        spans.add(batch.numbers[-1])
    assert min(spans) >= 4
    assert 10 < max(spans) <= 19


def test_boxes_surround_their_masks_roughly(rng: np.random.Generator) -> None:
    masks = torch.zeros(50, 100, 100, dtype=torch.bool)
    masks[:, 30:60, 20:80] = True
    prompts = jittered_boxes(masks, rng)
    assert prompts.labels.tolist() == [[2, 3]] * 50
    off = (prompts.points - torch.tensor([[20.0, 30.0], [79.0, 59.0]])).abs()
    assert off.max() <= 2.01  # 2 % of the picture
    assert off.std() > 0.3


def test_clicks_fall_into_their_masks(rng: np.random.Generator) -> None:
    masks = torch.rand(20, 32, 32) < 0.02
    prompts = clicks_inside(masks, rng)
    x, y = prompts.points[:, 0].long().unbind(1)
    assert masks[torch.arange(20), y, x].all()
    assert (prompts.labels == 1).all()


def test_corrections_fall_where_the_prediction_is_wrong_and_say_what_is_right(rng: np.random.Generator) -> None:
    truth, predicted = torch.rand(30, 16, 16) < 0.5, torch.rand(30, 16, 16) < 0.5
    prompts = corrections(predicted, truth, rng)
    x, y = prompts.points[:, 0].long().unbind(1)
    rows = torch.arange(30)
    assert (predicted[rows, y, x] != truth[rows, y, x]).all()
    assert torch.equal(prompts.labels[:, 0] == 1, truth[rows, y, x])


# --- what it is told -------------------------------------------------------------------------------------------------


def output(masks: torch.Tensor, ious: torch.Tensor, score: float) -> DecoderOutput:
    count = len(masks)
    return DecoderOutput(masks, ious, torch.zeros(count, 4, 8), torch.full((count,), score))


def test_a_perfect_answer_costs_nothing() -> None:
    truth = torch.zeros(1, 32, 32, dtype=torch.bool)
    truth[0, 8:24, 8:24] = True
    logits = torch.where(torch.nn.functional.avg_pool2d(truth.float(), 4) > 0.5, 40.0, -40.0)
    # At half the square's size the border lies between two decoder pixels and is blurred by their interpolation.
    losses = frame_losses(
        output(logits[:, None].repeat(1, 4, 1, 1), torch.ones(1, 4), 40.0), False, truth, LossConfig()
    )
    assert losses.focal < 1e-3
    assert losses.dice < 0.02
    assert losses.iou < 0.02
    assert losses.occlusion < 1e-6
    assert losses.quality > 0.98
    assert losses.presence == 1


def test_of_three_candidates_only_the_best_is_trained_for_an_ambiguous_prompt() -> None:
    truth = torch.zeros(1, 32, 32, dtype=torch.bool)
    truth[0, 8:24, 8:24] = True
    right = torch.where(torch.nn.functional.avg_pool2d(truth.float(), 4) > 0.5, 1.0, -1.0)
    masks = torch.stack((right, -right, right, -right), dim=1).requires_grad_()
    frame_losses(output(masks, torch.full((1, 4), 0.5), 1.0), True, truth, LossConfig()).total(LossConfig()).backward()
    assert masks.grad is not None
    assert [bool(masks.grad[0, index].any()) for index in range(4)] == [False, False, True, False]


def test_an_object_out_of_sight_trains_its_presence_alone() -> None:
    truth = torch.zeros(1, 32, 32, dtype=torch.bool)
    losses = frame_losses(output(torch.randn(1, 4, 8, 8), torch.rand(1, 4), 3.0), True, truth, LossConfig())
    assert (losses.focal, losses.dice, losses.iou) == (0, 0, 0)
    assert losses.occlusion == pytest.approx(np.log1p(np.exp(3.0)))
    assert losses.presence == 0


def test_gradients_reach_the_first_frame_through_the_memory_bank(folder: Path, rng: np.random.Generator) -> None:
    torch.manual_seed(0)
    network = untrained(get_config("toy", 64))
    stage = dataclasses.replace(CLIPS, kinds=(("box", 1.0),), corrections=0)
    batch = draw_batch(prepare(SCENES, 96, folder), stage, 64, rng)
    weights = LossConfig(focal=0, dice=0, iou=0, occlusion=1)
    encoded = network.encode_image(normalise(batch.images.flatten(0, 1), network.dtype))
    Unroll(network, batch, encoded, stage, weights, rng).run().total(weights).backward()
    for part in ("memory_encoder.out_proj.weight", "obj_ptr_proj.layers.0.weight", "maskmem_tpos_enc"):
        gradient = network.get_parameter(part).grad
        assert gradient is not None, part
        assert gradient.abs().sum() > 0, part


@pytest.mark.parametrize("told", [0.0, 1.0])
def test_a_memory_that_is_told_knows_who_is_out_of_sight(told: float, folder: Path, rng: np.random.Generator) -> None:
    torch.manual_seed(0)
    network = untrained(get_config("toy", 64))
    torch.nn.init.constant_(network.sam_mask_decoder.pred_obj_score_head.layers[-1].bias, 50.0)  # sees all, always
    stage = dataclasses.replace(CLIPS, frames=3, kinds=(("box", 1.0),), corrections=0, presence_told=told)
    batch = draw_batch(prepare(SCENES, 96, folder), stage, 64, rng)
    batch.labels[1] = 0
    weights = LossConfig()
    encoded = network.encode_image(normalise(batch.images.flatten(0, 1), network.dtype))
    Unroll(network, batch, encoded, stage, weights, rng).run().total(weights).backward()
    mark = network.no_obj_embed_spatial.grad  # what is added to the memory of an absent object
    assert mark is not None
    assert bool(mark.abs().sum() > 0) == bool(told)


@pytest.mark.parametrize("lapses", [0.0, 1.0])
def test_an_object_in_plain_sight_is_remembered_as_gone_where_it_lapses(
    lapses: float, folder: Path, rng: np.random.Generator
) -> None:
    torch.manual_seed(0)
    network = untrained(get_config("toy", 64))
    torch.nn.init.constant_(network.sam_mask_decoder.pred_obj_score_head.layers[-1].bias, 50.0)  # sees all, always
    stage = dataclasses.replace(CLIPS, frames=3, kinds=(("box", 1.0),), corrections=0, lapses=lapses)
    batch = draw_batch(prepare(SCENES, 96, folder), stage, 64, rng)
    encoded = network.encode_image(normalise(batch.images.flatten(0, 1), network.dtype))
    losses = Unroll(network, batch, encoded, stage, LossConfig(), rng).run()
    losses.total(LossConfig()).backward()
    mark = network.no_obj_embed_spatial.grad  # what is added to the memory of an absent object
    assert mark is not None
    assert bool(mark.abs().sum() > 0) == bool(lapses)


def test_spells_begin_after_the_prompt_and_end_before_the_clip_does(rng: np.random.Generator) -> None:
    spells = draw_spells(12, 4000, 0.25, rng)
    assert spells.any(axis=0).mean() == pytest.approx(0.25, abs=0.03)
    assert not spells[0].any()
    assert not spells[-1].any()
    changes = np.diff(spells.astype(int), axis=0)
    assert (np.abs(changes).sum(axis=0) <= 2).all(), "an object has one at most"
    assert spells.sum(axis=0).max() == LONGEST_SPELL
    assert not draw_spells(1, 9, 1.0, rng).any(), "a still has none"


@pytest.mark.parametrize("leaks", [0.0, 1.0])
def test_where_an_object_leaks_another_thing_is_remembered_with_it(
    leaks: float, folder: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    network = untrained(get_config("toy", 64))
    stage = dataclasses.replace(CLIPS, frames=4, kinds=(("box", 1.0),), corrections=0, leaks=leaks)
    batch = draw_batch(prepare(SCENES, 96, folder), stage, 64, rng)
    alone = [batch.clip.tolist().index(0), batch.clip.tolist().index(1)]  # one object of each clip
    batch = dataclasses.replace(batch, clip=batch.clip[alone], ids=batch.ids[alone])
    batch.labels[~batch.masks] = 0  # (T, 2 clips, S, S), as the masks are
    batch.labels[..., -16:, -16:] = 200  # what there is in every frame besides them
    remembered: list[Tensor] = []

    def watched(image: ImageFeatures, masks: Tensor, *rest: Tensor) -> Tensor:
        remembered.append(masks.detach().clone())
        return Sam2.encode_memory(network, image, masks, *rest)

    monkeypatch.setattr(network, "encode_memory", watched)
    encoded = network.encode_image(normalise(batch.images.flatten(0, 1), network.dtype))
    Unroll(network, batch, encoded, stage, LossConfig(), rng).run()
    certain = torch.stack(remembered)[..., -4:, -4:] == CERTAIN  # (3, N, 4, 4)
    assert not certain[0].any(), "what is prompted is remembered as it is"
    assert torch.equal(certain.any(dim=0).flatten(1).all(dim=1), torch.full((len(batch.ids),), bool(leaks)))
    assert torch.equal(certain.flatten(2).any(dim=2), certain.flatten(2).all(dim=2)), "all of it or nothing"


def test_what_leaks_is_something_that_the_clip_shows_besides_the_object(folder: Path, rng: np.random.Generator) -> None:
    batch = draw_batch(prepare(SCENES, 96, folder), CLIPS, 64, rng)
    batch = dataclasses.replace(batch, clip=torch.tensor([0, 0, 1]), ids=torch.tensor([7, 9, 5], dtype=torch.uint8))
    batch.labels.zero_()
    batch.labels[0, 0, 0, 0], batch.labels[0, 0, 0, 1], batch.labels[0, 1, 0, 0] = 7, 9, 5
    assert draw_leaks(batch, 1.0, rng).amax(dim=0).tolist() == [9, 7, 0]
    batch.labels[2, 1] = 3
    assert draw_leaks(batch, 1.0, rng).amax(dim=0).tolist() == [9, 7, 3]


def test_while_an_object_is_followed_all_candidates_may_be_trained(
    folder: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = untrained(get_config("toy", 64))
    stage = dataclasses.replace(CLIPS, frames=3, kinds=(("box", 1.0),), corrections=0)
    batch = draw_batch(prepare(SCENES, 96, folder), stage, 64, rng)
    encoded = network.encode_image(normalise(batch.images.flatten(0, 1), network.dtype))
    shares: list[float] = []

    def watched(output: DecoderOutput, ambiguous: bool, truth: Tensor, weights: LossConfig) -> Losses:
        shares.append(weights.others)
        return frame_losses(output, ambiguous, truth, weights)

    monkeypatch.setattr("training.unroll.frame_losses", watched)
    Unroll(network, batch, encoded, stage, LossConfig(others=0.1), rng).run()
    Unroll(network, batch, encoded, stage, LossConfig(others=0.1, followed=1.0), rng).run()
    assert shares == [0.1, 0.1, 0.1, 0.1, 1.0, 1.0]


# --- configuration ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nano", "real", "decoder", "real_gpu", "distill", "finetune_bag", "finetune_example"])
def test_the_shipped_configurations_can_be_read(name: str) -> None:
    config = read_config(CHECKOUT / "training" / f"{name}.yaml")
    get_config(config.model, config.image_size)
    assert config.stages


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("model: nano\nstages: []\ndata: {}\nlearning_rat: 1", "has no setting 'learning_rat'"),
        ("model: 3\nstages: []\ndata: {}", "model is 3; it has to be of type str"),
        ("model: nano\nstages: {}\ndata: {}", "stages has to be a list"),
        ("model: nano\nstages: [{name: a}]\ndata: {}", "stages\\[0\\] is incomplete: .*'steps'"),
        ("- 1", "has to be a mapping of settings"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_wrong_configuration_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "run.yaml").write_text(text)
    with pytest.raises(TrainingError, match=sentence):
        read_config(tmp_path / "run.yaml")


def test_masks_as_prompts_of_stills_are_refused() -> None:
    with pytest.raises(TrainingError, match="masks on still images"):
        dataclasses.replace(STILLS, kinds=(("mask", 1.0),))


def test_a_run_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="names no data"):
        train(dataclasses.replace(CONFIG, data=DataConfig()), tmp_path)
