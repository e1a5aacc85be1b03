"""The official weights: fetched once into a cache folder, resumable, verified."""

import contextlib
import fcntl
import hashlib
import http.client
import logging
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..errors import CheckpointError, ConfigError, DownloadError
from ..model.config import SHORT_NAMES

SAM2_FOLDER = "https://dl.fbaipublicfiles.com/segment_anything_2/092824/"
EDGETAM_FOLDER = "https://github.com/facebookresearch/EdgeTAM/raw/main/checkpoints/"
EFFICIENTTAM_FOLDER = "https://huggingface.co/yunyangx/efficient-track-anything/resolve/main/"
UNSEEN = "its hash is from the publisher's page, not yet seen here"  # until somebody fetched the file and confirms it
TIMEOUT = 30.0  # seconds without a sign of life from the server
CHUNK = 1 << 18  # bytes read at once

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OfficialFile:
    """A released weights file."""

    file_name: str
    sha256: str  # of the whole file, hexadecimal
    size: int | None = None  # bytes, where it is known beforehand
    folder: str = SAM2_FOLDER
    seen: bool = True  # whether a file with this hash was really fetched; else it stands on the publisher's page

    @property
    def url(self) -> str:
        """Where the authors offer the file."""
        return self.folder + self.file_name

    @property
    def caution(self) -> str:
        """What to say of the hash beside an error or a success; empty when there is nothing."""
        return "" if self.seen else f" ({UNSEEN})"

    @property
    def other_way(self) -> str:
        """What else to do when another file came than the hash promises; empty when that is never right."""
        return "" if self.seen else ", or fetch it yourself and give its path as the checkpoint"


def _efficienttam(name: str, sha256: str, size: int | None = None) -> OfficialFile:
    return OfficialFile(f"efficienttam_{name}.pt", sha256, size, EFFICIENTTAM_FOLDER, seen=False)


OFFICIAL_FILES: dict[str, OfficialFile] = {  # by full name of the model
    "sam2.1_hiera_tiny": OfficialFile(
        "sam2.1_hiera_tiny.pt", "7402e0d864fa82708a20fbd15bc84245c2f26dff0eb43a4b5b93452deb34be69", 156_008_466
    ),
    "sam2.1_hiera_small": OfficialFile(
        "sam2.1_hiera_small.pt", "6d1aa6f30de5c92224f8172114de081d104bbd23dd9dc5c58996f0cad5dc4d38"
    ),
    "sam2.1_hiera_base_plus": OfficialFile(
        "sam2.1_hiera_base_plus.pt", "a2345aede8715ab1d5d31b4a509fb160c5a4af1970f199d9054ccfb746c004c5"
    ),
    "sam2.1_hiera_large": OfficialFile(
        "sam2.1_hiera_large.pt", "2647878d5dfa5098f2f8649825738a9345572bae2d4350a2468587ece47dd318", 898_083_611
    ),
    "edgetam": OfficialFile(
        "edgetam.pt",
        "ed2d4850b8792c239689b043c47046ec239b6e808a3d9b6ae676c803fd8780df",
        folder=EDGETAM_FOLDER,
        seen=False,
    ),
    "efficienttam_ti": _efficienttam(
        "ti", "acbb17b28cca1f860acee09c9ecb6efdb732080dc7a85a07292c31813175fa7d", 71_616_316
    ),
    "efficienttam_ti_1": _efficienttam("ti_1", "5294bd68820ee1ee5203d54065d4384a6aa1fb4fc632c147417478fcac9576ea"),
    "efficienttam_ti_2": _efficienttam("ti_2", "d2a9ca0a736257ee9bb238d335ba7c794ad853e594cb4f679019ecc0854ee587"),
    "efficienttam_ti_512x512": _efficienttam(
        "ti_512x512", "7d4d652a465f0081391050932f45d8a66768ccc99c8ea393ce8a5927e83f3b9b"
    ),
    "efficienttam_s": _efficienttam(
        "s", "2b572be30d9e96ee29c8d785fe157c6b079ede7d56fbc8a3671d4120e63c89cd", 136_375_868
    ),
    "efficienttam_s_1": _efficienttam(
        "s_1", "4fd5d1f7ae08a7e15086623bf8b12f0b111b773b15564b43c0a5d451fc1a4267", 136_376_327
    ),
    "efficienttam_s_2": _efficienttam(
        "s_2", "253e490b4a3d56eedd64e4d466155ec538d1289f52abe78b091b14caefd92343", 136_376_327
    ),
    "efficienttam_s_512x512": _efficienttam(
        "s_512x512", "67b5840012737ed2c94a4cb8787c5c1b27b3a946045d2e602e65ef77230b6085", 136_379_145
    ),
}


