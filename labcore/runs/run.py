"""The run directory: a job that trains a classifier.

Beside what every job has (:mod:`labcore.jobs.folder`)::

    runs/<run_id>/
      config.json          what was asked for; after the start, with everything automatic worked out
      asked.json           what of it the lab worked out, with what was asked for (labcore.runs.asked)
      labels.json          the labels in the order of the network's outputs
      environment.json     versions and machine
      overrides.jsonl      one wish a line for settings to be changed while it trains (turns.jsonl before)
      pinned/              sound files that are classified after every epoch
      checkpoints/last.pt  to resume from
      weights.safetensors  the trained classifier
      predictions.parquet  what it says of each held-out clip (labcore.evaluation.predictions)
      training_predictions.parquet  the same of its training clips, once asked for (labcore.evaluation.training_clips)
      worker.log           what the worker printed
      tensorboard/         scalars for TensorBoard
"""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from labcore.allowed_paths import PINNED
from labcore.config import RunConfig, parse
from labcore.errors import ConfigError, RunError
from labcore.events import KINDS, Epoch, RunFinished, RunQueued, RunStarted, epochs_of
from labcore.jobs.folder import JobFolder, this_process
from labcore.jobs.kind import Kind
from labcore.jobs.listing import reason
from labcore.jobs.status import JobRequest
from labcore.owners import clean
from labcore.reading import DamagedError, read_json
from labcore.texts import counted
from labcore.workspace import Workspace, append_line, slug, write_atomically

if TYPE_CHECKING:
    from typing import Self


