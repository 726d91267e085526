"""Whether the files of a data set are audio at all, by their headers: told when it is added, and not when a training meets them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from labcore.audio import Recording, probe
from labcore.audio.files import Source
from labcore.datasets.several import exploded
from labcore.datasets.table import DataProblem, Dataset, Finding, behind, some
from labcore.device import usable_cores
from labcore.errors import AudioError, DatasetError
from labcore.jobs.following import OnProgress
from labcore.texts import counted, shown

NAMED = 3
"""So many of the files are named."""
AHEAD, PART = 1024, 32
"""Files that are handed to the threads at once, so that the work can be called off in between; and to one thread, since handing over
takes as long as a header."""


def unreadable_headers(dataset: Dataset, progress: OnProgress) -> dict[str, str]:
    """The files of a data set whose header cannot be read, as :func:`header_troubles` has them.

    Raises:
        DatasetError: not one file is audio.
    """
    trouble = header_troubles(dataset, progress)
    if trouble and len(trouble) == (files := dataset.table["path"].nunique()):
        raise DatasetError(
            f"not one of the {counted(files, 'file')} of {dataset.root} can be read as audio: {_told(trouble)}",
            "Fetch or export the files again",
        )
    return trouble


def skipped(dataset: Dataset, trouble: Mapping[str, str]) -> list[Finding]:
    """What is told of files that cannot be read; nothing of those whose clips are left out anyway, as by a remedy of the check.

    Args:
        dataset: with its labels as they are corrected by now.
        trouble: from :func:`header_troubles`.
    """
    table = exploded(dataset.table)
    counting = table[table["label"] != ""]
    paths = set(counting["path"])
    trouble = {path: why for path, why in trouble.items() if path in paths}
    if not trouble:
        return []
    left = set(counting["label"][~counting["path"].isin(list(trouble))])
    gone = [label for label in dataset.labels if label not in left]
    without = f". That leaves nothing of {some(gone)}" if gone else ""
    what = f"{len(trouble):,} of {counted(len(paths), 'file')} cannot be read as audio and will be skipped"
    remedy = "Fetch or export them again, or remove them"
    return [Finding("unreadable", f"{what}: {_told(trouble)}{without}", tuple(trouble), remedy)]


def left_out(problems: Sequence[DataProblem]) -> list[Finding]:
    """What is told of files and rows that are no clips: how many, and the first of them."""
    if not problems:
        return []
    first = problems[0]
    what = f"{counted(len(problems), 'file or row', 'files or rows')} left out"
    as_this = f"{', as' if len(problems) > 1 else ':'} {shown(Path(first.path).name)}, which {first.what}"
    remedy = "`labcore datasets look` lists them all" if len(problems) > 1 else ""
    return [Finding("left out", what + as_this, tuple(problem.path for problem in problems), remedy)]


def _told(trouble: Mapping[str, str]) -> str:
    """Some of the files by name, and why they cannot be read."""
    why, others = Counter(trouble.values()).most_common(1)[0][0], len(set(trouble.values())) > 1
    names = some((shown(Path(path).name) for path in trouble), NAMED)
    return f"{names} {why}" if len(trouble) == 1 else f"{names}. {'Most often' if others else 'Each'}: it {why}"


def header_troubles(dataset: Dataset, progress: OnProgress) -> dict[str, str]:
    """File → why its header cannot be read, or that all of it is a clip and too long for one, in words that follow its path. On all cores.

    Args:
        progress: called with (headers read, files), from this thread. What it raises ends the work.
    """
    table = dataset.table
    paths = list(dict.fromkeys(table["path"]))
    whole = frozenset(table["path"][(table["start_s"] == 0) & table["end_s"].isna()])
    trouble: dict[str, str] = {}
    with ThreadPoolExecutor(usable_cores(), thread_name_prefix="headers") as pool:
        for start in range(0, len(paths), AHEAD):
            end = min(start + AHEAD, len(paths))
            for found in pool.map(
                partial(_troubles, whole), (paths[at : min(at + PART, end)] for at in range(start, end, PART))
            ):
                trouble |= found
            progress(end, len(paths))
    return trouble


def _troubles(whole: frozenset[str], paths: Sequence[str]) -> dict[str, str]:
    return {path: why for path in paths if (why := header_trouble(path, whole=path in whole))}


def header_trouble(source: Source, name: str = "", *, whole: bool = False) -> str:
    """Why the header of a file cannot be read, in words that follow its name; "" where it can.

    Args:
        source, name: as for :func:`labcore.audio.probe`.
        whole: all of it is a clip: it may be too long for one.
    """
    try:
        if whole:
            Recording(source, name=name).is_long()
        else:
            probe(source, name=name)
    except AudioError as error:
        return behind(name or str(source), error.what)
    return ""
