"""Somebody's node gone wild: prompts, detections, clicks, services and parameters, so many a second, for so long.

python flood.py SECONDS RATE
"""

import sys
import time

import rclpy
from geometry_msgs.msg import Point
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from rclpy.serialization import serialize_message
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
wrong = PromptArray(prompts=[Prompt(object_id=n, has_box=True, box=turned) for n in range(1, 9)])
box = ObjectHypothesisWithPose()
box.hypothesis.score = 0.9
found = Detection2DArray(detections=[Detection2D(bbox=turned, results=[box])] * 8)
# Serialised once: to fill its fields takes longer than to send a message.
MESSAGES = [
    (p, serialize_message(m)) for p, m in ((prompts, wrong), (detections, found), (clicks, Point(x=1e9, y=-1.0)))
]
SET = SetParameters.Request(parameters=[Parameter("max_objects", value=3).to_parameter_msg()])

seconds, rate = map(float, sys.argv[1:])
began, sent = time.monotonic(), 0
while (elapsed := time.monotonic() - began) < seconds:
    if sent > rate * elapsed:
        time.sleep(0.001)
        continue
    for publisher, message in MESSAGES * 20:
        publisher.publish(message)
    add.call_async(AddPrompts.Request(prompts=wrong))  # rclpy keeps each of these until it is answered
    save.call_async(SaveState.Request(path="../../etc/passwd"))
    pause.call_async(SetBool.Request(data=False))
    parameters.call_async(SET)
    sent += 20 * len(MESSAGES) + 4
print(f"{sent} in {elapsed:.1f} s", flush=True)
