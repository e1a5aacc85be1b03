"""Folders, stacks, animations and videos as people have them, and the bags that come of them."""

import logging
import struct
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from helpers.bags import read_bag, stamp_of_header
from sam2_ros.bag.ingest import START_NS, IngestRequest, ingest
from sam2_ros.bag.sources import ImageFolder
from sam2_ros.bag.video_source import FrameTimes
from sam2_ros.errors import BagError
from sam2_ros.stream.pixels import to_rgb

MS = 1_000_000


def scene(index: int) -> np.ndarray:
    """(32, 40, 3) uint8 RGB: a bright block that moves over a slope of greys."""
    pixels = np.repeat(np.linspace(40, 90, 40 * 32, dtype=np.uint8).reshape(32, 40, 1), 3, axis=2)
    pixels[8:20, 4 + 3 * index : 14 + 3 * index] = (250, 60, 30)
    return pixels


def grey(index: int) -> np.ndarray:
    """(32, 40) uint16 of 12 bits, as a thermal camera gives them."""
    return cv2.cvtColor(scene(index), cv2.COLOR_RGB2GRAY).astype(np.uint16) * 16 + 300


def imported(source: Path, output: Path, **options: object) -> "tuple[list[np.ndarray], list[float]]":
    """Pictures (H, W, 3) RGB of the bag, and milliseconds since the first."""
    ingest(IngestRequest(source, output, progress=False, **options))  # type: ignore[arg-type]
    messages = read_bag(output)
    return (
        [to_rgb(message.content) for message in messages],
        [(stamp_of_header(message.content) - START_NS) / MS for message in messages],
    )


def folder(path: Path, suffix: str, pictures: "list[np.ndarray]") -> Path:
    path.mkdir()
    for index, pixels in enumerate(pictures):
        assert cv2.imwrite(str(path / f"{index}{suffix}"), pixels)
    return path


