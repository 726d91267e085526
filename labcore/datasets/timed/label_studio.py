"""Label Studio's exports: JSON, the whole one and the short one (JSON-MIN), and CSV and TSV, whose cells hold JSON."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from labcore.datasets.scan import is_audio
from labcore.datasets.timed.labels import UPLOADED, WHOLE, Damage, Stretch, TimedFile, TimedLabel
from labcore.datasets.timed.text import AnnotationText
from labcore.errors import DatasetError

NAME = "label_studio"
KINDS = ("labels", "timeserieslabels", "timelinelabels", "hypertextlabels", "choices")
"""Kinds of results that give labels; those without times are of the whole recording."""
_BEGIN = re.compile(r"^\s*\[\s*\{")


def looks(text: AnnotationText) -> bool:
    if not _BEGIN.match(text.text):
        return _is_sheet(text)
    whole = '"annotations"' in text.text or '"completions"' in text.text
    return (whole and '"result"' in text.text) or (
        '"audio"' in text.text and bool(re.search(r'"(annotator|lead_time|annotation_id)"', text.text))
    )


def _is_sheet(text: AnnotationText) -> bool:
    """Whether it is an export as CSV or TSV, by the columns that Label Studio adds to those of the data."""
    return {"annotationid", "annotator", "leadtime"} <= text.names and text.separator in (",", "\t")


def _sheet(text: AnnotationText) -> list[dict[str, Any]]:
    """The rows of CSV or TSV as the tasks of a short export. A cell may go over several lines."""
    rows = csv.DictReader(io.StringIO(text.text, newline=""), delimiter=text.separator)
    return [{key: cell for key, cell in row.items() if isinstance(key, str) and cell} for row in rows]


def read(text: AnnotationText, column: str | None) -> TimedFile:
    """Labels of all annotators.

    Args:
        column: the name of the control that gives the labels (``from_name``), or the key or column of a short export.

    Raises:
        DatasetError: it is no list of tasks.
    """
    tasks = _sheet(text) if _is_sheet(text) else text.json
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise DatasetError(f"{text.path} is no list of tasks", "Export it as JSON or JSON-MIN from Label Studio")
    found = TimedFile(text.path, NAME)
    for task in tasks:
        recording = _recording(task)
        annotations = task.get("annotations", task.get("completions"))
        if isinstance(annotations, list):
            done = [each for each in annotations if isinstance(each, dict) and not each.get("was_cancelled")]
        else:
            done = [{"result": list(_short(task, column)), "completed_by": task.get("annotator", "")}]
        if done:
            found.about.append(Stretch(recording))
        for annotation in done:
            who = _who(annotation.get("completed_by"))
            for result in annotation.get("result") or []:
                _take(found, result, recording, who, column)
    return found


def _take(found: TimedFile, result: Any, recording: str, who: str, column: str | None) -> None:
    number = 1 + len(found.labels) + len(found.damaged)
    value = result.get("value") if isinstance(result, dict) else None
    if not isinstance(value, dict):
        return
    kind = next((kind for kind in KINDS if isinstance(value.get(kind), list)), "")
    if not kind or (column is not None and result.get("from_name") != column):
        return
    try:
        start, end = float(value.get("start", 0.0)), float(value.get("end", WHOLE))
        score = float(result["score"]) if result.get("score") is not None else math.nan
    except (TypeError, ValueError):
        found.damaged.append(Damage(number, f"{value.get('start')!r} to {value.get('end')!r} are not times", recording))
        return
    for label in value[kind]:
        found.labels.append(TimedLabel(start, end, str(label), number, recording, annotator=who, confidence=score))


def _short(task: dict[str, Any], column: str | None) -> Iterator[dict[str, Any]]:
    """The labels of a short export as the whole one has them: lists of regions, or the choice for the whole recording."""
    for key, held in task.items():
        if isinstance(held, str) and held.lstrip().startswith("[{"):  # as a CSV export writes them
            try:
                held = json.loads(held)
            except ValueError:
                continue
        for value in held if isinstance(held, list) else []:
            if isinstance(value, dict):
                yield {"from_name": key, "value": value}
    choice = task.get("choice", task.get("label")) if column is None else task.get(column)
    if isinstance(choice, str) and not choice.lstrip().startswith(("[", "{")):
        yield {"from_name": column or "choice", "value": {"choices": [choice]}}


def _recording(task: dict[str, Any]) -> str:
    """The recording of a task: the one that was uploaded, else where its data says."""
    data = task["data"] if isinstance(task.get("data"), dict) else task
    named = [_path_of(place) for place in (data.get("audio"), *data.values()) if isinstance(place, str)]
    uploaded = UPLOADED.sub("", str(task.get("file_upload") or ""))
    return next((name for name in (*named, uploaded) if is_audio(name)), "")


def _path_of(place: str) -> str:
    """A path from an address: of local files what their query says, of an upload its name without the mark before it."""
    try:
        parts = urlsplit(place)
    except ValueError:  # words that begin like an address, such as //[sic]
        return place
    if local := parse_qs(parts.query).get("d"):
        return local[0]
    path = unquote(parts.path) if parts.scheme or "%" in place or "?" in place else place
    folder, slash, name = path.rpartition("/")
    if "upload" in folder.split("/"):
        return UPLOADED.sub("", name)
    return (folder + slash + name).removeprefix("/") if parts.scheme else folder + slash + name


def _who(told: Any) -> str:
    if isinstance(told, dict):
        return str(told.get("email") or told.get("id") or "")
    return "" if told is None else str(told)
