"""Findings of the check are mended: a remedy becomes a line of the data set's annotations, and counts from then on.

The files of the data set are never touched. A line that takes the mending back undoes it, and every run keeps which of them it began with
(:mod:`labcore.datasets.corrections`). Which findings are open follows from what was measured and from what counts by now, so that one that
was mended is gone, and is back once that is undone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from shlex import quote

from labcore.config import DataConfig
from labcore.datasets.annotations import (
    NO_LABEL,
    Annotation,
    MendedClip,
    Mending,
    annotate,
    file_of,
    read_annotations,
    take_back,
)
from labcore.datasets.corrections import keys_of
from labcore.datasets.health import Health, known_health
from labcore.datasets.linefile import signed
from labcore.datasets.registry import find_dataset, name_of
from labcore.datasets.remedies import ClipAt, Remedy
from labcore.datasets.table import Dataset, Finding, some
from labcore.errors import DatasetError
from labcore.texts import shown
from labcore.typed import typed_path
from labcore.workspace import Workspace, stamp_of


def health_of(workspace: Workspace, wanted: str, data: DataConfig | None = None) -> tuple[Dataset, Health]:
    """A data set of the workspace, and the findings of its last check as they are by now.

    Args:
        data: how its clips are cut by time-stamped annotations, as they were for that check.

    Raises:
        DatasetError: there is none, or it was not checked since it changed.
    """
    dataset = find_dataset(workspace, name_of(workspace, wanted), data)
    health = known_health(dataset)
    if health is None:
        windows = ", with the same flags for windows" if dataset.annotated is not None else ""
        raise DatasetError(
            f"the data set {dataset.name!r} has not been checked since it changed",
            f"Check it{windows}: `labcore datasets check {quote(dataset.name)}`",
        )
    return dataset, health


def mend(
    workspace: Workspace,
    wanted: str,
    finding: str,
    remedy: str = "",
    *,
    who: str = "",
    clips: Collection[ClipAt] | None = None,
    data: DataConfig | None = None,
    seen: Finding | None = None,
) -> Mending:
    """Do something about a finding of the last check.

    Args:
        wanted: the data set, by name or path.
        finding: its id, or its kind where there is one of it.
        remedy: by its name; the finding's first one where none is given.
        who: does it.
        clips: of those that the remedy changes these only; to be excluded, any of the finding's.
        data: as for :func:`health_of`.
        seen: the finding as it was when somebody decided on it: where it is another one by now, nothing is done.

    Returns:
        What was done, as it stands in the annotations.

    Raises:
        DatasetError: there is no such finding or remedy, nothing can be done about it, or it was not checked since it changed.
        WorkspaceError: the workspace cannot be written.
    """
    dataset, health = health_of(workspace, wanted, data)
    if seen is not None and seen not in health.found:
        raise DatasetError("the finding has changed meanwhile, by another press or a check", "Look at it again")
    found = finding_named(health.found, finding, dataset.name)
    chosen = _remedy_named(found, remedy)
    wished = _wished(found, chosen, clips)
    if not wished:
        raise DatasetError(
            f"none of the clips is among those that {chosen.name!r} of {found.id!r} changes", "Name others"
        )
    line = Mending(
        **signed(who),
        mend=chosen.action if chosen.action != "merge" or len(wished) == len(chosen.clips) else "relabel",
        finding=found.id,
        clips=_clips(dataset, wished),
        label=chosen.label if chosen.action in ("relabel", "merge") else NO_LABEL,
        channel=chosen.channel,
        why=found.sentence,
    )
    return annotate(workspace, name_of(workspace, wanted), line)


def unmend(
    workspace: Workspace, wanted: str, finding: str, *, who: str = "", anyone: bool = False
) -> Annotation | Mending:
    """Take back what was done about a finding last.

    Args:
        finding: its id, or its kind.
        anyone: it is meant, whoever did it.

    Raises:
        DatasetError: nothing was done about it.
        NotYoursError: another person did it.
        WorkspaceError: the workspace cannot be written.
    """
    name = name_of(workspace, wanted)
    mendings = mendings_of(workspace, name)
    word = _word(finding)
    done = [each for each in mendings if each.finding == word or each.finding.rpartition("-")[0] == word]
    if not done:
        there = some(dict.fromkeys(each.finding for each in mendings))
        raise DatasetError(
            f"nothing was done about a finding {finding!r} of {name!r}",
            f"These were mended: {there}" if there else "Nothing of it was mended yet",
        )
    return take_back(workspace, name, done[-1].id, who, anyone=anyone)


def mendings_of(workspace: Workspace, name: str) -> tuple[Mending, ...]:
    """What was done about findings of a data set of the workspace, and not taken back, the newest last.

    Raises:
        DatasetError: its annotations cannot be read.
    """
    return read_annotations(file_of(workspace, name)).mendings


def finding_named(findings: Sequence[Finding], wanted: str, name: str) -> Finding:
    """The finding that is meant by an id, or by the kind of one.

    Raises:
        DatasetError: there is none, or several are of that kind.
    """
    word = _word(wanted)
    found = [each for each in findings if each.id == word] or [each for each in findings if _word(each.kind) == word]
    if len(found) == 1:
        return found[0]
    listed = some([each.id for each in (found or findings) if each.remedies], 12)
    if found:
        raise DatasetError(f"there are {len(found)} findings of the kind {wanted!r}", f"Name one: {listed}")
    raise DatasetError(
        f"the data set {name!r} has no open finding {wanted!r}",
        f"There are: {listed}" if listed else "There is none to mend",
    )


def clips_named(workspace: Workspace, wanted: str, names: Sequence[str], data: DataConfig | None = None) -> set[ClipAt]:
    """The clips of a data set that are meant by their paths, whole or from the data set's folder on; of a file all its clips.

    Args:
        data: as for :func:`health_of`.

    Raises:
        DatasetError: a path is that of none.
    """
    dataset = find_dataset(workspace, name_of(workspace, wanted), data)
    keys, table = keys_of(dataset), dataset.table
    at = [ClipAt(path, float(start)) for path, start in zip(table["path"], table["start_s"], strict=True)]
    found: set[ClipAt] = set()
    for name in names:
        whole = str(typed_path(name).absolute())
        meant = {clip for clip, key in zip(at, keys, strict=True) if key[0] == name or clip.path == whole}
        if not meant:
            raise DatasetError(
                f"there is no clip {name!r} in {dataset.name!r}", "Give its path from the data set's folder on"
            )
        found |= meant
    return found


def _remedy_named(finding: Finding, wanted: str) -> Remedy:
    names = {remedy.name: remedy for remedy in finding.remedies}
    if not names:
        raise DatasetError(
            f"the lab can do nothing about the finding {finding.id!r}: {finding.what}",
            finding.remedy or "Mend it by hand",
        )
    if wanted and wanted not in names:
        raise DatasetError(f"{finding.id!r} has no remedy {wanted!r}", f"There are: {', '.join(names)}")
    return names[wanted] if wanted else finding.remedies[0]


def _wished(finding: Finding, remedy: Remedy, clips: Collection[ClipAt] | None) -> list[ClipAt]:
    """The clips that a remedy is to change: all of its own, or some of them. Which copy of a sound goes is up to whoever hears them."""
    if clips is None:
        return list(remedy.clips)
    changes = dict.fromkeys([*remedy.clips, *(finding.clips if remedy.action == "exclude" else ())])
    return [clip for clip in changes if clip in set(clips)]


def _clips(dataset: Dataset, wished: Sequence[ClipAt]) -> list[MendedClip]:
    table = dataset.table
    at = zip(table["path"], table["start_s"].astype(float), strict=True)
    keys = dict(zip(at, keys_of(dataset), strict=True))
    return [
        MendedClip(clip=way, start_s=start_s, old=old, bytes=stamp_of(clip.path)[0])
        for clip in wished
        for way, start_s, old in [keys[clip.path, clip.start_s]]
    ]


def _word(wanted: str) -> str:
    return shown(wanted).strip().replace(" ", "-")
