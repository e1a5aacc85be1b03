"""Floods: memory stays bounded, and two seconds later everything is as it was."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from disc import NEAR, SIZE, Scene, begin, offset, scene_for_tracker
from graph import HERE, Process

FLOOD = 10.0  # seconds
RATE = 10_000  # a second
CALM = 2.0  # seconds after which latency is as before
GROWTH = 60  # MiB


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene_for_tracker(tmp_path_factory.mktemp("log")) as scene:
        yield scene


def resident_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def latency(scene: Scene, ms: int) -> float:
    """Seconds from an image to its objects; the median of five."""
    times = []
    for index in range(5):
        started = time.monotonic()
        scene.show(ms + index)
        times.append(time.monotonic() - started)
    return sorted(times)[2]


def test_prompts_detections_clicks_services_and_parameters(scene: Scene, tmp_path: Path) -> None:
    begin(scene)
    before, size = latency(scene, 100), resident_mib(scene.tracker.child())
    flood = Process([sys.executable, str(HERE / "flood.py"), str(FLOOD), str(RATE)], tmp_path / "flood.log")
    try:
        scene.ears.wait(lambda: " in " in flood.text() or not flood.running(), "the end of the flood", 120)
        ended = time.monotonic()
        sent = int(flood.text().split()[0])
        flood.wait()
        scene.ears.wait(lambda: time.monotonic() > ended + CALM, "a moment to pass")
        objects = scene.show(200)
        assert [one.id for one in objects.objects] == [1]
        assert offset(objects, 200) < NEAR
        after = latency(scene, 250)
        print(f"{sent / FLOOD:.0f} messages and calls a second; latency {before:.3f} s before, {after:.3f} s after")
        assert sent > 1000 * FLOOD
        assert after < 2 * before + 0.2
        assert resident_mib(scene.tracker.child()) < size + GROWTH
    finally:
        flood.kill()


def test_images_as_fast_as_they_go(scene: Scene) -> None:
    """The newest wins, and right after it the next one is tracked at once."""
    scene.base += 100_000
    before, size = latency(scene, 0), resident_mib(scene.tracker.child())
    images = [scene.image(20 + index) for index in range(200)]
    end, sent = time.monotonic() + FLOOD, 0
    while time.monotonic() < end:
        scene.images.publish(images[sent % len(images)])
        sent += 1
    ended = time.monotonic()
    scene.ears.wait(lambda: time.monotonic() > ended + CALM, "a moment to pass")
    after = latency(scene, 300)
    assert scene.objects[-1].objects[0].id == 1
    print(f"{sent / FLOOD:.0f} images a second of {SIZE}x{SIZE}; latency {before:.3f} s before, {after:.3f} s after")
    assert after < 2 * before + 0.2
    assert resident_mib(scene.tracker.child()) < size + GROWTH