def cache_folder() -> Path:
    """Where fetched weights are kept: $SAM2_ROS_CACHE, else $XDG_CACHE_HOME/sam2_ros, else ~/.cache/sam2_ros."""
    try:
        if chosen := os.environ.get("SAM2_ROS_CACHE"):
            return Path(chosen).expanduser()
        if caches := os.environ.get("XDG_CACHE_HOME"):
            return Path(caches) / "sam2_ros"
        return Path.home() / ".cache" / "sam2_ros"
    except RuntimeError:
        raise ConfigError("this user has no home folder for the weights; set SAM2_ROS_CACHE to a folder") from None


def checkpoint_file(model: str) -> Path:
    """The cached weights of a model (``tiny`` or the full name), fetched first when they are not there.

    A cached file is taken as it is. Raises CheckpointError for a model without official weights, DownloadError.
    """
    path = cache_folder() / official_file(model).file_name
    if os.path.isfile(path):  # unlike Path.is_file, False in a folder that may not be entered
        _log.info("weights: %s", path)
        return path
    return download(model)


def official_file(model: str) -> OfficialFile:
    """The released file of a model, by short or full name. Raises CheckpointError when there is none."""
    try:
        return OFFICIAL_FILES[SHORT_NAMES.get(model, model)]
    except KeyError:
        raise CheckpointError(
            f"there is no official download for the model {model!r}, only for {', '.join(downloadable())}; "
            "give the path of its weights as the checkpoint"
        ) from None


def downloadable() -> list[str]:
    """Names of the models with official weights, as a user types them."""
    return [*SHORT_NAMES, *(name for name in OFFICIAL_FILES if name not in SHORT_NAMES.values())]


def download(model: str, folder: Path | None = None, base_url: str | None = None, progress: bool = True) -> Path:
    """Fetch the official weights of a model (``tiny`` or the full name) and return the verified file.

    A file that is already there is only verified; an interrupted download goes on where it stopped.
    ``folder``: by default the cache. ``base_url``: where the files lie, by default $SAM2_ROS_DOWNLOAD_URL or the
    authors' server. ``progress``: show a bar on a terminal. Raises CheckpointError for an unknown model, DownloadError.
    """
    official = official_file(model)
    target = (folder or cache_folder()) / official.file_name
    if os.path.isfile(target):
        _verify_present(target, official)
        return target
    base = base_url or os.environ.get("SAM2_ROS_DOWNLOAD_URL")
    url = f"{base.rstrip('/')}/{official.file_name}" if base else official.url
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target):
            if not target.is_file():  # another process may have finished it in the meantime
                _fetch(_Job(model, official, url, target), progress)
    except OSError as error:  # the network's own errors have become DownloadError further down
        raise DownloadError(
            f"cannot write {target}: {error.strerror or error}; "
            "see that it may be written to and has room, or choose another folder with SAM2_ROS_CACHE"
        ) from error
    return target


def sha256_of(path: Path) -> str:
    """The sha256 of a file, hexadecimal. Raises DownloadError when it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError as error:
        raise DownloadError(f"cannot read {path}: {error.strerror}; check the file's permissions") from error
    return digest.hexdigest()


def _verify_present(target: Path, official: OfficialFile) -> None:
    # It may be somebody's own training, so it is never deleted here.
    found = sha256_of(target)
    if found != official.sha256:
        raise DownloadError(
            f"{target} is there but is not the official file: sha256 {found} instead of "
            f"{official.sha256}{official.caution}; move it away and run the same command again"
        )
    _log.info("%s is already there, sha256 verified%s", target, official.caution)


@contextlib.contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Hold the lock of a file to fetch, so that nodes started together fetch it once."""
    # The lock file stays: deleting it would let a third process lock a new one while a second still waits.
    with target.with_name(target.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.info("waiting for another process that downloads %s", target)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True, slots=True)
