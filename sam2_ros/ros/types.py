"""The generated ROS messages that the node sends, as the pipeline's message builders need them."""

from builtin_interfaces.msg import Time
from sensor_msgs.msg import Image

from sam2_ros.msg import BoundingBox2D, Point2D, TrackedObject, TrackedObjectArray

from ..stream.messages import MessageTypes, pack_array

TYPES = MessageTypes(
    Time=Time,
    Image=Image,
    Point2D=Point2D,
    BoundingBox2D=BoundingBox2D,
    TrackedObject=TrackedObject,
    TrackedObjectArray=TrackedObjectArray,
    pack=pack_array,
)
