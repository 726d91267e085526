"""Where the pages lie: in a checkout beside the package, in a wheel inside it (``setup.py`` puts them there)."""

from __future__ import annotations

from pathlib import Path

from labcore.errors import LabError

ENTRY = "streamlit_app.py"
"""What Streamlit runs; ``ui``, ``pages``, ``static`` and ``.streamlit`` lie beside it."""
_PACKAGE = Path(__file__).resolve().parent


def app_folder() -> Path:
    """The folder that holds ``streamlit_app.py``.

    Raises:
        LabError: the pages are not installed.
    """
    for folder in (_PACKAGE / "_app", _PACKAGE.parent):
        if (folder / ENTRY).is_file():
            return folder
    raise LabError(
        f"the pages are not installed with {_PACKAGE}",
        "Install the wheel of the lab, or start it from a checkout",
    )
