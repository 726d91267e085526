"""Data sets as they are published: each is known by the names of its files or by its lists. One reader a layout."""
