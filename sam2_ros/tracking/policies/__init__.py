"""Which memories an object keeps and attends to, and which of its candidate masks it takes: a file for each rule."""
