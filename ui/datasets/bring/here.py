"""A data set that lies on this machine, brought in by its path."""

from __future__ import annotations

from ui.datasets import manage


def show() -> None:
    """The form."""
    manage.add("datasets")
