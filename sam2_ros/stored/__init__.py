"""What a tracker knows, in files: written whole or not at all, read with suspicion."""
