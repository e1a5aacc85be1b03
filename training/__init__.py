"""Training of the network: made-up scenes or one's own bags in, a checkpoint out. Not installed."""
