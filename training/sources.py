"""Where free pictures of real things come from, under which licence, and how they are brought."""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .config import TrainingError


@dataclass(frozen=True, slots=True)
class Source:
    """Where pictures come from: a Debian package, a wheel, or a git repository."""

    name: str
    licence: str
    cutouts: tuple[str, ...] = ()  # patterns of paths
    photographs: tuple[str, ...] = ()
    labelled: tuple[str, ...] = ()  # photographs with label images
    coco: tuple[str, ...] | None = None  # annotation files, of a copy of COCO: cut-outs and labelled photographs
    but: tuple[str, ...] = ()  # not these
    repository: str | None = None  # of git
    commit: str = "HEAD"  # of the repository
    wheel: bool = False


CLIPART = (
    "animals",
    "buildings",
    "computer/hardware",
    "containers",
    "education",
    "electronics",
    "food",
    "office",
    "people",
    "plants",
    "recreation",
    "science",
    "tools",
    "transportation/aircraft",
    "transportation/boating",
    "transportation/vehicles",
)
SCIKIT_IMAGE = ("astronaut", "brick", "chelsea", "coffee", "grass", "gravel", "motorcycle_left", "rocket")
# Small copies of COCO: repository, commit, annotations. Those whose masks are complete come first, for a picture is
# taken once; then those with persons alone, of which some have one person alone.
INSTANCES, PERSONS = ("*/instances_*2017.json",), ("*/person_keypoints_*2017.json",)
COCO = (
    ("Obmutescence/COCO-MINI", "644f29e7c1d2eefd9c4412d39bc5b0ee6fd0afd4", INSTANCES),
    ("developer0hye/COCO128", "47a3de30aaf7ad1c02105bd80598fb03ac0d0789", INSTANCES),
    ("enginbozaba/tiny_coco", "44ee1df5a4f5c3fa6ab7c68d85a0d45590758584", INSTANCES),
    ("zzowenzz/COCO_Tiny", "e7a689f7d6d1a1908df287c3e79eccdadfdba1fe", INSTANCES),
    ("lizhogn/tiny_coco_dataset", "68523ddd6c27f9ba5d2f0caf7f6fe95cc2c99311", INSTANCES),
    ("jiangkx/ATSS", "d61fd19069317cf5d040a1a21dc07b3b379b1f6b", INSTANCES),
    ("piyuo/RT-DETRv3", "91622c94207f8415e8c25bc5cce8c77933975971", ("*/calibration/val2017.json",)),
    ("lightly-ai/dataset_examples_purple", "fb9cd242e18d8b1d6380c83658ab6ef90e7686fb", INSTANCES),
    ("tikitong/minicoco", "e00ceccc8121a8885b5ccb6b9ecde54491e1aa74", ("*/data/labels/*.json",)),
    ("surya9teja/Mask_RCNN_with_feature_Noise", "995c69e2633eed77d1fda10a3414210c4366c733", INSTANCES),
    ("TWSFar/FCOS", "536b9a29d5d2593a09a140ccb0f420934da25090", INSTANCES),
    ("lightly-ai/coco128_yolo", "6d6f7a059ea63efffdbe48aca2d52c04d4c510e9", ()),  # pictures alone
    ("mchoccie/DeepDataMiningLearning", "13136af80a7d3fc5eb26559bb52ae7d07143737a", INSTANCES),
    ("minto5z/coco_yolo", "4715f5ca05a6ffc148d4c4e5b0a131663655f2be", INSTANCES),
    ("Deci-AI/super-gradients", "e0ccacf8868ffa1296fa4f8407c03d2bc227312c", PERSONS),
    ("manhph2211/HRNet-Pose-Estimation", "fb7fb87780243e6a2a28b0b8beeff1cf7d7f90cf", PERSONS),
    ("manhph2211/HRNet-Pose-Estimation", "d59ba4d7720f48a4e27d9af278f38b29eacf61b4", PERSONS),
)

SOURCES = (
    Source(
        "tuxpaint-stamps-default",
        "GPL-2",
        cutouts=("*/stamps/*.png",),
        but=("*cartoon*", "*/symbols/*", "*/flags/*", "*_mirror*"),
    ),
    Source(
        "openclipart-png",
        "public domain",
        cutouts=tuple(f"*/png/{kind}/*.png" for kind in CLIPART),
        but=("*/cards/*", "*/smilies/*", "*/stickmen/*", "*/symbols/*"),
    ),
    Source("gnome-backgrounds", "CC-BY-SA-3.0", photographs=("*/gnome/wood-*.webp",)),
    Source("mate-backgrounds", "GPL-2 or later", photographs=("*/nature/*.jpg", "*/abstract/Elephants_3840x2160.jpg")),
    Source(
        "plasma-workspace-wallpapers",
        "GPL-2 or later",
        photographs=("*/contents/images/*1920x1080.*", "*/contents/images/[235]*0x2*.png"),
    ),
    Source("lomiri-wallpapers-16.04", "CC0, CC-BY-4.0 and CC-BY-SA-4.0, see its copyright", photographs=("*.jpg",)),
    Source("lomiri-wallpapers-20.04", "CC-BY-SA-3.0", photographs=("*.jpg",)),
    Source("ukui-wallpapers", "CC-BY-SA-3.0", photographs=("*.jpg", "*/calla.png", "*/city.png", "*/goldfish.png")),
    Source(
        "budgie-backgrounds",
        "CC0",
        photographs=("*/backgrounds/*.jpg",),
        repository="https://github.com/BuddiesOfBudgie/budgie-backgrounds",
        commit="82067426f1dde366e9c9038fdbe457c2527525dd",
    ),
    Source(
        "scikit-image",
        "public domain and CC0, see the docstrings of skimage.data",
        photographs=tuple(f"*/skimage/data/{name}.*" for name in SCIKIT_IMAGE),
        wheel=True,
    ),
    Source("scikit-learn", "CC-BY", photographs=("*/datasets/images/*.jpg",), wheel=True),
    *(
        Source(
            f"{repository.replace('/', '+')}@{commit[:7]}",
            "by picture CC-BY-2.0, CC-BY-SA-2.0 or none, masks CC-BY-4.0",
            coco=annotations,
            repository=f"https://github.com/{repository}",
            commit=commit,
        )
        for repository, commit, annotations in COCO
    ),
)


def bring(source: Source, folder: Path) -> Path:
    """The folder with the files of a source, fetched if it is not there. Raises TrainingError."""
    target = folder / source.name
    if target.exists():
        return target
    part = folder / f"{source.name}.part"
    part.mkdir(parents=True, exist_ok=True)
    try:
        for command in _commands(source, part):
            subprocess.run(command, cwd=part, check=True, stdout=subprocess.DEVNULL)
        for wheel in part.glob("*.whl"):
            with zipfile.ZipFile(wheel) as content:
                content.extractall(part)
    except (OSError, subprocess.CalledProcessError) as error:
        raise TrainingError(f"{source.name} could not be fetched ({error}); leave it out with --sources") from error
    part.rename(target)
    return target


def _commands(source: Source, part: Path) -> Iterator[list[str]]:
    if source.repository:
        yield ["git", "init", "--quiet"]
        yield ["git", "fetch", "--quiet", "--depth", "1", source.repository, source.commit]
        yield ["git", "checkout", "--quiet", "FETCH_HEAD"]
    elif source.wheel:
        yield [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", source.name]
    else:
        yield ["apt-get", "download", source.name]
        (package,) = part.glob("*.deb")
        yield ["dpkg-deb", "--extract", package.name, "."]
