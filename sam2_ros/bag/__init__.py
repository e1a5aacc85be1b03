"""Bags without ROS: read, replay through the tracker, write, and make from images or video."""
