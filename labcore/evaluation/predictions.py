"""``predictions.parquet``: what a classifier says of each clip, for whoever asks later which ones, and how far off.

A row a clip, or a window where that was asked for: ``clip`` (its way from the data set's folder on), ``start_s`` and ``end_s`` within its
file, ``group``, ``fold``, ``label``, a column of probabilities a class, and ``embedding``, what the network's last layer is given, as
float16 (of an ensemble that of all members side by side; of a clip the mean over its windows that hold sound; null where the network has
no last layer).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from labcore.datasets.folds import folds_of
from labcore.datasets.table import ways_from
from labcore.errors import LabError, RunError, WorkspaceError
from labcore.jobs.listing import reason
from labcore.reading import open_file, parse_json
from labcore.texts import all_shown, shown
from labcore.workspace import opened_atomically

if TYPE_CHECKING:
    import pyarrow as pa

    from labcore.evaluation.eval_set import PredictionPart
    from labcore.task.kind import Task

KNOWN = ("clip", "start_s", "end_s", "group", "fold", "label")
"""The columns of what is known of a clip, before those of the classes."""
EMBEDDING = "embedding"
META = b"labcore"


def known_of(table: pd.DataFrame, rows: np.ndarray, folder: str, split: str = "official") -> pd.DataFrame:
    """What is known of clips: columns clip, start_s, group, fold, label.

    Args:
        table: a data set's clips, as :data:`labcore.datasets.table.COLUMNS`.
        rows: (clips,) which of them.
        folder: what the clips' ways begin from.
        split: ``data.split`` of the run, which says what fold a clip is in.
    """
    chosen = table.iloc[rows]
    return pd.DataFrame(
        {
            "clip": all_shown(ways_from(folder, chosen["path"])),
            "start_s": chosen["start_s"].to_numpy(dtype=np.float64),
            "group": all_shown(chosen["group"]),
            "fold": all_shown(folds_of(table, split)[rows]),
            "label": all_shown(chosen["label"]),
        }
    )


def record(
    path: Path | None,
    known: pd.DataFrame,
    labels: Sequence[str],
    rate: int,
    parts: Iterable[PredictionPart],
    task: Task | None = None,
) -> tuple[np.ndarray, LabError | None]:
    """Write predictions for clips, part by part, a row group each; the file appears whole or not at all.

    Args:
        path: of the file; None writes nothing.
        known: of the clips, from :func:`known_of`.
        labels: by the numbers of the classes.
        rate: samples a second of the bounds.
        parts: from :meth:`labcore.evaluation.eval_set.EvalSet.parts`.
        task: of the classifier; one label a clip where it is not given.

    Returns:
        What :meth:`labcore.task.kind.Task.noted` keeps of each clip, as (clips,) the number of the predicted class; and why the file
        could not be written, where it could not. What is said
        counts all the same: a full disk costs the file alone.
    """
    kept = task.noted if task is not None else _most_probable
    predicted: list[np.ndarray] = [kept(np.zeros((0, len(labels)), dtype=np.float32))]

    def noted() -> Iterator[PredictionPart]:
        for part in parts:
            predicted.append(kept(part.clip_probabilities))
            yield part

    rest, trouble, meta = noted(), None, _meta(labels, task)
    if path is not None:
        try:
            _write(path, (_table(part, known, list(labels), rate, meta) for part in rest))
        except WorkspaceError as error:
            trouble = error
    for _ in rest:  # what cannot be written is predicted all the same
        pass
    return np.concatenate(predicted), trouble


def frame_of(
    known: pd.DataFrame, labels: Sequence[str], rate: int, parts: Iterable[PredictionPart], task: Task | None = None
) -> pd.DataFrame:
    """What is predicted of clips, of one part at least, as the rows that :func:`record` would write."""
    import pyarrow as pa

    meta = _meta(labels, task)
    return pa.concat_tables([_table(part, known, list(labels), rate, meta) for part in parts]).to_pandas()


def _most_probable(probabilities: np.ndarray) -> np.ndarray:
    return probabilities.argmax(1)


def _meta(labels: Sequence[str], task: Task | None) -> bytes:
    """What a file tells of itself: its labels; of several labels a clip also their thresholds, by which it is known for such."""
    facts: dict[str, Any] = {"format": 1, "labels": list(labels)}
    if (thresholds := getattr(task, "thresholds", None)) is not None:
        facts["several_labels"] = thresholds.model_dump(mode="json")
    return json.dumps(facts).encode()


def not_kept(trouble: LabError) -> str:
    """A sentence on predictions that could not be written."""
    return f"the result is saved, but not the prediction of each clip: {trouble}"


def read_predictions(paths: Iterable[Path]) -> pd.DataFrame:
    """The rows of one or several files, one after the other: those of the folds of a cross-validation are its pooled predictions.

    Returns:
        The columns of the file; ``attrs["labels"]`` holds the classes in the order of their columns, and ``attrs["several_labels"]`` the
        thresholds where clips may have several labels, those of each file.

    Raises:
        RunError: a file is not there or not of this lab, or they are of different classes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    frames, labels, several = [], None, []
    for path in paths:
        try:
            with open_file(path) as file:
                table = pq.read_table(file)
            told = parse_json(table.schema.metadata[META])
            of_file = told["labels"]
            several += [told["several_labels"]] if "several_labels" in told else []
        except (OSError, pa.ArrowException, LookupError, TypeError, ValueError) as error:
            raise RunError(
                f"the predictions {path} cannot be read: {reason(error)}", "Evaluate the run again"
            ) from error
        if labels not in (None, of_file):
            raise RunError(f"the predictions {path} have other classes", "Use predictions for the same data set")
        labels = of_file
        frames.append(table.to_pandas())
    if not frames:
        raise RunError("there are no predictions to read", "They are written when a run finishes")
    frame = pd.concat(frames, ignore_index=True)
    frame.attrs["labels"] = labels
    if several and len(several) < len(frames):
        raise RunError(
            "some of these predictions are of one label a clip, and some of several", "Use predictions of one kind"
        )
    if several:
        frame.attrs["several_labels"], frame.attrs["sizes"] = several, [len(each) for each in frames]
    return frame


