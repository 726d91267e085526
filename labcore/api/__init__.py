"""The REST service: ``labcore serve``."""
