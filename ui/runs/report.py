"""The buttons that give a report of a run, a cross-validation or a comparison to take away; it is made when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from ui.app import services
from ui.app.shell import download


def buttons(ids: Sequence[str]) -> None:
    """Of one id its report, of several that of their comparison; to be called in a row of buttons."""
    workspace = services.workspace()  # here, since a download has no session

    def made(ending: str) -> str | bytes:
        from labcore.report.make import WRITERS, report_of

        return WRITERS[ending](report_of(workspace, ids))

    name = ids[0] if len(ids) == 1 else f"{ids[0]}-compared"
    download(
        "Report", lambda: made(".html"), f"{name}.html", "text/html", type="tertiary", key="report-html",
        icon=":material/summarize:", help="One HTML file with figures, tables and charts. It opens offline and prints well.",
    )  # fmt: skip
    download(
        "Report as Markdown", lambda: made(".md"), f"{name}.md", "text/markdown", type="tertiary", key="report-markdown",
        icon=":material/markdown:", help="The same as tables, for a wiki or a repository.",
    )  # fmt: skip
    download(
        "Figures and tables", lambda: made(".zip"), f"{name}.zip", "application/zip", type="tertiary", key="report-zip",
        icon=":material/folder_zip:", help="The report, each figure as SVG, and each table as CSV and for LaTeX.",
    )  # fmt: skip
