"""Anything that may come in, and what has to come of it: it is taken, or refused with one Sam2RosError.

`targets.TARGETS` are by name; `feeding.batches` draws inputs for one of them, `feeding.feed` gives them to it. They are
tried together at a tracker at work: its next frame after all of them that were refused has to be what it is without
them, to the bit. Where it is not, halves are tried until only those are left that do it.
"""
