"""A data set of recordings with time-stamped annotations: found in a folder, and cut into clips as the settings of a run say."""

from __future__ import annotations

import contextlib
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from labcore.config import DataConfig
from labcore.datasets.assemble import DatasetDraft, assembled, join_equal_files, source_of, without_single_fold
from labcore.datasets.by_time import Row
from labcore.datasets.scan import find_audio, find_by_suffix
from labcore.datasets.several import told
from labcore.datasets.table import Dataset, Finding, make_table, some
from labcore.datasets.timed.edits import NO_EDITS, EventEdits
from labcore.datasets.timed.formats import BY_NAME, EMPTY, PLAIN, SUFFIXES, is_empty, read_timed_file, recognised
from labcore.datasets.timed.gathering import Gathered, LabelRow, gathered
from labcore.datasets.timed.recordings import Recordings
from labcore.datasets.timed.report import TOLD, findings_of, reasons_in_words
from labcore.datasets.timed.windows import Window, automatic_seconds, free_windows, windows_of
from labcore.errors import AudioError, DatasetError
from labcore.texts import counted, shown

LAYOUT = "annotations"
BACKGROUND = "background"
"""The class of what is not labelled, where annotations are complete."""
LONG_SECONDS = 60.0
MOST_STRANGE = 200
"""So many files that may be annotations and are none, before the first that is one, and nobody looks further."""


class UnlabelledError(DatasetError):
    """Sounds of which nothing says what they are. ``sounds``: so many."""

    sounds = 0


class NoEventYetError(DatasetError):
    """Recordings that people are to label, and in which no event is labelled yet."""


@dataclass(frozen=True)
class Annotated:
    """Recordings with time-stamped annotations.

    Attributes:
        files: of annotations, each with the name of its format; () where people label the recordings here.
        strange: files that may be annotations by their ending, and are in no format that is known.
        rows: what became of each label; () before clips are cut.
        edits: what people changed about the labels.
        window_seconds: the length of the windows, None where each label is a clip.
    """

    root: Path
    files: tuple[tuple[Path, str], ...]
    rows: tuple[LabelRow, ...] = ()
    edits: EventEdits = NO_EDITS
    window_seconds: float | None = None
    strange: tuple[Path, ...] = ()
    _recordings: list[Recordings] = field(default_factory=list, repr=False, compare=False)

    @cached_property
    def paths(self) -> frozenset[Path]:
        return frozenset(path for path, _ in self.files)

    @property
    def recordings(self) -> Recordings:
        """The sound files below the root."""
        if not self._recordings:
            self._recordings.append(Recordings(self.root, find_audio(self.root, noises=True).files))
        return self._recordings[0]

    def labelled_share(self) -> float:
        """The share of the sound files that files of annotations are named like; 1 where one names its recordings itself."""
        named: set[str] = set()
        for path, _ in self.files:
            try:
                named.add(self.recordings.like(path, alone=len(self.files) == 1))
            except ValueError:
                continue
        own = len(named) < len(self.files)
        return 1.0 if own else len(named) / max(1, len(self.recordings.files))

    def labels_long_ones(self) -> bool:
        """Whether one of the files labels a recording of a minute or more, which is hardly a clip of a class."""
        named = () if self.recordings.hollow else filter(None, map(self._recording_like, self.paths))
        for path in named:
            with contextlib.suppress(AudioError):
                if self.recordings.facts(path)[0] >= LONG_SECONDS:
                    return True
        return False

    def is_named_like_one(self, path: Path) -> bool:
        """Whether a file is named like one of the recordings."""
        return bool(self._recording_like(path))

    def _recording_like(self, path: Path) -> str:
        """The recording that a file is named like, "" for none."""
        try:
            return self.recordings.like(path, alone=False)
        except ValueError:
            return ""

    def lists_of_others(self) -> list[tuple[Path, str]]:
        """Lists of labels with times, where files of annotations label other recordings than they name: else a list says what the clips
        are, alone."""
        lists = [path for path in self.strange if recognised(path, {PLAIN: BY_NAME[PLAIN]})]
        if not lists:
            return []
        labelled = {self._recording_like(path) for path in self.paths} - {""}
        return [(path, PLAIN) for path in lists if self._named_in(path) and labelled - self._named_in(path)]

    def _named_in(self, path: Path) -> set[str]:
        """The recordings that a list of labels names and that are there."""
        there: set[str] = set()
        with contextlib.suppress(DatasetError):
            for name in {label.recording for label in read_timed_file(path, PLAIN).labels}:
                with contextlib.suppress(ValueError):
                    there.add(self.recordings.named(name, path))
        return there

    def gathered(self, data: DataConfig) -> Gathered:
        """What they say, each label with its recording, as people edited it.

        Raises:
            DatasetError: none can be read.
        """
        found = gathered(self.files, self.recordings, data, self.edits)
        found.findings += self._not_read(found)
        return found

    def _not_read(self, found: Gathered) -> list[Finding]:
        """What is told of files that are named like a recording, of which nothing else says anything, and cannot be read."""
        lost = [path for path in self.strange if self._recording_like(path) not in {"", *found.seconds}]
        if not lost:
            return []
        names = some((shown(path.name) for path in lost), 3)
        what = f"{counted(len(lost), 'file')} named like a recording cannot be read as annotations: {names}"
        remedy = "If they hold labels, export them in another format, such as Raven's or Audacity's"
        return [Finding("annotations not read", what, tuple(map(str, lost)), remedy)]

    def uncut(self, name: str, root: Path, findings: Sequence[Finding] = ()) -> Dataset:
        """The data set before clips are cut, see :func:`in_windows`."""
        return Dataset(name, root, LAYOUT, make_table([]), findings=list(findings), annotated=self)


