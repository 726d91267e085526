"""A report in its parts, for whoever writes a text of their own: a zip with each figure as SVG, each table as CSV and as LaTeX."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from labcore.report import html, markdown
from labcore.report.blocks import Chart, Diagram, Facts, Matrix, Report, Share, Table
from labcore.report.figure_files import figure_file
from labcore.sheets import csv_of_frame
from labcore.texts import printable, shown
from labcore.workspace import slug
from labcore.zips import zipped

if TYPE_CHECKING:
    import pandas as pd

README = """figures/*.svg     vector graphics; Inkscape or `rsvg-convert -f pdf` makes PDF or PNG of them
tables/*.csv      for a spreadsheet
tables/*.tex      for LaTeX, with \\usepackage{booktabs}; names in other letters than Latin ones need LuaLaTeX and a font that has them
report.html, report.md   the whole report
"""

NUMBER = re.compile(r"|–|[−+-]?\d[\d.,\u202f]*( ?%)?")
"""A cell of a column of numbers, which may be empty."""
SIGNS = str.maketrans({"−": "$-$", "≤": "$\\le$", "≥": "$\\ge$", "\u202f": "\\,"})


def written(report: Report) -> bytes:
    """The whole archive."""
    files = {"README.txt": README, "report.html": html.written(report), "report.md": markdown.written(report)}
    blocks = [block for part in (report.lead, *(section.blocks for section in report.sections)) for block in part]
    for number, block in enumerate(blocks, 1):
        if isinstance(block, (Chart, Diagram, Matrix)) and (content := figure_file(block)):
            files[f"figures/{number:02}-{_name(block)}.svg"] = content
        if isinstance(block, (Chart, Diagram, Matrix, Facts, Table)):
            frame, stem = frame_of(block), f"tables/{number:02}-{_name(block)}"
            files |= {f"{stem}.csv": csv_of_frame(frame), f"{stem}.tex": latex(frame, _caption(block))}
    return zipped(files)


def frame_of(block: Chart | Diagram | Matrix | Facts | Table) -> pd.DataFrame:
    """A block as a table of texts."""
    import pandas as pd

    match block:
        case Facts():
            return pd.DataFrame([map(_told, fact) for fact in block.told], columns=["", block.caption])
        case Matrix():
            rows = [
                [true, *(block.counts.get(true, {}).get(label, 0) for label in block.labels)] for true in block.labels
            ]
            return pd.DataFrame(rows, columns=["true", *block.labels])
    table = block if isinstance(block, Table) else block.table()
    cells = [[_told(cell.text if isinstance(cell, Share) else cell) for cell in row] for row in table.rows]
    return pd.DataFrame(cells, columns=list(table.head))


def _told(cell: object) -> object:
    """A cell as pandas takes it: its texts are UTF-8, and the name of a file may be none."""
    return shown(cell) if isinstance(cell, str) else cell


def latex(frame: pd.DataFrame, caption: str) -> str:
    """A table of LaTeX, columns of numbers to the right. Signs that pdfLaTeX does not know in a text are set as mathematics. A row that
    begins with ``[`` has it in braces: after the end of the row before it would be a length."""
    printed = frame.map(printable).rename(columns=printable)
    sides = ["r" if all(map(NUMBER.fullmatch, printed.iloc[:, column])) else "l" for column in range(printed.shape[1])]
    tabular: str = printed.to_latex(index=False, escape=True, column_format="".join(sides))
    return re.sub(r"(?m)^\[", "{[}", f"% {printable(caption)}\n{tabular}".translate(SIGNS))


def _caption(block: Chart | Diagram | Matrix | Facts | Table) -> str:
    return block.title if isinstance(block, Chart) else block.caption


def _name(block: Chart | Diagram | Matrix | Facts | Table) -> str:
    return slug("confusion matrix" if isinstance(block, Matrix) else _caption(block).partition(";")[0]).lower()[:60]