@dataclass(frozen=True)
class Run(JobFolder):
    """A run by its directory."""

    kind: ClassVar[Kind] = Kind(
        "run",
        "runs",
        listed="labcore runs list",
        traces=("events.jsonl", "weights.safetensors"),
        log="worker.log",
        events=KINDS,
        work="labcore.training.job:work",
        lead="labcore.training.job:lead",
        ready="labcore.datasets.resuming:ready",
    )

    def request(self) -> JobRequest:
        from labcore.runs.asked import asked_for
        from labcore.runs.origin import belonging, ensemble_members
        from labcore.runs.title import title_of

        config = self.config
        parent, part = belonging(self)
        members = ensemble_members(self)
        more = [f"ensemble of {len(members)}"] if members else []
        title = title_of(asked_for(self), more=more, epochs=config.optim.epochs)
        return JobRequest(
            config.data.dataset, config.model.name, config.optim.epochs or 0, config.runtime.device,
            fold=config.data.fold or "", title=title, parent=parent, part=part, members=tuple(members),
        )  # fmt: skip

    @property
    def needs(self) -> str:
        """The device that its configuration asks for; "" where that cannot be read."""
        try:
            return self.config.runtime.device
        except RunError:
            return ""

    @property
    def driver(self) -> str:
        """The id of the search that it is a trial of, or of the hidden-class test or learning curve that it is a part of."""
        mark = self.load("search", {})
        if "trial" in mark:
            return str(mark.get("search", ""))
        return str(self.load("hidden", {}).get("hidden") or self.load("curve", {}).get("curve", ""))

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoints" / "last.pt"

    @property
    def weights(self) -> Path:
        return self.path / "weights.safetensors"

    def require_weights(self) -> None:
        """Raises RunError: it has none yet."""
        if not self.weights.is_file():
            raise RunError(f"run {self.id} has no weights yet", "They are written when the run finishes")

    @property
    def predictions(self) -> Path:
        return self.path / "predictions.parquet"

    @property
    def pinned(self) -> Path:
        return self.path / PINNED

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    @classmethod
    def create(
        cls,
        workspace: Workspace,
        config: RunConfig,
        *,
        queued: bool = False,
        marks: dict[str, Any] | None = None,
        by: str = "",
        path: Path | None = None,
        wish: dict[str, Any] | None = None,
    ) -> Self:
        """Make a new run directory. It appears whole or not at all.

        Args:
            path: where, as :meth:`new_for` said; a new place by default.
            queued: it waits for a job manager. Otherwise who makes it also starts it.
            marks: what it belongs to, by name; each is there from the first moment, as :meth:`save` writes it.
            by: whose run it is, where it is queued; else its first :class:`RunStarted` tells.
            wish: other settings to begin with, as the arguments of :meth:`override`.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        run = cls(path) if path else cls.new_for(workspace, config)
        with run.draft(queued=queued, by=by) as draft:
            (draft.path / "checkpoints").mkdir()
            draft.save_config(config)
            for name, content in (marks or {}).items():
                draft.save(name, content)
            if wish is not None:
                draft.override(**wish)
        return run

    @classmethod
    def new_for(cls, workspace: Workspace, config: RunConfig) -> Self:
        """A run that is not there yet, named after its data set and network."""
        dataset = slug(Path(config.data.dataset).stem or "data", 24)
        return cls.new(workspace, f"{dataset}-{slug(config.model.name.replace(':', '-'))}")

    @property
    def config(self) -> RunConfig:
        """Raises RunError where the file is missing or of another version of the lab."""
        try:
            return parse(read_json(self.path / "config.json"))
        except (OSError, DamagedError, ConfigError) as error:
            why = f"its configuration is damaged: {reason(error)}"
            raise RunError(f"{self.title} cannot be read: {why}") from error

    def save_config(self, config: RunConfig) -> None:
        write_atomically(self.path / "config.json", config.to_json(indent=2))

    def queued(self, by: str = "") -> RunQueued:
        return RunQueued(by=clean(by))

    def started(self, by: str = "") -> RunStarted:
        return RunStarted(run_id=self.id, run_dir=str(self.path), **this_process(), by=clean(by))

    def finished(self, state: str, **facts: Any) -> RunFinished:
        return RunFinished(state=state, epochs_done=self.epochs_done, **facts)

    @property
    def overrides(self) -> Path:
        """The wishes for other settings; a run of the version before keeps the name that it began with."""
        former = self.path / "turns.jsonl"
        return former if former.exists() else self.path / "overrides.jsonl"

    def override(
        self, changes: dict[str, Any], *, by: str = "page", who: str = "", epoch: int | None = None, reason: str = ""
    ) -> None:
        """Wish for other settings while the run trains: a line of ``overrides.jsonl``, taken at the beginning of an epoch.

        Args:
            changes: path → value, of live settings.
            by: by what means: page, command or lab. ``who`` is the person, where known.
            epoch: it counts from this one on; from the next one where it is not given.

        Raises:
            ConfigError: a setting that cannot be changed while a run trains, or a value out of bounds.
            RunError: the run is finished.
            WorkspaceError: the disk is full or the directory is gone.
        """
        wanted = self.config.replace_live(changes)
        status = self.status()
        if status.state == "finished":
            raise RunError(f"run {self.id} is finished: its settings can no longer be changed", "Start a new run")
        if changes.get("optim.epochs", math.inf) <= status.epoch:
            raise ConfigError(
                f"{counted(status.epoch, 'epoch')} of run {self.id} are done", "Give a larger number of epochs"
            )
        wish: dict[str, Any] = {path: wanted.value(path) for path in changes}
        wish |= {} if epoch is None else {"epoch": epoch}
        words = {"by": by, "who": clean(who), "reason": reason}
        append_line(self.overrides, json.dumps(wish | {name: word for name, word in words.items() if word}))

    def pin(self, name: str, content: bytes) -> Path:
        """Put a sound into ``pinned/``: it is classified at the end of every epoch from now on.

        Args:
            name: of the sound; it is kept under a safe one, with the ending of what it is.
            content: a WAV file that the lab itself encoded (:meth:`labcore.audio.Recording.as_wav`).

        Raises:
            WorkspaceError: the disk is full or the directory is gone.
        """
        file = self.pinned / pinned_name(name)
        with contextlib.suppress(OSError):
            file.parent.mkdir(exist_ok=True)
        write_atomically(file, content)
        return file

    def epochs(self) -> list[Epoch]:
        """The epoch events by number, each once: the last one wins."""
        return epochs_of(self.events())

    @property
    def epochs_done(self) -> int:
        return max((epoch.epoch for epoch in self.epochs()), default=0)


def pinned_name(name: str) -> str:
    """The name of the file in which a sound is pinned, whatever its own name is."""
    return f"{slug(Path(name.replace(chr(92), '/')).stem)}.wav"


def list_runs(workspace: Workspace) -> list[Run]:
    """All runs of a workspace, newest first. Unfinished drafts and foreign folders are left out."""
    return Run.every(workspace)
