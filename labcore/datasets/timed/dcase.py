"""The lists of events of DCASE: ``filename onset offset event_label`` with tabs, with and without a header; and those of few-shot
detection, ``Audiofilename,Starttime,Endtime,Q``."""

from __future__ import annotations

from dataclasses import replace

from labcore.datasets.columns import canonical, words
from labcore.datasets.scan import is_audio
from labcore.datasets.timed.labels import TimedFile
from labcore.datasets.timed.table import TableForm, read_table
from labcore.datasets.timed.text import AnnotationText, figure_in

FORM = TableForm(
    "dcase",
    start=words("onset starttime"),
    end=words("offset endtime"),
    path=words("filename file audiofilename audiofile"),
    label=words("eventlabel label event q"),
)
FEW_SHOT = "audiofilename"
POSITIVE, UNSURE, NEGATIVE = "POS", "UNK", "NEG"
_HEADLESS = {
    4: ("filename", "onset", "offset", "event_label"),
    5: ("filename", "scene_label", "onset", "offset", "event_label"),
}


def looks(text: AnnotationText) -> bool:
    if FEW_SHOT in text.names:
        return {"starttime", "endtime"} <= text.names
    headed = {"onset", "offset", "eventlabel"} <= text.names and text.separator == "\t"
    return headed or bool(_header_of(text))


def _header_of(text: AnnotationText) -> tuple[str, ...]:
    """The names of the columns of a list without a header; none where it has one, or is no such list."""
    names = _HEADLESS.get(len(text.header), ()) if text.separator == "\t" else ()
    if not names or not is_audio(text.header[0]):
        return ()
    times = [figure_in(text.header[names.index(column)]) for column in ("onset", "offset")]
    return names if all(time >= 0 for time in times) else ()


def read(text: AnnotationText, column: str | None) -> TimedFile:
    if names := _header_of(text):
        text = AnnotationText(text.path, "\t".join(names) + "\n" + text.text)
        found = read_table(text, FORM, column)
        found.labels = [replace(label, line=label.line - 1) for label in found.labels]
        found.damaged = [replace(row, line=row.line - 1) for row in found.damaged]
        return found
    return _few_shot(text, column) if FEW_SHOT in text.names else read_table(text, FORM, column)


def _few_shot(text: AnnotationText, column: str | None) -> TimedFile:
    """A column a class, which says whether a row is one: POS, NEG, or UNK where nobody knows."""
    classes = [name for name in text.header if canonical(name) not in ("", FEW_SHOT, "starttime", "endtime")]
    found = TimedFile(text.path, FORM.name)
    for name in classes if column is None else [column]:
        one = read_table(text, FORM, name)
        found.damaged = one.damaged
        for label in one.labels:
            value = label.label.upper()
            if value == POSITIVE:
                found.labels.append(replace(label, label=name if name.upper() != "Q" else POSITIVE))
            elif value == UNSURE or value != NEGATIVE:
                found.labels.append(replace(label, label="" if value == UNSURE else label.label))
    return found
