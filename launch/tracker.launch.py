"""Start the tracker on a camera and bring it to active.

ros2 launch sam2_ros tracker.launch.py image_topic:=/camera/color/image_raw
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity

# Given here, they win over the parameter file; empty leaves them as they are there.
PARAMETERS = {
    "model": "network: nano (in the package), tiny, small, base_plus, large, edgetam, efficienttam_ti ...; auto is "
    "nano without a checkpoint",
    "checkpoint": "weights: path of a .pt or .safetensors file, auto (the package's, or download once) or random",
    "device": "auto, cpu, cuda or cuda:N",
    "precision": "auto, float32, bfloat16 or float16",
    "memory_policy": "which images an object remembers: official, distractor or motion",
    "image_transport": "raw, or compressed, which takes image_topic's /compressed",
    "target_frame": "frame of positions in space, such as map; empty: the camera's",
    "state_file": "file .safetensors in which what is tracked outlives the node",
    "allow_file_services": "folder for the services save_state, load_state, save_object and load_object",
}
# The same for those that are true or false.
SWITCHES = {
    "use_sim_time": "take the time from /clock",
    "depth": "say where objects are, from depth_topic and camera_info_topic",
    "publish_tf": "broadcast a frame on /tf for every object that has a position",
}
RESPAWN_DELAY = 2.0  # seconds

# What others call the topics: launch argument, topic of the node, description.
TOPICS = (
    ("image_topic", "image", "camera topic, sensor_msgs/Image"),
    ("detections_topic", "detections", "a detector's boxes, vision_msgs/Detection2DArray"),
    ("depth_topic", "depth", "depth registered to the image, sensor_msgs/Image"),
    ("camera_info_topic", "camera_info", "the image's own sensor_msgs/CameraInfo"),
    ("click_point_topic", "click_point", "clicks, geometry_msgs/Point: rqt_image_view's IMAGE_TOPIC_mouse_left"),
)
VIEWS = ("none", "rviz")
SHOWN = ("overlay", "masks", "points", "detections_3d")  # topics of the tracker that config/tracker.rviz has


def tracker(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """The node, which brings itself to active, and again when it was respawned, and perhaps a viewer."""
    given = {name: LaunchConfiguration(name) for name in PARAMETERS}
    switches = {name: ParameterValue(LaunchConfiguration(name), value_type=bool) for name in SWITCHES}
    given = {name: value for name, value in (given | switches).items() if LaunchConfiguration(name).perform(context)}
    node = Node(
        package="sam2_ros",
        executable="tracker",
        name=LaunchConfiguration("name"),
        namespace=LaunchConfiguration("namespace"),
        output="screen",
        emulate_tty=True,
        parameters=[
            LaunchConfiguration("params_file"),
            {**given, "autostart_node": ParameterValue(LaunchConfiguration("autostart"), value_type=bool)},
        ],
        remappings=[(topic, LaunchConfiguration(name)) for name, topic, _ in TOPICS],
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        respawn=LaunchConfiguration("respawn"),
        respawn_delay=RESPAWN_DELAY,
    )
    return [node, *viewer(context)]


def viewer(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """RViz, when it is asked for."""
    view = LaunchConfiguration("view").perform(context)
    if view not in VIEWS:
        raise ValueError(f"view is {view!r}; choose one of {', '.join(VIEWS)}")
    if view == "none":
        return []
    arguments = ["-d", str(Path(get_package_share_directory("sam2_ros")) / "config" / "tracker.rviz")]
    if frame := LaunchConfiguration("target_frame").perform(context):
        arguments += ["-f", frame]
    place = [LaunchConfiguration(part).perform(context).strip("/") for part in ("namespace", "name")]
    node = "/".join(part for part in place if part)
    topics = [(f"/sam2_tracker/{name}", f"/{node}/{name}") for name in SHOWN]
    return [Node(package="rviz2", executable="rviz2", arguments=arguments, remappings=topics)]


def generate_launch_description() -> LaunchDescription:
    """Arguments and the node."""
    params_file = Path(get_package_share_directory("sam2_ros")) / "config" / "tracker.yaml"
    return LaunchDescription(
        [
            *(DeclareLaunchArgument(name, default_value=topic, description=text) for name, topic, text in TOPICS),
            DeclareLaunchArgument("name", default_value="sam2_tracker", description="name of the node"),
            DeclareLaunchArgument("namespace", default_value="", description="namespace of the node and its topics"),
            DeclareLaunchArgument("params_file", default_value=str(params_file), description="parameters of the node"),
            DeclareLaunchArgument("view", default_value="none", description="rviz shows what is tracked; none"),
            DeclareLaunchArgument("autostart", default_value="true", description="configure and activate the node"),
            DeclareLaunchArgument("respawn", default_value="false", description="start the node again when it ended"),
            DeclareLaunchArgument("log_level", default_value="info", description="debug, info, warn, error or fatal"),
            *(
                DeclareLaunchArgument(name, default_value="", description=text)
                for name, text in (PARAMETERS | SWITCHES).items()
            ),
            OpaqueFunction(function=tracker),
        ]
    )
