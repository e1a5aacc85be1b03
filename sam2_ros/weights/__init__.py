"""From a name to a network on its device: the weights that ship, those that are fetched, and how they are loaded."""
