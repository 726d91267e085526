"""Clip tables of large data sets that were read before, kept in the cache until anything changes that reading them looks at.

Reading 100,000 clips anew takes seconds: their names are taken apart, equal files are found, folds are drawn. A table that is kept counts
only where the state of the folder, the code that reads, and the folders that may be opened are what they were. Whatever else lies in its
place, as a part of a file or one of another version, is passed over and written anew; where nothing can be written, it is read each time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from labcore import __version__
from labcore.allowed_paths import allowed_paths
from labcore.config import DataConfig
from labcore.datasets.caches import cache_of, opened_to_keep
from labcore.datasets.class_folders import OUTER, ClassFolders
from labcore.datasets.layouts import called, read_dataset, seen_from
from labcore.datasets.table import COLUMNS, MISSING, SEVERAL, DataProblem, Dataset, Finding
from labcore.datasets.timed.edits import NO_EDITS, EventEdits
from labcore.datasets.tree_state import tree_state
from labcore.errors import WorkspaceError
from labcore.reading import open_file, parse_json
from labcore.texts import as_bytes
from labcore.typed import typed_path
from labcore.workspace import Workspace

FILE = "clips.zip"
LEAST_CLIPS = 2000
"""Fewer are read as soon as they are looked up."""
SETTLED_SECONDS = 2.0
"""What changed less long before it was read may have changed once more since, at the same time by the clock of the disk."""
MOST_OTHERS = 4
"""So many entries for each clip a folder holds at most: looking at more may take longer than reading a list."""
FACTS = "facts.json"
TOLD, MORE = ("kind", "what", "files", "remedy", "level", "about"), ("clips", "remedies", "details", "sets")
"""What is kept of a finding, and what none has that reading makes."""
DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What goes wrong with a file that is not made as it should be."""


def read_through(
    workspace: Workspace,
    path: str | Path,
    name: str = "",
    data: DataConfig | None = None,
    edits: EventEdits = NO_EDITS,
    class_folders: ClassFolders = OUTER,
) -> Dataset:
    """Read a data set as :func:`labcore.datasets.layouts.read_dataset` does, or take what is kept of it.

    Args:
        name, data, edits, class_folders: as there.

    Raises:
        DatasetError, TooMuchError: as there.
    """
    whole = Path(os.path.abspath(typed_path(path)))  # noqa: PTH100 (as it is read)
    with contextlib.suppress(WorkspaceError, *DAMAGE):
        return _kept(workspace, whole, name, class_folders)
    began = time.time()
    dataset = read_dataset(path, name, data, edits, class_folders)
    with contextlib.suppress(WorkspaceError, OSError):  # then it is read anew the next time
        _keep(workspace, whole, dataset, began, class_folders)
    return dataset


def _kept(workspace: Workspace, path: Path, name: str, class_folders: ClassFolders) -> Dataset:
    """Raises one of :data:`DAMAGE` where nothing is kept that holds."""
    with open_file(_file(workspace, path)) as file, zipfile.ZipFile(file) as archive:
        facts = parse_json(archive.read(FACTS))
        if facts["reading"] != _reading(path, class_folders):
            raise ValueError("read by other code, with other folders open, or by other folders as classes")
        state = tree_state(Path(facts["tree"]), facts["entries"])
        if state is None or state.digest != facts["digest"]:
            raise ValueError("changed since")
        return _unpacked(facts, archive.read, name or called(path))


