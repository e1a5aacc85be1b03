"""The way from messages to results and back, the same live and from a bag. Knows nothing of rclpy."""
