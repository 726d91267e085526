"""The layouts of data sets, recognised by themselves: the table of those that are known, and which one a path is."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from labcore.allowed_paths import allowed_paths, is_open
from labcore.audio.containers import CONVERT
from labcore.config import DataConfig
from labcore.datasets.cells import labels_of
from labcore.datasets.class_folders import INNER, OUTER, ClassFolders
from labcore.datasets.cliplist import (
    LIST_NOT_TAKEN,
    LIST_SUFFIXES,
    NONE_THERE,
    SHEETS,
    ClipList,
    lists_beside,
    read_list,
)
from labcore.datasets.folders import LIST_REMEDY, read_folders, require_inner
from labcore.datasets.listed import read_clip_lists
from labcore.datasets.lookup import for_lists
from labcore.datasets.official import read_esc50, read_urbansound8k, urbansound_name
from labcore.datasets.packing import PackedError, packed_files
from labcore.datasets.packing.otherwise import refuse_packed_otherwise
from labcore.datasets.parts import SPEECH_COMMANDS
from labcore.datasets.published import audiofolder, audioset, birdclef, fsd50k, gtzan, machines, spoken
from labcore.datasets.published.glimpse import Glimpse, Layout, Reader
from labcore.datasets.scan import (
    entries,
    folders_in,
    foreign_audio,
    hidden,
    holds_audio,
    is_audio,
    is_dir,
    is_file,
    listed,
    subfolders,
)
from labcore.datasets.table import MISSING, DataProblem, Dataset, Finding, some, ways_from
from labcore.datasets.timed.dataset import (
    Annotated,
    UnlabelledError,
    annotations_at,
    at_a_glance,
    in_windows,
    one_class,
)
from labcore.datasets.timed.edits import NO_EDITS, EventEdits
from labcore.datasets.walk import looking
from labcore.errors import DatasetError
from labcore.texts import counted, shown
from labcore.typed import hint, typed_path

INNER_FOLDERS = ("audio", "meta", "metadata")
OFFICIAL_LISTS = ("metadata/UrbanSound8K.csv", "meta/esc50.csv")
MOST_WITHIN = 12
"""Of so many folders with audio in one, it is looked whether they are data sets by themselves, and not classes."""


def read_dataset(
    path: str | Path,
    name: str = "",
    data: DataConfig | None = None,
    edits: EventEdits = NO_EDITS,
    class_folders: ClassFolders = OUTER,
) -> Dataset:
    """Read the clip table of a data set, whatever its layout. Decodes nothing.

    Args:
        path: the folder of the data set, its ``audio`` folder, its CSV file, a file of annotations, or a folder that holds one data
            set and no other.
        name: what to call it; the folder's or file's own name by default.
        data: how clips are cut by time-stamped annotations; None for the defaults.
        edits: what people changed about these annotations.
        class_folders: which of two levels of folders are the classes. Inner ones are those of every layout, or it is none of these.

    Raises:
        DatasetError: the path is missing, nothing known is there, no clip is there, all clips are of one class, or its classes are no
            inner folders.
        TooMuchError: more lies below it than a data set can hold.
    """
    with looking():
        dataset = read_uncut(path, name, edits, class_folders)
        dataset = at_a_glance(dataset) if data is None else in_windows(dataset, data)
        dataset = replace(dataset, findings=[*dataset.findings, *_not_by_folder(dataset)])
        return _checked(_within_allowed(dataset), settled=data is not None)


def _not_by_folder(dataset: Dataset) -> list[Finding]:
    """What is told where annotations say what the clips are, and folders are called like their labels."""
    if dataset.annotated is None:
        return []
    labels = {label.casefold() for label in dataset.labels}
    ways = (way.split("/") for way in ways_from(str(dataset.root), dataset.table["path"]))
    if not (called_so := {way[0] for way in ways if len(way) > 1 and way[0].casefold() in labels}):
        return []
    what = (
        f"annotations beside the sounds say what they are, and not the folders: {some(map(shown, sorted(called_so)))}"
    )
    return [
        Finding("not by folder", what, remedy="Move the annotations away to have the folders as classes", level="note")
    ]


def read_uncut(
    path: str | Path, name: str = "", edits: EventEdits = NO_EDITS, class_folders: ClassFolders = OUTER
) -> Dataset:
    """The same before clips are cut by time-stamped annotations.

    Raises:
        DatasetError, TooMuchError: as for :func:`read_dataset`.
    """
    path = Path(os.path.abspath(typed_path(path)))  # noqa: PTH100 (tidies "..", keeps links)
    if not path.exists() or not is_open(path):
        raise DatasetError(f"there is no data set at {path}", hint(path))
    if path == Path(path.anchor):
        raise DatasetError(f"{path} is the whole disk, not a data set", f"Give the folder of the data set. {KNOWN}")
    with looking() as look:
        look.root = path
        look.refuse_system(path)
        dataset = _reader(path, edits, class_folders)(name or called(path))
    if class_folders == INNER:
        require_inner(dataset, TITLES.get(dataset.layout, dataset.layout))
    if dataset.annotated is None:
        return dataset
    return replace(dataset, annotated=replace(dataset.annotated, edits=edits))


def _reader(path: Path, edits: EventEdits, class_folders: ClassFolders) -> Reader:
    if path.is_file():
        reader: Reader | None = _recognise_file(path)
    else:
        reader = _recognise_above(path) or _recognise(path, class_folders)
    if reader is None and edits.revision and (by_hand := Annotated(path, ())).recordings.files:
        return lambda name: by_hand.uncut(name, path)
    return _only_one_below(path, class_folders) if reader is None else reader


def called(path: Path) -> str:
    """What a data set at a path is called where nobody says otherwise."""
    return (path.stem if path.is_file() else path.parent.name if path.name in INNER_FOLDERS else path.name) or "data"


def seen_from(path: Path) -> Path | None:
    """The folder that holds all that is looked at to read a path; None where it is named as a part of a data set above it may be.

    A list may name files elsewhere.
    """
    if path.is_file():
        return path.parent.parent if for_lists(path.parent) else path.parent
    parts = (*INNER_FOLDERS, *(name for layout in BY_LIST for name in layout.inner))
    return None if path.name in parts else path


def _within_allowed(dataset: Dataset) -> Dataset:
    """Without the clips that may not be opened. Readers of layouts pass over them: none comes as far as this, whatever a reader forgets."""
    shut = set() if allowed_paths() is None else {path for path in set(dataset.table["path"]) if not is_open(path)}
    if not shut:
        return dataset
    kept = dataset.table[~dataset.table["path"].isin(shut)].reset_index(drop=True)
    return replace(
        dataset, table=kept, problems=[*dataset.problems, *(DataProblem(path, MISSING) for path in sorted(shut))]
    )


def _checked(dataset: Dataset, settled: bool) -> Dataset:
    """Refuse a data set that nothing can be trained on. ``settled``: how clips are cut by annotations is known by now."""
    first = f"; the first problem: {dataset.problems[0].path} {dataset.problems[0].what}" if dataset.problems else ""
    skipped = f": {len(dataset.problems)} skipped{first}"
    if not len(dataset.table):
        raise DatasetError(
            f"the data set {dataset.root} has no clips{skipped}",
            "Check that the audio files lie where the data set says",
        )
    if len(labels := dataset.labels) < 2 and dataset.annotated is not None:
        return one_class(dataset, settled)
    if not labels:
        raise DatasetError(f"no clip of {dataset.root} has a label", "Name the labels that its clips have")
    if len(labels) < 2 and not (dataset.several_labels and not all(map(labels_of, dataset.table["label"]))):
        not_used = "".join(f"; {found.what}" for found in dataset.findings if found.kind == LIST_NOT_TAKEN)
        mend = "mend the list, or " if not_used else "mend what was skipped, or " if first else ""
        raise DatasetError(
            f"all {len(dataset.table)} clips of {dataset.root} belong to one class, {labels[0]!r}{not_used}{skipped if first else ''}",
            f"A classifier needs at least two classes: {mend}add clips of another one, in a folder of its own",
        )
    return dataset


def _recognise_file(path: Path) -> Reader:
    if annotated := annotations_at(path):
        return lambda name: annotated.uncut(name, path)
    if path.suffix.lower() not in LIST_SUFFIXES:
        if packed_files(path):
            raise PackedError(path)
        refuse_packed_otherwise(path)
        if path.suffix.lower() in SHEETS:
            raise DatasetError(f"{path} is a spreadsheet, not a CSV file", "Save it as CSV, and give that")
        kind = "a single clip" if is_audio(path.name) else "not a CSV file"
        raise DatasetError(f"{path} is {kind}, not a data set", f"Give a folder or a CSV file. {KNOWN}")
    for layout in BY_LIST:
        for folder in (path.parent, path.parent.parent) if layout.owns(path) else ():
            if reader := layout.recognise(Glimpse(folder)):
                return reader
    clips = read_list(path)
    beside = (path.parent.parent, path.parent)
    root = next((folder for folder in beside if is_dir(folder / "audio") or is_dir(folder / "fold1")), None)
    if root and (reader := _official(root, clips)):
        return reader
    if clips.lacks:
        raise DatasetError(
            f"{path} {clips.lacks}",
            "Add a header with the columns path and label (optional: fold, group, start, end)",
        )
    return lambda name: read_clip_lists([(clips, "")], path, name)


def _recognise(folder: Path, class_folders: ClassFolders = OUTER) -> Reader | None:
    """The reader for a folder that is a data set itself; None where it is not."""
    glimpse = Glimpse(folder, class_folders)
    return next((reader for layout in LAYOUTS if (reader := layout.recognise(glimpse))), None)


def _urbansound8k(glimpse: Glimpse) -> Reader | None:
    for place in ("metadata/UrbanSound8K.csv", "UrbanSound8K.csv"):
        if is_file(path := glimpse.folder / place) and (reader := _official(glimpse.folder, read_list(path))):
            return reader
    if _has_urbansound_names(glimpse.folder):
        return lambda name: read_urbansound8k(glimpse.folder, None, name)
    return None


def _esc50(glimpse: Glimpse) -> Reader | None:
    for place in ("meta/esc50.csv", "esc50.csv"):
        if is_file(path := glimpse.folder / place) and (reader := _official(glimpse.folder, read_list(path))):
            return reader
    return None


def _speech_commands(glimpse: Glimpse) -> Reader | None:
    if not glimpse.holds(*SPEECH_COMMANDS) or not glimpse.first:
        return None
    beside = {parts[0] for parts in glimpse.found.files} == {"audio"}  # as Kaggle has it
    words = glimpse.folder / "audio" if beside else glimpse.folder
    return lambda name: read_folders(words, name, lists_in=glimpse.folder)


def _listed(glimpse: Glimpse) -> Reader | None:
    lists, findings = glimpse.lists
    told = [*findings, *_not_used(glimpse.annotated)]
    return (lambda name: read_clip_lists(lists, glimpse.folder, name, told)) if lists else None


def _annotated(glimpse: Glimpse) -> Reader | None:
    annotated = glimpse.annotated
    if annotated is None or glimpse.lists[0] or not annotated.recordings.files:
        return None
    with_audio = [child for child in glimpse.folders if holds_audio(glimpse.folder / child)]
    if len(with_audio) > 1 and annotated.labelled_share() < 0.5 and not annotated.labels_long_ones():
        return None
    return lambda name: annotated.uncut(name, glimpse.folder, glimpse.lists[1])


def _folders(glimpse: Glimpse) -> Reader | None:
    folder = glimpse.folder
    with_audio = [child for child in glimpse.folders if holds_audio(folder / child)]
    if len(with_audio) == 1 and any(is_audio(entry.name) for entry in listed(folder)):
        return None  # recordings, and a folder with more of them: a single class would be none either
    if len(with_audio) > 1 or any(is_audio(entry.name) for child in with_audio for entry in listed(folder / child)):
        if any(is_file(folder / child / place) for child in with_audio for place in OFFICIAL_LISTS):
            return None  # they are data sets by their lists, and not classes
        if len(with_audio) <= MOST_WITHIN and any(_is_published(folder / child) for child in with_audio):
            return None
        return lambda name: _read_folders(glimpse, name, [*glimpse.lists[1], *_not_used(glimpse.annotated)])
    return None


def _is_published(folder: Path) -> bool:
    """Whether a folder is a data set by the names of its files or by lists of its own, as published ones are."""
    glimpse = Glimpse(folder)
    return any(layout.recognise(glimpse) is not None for layout in PUBLISHED)


def _not_used(annotated: Annotated | None) -> list[Finding]:
    """What is told of annotations where something else says what the clips are."""
    if annotated is None:
        return []
    files = tuple(map(str, sorted(annotated.paths)))
    what = f"{counted(len(files), 'file')} of annotations {'was' if len(files) == 1 else 'were'} not used"
    return [Finding("annotations not used", what, files, "Give the file itself, or its folder, to use it", "note")]


def _read_folders(glimpse: Glimpse, name: str, findings: list[Finding]) -> Dataset:
    """Class folders. Where they are none, an error names the lists that lie there and were not taken."""
    try:
        return read_folders(glimpse.folder, name, findings, class_folders=glimpse.class_folders)
    except DatasetError as error:
        if not findings:
            raise
        raise DatasetError(f"{error.what}; {findings[0].what}", error.remedy) from None


def _recognise_above(folder: Path) -> Reader | None:
    """Where the user names the folder of the sounds of a data set, or that of its list."""
    if folder.name in INNER_FOLDERS and any(is_file(folder.parent / place) for place in OFFICIAL_LISTS):
        return _recognise(folder.parent)
    above = (layout.recognise(Glimpse(folder.parent)) for layout in BY_LIST if folder.name in layout.inner)
    return next(filter(None, above), None)


def _only_one_below(folder: Path, class_folders: ClassFolders) -> Reader:
    """The reader for the one data set in a folder, at most three levels down."""
    level = [folder]
    for _ in range(3):
        if len(level) > 500:  # somebody's home folder, not a data set
            break
        level = [path / child for path in level for child in folders_in(listed(path))]
        found = [(path, reader) for path in level if (reader := _recognise(path, class_folders))]
        if len(found) == 1:
            return found[0][1]
        if found:
            names = ", ".join(str(path.relative_to(folder)) for path, _ in found[:8])
            raise DatasetError(f"{folder} holds {len(found)} data sets: {names}", "Choose one of them")
    audio = sum(is_audio(entry.name) for entry in entries(folder))
    not_used = [finding.what for finding in lists_beside(folder)[1]]
    if audio:
        reasons = "".join(f"; {what}" for what in not_used)
        them = "it" if audio == 1 else "them"
        what = f"{folder} holds {counted(audio, 'audio file')}, but no labels for {them}{reasons}"
        error = UnlabelledError(what, LIST_REMEDY)
        error.sounds = audio
        raise error
    if packed_files(folder):
        raise PackedError(folder)
    if gone := [what for what in not_used if what.endswith(NONE_THERE)]:
        raise DatasetError(
            f"no data set was recognised in {folder}; {gone[0]}", "Put back the files that it names, or mend the list"
        )
    if foreign := foreign_audio(folder):
        what = f"no sound in {folder} is of a format that is read here; there are {counted(foreign.total(), 'file')} of {some(foreign)}"
        raise DatasetError(what, f"Convert each to WAV or FLAC, `{CONVERT}`, and give the folder of these")
    raise DatasetError(f"no data set was recognised in {folder}", KNOWN)


def _official(root: Path, clips: ClipList) -> Reader | None:
    """The reader for a list of UrbanSound8K or ESC-50; None for any other."""
    if {"slice_file_name", "fold", "classid"} <= clips.lowered_header:
        return lambda name: read_urbansound8k(root, clips, name)
    if {"filename", "fold", "target", "category"} <= clips.lowered_header:
        return lambda name: read_esc50(root, clips, name)
    return None


def _has_urbansound_names(folder: Path) -> bool:
    """Whether there are folders fold1 … whose files are named as UrbanSound8K names them: looks at a few of each."""
    for base in (folder / "audio", folder):
        if not is_dir(base):
            continue
        names: list[str] = []
        for child in subfolders(base):
            if child.lower().startswith("fold") and child[4:].isdecimal():
                names += [e.name for e in entries(base / child) if is_audio(e.name) and not hidden(e.name)][:20]
        if names:
            return sum(urbansound_name(name) is not None for name in names) > 0.9 * len(names)
    return False


BY_LIST = (gtzan.LAYOUT, fsd50k.LAYOUT, audioset.LAYOUT, birdclef.LAYOUT, audiofolder.LAYOUT)
BY_NAME = (*spoken.LAYOUTS, machines.LAYOUT)
PUBLISHED = (*BY_LIST, *BY_NAME)
"""Those that are known by lists of their own, or by the names of their files: a list that somebody wrote goes before the names."""
LAYOUTS = (
    Layout("urbansound8k", "UrbanSound8K", "audio/fold1 …, metadata/UrbanSound8K.csv", _urbansound8k),
    Layout("esc50", "ESC-50", "audio/, meta/esc50.csv", _esc50),
    Layout("speech_commands", "Speech Commands", "yes/…, validation_list.txt, testing_list.txt", _speech_commands),
    *BY_LIST,
    Layout(
        "annotations", "time-stamped annotations", "recordings with files of Raven, Audacity and others", _annotated
    ),
    Layout("csv", "a CSV file", "a list with the columns path and label", _listed),
    *BY_NAME,
    Layout("folders", "class folders", "one folder per class", _folders),
)
"""The layouts in the order in which a folder is held against them: the first that recognises it reads it."""
TITLES = {layout.name: layout.title for layout in LAYOUTS}
KNOWN = (
    "Known layouts: UrbanSound8K (audio/fold1 …, metadata/UrbanSound8K.csv), ESC-50 (audio/, meta/esc50.csv), Speech Commands, "
    f"{', '.join(layout.title for layout in PUBLISHED)}, one folder per class, a CSV file with the columns path and label, or recordings "
    "with time-stamped annotations (Raven, Audacity and others); "
    "`labcore datasets look` shows each"
)
