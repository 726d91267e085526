"""Servers that keep answering: how many connections there may be, and how long each may be silent."""
