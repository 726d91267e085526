"""Labels other than a data set's own: what follows from its annotations, put in force in the clip table, and kept by each run.

What counts where people differ: the data set's own label holds unless more people reject it than confirm it, each by the newest
decision. Then it is the class that most of them name. Where they name several equally often, or none, the clip is left out of training
and of every figure. Who is unsure counts on neither side.

Then comes what was done about findings of the check, in the order of its lines: a clip that was excluded is left out whatever people say
of its label, and a label that was merged into another is replaced by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from shlex import quote

import pandas as pd

from labcore.datasets.annotations import NO_LABEL, Annotation, Annotations, Key, Mending, read_annotations
from labcore.datasets.class_folders import INNER, OUTER, ClassFolders
from labcore.datasets.labels import ALIKE, alike
from labcore.datasets.table import CHANNEL, OWN_LABEL, Dataset, Finding, own_labels, ways_from
from labcore.datasets.timed.edits import NO_EDITS, EventEdits
from labcore.jobs.folder import JobFolder
from labcore.runs import Run
from labcore.texts import all_shown, counted, shown
from labcore.workspace import size_of

FILE = "corrections"
"""The JSON file in a run's folder that says which labels it takes for others."""
PINNED = (FILE, "split")
"""What a run keeps from its beginning, by the names of its JSON files: its labels, and its split (labcore.datasets.named_splits)."""
FORMAT = 1
KIND = "annotations"
"""Of findings."""


@dataclass(frozen=True)
class Corrections:
    """The labels of a data set that are other than its own, at a revision of its annotations.

    Attributes:
        revision, digest: as of :class:`labcore.datasets.annotations.Annotations`.
        labels: clip → the label that counts, "" where the clip is left out.
        disputed: so many clips keep their label although somebody rejects it.
        unused: so many decisions are on clips that are not there any more, or are other files or have other labels by now.
        damaged: so many lines cannot be read.
        channels: clip → the channel that is heard alone, counted from 1.
        mended: what was done about findings of the check, in words: ``12 clips excluded (silent)``.
        events: what was edited about the events that clips are cut by.
        class_folders: of two levels of folders the classes.
    """

    revision: int = 0
    digest: str = ""
    labels: Mapping[Key, str] = field(default_factory=dict)
    disputed: int = 0
    unused: int = 0
    damaged: int = 0
    channels: Mapping[Key, int] = field(default_factory=dict)
    mended: tuple[str, ...] = ()
    events: EventEdits = NO_EDITS
    class_folders: ClassFolders = OUTER

    @property
    def left_out(self) -> int:
        return sum(label == NO_LABEL for label in self.labels.values())

    @property
    def corrected(self) -> int:
        return len(self.labels) - self.left_out

    @property
    def sentence(self) -> str:
        """``labels of revision 14: 12 corrected, 1 clip left out``, what was edited of events, and whether inner folders are the classes;
        "" where nothing of it was done."""
        inner = "inner folders are the classes" if self.class_folders == INNER else ""
        return "; ".join(filter(None, [self.of_labels, self.events.sentence, inner]))

    @property
    def of_labels(self) -> str:
        if not self.revision:
            return ""
        left_out = f", {counted(self.left_out, 'clip')} left out" if self.left_out else ""
        channels = f", {counted(len(self.channels), 'clip')} by one channel" if self.channels else ""
        return f"labels of revision {self.revision}: {self.corrected} corrected{left_out}{channels}"

    # --- in a run

    def save(self, run: Run) -> None:
        """Keep them in a run, which takes no others from then on.

        Raises:
            WorkspaceError: the disk is full or the run is gone.
        """
        run.save(FILE, self.to_dict())

    def to_dict(self) -> dict[str, object]:
        """Plain data, for JSON."""
        return {
            "format": FORMAT,
            "revision": self.revision,
            "digest": self.digest,
            "disputed": self.disputed,
            "unused": self.unused,
            "damaged": self.damaged,
            "labels": [[*key, new] for key, new in self.labels.items()],
            **({"channels": [[*key, number] for key, number in self.channels.items()]} if self.channels else {}),
            **({"mended": list(self.mended)} if self.mended else {}),
            **({"events": self.events.to_dict()} if self.events.revision else {}),
            **({"class_folders": self.class_folders} if self.class_folders != OUTER else {}),
        }

    @classmethod
    def of_run(cls, run: Run) -> Corrections:
        """Those that a run began with; none for one of a version before, or where they cannot be read."""
        known = run.load(FILE, {})
        try:
            labels = {(str(clip), float(start), str(own)): str(new) for clip, start, own, new in known["labels"]}
            disputed, unused, damaged = (int(known.get(name, 0)) for name in ("disputed", "unused", "damaged"))
            listed = known.get("channels", [])
            channels = {(str(clip), float(start), str(own)): int(number) for clip, start, own, number in listed}
            mended = tuple(map(str, known.get("mended", [])))
            events = EventEdits.from_dict(known["events"]) if "events" in known else NO_EDITS
            return cls(
                int(known["revision"]),
                str(known["digest"]),
                labels,
                disputed,
                unused,
                damaged,
                channels,
                mended,
                events,
                INNER if known.get("class_folders") == INNER else OUTER,
            )
        except (KeyError, TypeError, ValueError):
            return cls()


