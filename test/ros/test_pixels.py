"""cv_bridge and our own conversion give the same pixels, and ours serves where cv_bridge does not."""

import os
from pathlib import Path

import numpy as np
import pytest
from cv_bridge import CvBridge
from sensor_msgs.msg import CompressedImage, Image

from sam2_ros.errors import ImageError
from sam2_ros.machine.system import system_numpy
from sam2_ros.ros.pixels import converter
from sam2_ros.stream.pixels import ENCODINGS, to_rgb

# cv_bridge makes no colours of these without being told what they are.
NAMELESS = {"8UC1", "8UC3", "8UC4"}


def message(encoding: str, padding: int, bigendian: int = 0) -> Image:
    """12 x 8 pixels of smooth colours, with ``padding`` bytes after each row."""
    y, x = np.mgrid[: 12 if ENCODINGS[encoding].colour_rows else 8, : 12 * ENCODINGS[encoding].channels]
    rows = np.pad((40 + 9 * y + 3 * x).astype(np.uint8), ((0, 0), (0, padding)), constant_values=255)
    return Image(height=8, width=12, encoding=encoding, is_bigendian=bigendian, step=rows.shape[1], data=rows.tobytes())


@pytest.mark.parametrize("bigendian", [0, 1])
@pytest.mark.parametrize("padding", [0, 5, 12])
@pytest.mark.parametrize("encoding", sorted(set(ENCODINGS) - NAMELESS))
def test_cv_bridge_and_our_own_conversion_agree(encoding: str, padding: int, bigendian: int) -> None:
    warnings: list[str] = []
    image = message(encoding, padding, bigendian)
    assert np.array_equal(converter(warnings.append)(image), to_rgb(image))
    assert warnings == []


@pytest.mark.parametrize(("height", "width", "step"), [(8, 12, 30), (0, 0, 0), (8, 0, 36), (9, 12, 36)])
def test_a_wrong_step_or_size_is_refused_though_cv_bridge_would_take_it(height: int, width: int, step: int) -> None:
    wrong = Image(height=height, width=width, encoding="rgb8", step=step, data=bytes(8 * 36))
    with pytest.raises(ImageError, match=r"an image (has|is)"):
        converter(lambda _: None)(wrong)


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "mono8", "yuv422", "bayer_rggb8"])
def test_it_is_cv_bridge_that_converts_where_it_works(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    marked = np.zeros((8, 12, 3), np.uint8)
    convert = converter(lambda _: None)
    monkeypatch.setattr(CvBridge, "imgmsg_to_cv2", lambda *_: marked)
    assert convert(message(encoding, 0)) is marked


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise AttributeError('_ARRAY_API not found')", "AttributeError: _ARRAY_API not found"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "it crashes the process (signal 11)"),
    ],
)
def test_a_cv_bridge_that_fails_or_crashes_is_one_warning_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, reason: str
) -> None:
    (tmp_path / "cv_bridge.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    warnings: list[str] = []
    convert = converter(warnings.append)
    for _ in range(3):
        assert np.array_equal(convert(message("bgr8", 0)), to_rgb(message("bgr8", 0)))
    (warning,) = warnings
    assert f"cv_bridge cannot be used ({reason}); our own conversion serves" in warning
    assert f"pip install numpy=={system_numpy()} opencv-python" in warning


def test_compressed_images_are_ours_to_decode() -> None:
    ok = CvBridge().cv2_to_compressed_imgmsg(np.full((8, 12, 3), (10, 90, 200), np.uint8), "png")
    assert isinstance(ok, CompressedImage)
    assert converter(lambda _: None)(ok)[0, 0].tolist() == [200, 90, 10]