def _keep(workspace: Workspace, path: Path, dataset: Dataset, began: float, class_folders: ClassFolders) -> None:
    """Keep what was read, where it can be told later whether it still holds.

    Args:
        began: when its reading began, in seconds since 1970.
    """
    tree = seen_from(path)
    if tree is None or not _can_be_kept(dataset, tree):
        return
    state = tree_state(tree, MOST_OTHERS * len(dataset))
    if state is None or state.changed_ns > (began - SETTLED_SECONDS) * 1e9:
        return
    facts, columns = _packed(dataset)
    facts |= {
        "reading": _reading(path, class_folders),
        "tree": str(tree),
        "entries": state.entries,
        "digest": state.digest,
    }
    with (
        opened_to_keep(_file(workspace, path)) as stream,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        archive.writestr(FACTS, json.dumps(facts))
        for column, content in columns.items():
            archive.writestr(column, content)


def _file(workspace: Workspace, path: Path) -> Path:
    return cache_of(workspace, path) / FILE


def _can_be_kept(dataset: Dataset, tree: Path) -> bool:
    """Whether all that its table comes from lies in the tree, and is no more than is written down.

    A list names files that may appear anywhere near; where one is missing, it is looked for each time.
    """
    inside = f"{tree}{os.sep}"
    return (
        len(dataset) >= LEAST_CLIPS
        and dataset.annotated is None
        and set(dataset.table.columns) <= {*COLUMNS, SEVERAL}
        and f"{dataset.root}{os.sep}".startswith(inside)
        and not any(problem.what.startswith(MISSING) for problem in dataset.problems)
        and all(place.startswith(inside) for place in dataset.table["path"])
        and not any(getattr(finding, more) for finding in dataset.findings for more in MORE)
    )


def _reading(path: Path, class_folders: ClassFolders) -> list[str]:
    """What a table depends on beside the files: where it was read, by which code, which folders may be opened, and which are classes."""
    return [str(path), _code(), f"{allowed_paths()}", class_folders]


@cache
def _code() -> str:
    """Another one for every version of what reads data sets, and of what knows characters."""
    digest = hashlib.blake2b(f"{sys.version_info[:2]} {__version__}".encode(), digest_size=16)
    package = Path(__file__).parents[1]
    for folder in (package / "datasets", package / "audio"):
        for file in sorted(folder.rglob("*.py")):
            digest.update(file.read_bytes())
    digest.update((package / "texts.py").read_bytes())
    return digest.hexdigest()


# --- as bytes


def _packed(dataset: Dataset) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What is told of a data set, and the columns of its table."""
    table, top = dataset.table, f"{dataset.folder}{os.sep}"
    ways = [path.removeprefix(top) for path in table["path"]]
    columns = {
        "path": _texts(ways),
        "group": _texts(["" if group == way else group for group, way in zip(table["group"], ways, strict=True)]),
        "start_s": table["start_s"].to_numpy("<f8").tobytes(),
        "end_s": table["end_s"].to_numpy("<f8").tobytes(),
    }
    words = {}
    for column in ("label", "fold"):
        numbers, texts = pd.factorize(table[column])
        columns[column], words[column] = numbers.astype("<i4").tobytes(), list(texts)
    told = {name: getattr(dataset, name) for name in ("layout", "fold_note", "passed_over", "several_labels")}
    facts = {
        **told,
        "root": str(dataset.root),
        "top": top,
        "clips": len(table),
        "words": words,
        "label_order": dataset.label_order,
        "problems": [[problem.path, problem.what, problem.clips] for problem in dataset.problems],
        "findings": [{name: getattr(finding, name) for name in TOLD} for finding in dataset.findings],
    }
    return facts, columns


def _unpacked(facts: Mapping[str, Any], column: Callable[[str], bytes], name: str) -> Dataset:
    """The data set; raises one of :data:`DAMAGE` where the columns do not fit each other."""
    clips, words = facts["clips"], {name: np.array(texts, dtype=object) for name, texts in facts["words"].items()}
    ways = _listed(column("path"), clips)
    groups = [group or way for group, way in zip(_listed(column("group"), clips), ways, strict=True)]
    texts = {
        "path": [facts["top"] + way for way in ways],
        **{name: words[name][np.frombuffer(column(name), "<i4")] for name in ("label", "fold")},
        "group": groups,
    }
    # objects from the first: a string of pandas cannot hold a name that is not UTF-8
    table = pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in texts.items()})
    for span in ("start_s", "end_s"):
        table[span] = np.frombuffer(column(span), "<f8")
    if facts["several_labels"]:
        table[SEVERAL] = True
    findings = [Finding(**{**told, "files": tuple(told["files"])}) for told in facts["findings"]]
    return Dataset(
        name,
        Path(facts["root"]),
        facts["layout"],
        table,
        [DataProblem(*problem) for problem in facts["problems"]],
        facts["fold_note"],
        facts["passed_over"],
        tuple(facts["label_order"]),
        findings,
        several_labels=facts["several_labels"],
    )


def _texts(texts: Sequence[str]) -> bytes:
    return as_bytes("\0".join(texts))


def _listed(content: bytes, count: int) -> list[str]:
    texts = content.decode("utf-8", "surrogatepass").split("\0")
    if len(texts) != count:
        raise ValueError("not so many texts")
    return texts
