"""A clip, a thousand, or a cluster full of them, from results and truth to evaluations."""
