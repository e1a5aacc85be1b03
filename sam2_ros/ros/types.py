"""The generated ROS messages that the node sends, as the stream's message builders need them."""

from rosidl_runtime_py.utilities import get_message

from ..stream.messages import MessageTypes, pack_array
from ..stream.space_messages import SpaceTypes

TYPES = MessageTypes.found(get_message, pack_array)
SPACE_TYPES = SpaceTypes.found(get_message, pack_array)
