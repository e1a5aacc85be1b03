"""State files: what is written is read again to the bit; what is damaged, poisoned or of another kind is refused."""

import errno
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from helpers.disk import full
from recorded import CASES, frames, network
from sam2_ros.config import TrackerConfig
from sam2_ros.errors import StateError
from sam2_ros.stored import atomic
from sam2_ros.stored.state_file import is_state, read_state, write_state
from sam2_ros.tracking.prompt import Prompt
from sam2_ros.tracking.tracker import Tracker

Content = dict[str, Any]
KALMAN = ("value", "velocity", "variance", "covariance", "velocity_variance")


def tracker(dtype: torch.dtype = torch.float32, policy: str = "official") -> Tracker:
    return Tracker(network(CASES["stream"], dtype), TrackerConfig(memory_policy=policy))


def tracked(dtype: torch.dtype = torch.float32, policy: str = "official") -> Tracker:
    """Two objects, one of them corrected."""
    one = tracker(dtype, policy)
    for number, frame in enumerate(frames(6)):
        prompts = {0: [Prompt(1, box=[25, 14, 37, 47], label="cup é <b>")], 3: [Prompt(4, [[14, 41]], [1])]}
        one.step(frame, prompts.get(number, []), number)
    return one


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "shift.safetensors"
    write_state(target, tracked().state())
    return target


