"""Where things are, in metres: depth, camera model, transforms, motion. Knows no ROS, no network and no tracker.

Frames are those of REP 103: of a camera the optical one, x to the right, y down, z forward; lengths are metres.
"""
