"""Predictions as CSV, JSON lines and Parquet, and segments as Raven selection tables and Audacity label tracks."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from labcore.batch.journal import AGAIN
from labcore.batch.segments import Threshold, segments_of, with_events
from labcore.errors import ConfigError
from labcore.outputs import opened_output
from labcore.sheets import Sheet, csv_of
from labcore.texts import json_line, shown
from labcore.tracks import ENDINGS, Track, TrackEvent, label_track, selection_lines
from labcore.typed import typed_path

TRACKS = ("raven", "audacity")
FORMATS = ("jsonl", "csv", "parquet", *TRACKS)
PER = ("file", "window", "segment")
ROWS = 10_000
"""Rows of Parquet that are gathered before they are written."""

Predictions = Iterable[dict[str, Any]]
Band = tuple[float, float]
"""The lowest and the highest frequency that a network hears, in Hz."""


def columns_of(labels: list[str], per: str) -> list[str]:
    """The columns of a table; probabilities of the classes are ``p_<label>``, ``notes`` tell how a file was read: that channels cancel."""
    span = [] if per == "file" else ["start_s", "end_s"]
    last = ["highest", "windows"] if per == "segment" else [f"p_{shown(label)}" for label in labels]
    return ["file", *span, "label", "probability", *([] if span else ["seconds"]), "error", "notes", *last]


def rows_of(prediction: dict[str, Any], per: str, threshold: Threshold) -> Iterator[dict[str, Any]]:
    """The rows of one prediction; a file that could not be read is a row with its error. Names are written as :func:`shown` does."""
    file = {"file": shown(prediction["file"])}
    if prediction.get("notes"):
        file["notes"] = "; ".join(shown(note) for note in prediction["notes"])
    if "error" in prediction:
        yield file | {"error": shown(prediction["error"])}
    elif per == "segment":
        for segment in segments_of(prediction, threshold):
            yield file | vars(segment) | {"label": shown(segment.label)}
    else:
        for part in [prediction] if per == "file" else prediction["windows"]:
            told = ("start_s", "end_s", "seconds", "label", "probability")
            facts = {name: part[name] for name in told if name in part} | {"label": shown(part["label"])}
            yield file | facts | {f"p_{shown(label)}": share for label, share in part["probabilities"].items()}


def write_table(
    path: Path, format: str, predictions: Predictions, labels: list[str], per: str = "file", threshold: Threshold = 0.0
) -> None:
    """Write predictions into one file, whole or not at all.

    Args:
        format: one of :data:`FORMATS` that is no track. JSON lines are whole predictions, whatever ``per`` says.
        per: a row a file, window or segment.
        threshold: for segments and events, as :func:`segments_of` takes it.

    Raises:
        WorkspaceError: it cannot be written.
    """
    rows = (row for prediction in predictions for row in rows_of(prediction, per, threshold))
    with _whole(path) as file:
        if format == "parquet":
            _write_parquet(file, rows, columns_of(labels, per))
        elif format == "jsonl":
            file.writelines(
                json_line(with_events(prediction, threshold)).encode() + b"\n" for prediction in predictions
            )
        else:
            text = io.TextIOWrapper(file, "utf-8", newline="")
            Sheet(text, columns_of(labels, per)).rows(rows)
            text.detach()  # what is written is flushed, and the file stays open


def csv_text(predictions: Predictions, labels: list[str], per: str = "file", threshold: Threshold = 0.0) -> str:
    """The same as the text of a CSV file.

    Args:
        predictions: such as :meth:`labcore.inference.prediction.Prediction.told` gives, with ``file``; or ``file`` and ``error``.
    """
    rows = (row for prediction in predictions for row in rows_of(prediction, per, threshold))
    return csv_of(columns_of(labels, per), rows)


def _write_parquet(file: IO[bytes], rows: Iterator[dict[str, Any]], columns: list[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = dict.fromkeys(("file", "label", "error", "notes"), pa.string()) | {"windows": pa.int64()}
    schema = pa.schema([(name, kinds.get(name, pa.float64())) for name in columns])
    with pq.ParquetWriter(file, schema) as writer:
        while gathered := list(itertools.islice(rows, ROWS)):
            writer.write_table(pa.Table.from_pylist(gathered, schema))


def track_of(prediction: dict[str, Any], format: str, threshold: Threshold, band: Band) -> str:
    """The segments of one recording as the text of a Raven selection table or an Audacity label track.

    Args:
        band: the lowest and the highest frequency that the network hears, in Hz; it stands in each row of a selection table.
    """
    if format == "audacity":
        return label_track(_events_of(prediction, threshold))
    return "".join(selection_table([prediction], threshold, band))


def selection_table(predictions: Predictions, threshold: Threshold, band: Band) -> Iterator[str]:
    """The segments of recordings as the lines of one Raven selection table. Recordings that could not be read are left out."""
    return selection_lines(
        Track(each["file"], each["seconds"], _events_of(each, threshold), band)
        for each in predictions
        if "error" not in each
    )


def _events_of(prediction: dict[str, Any], threshold: Threshold) -> list[TrackEvent]:
    return [
        TrackEvent(each.start_s, each.end_s, each.label, score=each.probability)
        for each in segments_of(prediction, threshold)
    ]


def track_files(names: list[str], files: list[Path], output: Path, format: str) -> dict[Path, Path]:
    """Where each recording's label track goes: the output itself for one recording, else a file at its place in that folder.

    Args:
        names: of files and folders, as somebody named them.
        files: that they stand for.

    Raises:
        ConfigError: two recordings would share one.
    """
    named = [typed_path(name) for name in names]
    if len(files) == 1 and not os.path.isdir(output) and named[0] == files[0]:  # noqa: PTH112 (never raises)
        return {files[0]: output}
    folders = [path for path in named if os.path.isdir(path)]  # noqa: PTH112 (never raises)
    targets: dict[Path, Path] = {}
    for file in files:
        above = next((folder for folder in folders if file.is_relative_to(folder)), None)
        inner = Path(file.name) if above is None else file.relative_to(above)
        if above is not None and len(folders) > 1:
            inner = above.resolve().name / inner
        targets[file] = output / f"{inner}{ENDINGS[format]}"
    if len(set(targets.values())) < len(targets):
        raise ConfigError(
            "two recordings of the same name would share a label track", "Classify them into folders of their own"
        )
    return targets


def write_tracks(targets: Iterable[tuple[Path, dict[str, Any]]], format: str, threshold: Threshold, band: Band) -> None:
    """Write a label track or selection table for each (path, prediction); those of files that could not be read are left out.

    Raises:
        WorkspaceError: one cannot be written.
    """
    for path, prediction in targets:
        if "error" not in prediction:
            with _whole(path) as file:
                file.write(track_of(prediction, format, threshold, band).encode())


def write_selection_table(path: Path, predictions: Predictions, threshold: Threshold, band: Band) -> None:
    """Write one selection table over several recordings, whole or not at all.

    Raises:
        WorkspaceError: it cannot be written.
    """
    with _whole(path) as file:
        file.writelines(line.encode() for line in selection_table(predictions, threshold, band))


def _whole(path: Path) -> contextlib.AbstractContextManager[IO[bytes]]:
    return opened_output(path, durable=False, again=AGAIN)
