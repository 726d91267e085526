"""The app around the pages: frame, live parts, what the server keeps, words of numbers."""
