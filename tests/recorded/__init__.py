"""A workspace as an earlier version of the lab left it."""
