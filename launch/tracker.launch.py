"""Start the tracker on a camera and bring it to active.

ros2 launch sam2_ros tracker.launch.py image_topic:=/camera/color/image_raw
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, EmitEvent, OpaqueFunction, RegisterEventHandler
from launch.conditions import IfCondition
from launch.events import matches_action
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from lifecycle_msgs.msg import Transition

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity

# Given here, they win over the parameter file; empty leaves them as they are there.
PARAMETERS = {
    "model": "network: nano (in the package), tiny, small, base_plus, large, edgetam, efficienttam_ti ...; auto is "
    "nano without a checkpoint",
    "checkpoint": "weights: path of a .pt or .safetensors file, auto (the package's, or download once) or random",
    "device": "auto, cpu, cuda or cuda:N",
    "precision": "auto, float32, bfloat16 or float16",
}

# What others call the topics: launch argument, topic of the node, description.
TOPICS = (
    ("image_topic", "image", "camera topic, sensor_msgs/Image"),
    ("detections_topic", "detections", "a detector's boxes, vision_msgs/Detection2DArray"),
    ("click_point_topic", "click_point", "clicks, geometry_msgs/Point: rqt_image_view's IMAGE_TOPIC_mouse_left"),
)
VIEWS = ("none", "rviz")


def tracker(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """The node and what brings it from unconfigured to active."""
    given = {name: LaunchConfiguration(name).perform(context) for name in PARAMETERS}
    remappings = [(topic, LaunchConfiguration(name).perform(context)) for name, topic, _ in TOPICS]
    remappings.append(("image/compressed", f"{LaunchConfiguration('image_topic').perform(context)}/compressed"))
    node = LifecycleNode(
        package="sam2_ros",
        executable="tracker",
        name="sam2_tracker",
        namespace=LaunchConfiguration("namespace"),
        output="screen",
        emulate_tty=True,
        parameters=[LaunchConfiguration("params_file"), {name: value for name, value in given.items() if value}],
        remappings=remappings,
    )
    autostart = IfCondition(LaunchConfiguration("autostart"))
    activate = RegisterEventHandler(
        OnStateTransition(
            target_lifecycle_node=node,
            start_state="configuring",
            goal_state="inactive",
            handle_once=True,  # whoever configures it later by hand decides by hand
            entities=[
                EmitEvent(
                    event=ChangeState(
                        lifecycle_node_matcher=matches_action(node), transition_id=Transition.TRANSITION_ACTIVATE
                    )
                )
            ],
        ),
        condition=autostart,
    )
    configure = EmitEvent(
        event=ChangeState(lifecycle_node_matcher=matches_action(node), transition_id=Transition.TRANSITION_CONFIGURE),
        condition=autostart,
    )
    return [activate, node, configure, *viewer(context)]


def viewer(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """RViz, when it is asked for."""
    view = LaunchConfiguration("view").perform(context)
    if view not in VIEWS:
        raise ValueError(f"view is {view!r}; choose one of {', '.join(VIEWS)}")
    if view == "none":
        return []
    arguments = ["-d", str(Path(get_package_share_directory("sam2_ros")) / "config" / "tracker.rviz")]
    namespace = LaunchConfiguration("namespace").perform(context).strip("/")
    topics = [(f"/sam2_tracker/{name}", f"/{namespace}/sam2_tracker/{name}") for name in ("overlay", "masks")]
    return [Node(package="rviz2", executable="rviz2", arguments=arguments, remappings=topics if namespace else [])]


def generate_launch_description() -> LaunchDescription:
    """Arguments and the node."""
    params_file = Path(get_package_share_directory("sam2_ros")) / "config" / "tracker.yaml"
    return LaunchDescription(
        [
            *(DeclareLaunchArgument(name, default_value=topic, description=text) for name, topic, text in TOPICS),
            DeclareLaunchArgument("namespace", default_value="", description="namespace of the node and its topics"),
            DeclareLaunchArgument("params_file", default_value=str(params_file), description="parameters of the node"),
            DeclareLaunchArgument("view", default_value="none", description="rviz shows what is tracked; none"),
            DeclareLaunchArgument("autostart", default_value="true", description="configure and activate the node"),
            *(DeclareLaunchArgument(name, default_value="", description=text) for name, text in PARAMETERS.items()),
            OpaqueFunction(function=tracker),
        ]
    )
