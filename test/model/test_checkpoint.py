"""The gate that weights pass: official files load exactly, everything else is refused by name and runs no code."""

import dataclasses
import hashlib
import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sam2_ros.errors import CheckpointError
from sam2_ros.model import checkpoint
from sam2_ros.model.checkpoint import describe_mismatch, expected_shapes, load_model, random_model
from sam2_ros.model.config import get_config

TOY = get_config("toy")
FIRST_KEY = "maskmem_tpos_enc"
BIAS = "sam_mask_decoder.conv_s0.bias"

# sha256 over the lines "KEY [SHAPE]", such as "no_mem_embed [1, 1, 256]", of all tensors in a network of the official
# code, sorted and joined by newlines; and the number of lines.
OFFICIAL_KEYS = {
    "sam2.1_hiera_tiny": (471, "aa97d3d723e3d9a274fafe9acc485268e11cfbd8f8906f147bd0966ea5a67ec9"),
    "sam2.1_hiera_small": (519, "3bfa6b62d57cfb99196f6fdbf1fad40176b4c21ef18c8cf761c21082e8300909"),
    "sam2.1_hiera_base_plus": (615, "3306e68a5090c989ce9495f712ed93942de79abd2f18b4686a66f2760eb5d0b2"),
    "sam2.1_hiera_large": (903, "e80150164c9113ced6aebba005c54086720f89e4608bd3d495c95af8ffa276ba"),
    "sam2_hiera_tiny": (468, "46dfd9146506224d5bfa36fab86358fb3f29e2eaf0bbae0f02661ae369b3ef76"),
    # Without the counters of the batch norms.
    "edgetam": (876, "e2d4ae83c200bb19b255de8e6962ae858c29c6c3d6cf003574305b7e30e22512"),
    **dict.fromkeys(
        ("efficienttam_ti", "efficienttam_ti_1", "efficienttam_ti_2", "efficienttam_ti_512x512"),
        (455, "8c7c0bf63ce6b5abdd8529c05b7642da962ee1e274c58a1dc509a5d172db967a"),
    ),
    **dict.fromkeys(
        ("efficienttam_s", "efficienttam_s_1", "efficienttam_s_2", "efficienttam_s_512x512"),
        (455, "b7ce1ad21f3dd52d733609f3963a621bad86e657785c03fd39810c655a8dd74a"),
    ),
}

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def weights() -> State:
    return random_model(TOY, seed=3).state_dict()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.pt"


def save(content: object, path: Path) -> Path:
    torch.save(content, path)
    return path


def shapes_only(name: str) -> State:
    """A state dict with the shapes of a real network, one number of storage per tensor."""
    return {key: torch.zeros(()).expand(shape) for key, shape in expected_shapes(get_config(name)).items()}


def refusal(path: Path, name: str = "toy") -> str:
    """The message with which the file is refused as weights of this model."""
    with pytest.raises(CheckpointError) as caught:
        load_model(get_config(name), path)
    return str(caught.value)


# What loads


def test_saved_network_loads_key_by_key(weights: State, path: Path) -> None:
    loaded = load_model(TOY, save({"model": weights}, path))
    state = loaded.state_dict()
    assert state.keys() == weights.keys()
    assert all(torch.equal(state[key], weights[key]) for key in weights)
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_loaded_network_computes_as_the_saved_one(path: Path) -> None:
    saved = random_model(TOY, seed=3)
    loaded = load_model(TOY, save({"model": saved.state_dict()}, path))
    pixels = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        wanted, found = (network.condition_on_nothing(network.encode_image(pixels)) for network in (saved, loaded))
    assert torch.equal(wanted, found)


