"""The live node: a thin shell around the pipeline, and the only place that imports rclpy."""
