"""The rows of the list of runs: facts of a job at a glance, and the runs that are parts of it."""

from __future__ import annotations

import contextlib
import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from labcore.errors import LabError
from labcore.evaluation.intervals import ByRecording, effective_clips, wilson_interval
from labcore.jobs.about import About
from labcore.jobs.folder import JobFolder
from labcore.jobs.glances import about_of, glance, keep, known, look, remember, size_of
from labcore.jobs.kind import PARENTS, folder_class, names
from labcore.jobs.status import JobRequest, JobStatus, Story
from labcore.runs import Run
from labcore.runs.honesty import EARLY
from labcore.runs.origin import remembered
from labcore.texts import natural_key
from labcore.workspace import Workspace


@dataclass(frozen=True)
class Row:
    """A run, or what consists of runs, in the list.

    ``low`` and ``high`` are the 95 % interval of the accuracy, or of the mean average precision, None where that is not of clips held
    out. ``seconds`` is the time that it has taken so far, ``when`` when it was made and ``changed_at`` when it told something last, in
    seconds since 1970. ``size`` is in bytes. ``parent`` is the id of what it is ``part`` of, ``children`` are its own parts, of which
    ``asked_parts`` were asked for. ``shortened``: its figure is of a run that ends before the epochs of its settings, as **Finish early**
    has it, or of such runs among others.
    """

    job: JobFolder
    status: JobStatus
    about: About
    name: str
    dataset: str
    fold: str
    network: str
    epochs: int
    low: float | None
    high: float | None
    clips: int
    seconds: float
    device: str
    by: str
    when: float
    size: int
    parent: str = ""
    part: str = ""
    asked_parts: int = 0
    children: tuple[Row, ...] = ()
    shortened: bool = False

    @property
    def id(self) -> str:
        return self.job.id

    @property
    def state(self) -> str:
        return self.status.state

    @property
    def accuracy(self) -> float | None:
        return self.status.accuracy

    @property
    def mean_ap(self) -> float | None:
        """The mean average precision of a run of several labels a clip; of a cross-validation the mean over its folds."""
        return self.status.mean_ap

    @property
    def figure(self) -> str:
        """As of its status, and whether it was finished early."""
        return f"{self.status.figure}{f' ({EARLY})' if self.shortened else ''}"

    @property
    def is_run(self) -> bool:
        return isinstance(self.job, Run)

    @property
    def has_clips(self) -> bool:
        """Whether there are predictions of its own to compare and report: it is a run or a cross-validation."""
        return self.is_run or self.job.kind.room == "experiments"

    def every(self) -> tuple[Row, ...]:
        """Itself and its parts."""
        return (self, *self.children)


def catalogue(workspace: Workspace) -> list[Row]:
    """All runs of a workspace, newest first, those that are parts of a cross-validation or a search under it.

    A part whose parent is gone stands by itself.
    """
    rows = _rows(workspace, Run)
    parts: dict[str, list[Row]] = {}
    for row in rows:
        if row.parent:
            parts.setdefault(row.parent, []).append(row)
    top: list[Row] = []
    for room in PARENTS:
        for row in _rows(workspace, folder_class(room)) if names(workspace, room) else ():
            top.append(_with_parts(row, parts.pop(row.id, [])))
    top += [row for row in rows if not row.parent or row.parent in parts]
    return sorted(top, key=lambda row: row.id, reverse=True)


def _rows(workspace: Workspace, kind: type[JobFolder]) -> list[Row]:
    """The jobs of a kind by themselves; what is new of them is remembered by the workspace."""
    jobs = kind.every(workspace)
    remember(workspace)
    rows = [row_of(job) for job in jobs]
    keep(workspace, jobs)
    return rows


def whole_row(job: JobFolder) -> Row:
    """The row of a job with its parts."""
    row = row_of(job)
    return row if isinstance(job, Run) else _with_parts(row, [row_of(run) for run in parts_of(job)])


def parts_of(job: JobFolder) -> list[Run]:
    """The runs that a cross-validation or a search consists of; none of a run."""
    if isinstance(job, Run):
        return []
    return [run for run in Run.every(job.workspace) if remembered(run).parent == job.id]


