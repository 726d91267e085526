"""Raven selection tables: Raven Pro and Lite, BirdNET and others that write them."""

from __future__ import annotations

import re

from labcore.datasets.columns import SYNONYMS, words
from labcore.datasets.timed.labels import TimedFile
from labcore.datasets.timed.table import TableForm, read_table, text_columns
from labcore.datasets.timed.text import AnnotationText

FORM = TableForm(
    "raven",
    start=("begintimes", "begintime"),
    end=("endtimes", "endtime"),
    duration=("deltatimes", "deltatime"),
    offset=("fileoffsets", "fileoffset"),
    path=("beginpath", "beginfile"),
    label=(
        *words("annotation annotations label labels species class sound soundtype calltype call commonname scientificname "
               "speciescode tag tags id type event"),
        *(name for name in SYNONYMS["label"] if name not in ("target", "y")),
    ),
    low=("lowfreqhz", "lowfreq"),
    high=("highfreqhz", "highfreq"),
)  # fmt: skip
MEASURED = frozenset(
    words(
        "selection view channel beginpath beginfile endpath endfile begindate enddate beginclocktime endclocktime begindatetime "
        "enddatetime beginhour occupancy score confidence notes note comment comments analyst annotator observer date time"
    )
)
"""Columns of Raven's own, and what people write beside a label."""
_UNIT = re.compile(r"[(\[][^)\]]*[)\]]\s*$")


def looks(text: AnnotationText) -> bool:
    return bool(text.names & {"begintimes"}) and bool(text.names & {"endtimes", "deltatimes", "selection"})


def read(text: AnnotationText, column: str | None) -> TimedFile:
    """Labels from the column Annotation or one of a name like it, else from the first that holds words."""
    others = [name for name in text_columns(text, MEASURED) if not _UNIT.search(name)]
    return read_table(text, FORM, column, others)
