"""Training, and runs with what one wants of them in Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labcore.cli.jobs import watch
from labcore.cli.output import say
from labcore.cli.parser import read_config
from labcore.cli.train import check_inputs
from labcore.config import RunConfig, all_settings
from labcore.config.names import by_path
from labcore.config.presets import preset as preset_named
from labcore.datasets.table import Dataset
from labcore.errors import ConfigError, RunError
from labcore.events import Epoch, Evaluated, EvaluatedLabels, RunFinished, result_of
from labcore.face.dataset import name_of
from labcore.face.names import FILE_NAMES, RUN_NAMES, device_of, text_of
from labcore.face.reporting import write_report
from labcore.face.telling import as_output, error_of, first_interrupt, in_notebook
from labcore.jobs.manager import JobManager
from labcore.owners import shell_user
from labcore.runs import Run
from labcore.runs.asked import asked_for
from labcore.texts import ToldByFacts, mean_ap_text, percent
from labcore.training.pending import finish_early
from labcore.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from labcore.face.evaluation import EvaluationResult
    from labcore.face.model import Model


def train(
    data: Dataset | str | Path,
    *,
    preset: str | None = None,
    config: RunConfig | Run | str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    **named: Any,
) -> TrainingRun:
    """Train a classifier, and return when it is trained.

    The training is a run of the workspace like any other: the Train page shows it live, it waits in the queue for its device, and it is
    a process of its own, which goes on should this one end. Ctrl-C (in a notebook ■) stops it after the batch at hand, with a checkpoint,
    and the stopped run is returned: :meth:`TrainingRun.resume` goes on. A second one lets go of it at once.

    Args:
        data: a data set, or its name or path.
        preset: start from a recipe: "quick", "balanced" or "thorough".
        config: start from what was asked for in another run, from a configuration, or from a config.json or the folder of a run.
        settings: any setting by its path, as docs/configuration.md lists them: ``{"augment.mixup": 0.2}``.
        named: the same by short names: ``epochs=25, fold="1", batch_size=32, lr=0.003, mixup=0.2, device="cpu"``. None and "auto" leave a
            setting to the lab; None leaves one that is never automatic as it is.

    Raises:
        ConfigError: there is no such setting, it is given twice, or a value is out of bounds; or the configuration is none.
        DatasetError, DeviceError, LabError: what the training cannot begin with, or what it failed on.
    """
    workspace = Workspace.default()
    wanted = check_inputs(wanted_config(data, preset, config, settings, named), workspace)
    return TrainingRun.create(workspace, wanted, queued=True, by=shell_user()).follow()


def wanted_config(
    data: Dataset | str | Path,
    preset: str | None,
    config: RunConfig | Run | str | Path | None,
    settings: Mapping[str, Any] | None,
    named: Mapping[str, Any],
) -> RunConfig:
    """What :func:`train` is asked for, as a configuration.

    Raises:
        ConfigError: as there.
    """
    if preset is not None and config is not None:
        raise ConfigError("both a preset and a configuration are given", "Start from one of them")
    if isinstance(data, Dataset) and data.part_of is not None:
        raise ConfigError(
            f"{data.name} has clips of fold {data.folds[0]} alone",
            f'Train on the whole data set; fold="{data.folds[0]}" holds that fold out',
        )
    match config:
        case None:
            begin = RunConfig() if preset is None else preset_named(str(preset))
        case RunConfig():
            begin = config
        case Run():
            begin = asked_for(config)
        case _:
            begin = read_config(Path(text_of(config, "a configuration", "Give a run, or the path of a config.json")))
    found = by_path([*_items(settings), *named.items()])
    changes = {path: value for path, value in found.items() if value is not None or all_settings()[path].optional}
    if "data.dataset" in changes:
        raise ConfigError("two data sets are given", f"Name one: lab.train({changes['data.dataset']!r}, …)")
    changes["data.dataset"] = name_of(data)
    if "runtime.device" in changes:
        changes["runtime.device"] = device_of(changes["runtime.device"])
    return begin.replace(changes)


def _items(settings: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    if settings is None or isinstance(settings, Mapping):
        return list((settings or {}).items())
    raise ConfigError(f"settings are a {type(settings).__name__}", 'Give them by path: {"augment.mixup": 0.2}')


def load_run(name: str | Path | Run = "last") -> TrainingRun:
    """A run of the workspace, by its id, a part of it, its name, the word last, or the path of its folder.

    Raises:
        ConfigError: the name is no text.
        RunError: there is none, or several are meant.
    """
    if isinstance(name, Run):
        return TrainingRun(name.path)
    return TrainingRun.open(Workspace.default(), text_of(name, "a run", RUN_NAMES))


@dataclass(frozen=True, repr=False)
class TrainingRun(ToldByFacts, Run):
    """A run: how it went, what it has learnt.

    Attributes:
        id, path: its name, and its folder.
        config: all its settings.
    """

    @property
    def state(self) -> str:
        """queued, running, stopping, interrupted, finished, stopped or failed."""
        return self.status().state

    @property
    def result(self) -> EvaluationResult:
        """Accuracy on the held-out fold with its 95 % interval, confusion matrix, per-class metrics.

        Raises:
            RunError: the run has none yet.
        """
        from labcore.face.evaluation import EvaluationResult

        found = result_of(self.events())
        if found is None:
            raise RunError(f"run {self.id} has no result: it is {self.state}", self._goes_on())
        return EvaluationResult(found, (self.predictions,))

    @property
    def history(self) -> pd.DataFrame:
        """A row an epoch: train_loss, train_accuracy, val_loss, val_accuracy, lr, seconds and so on; indexed by epoch."""
        import pandas as pd

        names = [name for name in Epoch.model_fields if name not in ("type", "time", "spent", "pinned")]
        table = pd.DataFrame([epoch.model_dump(include={*names}) for epoch in self.epochs()], columns=names)
        figures = set(names).difference(("epoch", "epochs", "averaged", "evaluated"))
        return table.astype(dict.fromkeys(figures, float)).set_index("epoch")

    @cached_property
    def model(self) -> Model:
        """The trained classifier, on the GPU where there is one. Loaded once.

        Raises:
            RunError: it has no weights yet.
        """
        from labcore.face.model import Model

        if not self.weights.is_file():
            raise RunError(f"run {self.id} has no weights: it is {self.state}", self._goes_on())
        return Model.load(self.path)

    def figure(self) -> go.Figure:
        """Loss and accuracy over the epochs as a plotly figure.

        Raises:
            RunError: no epoch is over yet.
        """
        from labcore.face.figures import curves

        if not self.epochs():
            raise RunError(f"run {self.id} has no curves: no epoch is over", self._goes_on())
        return curves(self.id, self.epochs(), result_of(self.events()))

    def plot(self, file: str | Path | None = None) -> None:
        """Show :meth:`figure`: in a notebook below the cell. Elsewhere it is written as a page (HTML), and its place is printed.

        Args:
            file: where to write the page, a name that ends with ``.html``; in the workspace's cache where it is not given.

        Raises:
            ConfigError: another ending.
            RunError: no epoch is over yet.
            WorkspaceError: the page cannot be written.
        """
        from labcore.face.figures import write_page

        path = self.workspace.cache / "plots" / f"{self.id}.html"
        if file is not None:
            path = Path(text_of(file, "a page", FILE_NAMES))
        if path.suffix.lower() not in (".html", ".htm"):
            remedy = 'Name a file that ends with .html; report("run.zip") has them as SVG'
            raise ConfigError(f"curves are written as a page, and {path.name} names none", remedy)
        figure = self.figure()
        if file is None and in_notebook():
            figure.show()
            return
        print(f"curves: {write_page(figure, path)}")

    def report(self, file: str | Path) -> Path:
        """Write one file to hand on, as `labcore runs report` does, by its ending: ``.html``, which opens offline, ``.md``, or
        ``.zip`` with figures (SVG) and tables (CSV, LaTeX) for a text. Returns its whole path.

        Raises:
            ConfigError: another ending.
            WorkspaceError: it cannot be written.
        """
        return write_report([str(self.path)], file)

    def resume(self, more: int | None = None) -> TrainingRun:
        """Go on with a run that was stopped, failed or interrupted, from its last epoch; returns when it is trained, as :func:`train`.

        Args:
            more: finish early: end after so many epochs more, over which the learning rate falls to its end.

        Raises:
            ConfigError: ``more`` is less than one.
            RunError: it is running, or finished.
            LabError: what hinders it, or what it failed on.
        """
        if more is not None and not self.status().active:
            finish_early(self, more, by="command", who=shell_user())
        return self.follow(resume=True)

    def follow(self, *, resume: bool = False) -> TrainingRun:
        """Tell how the run goes until it ends; this process looks after the queue where nobody else does.

        Raises:
            LabError: what it failed on.
        """
        manager, reader = JobManager(self.workspace), self.reader()
        try:
            if resume:
                reader.read()  # what was told when it happened
                manager.resume(self, by=shell_user())
                vars(self).pop("model", None)

            with as_output(), first_interrupt() as interrupted:
                if manager.lacks_worker:
                    say("no worker is running: it waits until one is started with `labcore worker`")
                elif ahead := manager.ahead_of([self]).get(self.path):
                    say(f"it waits for {ahead[0].title}{f' and {len(ahead) - 1} more' if ahead[1:] else ''}")
                for _ in watch(self, False, reader):
                    if interrupted.is_set():
                        interrupted.clear()
                        say("stopping after this batch; once more lets go of it")
                        manager.stop(self, by=shell_user())
        finally:
            manager.close()
        end = self.last_event(RunFinished)
        if end is not None and end.error and self.state == "failed":
            raise error_of(end)
        if self.state != "finished":
            print(f"{self._goes_on()}.")
        return self

    def _goes_on(self) -> str:
        match self.state:
            case "stopped" | "failed" | "interrupted":
                return f'lab.load_run("{self.id}").resume() goes on with it'
            case "finished":
                return "Train another one"
            case _:
                return "Wait for its end: its follow() tells how it goes"

    def _facts(self) -> dict[str, str]:
        status, found = self.status(), self.last_event(Evaluated)
        facts = {"run": self.id, "state": status.state, "epochs": f"{status.epoch} of {status.epochs}"}
        if found is not None:
            facts["accuracy"] = f"{percent(found.accuracy)} on fold {found.fold}"
        if (ranked := self.last_event(EvaluatedLabels)) is not None:
            facts["mAP"] = f"{mean_ap_text(ranked.mean_ap).removeprefix('mAP ')} on fold {ranked.fold}"
        return {**facts, "folder": str(self.path)}
