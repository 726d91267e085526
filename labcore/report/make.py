"""Make a report of what is named, and write it as what a file's ending says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from labcore.comparison.candidates import named
from labcore.errors import ConfigError
from labcore.outputs import write_output
from labcore.report import html, markdown, parts
from labcore.report.blocks import Report
from labcore.report.comparison import comparison_report
from labcore.report.one import crossval_report, run_report
from labcore.runs import Run
from labcore.workspace import Workspace

WRITERS: dict[str, Callable[[Report], str | bytes]] = {
    ".html": html.written,
    ".htm": html.written,
    ".md": markdown.written,
    ".markdown": markdown.written,
    ".zip": parts.written,
}


def report_of(workspace: Workspace, names: Sequence[str]) -> Report:
    """The report of a run or a cross-validation by its id, a part of it or its path; of several of them their comparison.

    Raises:
        RunError: there is none of a name, several are meant, or it cannot be read.
    """
    if len(names) > 1:
        return comparison_report(workspace, list(names))
    job = named(workspace, names[0])
    return run_report(workspace, job) if isinstance(job, Run) else crossval_report(workspace, job)


def writer_of(path: Path) -> Callable[[Report], str | bytes]:
    """What writes a report by the file's ending.

    Raises:
        ConfigError: another ending.
    """
    try:
        return WRITERS[path.suffix.lower()]
    except KeyError:
        raise ConfigError(
            f"a report cannot be written as {path.suffix or 'a file without an ending'}",
            "Name a file that ends with .html, .md or .zip",
        ) from None


def save(report: Report, path: Path) -> None:
    """Write a report, in place of a file that is there.

    Raises:
        ConfigError: the ending is none of :data:`WRITERS`.
        WorkspaceError: the file cannot be written.
    """
    write_output(path, writer_of(path)(report))
