"""Hugging Face's audiofolder: a list ``metadata.csv``, ``.jsonl`` or ``.parquet`` in the folder of the files, or in that of each part."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from labcore.datasets.cliplist import ClipList, read_list
from labcore.datasets.columns import SYNONYMS, canonical
from labcore.datasets.listed import read_clip_lists
from labcore.datasets.parts import parts_among
from labcore.datasets.published.glimpse import Glimpse, Layout, Reader
from labcore.datasets.scan import is_dir, is_file
from labcore.errors import DatasetError

FILE = "file_name"
"""The column that tells the file, whatever other paths a list tells."""
LISTS = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
ABOVE = ("", "data", "audio")
"""Folders in which the folders of parts may lie."""


def recognise(glimpse: Glimpse) -> Reader | None:
    """The reader, where there is such a list with labels. Lists of something else, as of transcripts, are left to other layouts."""
    lists = _lists(glimpse)
    if not lists or not any(clips.holds_files(clips.taken.path) for clips, _ in lists):
        return None
    return lambda name: replace(read_clip_lists(lists, glimpse.folder, name), layout="audiofolder")


def _lists(glimpse: Glimpse) -> list[tuple[ClipList, str]]:
    """Each list with the part that its folder is; the one beside all parts, if there is one, goes before them.

    Raises:
        DatasetError: that of one part cannot be read.
    """
    for above in ABOVE:
        base, alone = glimpse.folder / above, None
        with suppress(DatasetError):  # who reads the folder in another way tells of it
            alone = _list_in(base)
        if alone is not None:
            return [(_with_parts(alone), "")]
        parts = parts_among(Glimpse(base).folders) if is_dir(base) else {}
        found = [(clips, parts[name]) for name in parts if (clips := _list_in(base / name)) is not None]
        if found:
            return found
    return []


def _with_parts(clips: ClipList) -> ClipList:
    """A list beside folders of parts: without a column for the part, the folder of a file tells it."""
    tops = [row.get(clips.taken.path, "").replace("\\", "/").removeprefix("./").partition("/")[0] for row in clips.rows]
    parts = parts_among(set(tops))
    if clips.taken.fold or len(set(parts.values())) < 2 or not set(tops) <= {*parts, ""}:
        return clips
    rows = [{**row, "split": parts.get(top, "")} for row, top in zip(clips.rows, tops, strict=True)]
    return replace(clips, header=[*clips.header, "split"], rows=rows)


def _list_in(folder: Path) -> ClipList | None:
    for name in LISTS:
        if is_file(folder / name):
            clips = read_list(folder / name)
            own = next((column for column in clips.header if column.casefold() == FILE), "")
            others = [column for column in clips.header if column != own and canonical(column) in SYNONYMS["path"]]
            clips = replace(clips, header=[column for column in clips.header if column not in others])
            if own and not clips.lacks:
                return clips
    return None


LAYOUT = Layout(
    "audiofolder",
    "Hugging Face audiofolder",
    "metadata.csv, .jsonl or .parquet (file_name, label) beside the files",
    recognise,
    lambda path: path.name in LISTS,
)
