"""What `on_gpu.py` runs: one module for each of its stages, and what they share."""
