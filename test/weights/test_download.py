"""The weights download against a server on this machine that behaves well, or badly in one of several ways."""

import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sam2_ros.errors import CheckpointError, ConfigError, DownloadError
from sam2_ros.model.config import MODEL_CONFIGS
from sam2_ros.weights import download as module
from sam2_ros.weights.download import (
    OFFICIAL_FILES,
    OfficialFile,
    cache_folder,
    checkpoint_file,
    download,
    official_file,
    sha256_of,
)

CONTENT = bytes(range(256)) * 4000  # 1,024,000 bytes: more than one read
NAME = "sam2.1_hiera_tiny.pt"


@dataclass
class Behaviour:
    """What the server does, and what it was asked."""

    content: bytes = CONTENT
    honours_range: bool = True
    tells_length: bool = True
    stops_after: int | None = None  # bytes of the body, then the connection closes
    status: HTTPStatus | None = None  # an error instead of the file
    thinks: float = 0.0  # seconds before it answers
    requests: list[tuple[str, str | None]] = field(default_factory=list)  # path, Range


class Handler(BaseHTTPRequestHandler):
    behaviour: Behaviour

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        does, asked = self.behaviour, self.headers.get("Range")
        does.requests.append((self.path, asked))
        time.sleep(does.thinks)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and does.honours_range else 0
        if does.status is not None:
            self.send_error(does.status)
        elif start >= len(does.content):
            self.send_error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        else:
            self.send_from(start)

    def send_from(self, start: int) -> None:
        does = self.behaviour
        body = does.content[start:]
        self.send_response(HTTPStatus.PARTIAL_CONTENT if start else HTTPStatus.OK)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(does.content) - 1}/{len(does.content)}")
        if does.tells_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: does.stops_after])


