"""What people and machines read of an evaluation: page, plots, tables, comparison of two runs."""