@pytest.mark.parametrize("stored", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_stored_in_another_precision(stored: torch.dtype, weights: State, path: Path) -> None:
    save({"model": {key: value.to(stored) for key, value in weights.items()}}, path)
    state = load_model(TOY, path).state_dict()
    for key, value in weights.items():
        assert state[key].dtype == torch.float32
        assert torch.equal(state[key], value.to(stored).float())


def test_precision_of_the_network_can_be_chosen(weights: State, path: Path) -> None:
    loaded = load_model(TOY, save({"model": weights}, path), dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.bfloat16}


def test_entries_beside_the_model_are_ignored(weights: State, path: Path) -> None:
    load_model(TOY, save({"model": weights, "epoch": 3, "optimizer": {"lr": [0.1]}}, path))


def test_legacy_file_loads(weights: State, path: Path) -> None:
    torch.save({"model": weights}, path, _use_new_zipfile_serialization=False)
    assert torch.equal(load_model(TOY, path).state_dict()[BIAS], weights[BIAS])


@pytest.mark.parametrize("name", OFFICIAL_KEYS)
def test_keys_and_shapes_are_the_official_ones(name: str) -> None:
    lines = sorted(f"{key} {list(shape)}" for key, shape in expected_shapes(get_config(name)).items())
    assert (len(lines), hashlib.sha256("\n".join(lines).encode()).hexdigest()) == OFFICIAL_KEYS[name]


@pytest.mark.parametrize("size", ["tiny", "small", "base_plus", "large"])
def test_2_0_lacks_three_tensors_of_2_1(size: str) -> None:
    new, old = (expected_shapes(get_config(f"{version}_hiera_{size}")) for version in ("sam2.1", "sam2"))
    extra = {"no_obj_embed_spatial", "obj_ptr_tpos_proj.weight", "obj_ptr_tpos_proj.bias"}
    assert new.keys() - old.keys() == extra
    assert old == {key: shape for key, shape in new.items() if key not in extra}


def test_random_weights_follow_their_seed() -> None:
    one, same, other = (random_model(TOY, seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not torch.equal(one[FIRST_KEY], other[FIRST_KEY])


# Another network's weights


def test_missing_key_is_named(weights: State, path: Path) -> None:
    save({"model": {key: value for key, value in weights.items() if key != BIAS}}, path)
    assert refusal(path) == (
        f"{path} does not fit the model toy: 1 missing: {BIAS}. "
        "The file looks like none of the known sizes: use an official SAM 2, EdgeTAM or EfficientTAM .pt file"
    )


def test_unknown_key_is_named(weights: State, path: Path) -> None:
    assert "toy: 1 unknown: head.weight. The" in refusal(
        save({"model": weights | {"head.weight": torch.ones(2)}}, path)
    )


def test_wrong_shape_is_named(weights: State, path: Path) -> None:
    wrong = weights[BIAS].repeat(2)
    message = refusal(save({"model": weights | {BIAS: wrong}}, path))
    assert (
        f"toy: 1 of another shape: {BIAS} ({2 * len(weights[BIAS])},) instead of ({len(weights[BIAS])},). " in message
    )


def test_all_kinds_of_mismatch_are_named_together(weights: State, path: Path) -> None:
    state = {key: value for key, value in weights.items() if key != FIRST_KEY}
    state |= {BIAS: torch.ones(1), "one": torch.ones(1), "two": torch.ones(1)}
    message = refusal(save({"model": state}, path))
    assert f"1 missing: {FIRST_KEY}; 2 unknown: one, two; 1 of another shape: {BIAS} (1,) instead of " in message


def test_only_the_first_keys_are_named() -> None:
    expected: dict[str, tuple[int, ...]] = dict.fromkeys("abcde", (1,))
    assert describe_mismatch(expected, {}) == "5 missing: a, b, c and 2 more"
    assert describe_mismatch(expected, expected) == ""


def test_keys_of_a_wrapped_network_are_unknown(weights: State, path: Path) -> None:
    save({"model": {f"module.{key}": value for key, value in weights.items()}}, path)
    assert f"{len(weights)} unknown: module.{next(iter(weights))}, " in refusal(path)


def test_toy_file_given_as_tiny(weights: State, path: Path) -> None:
    message = refusal(save({"model": weights}, path), "tiny")
    assert "does not fit the model sam2.1_hiera_tiny: " in message
    assert message.endswith("The file looks like toy: choose that model, or another file")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("sam2.1_hiera_tiny", "toy"),
        ("sam2.1_hiera_tiny", "small"),
        ("sam2.1_hiera_small", "tiny"),
        ("sam2.1_hiera_large", "base_plus"),
        ("sam2_hiera_tiny", "tiny"),
        ("sam2.1_hiera_tiny", "sam2_hiera_tiny"),
    ],
)
def test_file_of_another_size_is_recognised(given: str, wanted: str, path: Path) -> None:
    message = refusal(save({"model": shapes_only(given)}, path), wanted)
    assert f"does not fit the model {get_config(wanted).name}: " in message
    assert f"The file looks like {given}: choose that model" in message


# Files that are no checkpoint


def test_missing_file(path: Path) -> None:
    message = refusal(path)
    assert message.startswith(f"there is no readable checkpoint file {path} (No such file or directory); give the path")


def test_folder_instead_of_a_file(tmp_path: Path) -> None:
    assert f"no readable checkpoint file {tmp_path} (Is a directory)" in refusal(tmp_path)


def test_file_without_permission(weights: State, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbid)  # not by chmod: the tests may run as root
    assert f"no readable checkpoint file {path} (Permission denied)" in refusal(save({"model": weights}, path))


def test_changed_bytes_in_the_middle_of_a_tensor(weights: State, path: Path) -> None:
    torch.save({"model": weights}, path)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(byte ^ 255 for byte in content[middle : middle + 64])
    path.write_bytes(content)
    assert "is damaged" in refusal(path)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("left", [0.0, 0.001, 0.3, 0.9, 0.9999])
def test_truncated_file(left: float, legacy: bool, weights: State, path: Path) -> None:
    torch.save({"model": weights}, path, _use_new_zipfile_serialization=not legacy)
    size = int(path.stat().st_size * left)
    os.truncate(path, size)
    message = refusal(path)
    assert "damaged" in message
    assert "use an official" in message or f"({size:,} bytes)" in message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!DOCTYPE html><html><body>Please log in to the hotel network</body></html>",
        b"PK\x03\x04 and then nothing",
        b"\x80",
        b"\x80\x02.",
        b"\x80\x02}q.",
        bytes(10_000),
    ],
    ids=["empty", "html", "zip", "pickle-1", "pickle-2", "pickle-5", "zeros"],
)
def test_file_of_something_else(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    assert refusal(path) == (
        f"{path} ({len(content):,} bytes) is damaged, cut short or not a torch checkpoint; download it again"
    )


@pytest.mark.parametrize(
    "content", [{}, {"model": {}}, {"model": 3}, {"state_dict": {"a": torch.ones(1)}}, [1, 2], torch.ones(3)]
)
def test_file_without_the_model_entry(content: object, path: Path) -> None:
    assert f"{path} has no entry 'model' with the network's weights" in refusal(save(content, path))


@pytest.mark.parametrize(
    "change",
    [
        lambda _: 3.0,
        lambda _: "text",
        lambda weight: [weight],
        lambda weight: weight.long(),
        lambda weight: weight.to(torch.complex64),
        lambda weight: weight.to_sparse(),
        lambda weight: weight.to("meta"),
    ],
)
def test_something_else_than_a_weight(change: Callable[[Tensor], Any], weights: State, path: Path) -> None:
    message = refusal(save({"model": weights | {BIAS: change(weights[BIAS])}}, path))
    assert f"something other than a dense floating-point tensor under '{BIAS}'" in message


def test_key_that_is_no_text(weights: State, path: Path) -> None:
    assert "under '7'" in refusal(save({"model": weights | {7: torch.ones(1)}}, path))


# Files with code in them


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return open, (str(self.marker), "w")


def as_pickle(content: object) -> bytes:
    return pickle.dumps(content, protocol=2)  # what torch writes


def as_archive(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("protocol", [as_pickle, as_archive])
@pytest.mark.parametrize("deep", [False, True])
def test_code_in_a_file_is_never_executed(
    protocol: Callable[[object], bytes], deep: bool, weights: State, path: Path
) -> None:
    marker = path.with_name("executed")
    bomb = Bomb(marker)
    path.write_bytes(protocol({"model": weights | {"x": bomb}, "epoch": bomb} if deep else bomb))
    message = refusal(path)
    assert not marker.exists()
    assert "contains code or objects besides tensors, and nothing of it was executed" in message
    pickle.loads(as_pickle(bomb)).close()
    assert marker.exists()  # it would have gone off


def test_network_saved_as_an_object_is_refused(path: Path) -> None:
    assert "contains code or objects" in refusal(save(torch.nn.Linear(2, 2), path))


@pytest.mark.parametrize("kernel", [0, 1, 3])
def test_kernels_of_the_upscaling_double_the_sides(kernel: int) -> None:
    with pytest.raises(ValueError, match=f"upscaling_kernel is {kernel}; choose an even number from 2 on"):
        dataclasses.replace(get_config("toy"), upscaling_kernel=kernel)


def test_to_refuse_another_file_builds_no_network_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes tens of milliseconds, and there are many that a damaged file might have been."""
    path = save({"model": {"a": torch.zeros(3)}}, tmp_path / "a.pt")
    refusal(path)
    monkeypatch.setattr(checkpoint, "Sam2", None)
    assert "none of the known sizes" in refusal(path)