@dataclass(frozen=True)
class Server:
    """A running server with the file, and the cache folder that downloads go to."""

    behaviour: Behaviour
    url: str
    cache: Path

    @property
    def target(self) -> Path:
        return self.cache / NAME

    @property
    def part(self) -> Path:
        return self.cache / f"{NAME}.part"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    behaviour = Behaviour()
    handler = type("OneHandler", (Handler,), {"behaviour": behaviour})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{running.server_port}/weights"
        official = OfficialFile(NAME, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
        monkeypatch.setitem(OFFICIAL_FILES, "sam2.1_hiera_tiny", official)
        monkeypatch.setenv("SAM2_ROS_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("SAM2_ROS_DOWNLOAD_URL", url)
        monkeypatch.setenv("no_proxy", "*")
        yield Server(behaviour, url, tmp_path / "cache")
        running.shutdown()
        thread.join()


# Where files lie


def test_every_released_network_has_an_official_file() -> None:
    sam2_0_and_ours = {"nano", "toy"} | {name for name in MODEL_CONFIGS if name.startswith("sam2_")}
    assert set(OFFICIAL_FILES) == set(MODEL_CONFIGS) - sam2_0_and_ours
    assert all(len(bytes.fromhex(official.sha256)) == 32 for official in OFFICIAL_FILES.values())


@pytest.mark.parametrize(
    ("model", "url"),
    [
        ("tiny", "https://dl.fbaipublicfiles.com/segment_anything_2/092824/sam2.1_hiera_tiny.pt"),
        ("edgetam", "https://github.com/facebookresearch/EdgeTAM/raw/main/checkpoints/edgetam.pt"),
        (
            "efficienttam_s_512x512",
            "https://huggingface.co/yunyangx/efficient-track-anything/resolve/main/efficienttam_s_512x512.pt",
        ),
    ],
)
def test_each_family_has_its_source(model: str, url: str) -> None:
    assert official_file(model).url == url


def test_a_hash_that_nobody_has_seen_yet_is_said_to_be_so(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    official = OfficialFile("edgetam.pt", hashlib.sha256(CONTENT).hexdigest(), seen=False)
    monkeypatch.setitem(OFFICIAL_FILES, "edgetam", official)
    caplog.set_level("INFO", logger="sam2_ros")
    download("edgetam")
    assert "sha256 verified (its hash is from the publisher's page, not yet seen here)" in caplog.text
    server.behaviour.content = b"other weights"
    (server.cache / "edgetam.pt").unlink()
    with pytest.raises(DownloadError, match=r"not yet seen here\); it was deleted, .* or fetch it yourself and give"):
        download("edgetam")


def test_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SAM2_ROS_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "sam2_ros"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert cache_folder() == tmp_path / "caches" / "sam2_ros"
    monkeypatch.setenv("SAM2_ROS_CACHE", "~/weights")
    assert cache_folder() == tmp_path / "weights"


def test_user_without_home_is_told_to_set_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("SAM2_ROS_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(ConfigError, match="set SAM2_ROS_CACHE"):
        cache_folder()


@pytest.mark.parametrize("model", ["toy", "sam2_hiera_tiny", "huge"])
def test_model_without_official_file(model: str, server: Server) -> None:
    for fetch in (checkpoint_file, download):
        with pytest.raises(CheckpointError, match=f"no official download for the model '{model}'.*as the checkpoint"):
            fetch(model)
    assert server.behaviour.requests == []


# What works


@pytest.mark.parametrize("model", ["tiny", "sam2.1_hiera_tiny"])
@pytest.mark.parametrize("tells_length", [True, False])
def test_fetched_file_equals(model: str, tells_length: bool, server: Server) -> None:
    server.behaviour.tells_length = tells_length
    assert download(model) == server.target
    assert server.target.read_bytes() == CONTENT
    assert not server.part.exists()
    assert server.behaviour.requests == [(f"/weights/{NAME}", None)]


def test_folder_and_server_can_be_given(server: Server, tmp_path: Path) -> None:
    path = download("tiny", tmp_path / "other", f"{server.url}/deeper/", progress=False)
    assert path == tmp_path / "other" / NAME
    assert path.read_bytes() == CONTENT
    assert server.behaviour.requests == [(f"/weights/deeper/{NAME}", None)]
    assert not server.target.exists()


def test_present_file_is_verified_and_not_fetched(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    server.cache.mkdir()
    server.target.write_bytes(CONTENT)
    assert download("tiny") == server.target
    assert "already there, sha256 verified" in caplog.text
    assert server.behaviour.requests == []


def test_present_file_that_is_not_the_official_one_is_left_alone(server: Server) -> None:
    server.cache.mkdir()
    server.target.write_bytes(b"my own training")
    with pytest.raises(DownloadError, match=r"is not the official file: sha256 .* move it away"):
        download("tiny")
    assert server.target.read_bytes() == b"my own training"
    assert server.behaviour.requests == []


def test_downloads_at_once_fetch_once(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    server.behaviour.thinks = 0.2
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(download, ["tiny"] * 4))
    assert paths == [server.target] * 4
    assert server.target.read_bytes() == CONTENT
    assert len(server.behaviour.requests) == 1
    assert caplog.text.count("waiting for another process") == 3


def test_checkpoint_file_downloads_once_and_says_so(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert checkpoint_file("tiny") == server.target
    assert f"downloading {server.url}/{NAME} to {server.target}: 1,024,000 bytes" in caplog.text
    assert f"downloaded {server.target}, sha256 verified" in caplog.text
    caplog.clear()
    assert checkpoint_file("tiny") == server.target
    assert caplog.messages == [f"weights: {server.target}"]
    assert len(server.behaviour.requests) == 1


# What resumes


def interrupt(server: Server, after: int) -> None:
    server.behaviour.stops_after = after
    with pytest.raises(DownloadError):
        download("tiny")
    server.behaviour.stops_after = None
    server.behaviour.requests.clear()


def test_dropped_connection_says_how_far_it_came(server: Server) -> None:
    server.behaviour.stops_after = 400_000
    with pytest.raises(DownloadError, match=r"stopped after 400,000 of 1,024,000 bytes.*run the same command again"):
        download("tiny")
    assert not server.target.exists()
    assert server.part.read_bytes() == CONTENT[:400_000]


def test_dropped_connection_of_unknown_length(server: Server) -> None:
    server.behaviour.tells_length = False
    server.behaviour.stops_after = 400_000
    with pytest.raises(DownloadError, match=r"stopped after 400,000 of 1,024,000 bytes"):
        download("tiny")


def test_interrupted_download_asks_only_for_the_rest(server: Server) -> None:
    interrupt(server, after=400_000)
    download("tiny")
    assert server.target.read_bytes() == CONTENT
    assert server.behaviour.requests == [(f"/weights/{NAME}", "bytes=400000-")]


def test_several_interruptions(server: Server) -> None:
    for _ in range(3):
        interrupt(server, after=300_000)
    download("tiny")
    assert server.target.read_bytes() == CONTENT
    assert server.behaviour.requests == [(f"/weights/{NAME}", "bytes=900000-")]


def test_server_that_ignores_the_range_sends_all_again(server: Server) -> None:
    interrupt(server, after=400_000)
    server.behaviour.honours_range = False
    download("tiny")
    assert server.target.read_bytes() == CONTENT


def test_complete_part_needs_no_server(server: Server) -> None:
    server.cache.mkdir()
    server.part.write_bytes(CONTENT)
    assert download("tiny").read_bytes() == CONTENT
    assert server.behaviour.requests == []


def test_part_longer_than_the_file_starts_again(server: Server) -> None:
    server.cache.mkdir()
    server.part.write_bytes(CONTENT + b"more")
    assert download("tiny").read_bytes() == CONTENT
    assert [asked for _, asked in server.behaviour.requests] == ["bytes=1024004-", None]


# What fails


def nothing_left(server: Server) -> bool:
    return not server.target.exists() and not server.part.exists()


def test_corrupted_file_is_deleted(server: Server) -> None:
    server.behaviour.content = CONTENT[:-1] + b"?"
    with pytest.raises(DownloadError, match=r"is not the official file: sha256 .* it was deleted, try again"):
        download("tiny")
    assert nothing_left(server)
    server.behaviour.content = CONTENT
    assert download("tiny").read_bytes() == CONTENT


def test_corrupted_part_is_deleted(server: Server) -> None:
    server.cache.mkdir()
    server.part.write_bytes(b"?" * 1000)
    with pytest.raises(DownloadError, match="it was deleted, try again"):
        download("tiny")
    assert nothing_left(server)


@pytest.mark.parametrize("status", [HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE])
def test_error_of_the_server(status: HTTPStatus, server: Server) -> None:
    server.behaviour.status = status
    with pytest.raises(DownloadError) as caught:
        download("tiny")
    message = str(caught.value)
    assert message.startswith(f"cannot fetch {server.url}/{NAME}: HTTP {status.value} {status.phrase}; ")
    assert "check SAM2_ROS_DOWNLOAD_URL" in message
    assert f"run `sam2-ros download tiny` on a machine with internet and copy the file to {server.target}" in message
    assert "as the checkpoint" in message
    assert nothing_left(server)


def test_refused_request_without_a_range_is_an_error(server: Server) -> None:
    server.behaviour.content = b""
    with pytest.raises(DownloadError, match="HTTP 416"):
        download("tiny")


def test_server_that_is_down(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as closed:
        port = closed.server_port
    monkeypatch.setenv("SAM2_ROS_DOWNLOAD_URL", f"http://127.0.0.1:{port}")
    with pytest.raises(DownloadError, match=r"cannot fetch http.*refused.*machine with internet"):
        checkpoint_file("tiny")
    assert nothing_left(server)


@pytest.mark.parametrize("address", ["company/weights", "http://", "http://[", "http://a b/"])
def test_address_that_is_none(address: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAM2_ROS_DOWNLOAD_URL", address)
    with pytest.raises(DownloadError, match=r"cannot fetch .*check SAM2_ROS_DOWNLOAD_URL"):
        download("tiny")


class SilentHandler(Handler):
    """Sends the first part of the file and then nothing, with the connection open."""

    released: threading.Event

    def send_from(self, start: int) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: module.CHUNK])
        self.released.wait(10)


def test_server_that_falls_silent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    handler = type("OneHandler", (SilentHandler,), {"behaviour": Behaviour(), "released": released})
    monkeypatch.setattr(module, "TIMEOUT", 0.3)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as silent:
        thread = threading.Thread(target=silent.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        with pytest.raises(DownloadError, match=r"stopped after 262,144 of 1,024,000 bytes \(timed out\)"):
            download("tiny", base_url=f"http://127.0.0.1:{silent.server_port}")
        released.set()
        silent.shutdown()
        thread.join()
    download("tiny")
    assert server.behaviour.requests == [(f"/weights/{NAME}", "bytes=262144-")]


def test_full_disk(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DownloadError, match=r"cannot write .*: No space left on device; .*SAM2_ROS_CACHE"):
        download("tiny")
    assert not server.target.exists()


def test_cache_that_cannot_be_made(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SAM2_ROS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DownloadError, match=r"cannot write .*SAM2_ROS_CACHE"):
        checkpoint_file("tiny")


def test_cache_that_is_read_only(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAM2_ROS_CACHE", "/sys/kernel")  # where nobody may make a file, root neither
    with pytest.raises(DownloadError, match=r"cannot write /sys/kernel/.*choose another folder with SAM2_ROS_CACHE"):
        checkpoint_file("tiny")
    assert server.behaviour.requests == []


def test_what_a_read_only_cache_has_is_taken_without_writing_there(server: Server) -> None:
    download("tiny")
    server.target.with_name(NAME + ".lock").unlink()
    assert checkpoint_file("tiny") == download("tiny") == server.target
    assert [path.name for path in server.cache.iterdir()] == [NAME]


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=f"cannot read {tmp_path}: Is a directory"):
        sha256_of(tmp_path)
