"""How well something was tracked, in the measures of the field. Knows of label images, not of bags or networks."""
