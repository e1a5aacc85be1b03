import cv2
import numpy as np
import pytest

from helpers.bags import STORAGES, read_bag, stamp_of_header
from sam2_ros.bag.ingest import START_NS, IngestRequest, ingest
from sam2_ros.errors import BagError, ImageError
from sam2_ros.stream.pixels import to_rgb

# Camera files that say "turn me by 90 degrees" carry such a block after their first marker.
EXIF_TURNED = bytes.fromhex("ffe1002245786966000049492a0008000000010012010300010000000600000000000000")


def blocks(value: int, height: int = 32, width: int = 40) -> np.ndarray:
    """(H, W, 3) uint8 BGR that survives jpeg, different in all four quarters."""
    pixels = np.full((height, width, 3), value, dtype=np.uint8)
    pixels[: height // 2, : width // 2] = (200, 30, 30)
    pixels[height // 2 :, width // 2 :] = (30, 30, 200)
    return pixels


@pytest.fixture
def folder(tmp_path):
    """Three pictures whose natural order is not the alphabetic one, and files that are none."""
    images = tmp_path / "images"
    images.mkdir()
    for value, name in ((10, "frame10.png"), (9, "frame9.png"), (100, "frame100.JPG")):
        cv2.imwrite(str(images / name), blocks(value))
    (images / "readme.txt").write_text("hello")
    (images / "more.png").mkdir()
    return images


def run(source, output, **options):
    return ingest(IngestRequest(source, output, progress=False, **options))


@pytest.mark.parametrize("storage", STORAGES)
def test_folder_in_natural_order(tmp_path, folder, storage):
    summary = run(folder, tmp_path / "bag", fps=10, storage=storage)
    assert (summary.frames, summary.topic) == (3, "/camera/image_raw")
    messages = read_bag(tmp_path / "bag")
    assert {(message.topic, message.type) for message in messages} == {("/camera/image_raw", "sensor_msgs/msg/Image")}
    stamps = [START_NS, START_NS + 100_000_000, START_NS + 200_000_000]
    assert [message.time_ns for message in messages] == stamps
    assert [stamp_of_header(message.content) for message in messages] == stamps
    assert {message.content.header.frame_id for message in messages} == {"camera"}
    for message, value in zip(messages, (9, 10), strict=False):
        assert message.content.encoding == "bgr8"
        assert np.array_equal(to_rgb(message.content), blocks(value)[..., ::-1])
    assert np.abs(to_rgb(messages[2].content).astype(int) - blocks(100)[..., ::-1]).mean() < 6


def test_default_rate_of_images_is_30(tmp_path, folder):
    run(folder, tmp_path / "bag")
    assert [message.time_ns - START_NS for message in read_bag(tmp_path / "bag")] == [0, 33_333_333, 66_666_667]


def test_compressed_keeps_jpeg_files_as_they_are(tmp_path, folder):
    summary = run(folder, tmp_path / "bag", compressed=True)
    assert summary.topic == "/camera/image_raw/compressed"
    messages = read_bag(tmp_path / "bag")
    assert {(message.type, message.content.format) for message in messages} == {
        ("sensor_msgs/msg/CompressedImage", "jpeg")
    }
    assert bytes(messages[2].content.data) == (folder / "frame100.JPG").read_bytes()
    assert bytes(messages[0].content.data[:3]) == b"\xff\xd8\xff"
    assert np.abs(to_rgb(messages[0].content).astype(int) - blocks(9)[..., ::-1]).mean() < 6


def test_topic_that_is_named_compressed_already(tmp_path, folder):
    assert run(folder, tmp_path / "bag", compressed=True, topic="/eye/compressed").topic == "/eye/compressed"


@pytest.mark.parametrize("compressed", [False, True])
def test_turned_jpeg_is_turned_in_the_bag(tmp_path, compressed):
    images = tmp_path / "images"
    images.mkdir()
    data = cv2.imencode(".jpg", blocks(90))[1].tobytes()
    (images / "a.jpg").write_bytes(data[:2] + EXIF_TURNED + data[2:])
    run(images, tmp_path / "bag", compressed=compressed)
    (message,) = read_bag(tmp_path / "bag")
    wanted = cv2.rotate(blocks(90), cv2.ROTATE_90_CLOCKWISE)[..., ::-1]
    assert to_rgb(message.content).shape == wanted.shape
    assert np.abs(to_rgb(message.content).astype(int) - wanted).mean() < 8


@pytest.mark.parametrize(("options", "fps"), [({}, 12.5), ({"fps": 5.0}, 5.0)])
def test_video(tmp_path, options, fps):
    writer = cv2.VideoWriter(str(tmp_path / "v.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 12.5, (40, 32))
    for value in (10, 120, 240):
        writer.write(blocks(value))
    writer.release()
    assert run(tmp_path / "v.avi", tmp_path / "bag", **options).frames == 3
    messages = read_bag(tmp_path / "bag")
    assert [message.time_ns - START_NS for message in messages] == [round(index * 1e9 / fps) for index in range(3)]
    assert np.abs(to_rgb(messages[1].content).astype(int) - blocks(120)[..., ::-1]).mean() < 8


def test_same_pictures_make_the_same_bag(tmp_path, folder):
    run(folder, tmp_path / "a")
    run(folder, tmp_path / "b")
    first, second = read_bag(tmp_path / "a"), read_bag(tmp_path / "b")
    assert all(np.array_equal(a.content.data, b.content.data) for a, b in zip(first, second, strict=True))
    assert [a.time_ns for a in first] == [b.time_ns for b in second]


def check_refused(tmp_path, source, message, **options):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(BagError, match=message):
        run(source, tmp_path / "bag", **options)
    assert sorted(tmp_path.iterdir()) == before


def test_empty_folder(tmp_path):
    (tmp_path / "images").mkdir()
    check_refused(tmp_path, tmp_path / "images", r"images has no images; give one with files that end in .apng, .bmp")


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff\xe0"])
def test_image_that_cannot_be_read(tmp_path, folder, content):
    (folder / "frame11.jpg").write_bytes(content)
    check_refused(tmp_path, folder, r"the image .*frame11.jpg cannot be read: it is damaged or empty")


@pytest.mark.parametrize("content", [b"", b"no video at all"])
def test_video_that_cannot_be_read(tmp_path, content):
    (tmp_path / "v.mp4").write_bytes(content)
    check_refused(tmp_path, tmp_path / "v.mp4", r"OpenCV cannot read the video .*v.mp4; convert it")


def test_source_that_is_not_there(tmp_path):
    check_refused(tmp_path, tmp_path / "gone", "there is no .*gone; give a folder of images, or a video")


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf")])
def test_rate_that_cannot_be(tmp_path, folder, fps):
    check_refused(tmp_path, folder, "the rate is .* frames per second; give more than 0", fps=fps)


def test_unknown_storage(tmp_path, folder):
    check_refused(tmp_path, folder, "the storage is 'bag'; choose one of mcap, sqlite3", storage="bag")


def test_existing_output(tmp_path, folder):
    (tmp_path / "bag").write_text("mine")
    check_refused(tmp_path, folder, "bag exists already and is not overwritten")


def test_interruption_leaves_nothing(tmp_path, folder, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("sam2_ros.bag.ingest._message", stop)
    with pytest.raises(KeyboardInterrupt):
        run(folder, tmp_path / "bag")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images"]


def test_full_disk_is_told_in_one_sentence(tmp_path, folder, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rosbags.rosbag2.Writer.write", fail)
    check_refused(tmp_path, folder, r"cannot write the bag bag: .*No space left on device; check the disk's space")


def test_a_bag_of_jpeg_images_is_read_back(tmp_path, folder):
    run(folder, tmp_path / "bag", compressed=True)
    for message in read_bag(tmp_path / "bag"):
        try:
            assert to_rgb(message.content).shape == (32, 40, 3)
        except ImageError as error:
            pytest.fail(str(error))


@pytest.mark.parametrize("topic", ["", "camera", "/bad topic", "/a//b", "/1st"])
def test_what_is_no_topic_name_is_refused(tmp_path, folder, topic):
    with pytest.raises(BagError, match="is no name of a topic; give one such as /camera/image_raw"):
        ingest(IngestRequest(folder, tmp_path / "bag", topic=topic))
    assert not (tmp_path / "bag").exists()