def class_columns(labels: Sequence[str], others: Iterable[str] = ()) -> list[str]:
    """The columns of the classes: their names, told apart from the other columns, those of ``others`` too, where they have the same."""
    taken, columns = {*KNOWN, EMBEDDING, *others}, []
    for label in map(shown, labels):
        while label in taken:
            label = f"class {label}"
        taken.add(label)
        columns.append(label)
    return columns


def _write(path: Path, tables: Iterator[pa.Table]) -> None:
    """Write tables as row groups of one file; nothing where there are none.

    Raises:
        WorkspaceError: the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    first = next(tables, None)
    if first is None:
        return
    try:
        with opened_atomically(path) as file, pq.ParquetWriter(file, first.schema, compression="zstd") as writer:
            for table in chain([first], tables):
                writer.write_table(table)
    except pa.ArrowException as error:
        raise WorkspaceError(f"{path} cannot be written: {reason(error)}", "Free some space") from error


def _table(part: PredictionPart, known: pd.DataFrame, labels: list[str], rate: int, meta: bytes) -> pa.Table:
    import pyarrow as pa

    of_row = known.iloc[part.clips]
    starts = of_row["start_s"].to_numpy()[:, None] + part.bounds / rate  # (rows, 2) seconds
    columns: dict[str, Any] = {name: of_row[name].tolist() for name in ("clip", "group", "fold", "label")}
    columns |= {"start_s": starts[:, 0], "end_s": starts[:, 1]}
    arrays = [pa.array(columns[name], pa.float64() if name.endswith("_s") else pa.string()) for name in KNOWN]
    arrays += [pa.array(np.ascontiguousarray(column, dtype=np.float32)) for column in part.probabilities.T]
    width = part.embeddings.shape[1]
    if width:
        flat = pa.array(np.ascontiguousarray(part.embeddings).reshape(-1))
        arrays.append(pa.FixedSizeListArray.from_arrays(flat, width))
    else:
        arrays.append(pa.nulls(len(of_row), pa.list_(pa.float16())))
    named = pa.table(arrays, names=[*KNOWN, *class_columns(labels), EMBEDDING])
    return named.replace_schema_metadata({META: meta})
