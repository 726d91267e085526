"""Whether the files of a data set are audio at all, by their headers: told when it is added, and not when a training meets them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from labcore.audio import probe
from labcore.datasets.several import exploded
from labcore.datasets.table import Dataset, Finding, behind, some
from labcore.device import usable_cores
from labcore.errors import AudioError, DatasetError
from labcore.jobs.following import OnProgress
from labcore.texts import counted, shown

NAMED = 3
"""So many of the files are named."""
AHEAD, PART = 1024, 32
"""Files that are handed to the threads at once, so that the work can be called off in between; and to one thread, since handing over
takes as long as a header."""


def unreadable_headers(dataset: Dataset, progress: OnProgress) -> Iterator[Finding]:
    """What is told of files whose header cannot be read, on all cores; nothing where all can.

    Args:
        progress: called with (headers read, files), from this thread. What it raises ends the work.

    Raises:
        DatasetError: not one file is audio.
    """
    trouble = header_troubles(dataset, progress)
    if not trouble:
        return
    paths = set(dataset.table["path"])
    why, others = Counter(trouble.values()).most_common(1)[0][0], len(set(trouble.values())) > 1
    names = some((shown(Path(path).name) for path in trouble), NAMED)
    told = f"{names} {why}" if len(trouble) == 1 else f"{names}. {'Most often' if others else 'Each'}: it {why}"
    if len(trouble) == len(paths):
        raise DatasetError(
            f"not one of the {counted(len(paths), 'file')} of {dataset.root} can be read as audio: {told}",
            "Fetch or export the files again",
        )
    table = exploded(dataset.table)
    clips = zip(table["path"], table["label"], strict=True)
    left = {label for path, label in clips if path not in trouble}
    gone = [label for label in dataset.labels if label not in left]
    without = f". That leaves nothing of {some(gone)}" if gone else ""
    yield Finding(
        "unreadable",
        f"{len(trouble):,} of {counted(len(paths), 'file')} cannot be read as audio and will be skipped: {told}{without}",
        tuple(trouble),
        "Fetch or export them again, or remove them",
    )


def header_troubles(dataset: Dataset, progress: OnProgress) -> dict[str, str]:
    """File → why its header cannot be read, in words that follow its path, of those of which it cannot.

    Args:
        progress: as for :func:`unreadable_headers`.
    """
    paths = list(dict.fromkeys(dataset.table["path"]))
    trouble: dict[str, str] = {}
    with ThreadPoolExecutor(usable_cores(), thread_name_prefix="headers") as pool:
        for start in range(0, len(paths), AHEAD):
            end = min(start + AHEAD, len(paths))
            for found in pool.map(_troubles, (paths[at : min(at + PART, end)] for at in range(start, end, PART))):
                trouble |= found
            progress(end, len(paths))
    return trouble


def _troubles(paths: Sequence[str]) -> dict[str, str]:
    return {path: why for path in paths if (why := _trouble(path))}


def _trouble(path: str) -> str:
    """Why the header of a file cannot be read, in words that follow its name; "" where it can."""
    try:
        probe(path)
    except AudioError as error:
        return behind(path, error.what)
    return ""