class _Job:
    """One file to fetch."""

    model: str  # as the user named it
    official: OfficialFile
    url: str
    target: Path

    @property
    def part(self) -> Path:
        """What has arrived so far."""
        return self.target.with_name(self.target.name + ".part")

    @property
    def arrived(self) -> int:
        """Bytes that have arrived so far."""
        return self.part.stat().st_size if self.part.is_file() else 0


def _fetch(job: _Job, progress: bool) -> None:
    """Put the verified file under its final name. Raises DownloadError, OSError when it cannot be written."""
    # All bytes can be there already, when an earlier run was stopped right before its end.
    if not (job.arrived and sha256_of(job.part) == job.official.sha256):
        _transfer(job, progress)
        found = sha256_of(job.part)
        if found != job.official.sha256:
            job.part.unlink()
            raise DownloadError(
                f"what {job.url} sent is not the official file: sha256 {found} instead of "
                f"{job.official.sha256}{job.official.caution}; it was deleted, try again{job.official.other_way}"
            )
    os.replace(job.part, job.target)  # nobody ever sees half a file under the final name
    _log.info("downloaded %s, sha256 verified%s", job.target, job.official.caution)


def _transfer(job: _Job, progress: bool) -> None:
    """Bring the part file to its full length. Raises DownloadError, OSError when it cannot be written."""
    try:
        response, start = _open(job.url, job.arrived)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise DownloadError(_unreachable(job, error)) from error
    with response:
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else job.official.size
        size = f"{total:,}" if total else "an unknown number of"
        _log.info("downloading %s to %s: %s bytes, %s of them are there", job.url, job.target, size, f"{start:,}")
        reason = _write(response, job.part, start, total, progress)
    if reason or job.arrived < (total or 0):
        raise DownloadError(
            f"the download of {job.url} stopped after {job.arrived:,} of {size} bytes "
            f"({reason or 'the connection closed'}); run the same command again to go on from there"
        )


def _open(url: str, start: int) -> tuple[Any, int]:
    """The server's answer from byte ``start`` on, and the byte at which it really begins."""
    headers = {"User-Agent": "sam2_ros"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
            return _open(url, 0)  # what is there is longer than the file
        raise
    # A server that ignores the range answers 200 with the whole file.
    return response, start if response.status == HTTPStatus.PARTIAL_CONTENT else 0


def _unreachable(job: _Job, error: Exception) -> str:
    code = f"HTTP {error.code} " if isinstance(error, urllib.error.HTTPError) else ""
    reason = getattr(error, "reason", "") or error
    mirror = "" if job.url == job.official.url else "check SAM2_ROS_DOWNLOAD_URL, or "
    return (
        f"cannot fetch {job.url}: {code}{reason}; {mirror}run `sam2-ros download {job.model}` on a machine with "
        f"internet and copy the file to {job.target}, or give its path as the checkpoint"
    )


def _write(response: Any, part: Path, start: int, total: int | None, progress: bool) -> str:
    """Write the answer into ``part`` from byte ``start`` on; why it broke off, or nothing. Raises OSError."""
    hidden = None if progress else True  # None: hidden where there is no terminal
    with (
        part.open("r+b" if start else "wb") as file,
        tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=part.stem, disable=hidden) as bar,
    ):
        file.seek(start)
        while True:
            try:
                piece = response.read(CHUNK)
            except (OSError, http.client.HTTPException) as error:
                return str(error) or type(error).__name__
            if not piece:
                break
            file.write(piece)
            bar.update(len(piece))
        file.flush()
        os.fsync(file.fileno())  # else a power cut may leave an empty file under the final name
    return ""
