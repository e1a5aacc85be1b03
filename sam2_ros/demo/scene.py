"""Which scene the demos show, offline and live; apart from what makes it, so that it loads at once."""

SEED = 5  # three objects, one of which hides and comes back
DIFFICULTY = "medium"
WIDTH, HEIGHT = 320, 240  # pixels
LIVE_FPS = 5.0  # what two CPU cores keep up with
