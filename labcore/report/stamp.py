"""When a report was made, and by what."""

from __future__ import annotations

import time

from labcore import __version__


def made_now() -> str:
    """A sentence with the moment, the version and the name of the lab."""
    return f"Made by the Audio GPU Lab {__version__} on {time.strftime('%Y-%m-%d at %H:%M')}."
