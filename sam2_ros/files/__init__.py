"""Files that others may see only when they are whole."""
