"""Somebody's node gone wild: prompts, detections, clicks, services and parameters as fast as they go, for so long.

python flood.py SECONDS
"""

import sys
import time

import rclpy
from geometry_msgs.msg import Point
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from std_srvs.srv import SetBool
from vision_msgs.msg import BoundingBox2D, Detection2D, Detection2DArray, ObjectHypothesisWithPose

from sam2_ros.msg import Prompt, PromptArray
from sam2_ros.srv import AddPrompts, SaveState

NAME = "/sam2_tracker"
rclpy.init()
node = rclpy.create_node("flood")
make, ask = node.create_publisher, node.create_client
prompts, clicks = make(PromptArray, "/prompts", QoSProfile(depth=10)), make(Point, "/eye/image_mouse_left", 10)
detections = make(Detection2DArray, "/detector/boxes", QoSProfile(depth=10))
add, save = ask(AddPrompts, f"{NAME}/add_prompts"), ask(SaveState, f"{NAME}/save_state")
pause, parameters = ask(SetBool, f"{NAME}/set_paused"), ask(SetParameters, f"{NAME}/set_parameters")
for client in (add, save, pause, parameters):
    client.wait_for_service(30)

turned = BoundingBox2D(size_x=20.0, size_y=20.0)
turned.center.theta = 1.0
WRONG = PromptArray(prompts=[Prompt(object_id=n, has_box=True, box=turned) for n in range(1, 9)])
box = ObjectHypothesisWithPose()
box.hypothesis.score = 0.9
FOUND = Detection2DArray(detections=[Detection2D(bbox=turned, results=[box])] * 8)
SET = SetParameters.Request(parameters=[Parameter("max_objects", value=3).to_parameter_msg()])

end, sent = time.monotonic() + float(sys.argv[1]), 0
while time.monotonic() < end:
    prompts.publish(WRONG)
    detections.publish(FOUND)
    clicks.publish(Point(x=1e9, y=-1.0))
    sent += 3
    if sent % 5 == 0:  # rclpy keeps each of these until it is answered
        add.call_async(AddPrompts.Request(prompts=WRONG))
        save.call_async(SaveState.Request(path="../../etc/passwd"))
        pause.call_async(SetBool.Request(data=False))
        parameters.call_async(SET)
        sent += 4
print(f"{sent} in {sys.argv[1]} s", flush=True)
