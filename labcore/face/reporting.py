"""Reports of runs, cross-validations and comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from labcore.face.names import FILE_NAMES, text_of
from labcore.workspace import Workspace


def write_report(names: Sequence[str], file: str | Path) -> Path:
    """Write the report of what is named, of several their comparison, as the file's ending says.

    Returns:
        The whole path of the file.

    Raises:
        ConfigError: another ending.
        WorkspaceError: it cannot be written.
    """
    from labcore.report.make import report_of, save, writer_of

    path = Path(text_of(file, "a report", FILE_NAMES)).expanduser().absolute()
    writer_of(path)  # before the work
    save(report_of(Workspace.default(), names), path)
    return path
