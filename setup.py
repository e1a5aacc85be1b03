"""Install without ROS: the modules, the ``sam2-ros`` command and the message definitions as package data.

With ROS, ``colcon build`` uses CMakeLists.txt instead.
"""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

setup(
    name="sam2_ros",
    version="0.1.0",
    description="SAM 2.1 object tracking for ROS 2",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=[*find_packages(include=["sam2_ros", "sam2_ros.*"]), "sam2_ros.definitions"],
    package_dir={"sam2_ros.definitions": "msg"},
    package_data={
        "sam2_ros.definitions": ["*.msg"],
        "sam2_ros": ["weights/*.md", "weights/*.safetensors", "report/templates/*", "demo/flower.*"],
    },
    install_requires=[
        "numpy>=1.21",
        "opencv-python>=4.5.4",
        "pillow>=9.0",
        "PyYAML>=5.4",
        "rosbags>=0.11.6",
        "safetensors>=0.4",
        "scipy>=1.8",
        "torch>=2.4",
        "tqdm>=4.57",
    ],
    extras_require={
        "bench": ["timm>=1.0", "torchvision", "transformers>=5"],
        "train": ["matplotlib"],
        "evaluate": ["jinja2>=3.0", "matplotlib>=3.5"],
        "cluster": ["ray>=2.9"],
        "test": [
            *("jinja2>=3.0", "matplotlib>=3.5", "ray>=2.9"),
            *("hypothesis>=6.100", "mypy", "pytest>=7", "pytest-xdist>=3.2", "rosbags-image", "ruff", "types-PyYAML"),
        ],
    },
    entry_points={"console_scripts": ["sam2-ros = sam2_ros.cli:main"]},
)