def row_of(job: JobFolder) -> Row:
    """The row of a job by itself. What consists of nothing but runs has no life of its own: its status is theirs."""
    if job.kind.work:
        status, asked, story = look(job)
    else:
        status, asked, story = JobStatus(""), JobRequest(), Story()
        with contextlib.suppress(LabError, OSError):
            asked, story = known(job)
        if asked.error:
            status = glance(job)
    about, running = about_of(job), status.state in ("running", "stopping")
    has_figure = status.accuracy is not None or status.mean_ap is not None
    since = time.time() - story.served_at if running and story.served_at else 0.0
    return Row(
        job=job,
        status=status,
        about=about,
        name=about.name or asked.title or job.id,
        dataset=asked.dataset or "",
        fold=story.fold or asked.fold,
        network=asked.model or "",
        epochs=status.epochs or asked.epochs,
        low=story.low if has_figure else None,
        high=story.high if has_figure else None,
        clips=story.clips,
        seconds=story.seconds + max(0.0, since),
        device=story.served_on,
        by=status.by,
        when=_made_at(job.id) or status.queued_at or status.changed_at,
        size=size_of(job),
        parent=asked.parent,
        part=asked.part,
        asked_parts=asked.parts,
        shortened=has_figure and status.state == "finished" and 0 < status.epochs < asked.epochs,
    )


def facts(row: Row) -> dict[str, Any]:
    """What is told of a row as JSON, besides what :mod:`labcore.cli.runs` tells of a run."""
    return {
        "name": row.name,
        "fold": row.fold or None,
        "accuracy_low": row.low,
        "accuracy_high": row.high,
        "seconds": row.seconds,
        "device": row.device or None,
        "tags": list(row.about.tags),
        "note": row.about.note,
        "star": row.about.star,
        "archived": row.about.archived,
        "shortened": row.shortened,
        "parent": row.parent or None,
        "part": row.part or None,
        "created_at": row.when,
        "size": row.size,
    }


def _with_parts(row: Row, parts: Sequence[Row]) -> Row:
    """The row of what consists of runs: its figures are theirs together, and they are archived with it."""
    parts = sorted(parts, key=lambda part: (natural_key(part.part)[1:], part.part))
    if row.about.archived:
        parts = [replace(part, about=replace(part.about, archived=True)) for part in parts]
    official = [part for part in parts if not part.part.startswith("random")]
    status = row.status if row.status.state else _status(row, parts)
    leaks, trained_on = any(part.status.leaks for part in official), sum(part.status.trained_on for part in official)
    accuracy, low, high = _together(row.job.kind.room, official)
    return replace(
        row,
        status=replace(
            status, accuracy=accuracy, mean_ap=_mean_ap(row.job.kind.room, official), leaks=leaks, trained_on=trained_on
        ),
        by=status.by,
        low=low,
        high=high,
        clips=sum(part.clips for part in official),
        seconds=sum(part.seconds for part in parts),
        device=next((part.device for part in parts if part.device), ""),
        size=row.size + sum(part.size for part in parts),
        children=tuple(parts),
        shortened=row.job.kind.room == "experiments" and any(part.shortened for part in official),
    )


def _status(row: Row, parts: Sequence[Row]) -> JobStatus:
    """How runs stand together; runs of it that were deleted keep it from being finished."""
    from labcore.crossval.job import state_of

    states = [part.state for part in parts] + ["deleted"] * (row.asked_parts - len(parts))
    return JobStatus(
        state_of(states),
        fraction=sum(part.status.fraction for part in parts) / max(1, len(states)),
        changed_at=max((part.status.changed_at for part in parts), default=row.when),
        by=parts[0].by if parts else row.job.owner,
    )


def _together(room: str, parts: Sequence[Row]) -> tuple[float | None, float | None, float | None]:
    """Of a cross-validation the accuracy on the held-out clips of all its folds, with the interval; of a search that of the most accurate
    trial."""
    done = [part for part in parts if part.state == "finished" and part.accuracy is not None]
    if not done:
        return None, None, None
    if room in ("hidden", "curves"):  # its runs know other classes, or were trained on other clips
        return None, None, None
    if room == "searches":
        return max(part.accuracy or 0.0 for part in done), None, None
    clips = sum(part.clips for part in done)
    if not clips:
        return None, None, None
    hits = sum(round((part.accuracy or 0.0) * part.clips) for part in done)
    distinct = sum(part.status.distinct_clips or part.clips for part in done)
    by_recording = ByRecording.together(part.status.by_recording for part in done)
    return hits / clips, *wilson_interval(hits, clips, effective_clips(hits, clips, by_recording, distinct))


def _mean_ap(room: str, parts: Sequence[Row]) -> float | None:
    """Of a cross-validation of several labels a clip the mean over its folds; of a search the highest of its trials."""
    done = [part.mean_ap for part in parts if part.state == "finished" and part.mean_ap is not None]
    if not done or room == "hidden":
        return None
    return max(done) if room == "searches" else statistics.fmean(done)


@lru_cache(maxsize=20_000)
def _made_at(job_id: str) -> float:
    """When a job was made, as its id tells; 0 where it does not."""
    stamp = re.match(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-", job_id)
    with contextlib.suppress(ValueError, OverflowError):
        if stamp:
            year, month, day, hour, minute, second = map(int, stamp.groups())
            return time.mktime((year, month, day, hour, minute, second, 0, 0, -1))
    return 0.0
