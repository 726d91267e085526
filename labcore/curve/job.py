"""A learning curve as a job that looks after its runs: each is trained on some recordings of every class, more and more of them.

::

    curves/<id>/
      curve.json           data set, settings, recordings per class, samples, and name → id of the run
      corrections.json     the corrected labels that its runs begin with (labcore.datasets.corrections)
    runs/<id>/
      curve.json           of each of its runs: which curve it is of, its recordings per class and its sample

A run is named ``5/2``: five recordings per class, the second sample; ``all/1`` is trained on all. The recordings of a smaller size are
among those of a larger one of the same sample, so that the curve is paired. The test fold is the same and whole for all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from labcore.config import RunConfig
from labcore.curve.events import CurvePoint, CurveProgress
from labcore.errors import ConfigError, DatasetError, RunError
from labcore.events import JOB_KINDS, Event
from labcore.jobs.glances import glance
from labcore.jobs.kind import Kind
from labcore.jobs.process import StopTest
from labcore.jobs.status import JobRequest
from labcore.members.job import MembersJob, MembersPlan, about, named
from labcore.owners import clean
from labcore.runs import Run
from labcore.runs.origin import CURVE
from labcore.runs.title import title_of
from labcore.texts import counted, whole_number
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.datasets.table import Dataset
    from labcore.training.run_time import TrainingClips

ALL = "all"
SIZES = ("2", "5", "10", "20", ALL)
"""Recordings per class, as they are usually asked for."""
SAMPLES, MOST_SAMPLES = 2, 20


class CurvePlan(MembersPlan):
    """What was asked for.

    Attributes:
        sizes: recordings per class, ascending, :data:`ALL` last.
        samples: how often recordings are drawn.
        embeddings: the run whose embeddings the second baseline takes, its id or :data:`labcore.builtin.NAME`; "" for none.
    """

    sizes: tuple[str, ...] = SIZES
    samples: Annotated[int, Field(ge=1, le=MOST_SAMPLES)] = SAMPLES
    embeddings: str = ""


@dataclass(frozen=True)
class LearningCurve(MembersJob[CurvePlan]):
    """A learning curve by its directory."""

    kind: ClassVar[Kind] = Kind(
        "learning curve",
        "curves",
        listed="labcore curve --list",
        file="curve.json",
        events={**JOB_KINDS, "curve_progress": CurveProgress, "curve_point": CurvePoint},
        work="labcore.members.driver:drive",
        ready="labcore.members.job:ready",
    )
    plan_of = CurvePlan

    @classmethod
    def create(
        cls,
        workspace: Workspace,
        config: RunConfig,
        sizes: Sequence[str] = SIZES,
        samples: int = SAMPLES,
        embeddings: str = "",
        *,
        queued: bool = False,
        by: str = "",
    ) -> LearningCurve:
        """Make a learning curve and its runs, which wait in the queue. Not queued, the curve is driven by who makes it.

        Args:
            config: what the runs have in common. Its training clips, recordings and sample are not looked at.
            sizes: numbers of recordings per class, and :data:`ALL`. One that no class has more recordings than becomes :data:`ALL`.
            samples: how often recordings are drawn, from 1 to 20; each sample trains with a seed of its own.
            embeddings: the run whose embeddings the second baseline takes, or :data:`labcore.builtin.NAME`; "" for none.

        Raises:
            ConfigError: sizes or samples out of bounds, or a random split is asked for.
            DatasetError: there is no data set, or none that can be split so.
            RunError: the run of the embeddings is not there or has no weights.
            WorkspaceError: the workspace cannot be written.
        """
        from labcore.datasets.corrections import FILE
        from labcore.datasets.in_split import dataset_for, pin_split
        from labcore.datasets.several import several_in
        from labcore.datasets.splits import split_for

        if not 1 <= samples <= MOST_SAMPLES:
            raise ConfigError(f"{samples} samples are out of bounds", f"Choose from 1 to {MOST_SAMPLES}")
        if config.data.split == "random":
            raise ConfigError("a learning curve uses the folds of the data set", "Leave data.split at official")
        if embeddings:
            embeddings = embedder(workspace, embeddings)[0]
        dataset = dataset_for(workspace, config.cutting)
        if several_in(dataset.table):
            raise DatasetError(
                "a learning curve needs clips of one label each, and those of this data set may have several",
                "Choose another data set, or one label per clip",
            )
        config = _common(config)
        config = config.replace({"data.fold": split_for(dataset, config.data).fold})
        chosen = possible_sizes(dataset, config, sizes)
        names = [f"{size}/{sample}" for sample in range(1, samples + 1) for size in chosen]
        plan = CurvePlan(
            config=config.model_dump(mode="json"),
            members=named(workspace, config, names),
            by=clean(by),
            sizes=tuple(chosen),
            samples=samples,
            embeddings=embeddings,
        )
        curve = cls.new(workspace, about(config))
        with curve.draft(queued=queued, by=by) as draft:
            draft.save(draft.kind.stem, plan.model_dump(mode="json"))
            if dataset.corrections is not None:  # its runs begin at different times, and shall have the same labels
                draft.save(FILE, dataset.corrections.to_dict())
            pin_split(draft, workspace, config.cutting)
        curve.make_missing()
        return curve

    @property
    def done(self) -> Collection[str]:
        return self.points

    def changes(self, name: str) -> dict[str, Any]:
        size, sample = parted(name)
        return {
            "data.train_recordings": None if size == ALL else int(size),
            "data.sample": sample,
            "runtime.seed": self.config.runtime.seed + sample - 1,
        }

    def marks(self, name: str) -> dict[str, Any]:
        from labcore.datasets.corrections import marks_of

        size, sample = parted(name)
        return {CURVE: {"curve": self.id, "recordings": size, "sample": sample}, **marks_of(self)}

    def words(self, name: str) -> str:
        return words(name)

    def progress(self, name: str, run_id: str, epoch: int, epochs: int) -> CurveProgress:
        return CurveProgress(name=name, run_id=run_id, epoch=epoch, epochs=epochs)

    def looker(self) -> Callable[[str, Run, StopTest], Iterator[Event]]:
        from labcore.curve.scoring import Scorer

        return Scorer(self).score

    def request(self) -> JobRequest:
        plan, config = self.plan, self.config
        more = ["learning curve", *([counted(plan.samples, "sample")] if plan.samples > 1 else [])]
        return JobRequest(
            config.data.dataset, config.model.name, config.optim.epochs or 0, fold=config.data.fold or "",
            title=title_of(config, more=more), parts=len(plan.members),
        )  # fmt: skip

    @property
    def points(self) -> dict[str, CurvePoint]:
        """Name → what came of that run, in the order of the plan, for those that have been looked at.

        Raises:
            RunError: the curve cannot be read.
        """
        told = {event.run_id: event for event in self.events() if isinstance(event, CurvePoint)}
        return {name: told[run.id] for name, run in self.members().items() if run.id in told}


def parted(name: str) -> tuple[str, int]:
    """Recordings per class and sample of the name of a run."""
    size, _, sample = name.partition("/")
    return size, int(sample)


def words(name: str) -> str:
    """What tells a run from the others, in words that follow it."""
    size, sample = parted(name)
    many = "all recordings" if size == ALL else f"{counted(int(size), 'recording')} per class"
    return f"with {many}, sample {sample}"


def possible_sizes(dataset: Dataset, config: RunConfig, sizes: Sequence[str]) -> list[str]:
    """The sizes that differ from each other on a data set, ascending.

    Raises:
        ConfigError: one is no number of recordings, or fewer than two are left.
    """
    from labcore.datasets.sampling import recordings_of

    most = max(map(len, recordings_of(dataset, config.data).values()))
    wanted: set[int] = set()
    for size in sizes:
        number = most if size == ALL else whole_number(size)
        if not number:
            raise ConfigError(f"{size!r} is no number of recordings per class", f"Give numbers from 1 on, and {ALL}")
        wanted.add(min(most, number))
    if len(wanted) < 2:
        told = f"{min(wanted)} alone was given" if wanted else "none was given"
        remedy = f"Give several, such as 2 5 10 {ALL}"
        if most in wanted:
            told = f"no class has more than {counted(most, 'training recording')}"
            remedy = "Give smaller numbers, or add recordings"
        raise ConfigError(f"a learning curve needs two different sizes: {told}", remedy)
    return [ALL if size == most else str(size) for size in sorted(wanted)]


def clips_by_size(workspace: Workspace, config: RunConfig, sizes: Sequence[str]) -> dict[str, TrainingClips]:
    """The sizes that a learning curve would have → the clips of each, ascending.

    Raises:
        ConfigError, DatasetError: as for :meth:`LearningCurve.create`.
    """
    from labcore.datasets.in_split import dataset_for
    from labcore.training.run_time import clips_of

    dataset, config = dataset_for(workspace, config.cutting), _common(config)
    found = {}
    for size in possible_sizes(dataset, config, sizes):
        data = config.data.model_copy(update={"train_recordings": None if size == ALL else int(size)})
        found[size] = clips_of(dataset, data)
    return found


def _common(config: RunConfig) -> RunConfig:
    """What the runs of a curve have in common: without what makes a sample."""
    return config.replace({"data.train_recordings": None, "data.train_clips": None, "data.sample": 1})


def embedder(workspace: Workspace, name: str) -> tuple[str, Run]:
    """The name in a plan, and the run, of a network that embeddings are taken from.

    Args:
        name: id of a run or a part of it, or :data:`labcore.builtin.NAME`.

    Raises:
        RunError: there is none, or it has no weights.
    """
    from labcore import builtin
    from labcore.runs.origin import ensemble_members

    if name == builtin.NAME:
        return name, builtin.require_weights()
    run = Run.open(workspace, name)
    if ensemble_members(run):
        raise RunError("an ensemble has no embeddings of its own", "Choose one of its members")
    run.require_weights()
    return run.id, run


def leak_note(curve: LearningCurve) -> str:
    """Why figures of a curve are too high, a sentence without the final stop; "" where they do not.

    Raises:
        RunError: the curve cannot be read.
    """
    if any(glance(run).leaks for run in curve.children()):
        return "The weights that its runs begin with were trained on clips of this test fold, so their accuracy is too high"
    plan = curve.plan
    if not plan.embeddings:
        return ""
    try:
        run = embedder(curve.workspace, plan.embeddings)[1]
        known = _knows_test_clips(curve, run)
    except (RunError, DatasetError):
        return ""
    return (
        "The network of the embeddings was trained on clips of this test fold, so its baseline is too good"
        if known
        else ""
    )


def _knows_test_clips(curve: LearningCurve, run: Run) -> bool:
    """Whether a run was trained on clips of a curve's test fold: by the files of both, or before the curve has any by their settings."""
    from labcore.datasets.learnt import learnt_by
    from labcore.datasets.record import ClipRecord
    from labcore.datasets.registry import place_of

    learnt = learnt_by(run, curve.workspace)
    record = next(filter(None, map(ClipRecord.load, curve.children())), None)
    if learnt.parts and record is not None:
        return learnt.holds_held_out(record, curve.workspace)
    theirs, ours = run.config.data, curve.config.data
    places = [os.path.realpath(place_of(curve.workspace, each.dataset)) for each in (theirs, ours)]
    return places[0] == places[1] and (theirs.fold, theirs.named_split) != (ours.fold, ours.named_split)
