"""See the tracker at work without a camera: a made-up scene, a box for each of its objects, and the tracker.

ros2 launch sam2_ros demo.launch.py
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchDescription
from sam2_ros.demo.scene import DIFFICULTY, HEIGHT, LIVE_FPS, SEED, WIDTH

SCENE = {
    "seed": (int, SEED, "which scene, from 0"),
    "difficulty": (str, DIFFICULTY, "easy, medium or hard; hard+distractors, +absence, +cut, +crowd"),
    "width": (int, WIDTH, "of the images in pixels"),
    "height": (int, HEIGHT, "of the images in pixels"),
    "fps": (float, LIVE_FPS, "images per second"),
    "depth": (bool, False, "with a depth camera: where the objects are, in metres"),
}
TRACKER = {
    "model": (
        "auto",
        "network: nano (in the package), tiny, small, base_plus, large, edgetam, efficienttam_ti ...; auto is nano",
    ),
    "checkpoint": ("auto", "weights: path of a .pt or .safetensors file, or auto"),
    "namespace": ("", "namespace of the nodes and their topics"),
    "view": ("none", "rviz shows what is tracked; none"),
}


def generate_launch_description() -> LaunchDescription:
    """The camera and the tracker on its images."""
    camera = Node(
        package="sam2_ros",
        executable="synthetic_camera",
        namespace=LaunchConfiguration("namespace"),
        output="screen",
        emulate_tty=True,
        parameters=[
            {name: ParameterValue(LaunchConfiguration(name), value_type=kind) for name, (kind, _, _) in SCENE.items()}
        ],
    )
    tracker = Path(get_package_share_directory("sam2_ros")) / "launch" / "tracker.launch.py"
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=str(default).lower(), description=text)
                for name, (_, default, text) in SCENE.items()
            ),
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in TRACKER.items()
            ),
            camera,
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(tracker)),
                launch_arguments={name: LaunchConfiguration(name) for name in (*TRACKER, "depth")}.items(),
            ),
        ]
    )