def annotations_in(folder: Path) -> Annotated | None:
    """The annotations in a folder, however deep; None where there are none.

    Raises:
        DatasetError: the folder cannot be listed.
    """
    files: list[tuple[Path, str]] = []
    empty: list[tuple[Path, str]] = []
    strange: list[Path] = []
    shallow_first = sorted(find_by_suffix(folder, SUFFIXES), key=lambda parts: (len(parts), parts))
    for number, parts in enumerate(shallow_first):
        if number >= MOST_STRANGE and not files:
            return None
        path = folder.joinpath(*parts)
        if format := recognised(path):
            files.append((path, format))
        elif is_empty(path):
            empty.append((path, EMPTY))
        else:
            strange.append(path)
    if not files:
        return None
    found = Annotated(folder, tuple(files), strange=tuple(strange))
    lists = found.lists_of_others()
    empty = [each for each in empty if found.is_named_like_one(each[0])]
    others = tuple(path for path in strange if path not in dict(lists))
    return replace(found, files=(*files, *lists, *empty), strange=others)


def annotations_at(path: Path) -> Annotated | None:
    """A single file of annotations, whose recordings lie beside it or where it says; None where it is none."""
    format = recognised(path)
    return Annotated(path.parent, ((path, format),)) if format else None


def in_windows(dataset: Dataset, data: DataConfig) -> Dataset:
    """A data set of annotations cut into clips; any other as it is.

    All clips of a recording are of one group, and so in one fold. What became of each label stands in ``annotated.rows``.

    Raises:
        DatasetError: no annotations can be read, or no label is left.
    """
    source = dataset.annotated
    if source is None:
        return dataset
    found = source.gathered(data)
    seconds = data.window_seconds or automatic_seconds(found.rows)
    clips = _labelled(found, seconds, data)
    if not any(clips.values()):
        raise _nothing_left(dataset, found)
    background = _background(found, clips, seconds, data)
    draft = DatasetDraft(dataset.name, dataset.root, LAYOUT, findings=[*dataset.findings, *found.findings])
    draft.several_labels = data.mixed_windows == "all"
    for path in sorted({*clips, *background}):
        windows = sorted([*clips.get(path, []), *((window, BACKGROUND) for window in background.get(path, []))])
        draft.rows += [_row(path, window, label, found) for window, label in windows]
    draft.findings += (
        told(draft.rows, "The label that fills most of a window comes first") if draft.several_labels else []
    )
    draft.findings += findings_of(found, data, seconds, sum(map(len, background.values())))
    draft.rows = without_single_fold(join_equal_files(draft.rows))
    cut = replace(source, rows=tuple(found.rows), window_seconds=None if data.windows == "exact" else seconds)
    return replace(assembled(draft), annotated=cut)


