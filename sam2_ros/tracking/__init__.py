"""Tracking: time, objects and memory around the network. Knows nothing of ROS or files."""
