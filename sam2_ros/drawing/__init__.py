"""Pictures for people: what was tracked drawn over its image, many images on one sheet."""
