"""The workspace in one file, and back: consistent while runs go on, checksummed, encrypted where that is asked for."""