def at_a_glance(dataset: Dataset) -> Dataset:
    """The same where nobody has said yet how clips are cut: as the defaults do, or where that leaves nothing, each label as it is.

    Raises:
        DatasetError: as :func:`in_windows` does.
    """
    try:
        return in_windows(dataset, DataConfig())
    except DatasetError as error:
        try:
            exact = in_windows(dataset, DataConfig(windows="exact"))
        except DatasetError:
            raise error from None
        what = f"windows of the length that is chosen automatically leave nothing: {error.what}"
        return replace(exact, findings=[*exact.findings, Finding("windows", what, (), error.remedy)])


def _row(path: str, window: Window, label: str, found: Gathered) -> Row:
    start, end = window
    end = math.nan if end >= found.seconds[path] - 1e-3 else end
    return path, label, found.part.get(path, ""), source_of(path) or path, start, end


def _labelled(found: Gathered, seconds: float, data: DataConfig) -> dict[str, list[tuple[Window, str]]]:
    by_recording: dict[str, list[LabelRow]] = defaultdict(list)
    for row in found.rows:
        if row.outcome == "used":
            by_recording[row.recording].append(row)
    return {path: windows_of(rows, found.seconds[path], seconds, data) for path, rows in by_recording.items()}


def _background(
    found: Gathered, clips: dict[str, list[tuple[Window, str]]], seconds: float, data: DataConfig
) -> dict[str, list[Window]]:
    """Windows without any label of recordings that are complete, as many as are wanted, spread evenly over these and over their time."""
    taken: dict[str, list[Window]] = defaultdict(list)
    for row in found.rows:
        if not (math.isnan(row.start_s) or math.isnan(row.end_s)):
            taken[row.recording].append((row.start_s, max(row.end_s, row.start_s + 1e-3)))
    free = {
        path: free_windows(stretches, taken[path], found.seconds[path], seconds)
        for path, stretches in sorted(found.about.items())
        if stretches and path not in found.uncertain and found.complete.get(path, data.annotations == "complete")
    }
    there = sum(map(len, free.values()))
    wanted = min(there, round(data.background_ratio * sum(map(len, clips.values()))))
    every = [(path, window) for path, windows in free.items() for window in windows]
    chosen: dict[str, list[Window]] = defaultdict(list)
    for number in range(wanted):
        path, window = every[number * there // wanted]
        chosen[path].append(window)
    return chosen


def one_class(dataset: Dataset, settled: bool) -> Dataset:
    """A data set of annotations of which one class is left, with a warning of that.

    Args:
        settled: how its clips are cut is known by now.

    Raises:
        DatasetError: nothing can change about it any more, where it is settled.
    """
    what = f"all {counted(len(dataset.table), 'clip')} of {dataset.root} are of one class, {dataset.labels[0]!r}"
    lost = [finding.what for finding in dataset.findings if finding.kind in ("labels dropped", "classes dropped")]
    remedy = (
        "A classifier needs two. If every sound of interest is labelled, --data.annotations complete makes the class "
        f"{BACKGROUND} of the rest; else label another one"
    )
    if settled:
        raise DatasetError("; ".join([what, *lost[:2]]), remedy)
    return replace(dataset, findings=[*dataset.findings, Finding("one class", what, (), remedy)])


def _nothing_left(dataset: Dataset, found: Gathered) -> DatasetError:
    if dataset.annotated is not None and not dataset.annotated.files and not found.rows:
        remedy = "Open it on the page Data sets, and draw the first event on a recording"
        return NoEventYetError(f"no event is labelled yet in the recordings of {dataset.root}", remedy)
    if unread := next((finding for finding in found.findings if finding.kind == "annotations not read"), None):
        return DatasetError(f"no label of the annotations in {dataset.root} is left: {unread.what}", unread.remedy)
    dropped = [row for row in found.rows if row.outcome == "dropped"]
    what = reasons_in_words(dropped) or "the files hold none"
    usual = Counter(row.reason for row in dropped).most_common(1)
    remedy = TOLD[usual[0][0]][1] if usual else "Give the folder with the files of annotations"
    return DatasetError(f"no label of the annotations in {dataset.root} is left: {what}", remedy or "Lower it")
