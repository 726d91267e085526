"""The Learning curve page."""
