"""Data sets on the pages: added, described, listened to."""