def as_bytes(pixels: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.round((pixels.astype(float) - low) / (high - low) * 255).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
@pytest.mark.parametrize("compressed", [False, True])
def test_pictures_of_16_bits_are_scaled_by_the_range_of_all(tmp_path, suffix, compressed, caplog):
    deep = [grey(index) for index in range(3)]
    deep[1][:] = deep[1] // 2  # darker, and it stays darker
    low, high = min(map(np.min, deep)), max(map(np.max, deep))
    with caplog.at_level(logging.WARNING):
        found, _ = imported(folder(tmp_path / "in", suffix, deep), tmp_path / "bag", compressed=compressed)
    for pixels, stored in zip(found, deep, strict=True):
        assert np.abs(pixels[..., 0].astype(int) - as_bytes(stored, low, high)).max() <= (12 if compressed else 0)
    assert caplog.messages == [
        f"pictures of {tmp_path / 'in'} are uint16, not 8 bits: their values from {low} to {high} become 0 to 255"
    ]


def test_colours_of_16_bits_keep_their_hue(tmp_path):
    deep = [scene(index)[..., ::-1].astype(np.uint16) * 200 for index in range(2)]
    found, _ = imported(folder(tmp_path / "in", ".png", deep), tmp_path / "bag")
    low, high = min(map(np.min, deep)), max(map(np.max, deep))
    assert np.array_equal(found[1], as_bytes(deep[1], low, high)[..., ::-1])


def test_floats_are_scaled_and_what_is_no_number_is_black(tmp_path):
    deep = [(grey(index) / 4096).astype(np.float32) for index in range(2)]
    deep[0][0, 0], deep[0][0, 1] = np.nan, -np.inf
    found, _ = imported(folder(tmp_path / "in", ".tiff", deep), tmp_path / "bag")
    finite = np.concatenate([pixels[np.isfinite(pixels)] for pixels in deep])
    assert np.array_equal(found[1][..., 0], as_bytes(deep[1], float(finite.min()), float(finite.max())))
    assert found[0][0, :2, 0].tolist() == [0, 0]


def test_a_picture_of_16_bits_among_others_leaves_them_as_they_are(tmp_path):
    source = folder(tmp_path / "in", ".png", [scene(0), scene(1)])
    cv2.imwrite(str(source / "2.png"), grey(2))
    found, _ = imported(source, tmp_path / "bag")
    assert np.array_equal(found[1], scene(1)[..., ::-1])
    assert (found[2].min(), found[2].max()) == (0, 255)


def stack(path: Path, count: int = 20) -> Path:
    assert cv2.imwritemulti(str(path), [scene(index % 8)[..., ::-1].copy() for index in range(count)])
    return path


def test_all_pages_of_a_tiff_come_in_their_order(tmp_path):
    found, times = imported(stack(tmp_path / "stack.tif"), tmp_path / "bag", fps=10.0)
    assert len(found) == 20
    assert all(np.array_equal(pixels, scene(index % 8)) for index, pixels in enumerate(found))
    assert times == [100.0 * index for index in range(20)]


def test_a_stack_in_a_folder_takes_its_place(tmp_path):
    source = folder(tmp_path / "in", ".png", [scene(0)[..., ::-1], scene(7)[..., ::-1]])
    (source / "1.png").rename(source / "9.png")
    stack(source / "5.tif", 3)
    found, _ = imported(source, tmp_path / "bag")
    assert [int(pixels[10, :, 0].argmax()) for pixels in found] == [4, 4, 7, 10, 25]
    assert ImageFolder(source).stems == ("0", "5", "5.1", "5.2", "9")


def test_a_stack_of_16_bits_is_scaled_as_a_whole(tmp_path):
    cv2.imwritemulti(str(tmp_path / "deep.tif"), [grey(0), grey(1) // 3])
    found, _ = imported(tmp_path / "deep.tif", tmp_path / "bag")
    assert (found[0].max(), found[1].min()) == (255, 0)
    assert found[1].max() < 100


def test_thumbnails_in_a_tiff_are_left_out_and_said(tmp_path, caplog):
    large, small = (Image.fromarray(pixels) for pixels in (scene(0), scene(0)[::4, ::4]))
    large.save(tmp_path / "photo.tif", save_all=True, append_images=[small])
    found, _ = imported(tmp_path / "photo.tif", tmp_path / "bag")
    assert [pixels.shape for pixels in found] == [(32, 40, 3)]
    assert "1 pages of" in caplog.text


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
@pytest.mark.parametrize("fps", [None, 5.0])
def test_an_animation_gives_all_its_pictures_at_their_times(tmp_path, suffix, fps):
    pictures = [Image.fromarray(scene(index)) for index in range(4)]
    if suffix == ".gif":
        pictures = [picture.quantize(256) for picture in pictures]
    options = {"lossless": True} if suffix == ".webp" else {}
    pictures[0].save(
        tmp_path / f"a{suffix}", save_all=True, append_images=pictures[1:], duration=[100, 300, 50, 100], **options
    )
    found, times = imported(tmp_path / f"a{suffix}", tmp_path / "bag", fps=fps)
    assert times == pytest.approx([0, 100, 400, 450] if fps is None else [0, 200, 400, 600])
    for index, pixels in enumerate(found):
        assert np.abs(pixels.astype(int) - scene(index)).mean() < 4  # a gif has few colours


def test_animations_among_files_are_frames_like_these(tmp_path):
    source = folder(tmp_path / "in", ".png", [scene(0), scene(1)])
    pictures = [Image.fromarray(scene(index)) for index in range(3)]
    pictures[0].save(source / "7.gif", save_all=True, append_images=pictures[1:], duration=1000)
    _, times = imported(source, tmp_path / "bag", fps=10.0)
    assert times == [0, 100, 200, 300, 400]


def test_a_gif_of_one_picture(tmp_path):
    Image.fromarray(scene(0)).quantize(256).save(tmp_path / "a.gif")
    found, _ = imported(tmp_path / "a.gif", tmp_path / "bag")
    assert len(found) == 1
    assert np.abs(found[0].astype(int) - scene(0)).mean() < 4


def test_a_damaged_animation_is_named_and_leaves_no_bag(tmp_path):
    pictures = [Image.fromarray(scene(index)) for index in range(6)]
    pictures[0].save(tmp_path / "a.webp", save_all=True, append_images=pictures[1:], lossless=True)
    data = (tmp_path / "a.webp").read_bytes()
    (tmp_path / "a.webp").write_bytes(data[: len(data) // 2])
    with pytest.raises(BagError, match=r"a.webp cannot be read: it is damaged"):
        imported(tmp_path / "a.webp", tmp_path / "bag")
    assert not (tmp_path / "bag").exists()


def test_hidden_files_are_passed_over(tmp_path):
    source = folder(tmp_path / "in", ".png", [scene(0), scene(1)])
    for name in ("._0.png", "._1.png", ".DS_Store", ".hidden.jpg"):
        (source / name).write_bytes(b"Mac OS X  ")
    found, _ = imported(source, tmp_path / "bag")
    assert len(found) == 2


def test_a_folder_of_hidden_files_alone_has_no_images(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "._0.png").write_bytes(b"Mac OS X  ")
    with pytest.raises(BagError, match="has no images"):
        imported(tmp_path / "in", tmp_path / "bag")


PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


def boxes(data: bytes) -> "Iterator[tuple[bytes, bytes]]":
    """Kinds and contents of the boxes that an mp4 file consists of."""
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + size]
        at += size


def with_durations(data: bytes, durations: "list[int]") -> bytes:
    """An mp4 file whose frames are shown for so many ticks each; its index has to stand at its end."""
    out = b""
    for kind, content in boxes(data):
        if kind in PARENTS:
            content = with_durations(content, durations)
        elif kind == b"stts":  # count and duration of frames that are equally long
            each = (struct.pack(">II", 1, duration) for duration in durations)
            content = struct.pack(">II", 0, len(durations)) + b"".join(each)
        out += struct.pack(">I4s", len(content) + 8, kind) + content
    return out


def ticks_per_second(data: bytes) -> int:
    for kind, content in boxes(data):
        if kind == b"mdhd":
            return int(struct.unpack_from(">I", content, 12)[0])
        if kind in PARENTS and (found := ticks_per_second(content)):
            return found
    return 0


@pytest.mark.parametrize("fps", [None, 20.0])
def test_frames_of_a_video_keep_their_own_times(tmp_path, fps):
    writer = cv2.VideoWriter(str(tmp_path / "v.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, (40, 32))
    for index in range(6):
        writer.write(scene(index)[..., ::-1].copy())
    writer.release()
    data = (tmp_path / "v.mp4").read_bytes()
    unit = ticks_per_second(data) // 20
    (tmp_path / "v.mp4").write_bytes(with_durations(data, [unit * n for n in (2, 4, 1, 3, 1, 1)]))
    found, times = imported(tmp_path / "v.mp4", tmp_path / "bag", fps=fps)
    assert times == pytest.approx([0, 100, 300, 350, 500, 550] if fps is None else [0, 50, 100, 150, 200, 250], abs=0.1)
    assert [int(pixels[14, :, 0].argmax()) for pixels in found] == sorted(
        int(pixels[14, :, 0].argmax()) for pixels in found
    )


@pytest.mark.parametrize(
    ("said", "times"),
    [
        ([0, 0, 0, 0], [0, 100, 200, 300]),  # the file does not say
        ([40, 140, 340], [0, 100, 300]),  # the first is not shown at 0
        ([0, 50, 50, 20, 400], [0, 50, 150, 250, 400]),  # a frame without a time of its own
        ([0, float("nan"), 120], [0, 100, 120]),
    ],
)
def test_times_advance_whatever_a_video_says(said, times):
    clock = FrameTimes(10.0)
    assert [clock.next(float(ms)) / MS for ms in said] == times