def marks_of(job: JobFolder) -> dict[str, object]:
    """The marks for runs that a job makes at different times, so that all begin with the labels and the split that are kept in
    its folder."""
    return {name: known for name in PINNED if (known := job.load(name))}


def resolve(annotations: Annotations, size: Callable[[Key], int], windows: Sequence[Key] = ()) -> Corrections:
    """Which labels follow from annotations, and which clips are heard by one channel.

    Args:
        size: of the clip's file in bytes; -1 for a clip that is not there, or has another label of its own.
        windows: all clips, where they are windows of recordings: labels that were merged are, however windows are cut by now.
    """
    labels: dict[Key, str] = {}
    disputed = unused = 0
    for key, by_person in annotations.latest().items():
        there = size(key)
        counting = [each for each in by_person.values() if each.bytes == there]
        unused += len(by_person) - len(counting)
        label = label_by(counting, key[2])
        if label != key[2]:
            labels[key] = label
        disputed += label == key[2] and any(each.verdict in ("wrong", "other") for each in counting)
    mended = []
    for mending in annotations.mendings:
        clips = _counting(mending, size)
        if windows and mending.mend == "merge":
            clips = _merged(mending, size, windows)
            unused += not clips
        else:
            unused += len(clips) < len(mending.clips)
        _put_in_force(mending, clips, labels)
        mended += [mending.sentence] if clips else []
    return Corrections(
        annotations.revision, annotations.digest, labels, disputed, unused, annotations.damaged,
        channels_by(annotations, size), tuple(mended),
    )  # fmt: skip


def channels_by(annotations: Annotations, size: Callable[[Key], int]) -> dict[Key, int]:
    """Which clips are heard by one channel alone, counted from 1; ``size`` as for :func:`resolve`."""
    channels: dict[Key, int] = {}
    for mending in annotations.mendings:
        if mending.mend == "channel":
            channels.update(dict.fromkeys(_counting(mending, size), mending.channel))
    return channels


def _counting(mending: Mending, size: Callable[[Key], int]) -> list[Key]:
    """The clips of a mending that are still those that it was for."""
    return [clip.key for clip in mending.clips if clip.bytes == size(clip.key)]


def _merged(mending: Mending, size: Callable[[Key], int], windows: Sequence[Key]) -> list[Key]:
    """The windows that have one of the labels that were merged, of the same recordings."""
    merged = {(clip.clip, clip.old): clip.bytes for clip in mending.clips}
    named = [key for key in windows if (key[0], key[2]) in merged]
    return [key for key in named if merged[key[0], key[2]] == size(key)]


def _put_in_force(mending: Mending, clips: list[Key], labels: dict[Key, str]) -> None:
    """What was done about a finding, done to the labels that follow from the lines before it.

    A merged label is replaced wherever it counts; another one is not, and a clip that somebody labelled otherwise keeps that label.
    """
    if mending.mend == "exclude":
        labels.update(dict.fromkeys(clips, NO_LABEL))
    elif mending.mend != "channel":
        labels.update({key: mending.label for key in clips if key not in labels and key[2] != mending.label})
        if mending.mend == "merge":
            merged = {key[2] for key in clips}
            labels.update({key: mending.label for key, label in labels.items() if label in merged})


