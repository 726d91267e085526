"""The lab in a container: what it starts, how it stops, and how it tells that it is well. ``python -m labcore.container``"""