@pytest.mark.parametrize("policy", ["official", "distractor", "motion"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_what_is_read_goes_on_as_what_was_written(tmp_path: Path, dtype: torch.dtype, policy: str) -> None:
    source, target = tracked(dtype, policy), tracker(dtype, policy)
    size = write_state(tmp_path / "s.safetensors", source.state())
    assert size == (tmp_path / "s.safetensors").stat().st_size
    saved = read_state(tmp_path / "s.safetensors")
    assert 0 <= saved.age < 60
    target.restore(saved.state)
    for frame in frames(12)[6:]:
        a, b = source.step(frame), target.step(frame)
        assert [state.label for state in b.objects] == ["cup é <b>", ""]
        assert all(torch.equal(x.logits, y.logits) for x, y in zip(a.objects, b.objects, strict=True))


def test_an_older_one_is_replaced_and_nothing_else_is_left(path: Path) -> None:
    empty = tracker()
    write_state(path, empty.state())
    assert read_state(path).state.objects == ()
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert is_state(path)


def test_a_full_disk_leaves_the_older_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic, "_to_disk", full)
    with pytest.raises(StateError, match="No space left on device; free some space"):
        write_state(path, tracker().state())
    assert path.read_bytes() == before
    assert len(list(path.parent.iterdir())) == 1


def test_a_file_that_may_not_grow_leaves_the_older_one(path: Path) -> None:
    before = path.read_bytes()
    with full(len(before) // 2), pytest.raises(StateError, match="cannot write the state"):
        write_state(path, tracked().state())
    assert path.read_bytes() == before
    assert len(list(path.parent.iterdir())) == 1


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"cannot write the state .*nowhere"):
        write_state(tmp_path / "nowhere" / "s.safetensors", tracker().state())


def test_no_file_a_folder_and_other_files(tmp_path: Path, path: Path) -> None:
    with pytest.raises(StateError, match="there is no readable state"):
        read_state(tmp_path / "none.safetensors")
    with pytest.raises(StateError, match=r"no readable state|damaged"):
        read_state(tmp_path)
    for content in (b"", b"x", b"PK\x03\x04" * 100, b"\x80\x02cposix\nsystem\n", struct.pack("<Q", 2**62) + b"{"):
        path.write_bytes(content)
        with pytest.raises(StateError, match="is damaged, cut short or not a state file"):
            read_state(path)
    weights = tmp_path / "weights.safetensors"
    save_file({"a": torch.zeros(3)}, weights)
    with pytest.raises(StateError, match="it is no state of a tracker"):
        read_state(weights)
    assert not is_state(weights)
    assert not is_state(path)


def test_cut_anywhere_it_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    for kept in [*range(0, 40), *range(40, len(whole), len(whole) // 60), len(whole) - 1]:
        path.write_bytes(whole[:kept])
        with pytest.raises(StateError):
            read_state(path)


def test_a_flipped_bit_in_a_memory_is_noticed(path: Path) -> None:
    whole = bytearray(path.read_bytes())
    whole[-1000] ^= 1  # the lowest bit of a number: no other check would see it
    path.write_bytes(whole)
    with pytest.raises(StateError, match="checksum says that it is damaged"):
        read_state(path)


# --- well made, but not to be believed -------------------------------------------------------------------------------


def rewritten(path: Path, change: Callable[[Content, dict[str, torch.Tensor], Content], None]) -> None:
    """The file with other contents and a right checksum: ``change`` gets its JSON, its tensors and its metadata."""
    from sam2_ros.stored.state_file import _checksum

    with safe_open(path, framework="pt") as file:
        metadata = dict(file.metadata())
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    content = json.loads(metadata["state"])
    metadata["state"] = ""
    change(content, tensors, metadata)
    metadata["state"] = metadata["state"] or json.dumps(content)
    save_file(tensors, path, metadata={**metadata, "checksum": _checksum(tensors)})


def track(content: Content, number: int = 0) -> Content:
    return content["objects"][number]["track"]


def held(content: Content) -> Content:
    return content["objects"][0]["held"]


POISONS: dict[str, tuple[Callable[[Content, dict[str, torch.Tensor], Content], Any], str]] = {
    "newer format": (lambda c, t, m: m.update(version="2"), "its format is '2', and this version of sam2_ros reads 1"),
    "no json": (lambda c, t, m: m.update(state="{"), "no JSON"),
    "deep json": (lambda c, t, m: m.update(state="[" * 100_000), "no JSON|not that of a state"),
    "a list": (lambda c, t, m: m.update(state="[1]"), "not that of a state"),
    "no objects": (lambda c, t, m: c.pop("objects"), "not that of a state"),
    "an object of text": (lambda c, t, m: c["objects"].__setitem__(0, "x"), "number 0 is not described"),
    "no frame": (lambda c, t, m: c.pop("frame"), "its frame is 'None'"),
    "frame of text": (lambda c, t, m: c.update(frame="9"), "its frame is '9'"),
    "frame below 0": (lambda c, t, m: c.update(frame=-1), "its frame is below 0"),
    "huge frame": (lambda c, t, m: c.update(frame=10**30), "too large a number"),
    "id twice": (lambda c, t, m: track(c, 1).update(object_id=1), "not in ascending order"),
    "id 0": (lambda c, t, m: track(c).update(object_id=0), "not in ascending order"),
    "id true": (lambda c, t, m: track(c).update(object_id=True), "no int"),
    "label a number": (lambda c, t, m: track(c).update(label=7), "its label is '7', which is no str"),
    "no label": (lambda c, t, m: track(c).pop("label"), "its Track has no label"),
    "another field": (lambda c, t, m: track(c).update(colour="red"), "its Track has an unknown field 'colour'"),
    "no track": (lambda c, t, m: c["objects"][0].pop("track"), "has no Track"),
    "no origin": (lambda c, t, m: c.pop("origin"), "has no Origin"),
    "wild setting": (lambda c, t, m: c["config"].update(max_objects=10**6), "its settings cannot be"),
    "ids of text": (lambda c, t, m: c.update(used_ids="12"), "its used_ids is not a list"),
    "a frame to come": (lambda c, t, m: held(c)["recent"].__setitem__(0, 99), "of frames that cannot have been"),
    "many entries": (lambda c, t, m: held(c).update(recent=[1] * 5000), "frames that cannot have been"),
    "an entry too many": (lambda c, t, m: held(c)["prompted"].__setitem__(3, 5), "is not . memories"),
    "a ring of rings": (lambda c, t, m: held(c).update(pointers=[[1]]), "which is no int"),
    "no policy": (lambda c, t, m: c["objects"][0].pop("policy"), "has no Official"),
    "a policy that is none": (lambda c, t, m: c["config"].update(memory_policy="os.system"), "its settings cannot be"),
    "no tensor": (lambda c, t, m: t.pop("0.frames"), "its tensor 0.frames is not"),
    "whole numbers": (lambda c, t, m: t.update({"0.frames": t["0.frames"].int()}), "its tensor 0.frames is not"),
    "not a number": (lambda c, t, m: t["0.frames"].view(-1)[5:6].fill_(float("nan")), "no number, or too large"),
    "infinite": (lambda c, t, m: t["1.pointers"].view(-1)[5:6].fill_(float("inf")), "no number, or too large"),
}


@pytest.mark.parametrize(("change", "sentence"), POISONS.values(), ids=POISONS)
def test_a_poisoned_file_is_refused_in_one_sentence(path: Path, change: Any, sentence: str) -> None:
    rewritten(path, change)
    with pytest.raises(StateError, match=sentence) as refusal:
        read_state(path)
    assert "\n" not in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_memories_of_another_shape_change_nothing(path: Path) -> None:
    rewritten(path, lambda c, t, m: t.update({"0.frames": t["0.frames"][:, :3].contiguous()}))
    ours, alone = tracked(), tracked()
    with pytest.raises(StateError, match="not such as this tracker makes them"):
        ours.restore(read_state(path).state)
    a, b = ours.step(frames(7)[6]), alone.step(frames(7)[6])
    assert all(torch.equal(x.logits, y.logits) for x, y in zip(a.objects, b.objects, strict=True))


POLICY_POISONS: list[tuple[str, Content]] = [
    ("motion", {"size": [0, 0]}),
    ("motion", {"size": [1, -5]}),
    ("motion", {"run": 10**6}),
    ("motion", {"accepted": list(range(-1, 6))}),
    ("motion", {"accepted": [3, 2]}),
    ("motion", {"filter": {}}),
    ("motion", {"filter": {"value": [0.0] * 4}}),
    *(
        ("motion", {"filter": {**dict.fromkeys(KALMAN, [1.0] * 4), name: [value] * 4}})
        for name, value in (("variance", 0.0), ("velocity_variance", -1.0), ("value", 1e300), ("velocity", "x"))
    ),
    ("distractor", {"sizes": [[1, 0]]}),
    ("distractor", {"sizes": [[1, 5, 6]]}),
    ("distractor", {"sizes": [[number, 5] for number in range(50)]}),
    ("distractor", {"anchors": [0, 1, 2, 3, 4, 5]}),
    ("distractor", {"spaced": [99]}),
    ("distractor", {"latest": 99}),
    ("official", {"anchors": []}),
]


@pytest.mark.parametrize(("policy", "wrong"), POLICY_POISONS)
def test_what_no_policy_can_know_is_refused(tmp_path: Path, policy: str, wrong: Content) -> None:
    path = tmp_path / "s.safetensors"
    source = tracked(policy=policy)
    write_state(path, source.state())
    rewritten(path, lambda c, t, m: c["objects"][0]["policy"].update(wrong))
    with pytest.raises(StateError):
        tracker(policy=policy).restore(read_state(path).state)