def label_by(decisions: Iterable[Annotation], own: str) -> str:
    """The label that counts by the newest decision of each person; "" where the clip is left out. See the top of this module."""
    decisions = list(decisions)
    confirmed = sum(each.verdict == "right" for each in decisions)
    rejected = [each.new for each in decisions if each.verdict in ("wrong", "other")]
    if len(rejected) <= confirmed:
        return own
    named = Counter(label for label in rejected if label != NO_LABEL).most_common(2)
    if not named or (len(named) == 2 and named[0][1] == named[1][1]):
        return NO_LABEL
    return named[0][0]


def corrected(dataset: Dataset) -> Dataset:
    """A data set with the labels that its annotations give it by now. The same clips stay in the same rows, those left out too.

    Raises:
        DatasetError: the annotations are there and cannot be read.
    """
    if dataset.annotations is None:
        return dataset
    annotations = read_annotations(dataset.annotations)
    if not annotations.revision:
        return with_labels(dataset, Corrections())
    keys = keys_of(dataset)
    paths = dict(zip(keys, dataset.table["path"], strict=True))
    windows = keys if dataset.annotated is not None else ()
    return with_labels(dataset, resolve(annotations, lambda key: size_of(paths[key]) if key in paths else -1, windows))


def with_labels(dataset: Dataset, corrections: Corrections) -> Dataset:
    """A data set with these labels in place of its own ones, and with what is to be told of that among its findings."""
    own = own_labels(dataset.table)
    if dataset.annotated is not None:
        corrections = replace(corrections, events=dataset.annotated.edits)
    table = dataset.table.drop(columns=[OWN_LABEL, CHANNEL], errors="ignore").assign(label=own)
    if corrections.labels:
        keys = keys_of(dataset)
        labels = [corrections.labels.get(key, key[2]) for key in keys]
        real = {shown(label): label for label in own}  # a name that is not UTF-8 is annotated as it is shown
        changed = [real.get(label, label) for label in labels]
        table = table.assign(label=pd.Series(changed, dtype=object), **{OWN_LABEL: own})
    findings = [finding for finding in dataset.findings if finding.kind not in (KIND, ALIKE)]
    if len(findings) < len(dataset.findings):  # spelled alike by now, perhaps
        findings += alike(set(table["label"]).difference([NO_LABEL]))
    told = _told(corrections, dataset) if corrections.revision else []
    made = replace(dataset, table=table, corrections=corrections, findings=[*findings, *told])
    return by_channels(made, corrections.channels)


def by_channels(dataset: Dataset, channels: Mapping[Key, int]) -> Dataset:
    """A data set of whose clips these are heard by one channel alone, and no others."""
    table = dataset.table.drop(columns=CHANNEL, errors="ignore")
    if channels:
        table[CHANNEL] = [channels.get(key, 0) for key in keys_of(dataset)]
    return replace(dataset, table=table)


def keys_of(dataset: Dataset) -> list[Key]:
    """What the clips of a data set are called in its annotations, in the order of its table."""
    table = dataset.table
    ways = all_shown(ways_from(dataset.folder, table["path"]))
    return list(zip(ways, table["start_s"].tolist(), all_shown(own_labels(table)), strict=True))


def _told(found: Corrections, dataset: Dataset) -> list[Finding]:
    """What is to be known of annotations: what they come to, and which count for nothing."""
    remedy = f"`labcore datasets annotations {quote(dataset.name)}` lists them"
    told = [Finding(KIND, found.of_labels, (), remedy, "note")]
    if found.damaged:
        many = f"{counted(found.damaged, 'line')} of the annotations cannot be read and {_do(found.damaged)} not count"
        told.append(Finding(KIND, many, (), remedy))
    if found.unused:
        many = f"{counted(found.unused, 'annotation')} {_do(found.unused)} not count"
        gone = (
            "the windows are cut otherwise, the clip is gone" if dataset.annotated is not None else "the clip is gone"
        )
        why = f"{gone}, or its file, its label, or the folder that holds all clips of the data set has changed since"
        told.append(Finding(KIND, f"{many}: {why}", (), remedy))
    return told


def _do(number: int) -> str:
    return "does" if number == 1 else "do"
