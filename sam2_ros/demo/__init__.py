"""A first look without camera, bag or download: which scene it shows, and the run through it."""
