"""Cross-validation from Python, and what came of it over the folds and over all clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labcore.cli.crossval import LOOK_SECONDS, watched
from labcore.cli.output import say
from labcore.cli.progress import bars
from labcore.cli.train import check_inputs
from labcore.config import RunConfig
from labcore.crossval.early import finish_early
from labcore.crossval.job import CrossValidation
from labcore.crossval.summary import Summary, mean_text, summarise
from labcore.datasets.table import Dataset
from labcore.errors import ConfigError, RunError
from labcore.events import Evaluated, RunFinished
from labcore.face.evaluation import EvaluationResult
from labcore.face.names import text_of
from labcore.face.reporting import write_report
from labcore.face.run import TrainingRun, wanted_config
from labcore.face.telling import as_output, error_of, first_interrupt
from labcore.jobs.manager import JobManager
from labcore.owners import shell_user
from labcore.runs import Run
from labcore.texts import ToldByFacts, counted, percent, spread
from labcore.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd


def cross_validate(
    data: Dataset | str | Path,
    *,
    folds: Sequence[str | int] | None = None,
    random: bool = False,
    preset: str | None = None,
    config: RunConfig | Run | str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    **named: Any,
) -> CrossValidationRun:
    """Train once per fold with that fold held out, and return when all are trained.

    It is a cross-validation of the workspace like any other, see :func:`labcore.train`. Ctrl-C (in a notebook ■) stops all folds after
    their batch, and the stopped cross-validation is returned: :meth:`CrossValidationRun.resume` goes on.

    Args:
        data: a data set, or its name or path.
        folds: which folds to hold out; all of the data set where they are not given.
        random: train on a random split, too, to show how much one that ignores recordings flatters.
        preset, config, settings, named: as for :func:`labcore.train`, without ``fold``.

    Raises:
        ConfigError: a setting is wrong, or a fold is given twice.
        DatasetError, DeviceError, LabError: what a training cannot begin with, or what one failed on.
    """
    if isinstance(folds, str):
        raise ConfigError(f"folds are {folds!r}", f"Give a list: folds=[{folds!r}]")
    wanted, workspace = wanted_config(data, preset, config, settings, named), Workspace.default()
    if config is None and wanted.data.fold is not None:
        raise ConfigError("a cross-validation holds every fold out", f"Name some by folds=[{wanted.data.fold!r}, …]")
    chosen = None if folds is None else [str(fold) for fold in folds]
    wanted = check_inputs(wanted.replace({"data.fold": chosen[0] if chosen else None}), workspace)
    made = CrossValidationRun.create(workspace, wanted, folds=chosen, random=random, by=shell_user())
    return CrossValidationRun(made.path).follow()


def load_cross_validation(name: str | Path | CrossValidation = "last") -> CrossValidationRun:
    """A cross-validation of the workspace, by its id, a part of it, the word last, or the path of its folder.

    Raises:
        ConfigError: the name is no text.
        RunError: there is none, or several are meant.
    """
    if isinstance(name, CrossValidation):
        return CrossValidationRun(name.path)
    named = text_of(name, "a cross-validation", "Give its id, a part of it, or its folder")
    return CrossValidationRun.open(Workspace.default(), named)


@dataclass(frozen=True, repr=False)
class CrossValidationRun(ToldByFacts, CrossValidation):
    """A cross-validation: its folds, and what they came to.

    Attributes:
        id, path: its name, and its folder.
        config: the settings that its runs have in common.
    """

    @property
    def state(self) -> str:
        """queued, running, finished, failed or stopped."""
        return self.status().state

    @property
    def summary(self) -> Summary:
        """All figures as plain data, those of the random split too."""
        return summarise(self)

    @property
    def trained(self) -> dict[str, TrainingRun]:
        """Fold → its run."""
        return {fold: TrainingRun(run.path) for fold, run in self.members().items() if run.there}

    @property
    def table(self) -> pd.DataFrame:
        """A row a fold: ``state``, ``accuracy`` and ``macro_f1`` (0 to 1), ``mean_ap``, ``clips``, ``seconds``, ``run``, ``epochs`` and
        the ``planned`` ones; index: fold."""
        import pandas as pd

        names = ("fold", "state", "accuracy", "mean_ap", "macro_f1", "clips", "seconds", "run_id", "epochs", "planned")
        rows = [[getattr(fold, name) for name in names] for fold in self.summary.official.folds]
        table = pd.DataFrame(rows, columns=names).rename(columns={"run_id": "run"}).set_index("fold")
        return table.astype(dict.fromkeys(("accuracy", "mean_ap", "macro_f1"), float))

    @property
    def mean(self) -> float | None:
        """The mean accuracy of the finished folds, from 0 to 1; of several labels a clip their mean average precision."""
        pool = self.summary.official
        return pool.mean if pool.mean_ap is None else pool.mean_ap

    @property
    def deviation(self) -> float | None:
        """Its standard deviation over the folds (n - 1); None with fewer than two. The folds share training clips, so it is no standard
        error: the interval of ``result`` is that of other clips."""
        pool = self.summary.official
        return pool.deviation if pool.mean_ap is None else pool.mean_ap_deviation

    @property
    def result(self) -> EvaluationResult:
        """The figures of all held-out clips together, of the folds that have finished.

        Raises:
            RunError: none has finished, or they are of several labels a clip.
        """
        pool = self.summary.official
        if pool.accuracy is None or pool.low is None or pool.high is None:
            if pool.mean_ap is not None:
                raise RunError("folds of several labels a clip have no figures together", "Use mean, and trained")
            raise RunError(f"no fold of cross-validation {self.id} has finished", self._goes_on())
        done = [fold for fold in pool.folds if fold.accuracy is not None]
        figures = Evaluated(
            accuracy=pool.accuracy,
            accuracy_low=pool.low,
            accuracy_high=pool.high,
            macro_f1=pool.macro_f1 or 0.0,
            per_class=pool.per_class,
            confusion=pool.confusion,
            clips=pool.clips,
            fold="all" if len(done) == len(pool.folds) else ", ".join(fold.fold for fold in done),
            leaks=pool.leaks,
            adjusted=pool.adjusted,
            corrected=pool.corrected,
            trained_on=sum(fold.trained_on for fold in done),
            recordings=pool.recordings,
            effective_clips=pool.effective_clips,
        )
        runs = self.members()
        return EvaluationResult(figures, tuple(runs[fold.fold].predictions for fold in done))

    def report(self, file: str | Path) -> Path:
        """Write one file to hand on, as :meth:`labcore.face.run.TrainingRun.report` does."""
        return write_report([str(self.path)], file)

    def resume(self, more: int | None = None) -> CrossValidationRun:
        """Go on with the folds that were stopped, failed or interrupted; returns when they are trained.

        Args:
            more: finish early, also one that is running: folds end after so many epochs more, over which the learning rate falls to its
                end, and those that have not begun train as many in all as these.

        Raises:
            ConfigError: with ``more`` no fold would end before its time.
            RunError: all are running, or finished.
            LabError: what hinders it, or what a fold failed on.
        """
        at_work = more is not None and self.status().active
        if more is not None:
            print(f"{finish_early(self, more, by='command', who=shell_user()).sentence}.")
        return self.follow(resume=not at_work)

    def follow(self, *, resume: bool = False) -> CrossValidationRun:
        """Tell how the folds go until they end; this process looks after the queue where nobody else does.

        Raises:
            LabError: what a fold failed on.
        """
        manager = JobManager(self.workspace)
        try:
            if resume:
                manager.resume(self, by=shell_user())
            with as_output(), first_interrupt() as interrupted:
                if manager.lacks_worker:
                    say("no worker is running: it waits until one is started with `labcore worker`")
                for summary in watched(self):
                    if not summary.active:
                        break
                    if interrupted.wait(LOOK_SECONDS):
                        interrupted.clear()
                        say("stopping all folds after their batch; once more lets go of them")
                        for run in reversed(self.children()):  # first those that wait, so that none takes a free place
                            manager.stop(run, by=shell_user())
        finally:
            manager.close()
            bars.clear()
        ends = [run.last_event(RunFinished) for run in self.children()]
        failed = [end for end in ends if end is not None and end.error]
        if failed and self.state == "failed":
            raise error_of(failed[0])
        if self.state != "finished":
            print(f"{self._goes_on()}.")
        return self

    def _goes_on(self) -> str:
        if self.state in ("stopped", "failed"):
            return f'lab.load_cross_validation("{self.id}").resume() goes on with it'
        return "Wait for its end: its follow() tells how it goes"

    def _facts(self) -> dict[str, str]:
        summary = self.summary
        pool = summary.official
        facts = {
            "cross-validation": self.id,
            "state": summary.state,
            "folds": f"{pool.finished} of {len(pool.folds)} finished",
        }
        if pool.finished:
            of = f"mean ± standard deviation over {counted(pool.finished, 'fold')}"
            facts["accuracy" if pool.mean_ap is None else "result"] = f"{mean_text(pool)} ({of})"
        if summary.length_note:
            facts["length"] = summary.length_note
        if pool.accuracy is not None and pool.low is not None:
            interval = f"95 % interval {spread(pool.low, pool.high)}"
            facts["together"] = f"{percent(pool.accuracy)} of all {counted(pool.clips, 'clip')} ({interval})"
        return {**facts, "folder": str(self.path)}
