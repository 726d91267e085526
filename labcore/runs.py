"""The run directory: all there is to know about a run, readable by any process, at any moment, also without torch.

::

    runs/<run_id>/
      config.json          what was asked for; after the start, with everything automatic worked out
      asked.json           what of it the lab worked out, with what was asked for (labcore.asked)
      labels.json          the labels in the order of the network's outputs
      environment.json     versions and machine
      events.jsonl         one event a line (labcore.events)
      progress.json        where in an epoch it is, replaced about once a second
      turns.jsonl          one wish a line for knobs to be turned while it trains
      pinned/              sound files that are classified after every epoch
      checkpoints/last.pt  to resume from
      weights.safetensors  the trained classifier
      predictions.parquet  what it says of each held-out clip (labcore.evaluation.predictions)
      worker.log           what the worker printed
      tensorboard/         scalars for TensorBoard
      lock                 held by the process that works on the run
      stop                 there when the run is asked to stop; who asked, where that is known

Whether a run is alive is read off the lock, which the kernel lets go of when its holder dies, however it dies; process
numbers would lie across containers and after a reboot.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from labcore.config import RunConfig, parse
from labcore.errors import ConfigError, RunError, WorkspaceError
from labcore.event_log import EventReader, keep_progress, log_of
from labcore.events import E, Epoch, Event, Progress, RunQueued, epochs_of, last_of
from labcore.listing import Unreadable, folders_with, reason, strays
from labcore.people import clean, sign, signer
from labcore.reading import DamagedError, open_file, read_json
from labcore.roots import PINNED
from labcore.status import ENDED, RESUMABLE, RunStatus, Story
from labcore.texts import json_line
from labcore.workspace import Workspace, append_line, is_locked, is_no_file, slug, write_atomically

__all__ = [
    "ENDED",
    "RESUMABLE",
    "EventReader",
    "Run",
    "RunStatus",
    "list_runs",
    "pinned_name",
    "unreadable_runs",
]


@dataclass(frozen=True)
class Run:
    """A run by its directory. Holds nothing in memory; its events are remembered once a process (:mod:`labcore.event_log`)."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoints" / "last.pt"

    @property
    def weights(self) -> Path:
        return self.path / "weights.safetensors"

    @property
    def predictions(self) -> Path:
        return self.path / "predictions.parquet"

    @property
    def log(self) -> Path:
        return self.path / "worker.log"

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
    ) -> Run:
        """Make a new run directory. It appears whole or not at all.

        Args:
            queued: it waits for a job manager. Otherwise who makes it also starts it.
            marks: what it belongs to, by name; each is there from the first moment, as :meth:`save` writes it.
            by: whose run it is, where it is queued; else its first :class:`RunStarted` tells.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        dataset = slug(Path(config.data.dataset).stem or "data")[:24]
        stamp = time.strftime("%Y%m%d-%H%M%S")
        model = slug(config.model.name.replace(":", "-"))
        run = cls(workspace.runs / f"{stamp}-{dataset}-{model}-{secrets.token_hex(2)}")
        while run.path.exists():  # one of many of this second
            run = cls(workspace.runs / f"{run.id[:-4]}{secrets.token_hex(2)}")
        draft = run.path.with_name(f".{run.id}.draft")
        try:
            (draft / "checkpoints").mkdir(parents=True)
            write_atomically(draft / "config.json", config.to_json(indent=2))
            for name, content in (marks or {}).items():
                cls(draft).save(name, content)
            if queued:
                cls(draft).append(RunQueued(by=clean(by)))
            draft.rename(run.path)
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            raise WorkspaceError(f"the run directory {run.path} cannot be made: {error.strerror or error}") from error
        except WorkspaceError:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        return run

    @classmethod
    def open(cls, workspace: Workspace, name: str | Path) -> Run:
        """A run by its id, by a unique beginning or part of it, by ``last``, or by the path of its directory.

        Raises:
            RunError: there is none of that name, or several.
        """
        path = Path(name)
        with contextlib.suppress(OSError):  # a name that is too long for a path is no path
            if (path / "config.json").is_file():
                return cls(path.absolute())
        runs = list_runs(workspace)
        if str(name) == "last" and runs:
            return runs[0]
        found = [run for run in runs if run.id == str(name)] or [
            run for run in runs if str(name) and str(name) in run.id
        ]
        if len(found) == 1:
            return found[0]
        if found:
            raise RunError(
                f"{len(found)} runs match {str(name)!r}", "Give more of the id; `labcore runs list` shows them"
            )
        raise RunError(f"there is no run {str(name)!r}", "`labcore runs list` shows the runs there are")

    @property
    def config(self) -> RunConfig:
        """Raises RunError where the file is missing or of another version of the lab."""
        try:
            return parse(read_json(self.path / "config.json"))
        except (OSError, DamagedError, ConfigError) as error:
            raise RunError(f"the configuration of run {self.id} cannot be read: {reason(error)}") from error

    def save_config(self, config: RunConfig) -> None:
        write_atomically(self.path / "config.json", config.to_json(indent=2))

    def save(self, name: str, content: Any) -> None:
        """Write ``<name>.json`` (labels, environment)."""
        write_atomically(self.path / f"{name}.json", json_line(content, indent=2))

    def load(self, name: str, default: Any = None) -> Any:
        """Read ``<name>.json``; the default where it is not there, cannot be read, or is of another type than the default."""
        try:
            content = read_json(self.path / f"{name}.json")
        except (OSError, DamagedError):
            return default
        return content if default is None or isinstance(content, type(default)) else default

    # --- events

    def append(self, event: Event) -> None:
        """Append an event to the run. Only the holder of the lock does this, or who makes or queues the run.

        Of progress the last one alone is kept.

        Raises:
            WorkspaceError: the disk is full or the directory is gone.
        """
        if isinstance(event, Progress):
            keep_progress(self, event)
        else:
            append_line(self.path / "events.jsonl", event.to_json())

    def turn(
        self, changes: dict[str, Any], *, by: str = "page", who: str = "", epoch: int | None = None, reason: str = ""
    ) -> None:
        """Wish for knobs to be turned while the run trains: a line of ``turns.jsonl``, taken at the beginning of an epoch.

        Args:
            changes: path → value, of knobs that can be turned by then.
            by: by what means: page, command or lab. ``who`` is the person, where known.
            epoch: it counts from this one on; from the next one where it is not given.

        Raises:
            ConfigError: a knob that cannot be turned while a run trains, or a value out of bounds.
            RunError: the run is finished.
            WorkspaceError: the disk is full or the directory is gone.
        """
        turned = self.config.turned(changes)
        if self.status().state == "finished":
            raise RunError(f"run {self.id} is finished: nothing can be turned any more", "Start a new run")
        wish: dict[str, Any] = {path: turned.value(path) for path in changes}
        wish |= {} if epoch is None else {"epoch": epoch}
        words = {"by": by, "who": clean(who), "reason": reason}
        append_line(self.path / "turns.jsonl", json.dumps(wish | {name: word for name, word in words.items() if word}))

    def pin(self, name: str, content: bytes) -> Path:
        """Put a sound into ``pinned/``: it is classified at the end of every epoch from now on.

        Args:
            name: of the sound; it is kept under a safe one, with the ending of what it is.
            content: a WAV file that the lab itself encoded (:func:`labcore.audio.as_wav`).

        Raises:
            WorkspaceError: the disk is full or the directory is gone.
        """
        file = self.pinned / pinned_name(name)
        with contextlib.suppress(OSError):
            file.parent.mkdir(exist_ok=True)
        write_atomically(file, content)
        return file

    def events(self) -> list[Event]:
        """All events, oldest first, and the progress at hand. A partial last line is left out."""
        return log_of(self).events()

    def epochs(self) -> list[Epoch]:
        """The epoch events by number, each once: the last one wins."""
        return epochs_of(self.events())

    @property
    def epochs_done(self) -> int:
        return max((epoch.epoch for epoch in self.epochs()), default=0)

    def last_event(self, kind: type[E]) -> E | None:
        return last_of(self.events(), kind)

    # --- life

    @contextlib.contextmanager
    def hold(self, timeout: float = 5.0) -> Iterator[None]:
        """Hold the run's lock: who holds it works on the run.

        Raises:
            RunError: another process or thread holds it, or the run is gone.
        """
        gone = RunError(f"run {self.id} is not there any more")
        if not self.path.is_dir():
            raise gone
        lock = FileLock(self.path / "lock")
        try:
            lock.acquire(timeout=timeout)
        except Timeout as error:
            raise RunError(f"run {self.id} is being worked on", "Stop it first") from error
        except OSError as error:
            raise RunError(f"run {self.id} cannot be locked: {error.strerror or error}") from error
        try:
            if not (self.path / "config.json").is_file():
                # FileLock makes missing folders: the run was removed in between and must not come back as a shell.
                with contextlib.suppress(OSError):
                    (self.path / "lock").unlink()
                    self.path.rmdir()
                raise gone
            self._drop_partial_line()
            yield
        finally:
            lock.release()

    @property
    def held(self) -> bool:
        """Whether some process or thread works on the run now."""
        return is_locked(self.path / "lock")

    def request_stop(self, by: str = "") -> None:
        """Ask the worker to stop after the batch at hand; it writes a checkpoint and can be resumed. ``by`` is who asks."""
        sign(self.path / "stop", by)

    @property
    def stop_requested(self) -> bool:
        return (self.path / "stop").exists()

    @property
    def stopper(self) -> str:
        """Who asked it to stop; "" where nobody did, or nobody knows who."""
        return signer(self.path / "stop")

    def clear_stop(self) -> None:
        """Raises OSError where what stands in its place cannot be removed."""
        stop = self.path / "stop"
        if stop.is_dir() and not stop.is_symlink():
            shutil.rmtree(stop)
        stop.unlink(missing_ok=True)

    def status(self, story: Story | None = None) -> RunStatus:
        """The run at a glance, as its events and its lock tell. Hand over the story where it is known already."""
        story = log_of(self).story() if story is None else story
        if story.last == "run_finished":
            state = story.ended
        elif story.last == "run_queued":
            state = "queued"
        elif self.held:  # also where nothing was told yet: made to be started at once
            state = "stopping" if self.stop_requested else "running"
        else:
            state = "interrupted"
        at_work = state in ("running", "stopping")
        return RunStatus(
            state=state,
            epoch=story.epoch,
            epochs=story.epochs,
            fraction=1.0 if state == "finished" else story.fraction,
            seconds_left=story.seconds_left if at_work else None,
            accuracy=story.accuracy,
            preparing=story.preparing if at_work else None,
            error=story.error,
            remedy=story.remedy,
            queued_at=story.queued_at,
            changed_at=story.changed_at or made_at(self),
            by=story.owner or "",
            stopped_by=self.stopper if state == "stopping" else story.ended_by if state == "stopped" else "",
        )

    def delete(self) -> None:
        """Remove the run and all that belongs to it.

        Raises:
            RunError: it is at work, or gone already.
            WorkspaceError: the workspace cannot be written.
        """
        trash = self.path.with_name(f".{self.id}.trash")
        held = contextlib.nullcontext() if is_no_file(self.path / "lock") else self.hold(timeout=0.5)
        with held:  # a worker that starts now finds the run gone
            try:
                self.path.rename(trash)
            except OSError as error:
                raise WorkspaceError(f"run {self.id} cannot be removed: {error.strerror or error}") from error
        shutil.rmtree(trash, ignore_errors=True)

    def _drop_partial_line(self) -> None:
        """Cut a last line that a killed writer left unfinished, so that the next event starts a line of its own."""
        path = self.path / "events.jsonl"
        try:
            file = open_file(path)
        except (OSError, DamagedError):  # whoever appends finds out
            return
        with file:
            whole = size = file.seek(0, os.SEEK_END)
            while whole:
                begin = max(0, whole - 65536)
                file.seek(begin)
                if (found := file.read(whole - begin).rfind(b"\n")) >= 0:
                    whole = begin + found + 1
                    break
                whole = begin
            if whole < size:
                os.truncate(path, whole)


def pinned_name(name: str) -> str:
    """The name of the file in which a sound is pinned, whatever its own name is."""
    return f"{slug(Path(name.replace(chr(92), '/')).stem)}.wav"


def list_runs(workspace: Workspace) -> list[Run]:
    """All runs of a workspace, newest first. Unfinished drafts and foreign folders are left out."""
    return [Run(path) for path in folders_with(workspace.runs, "config.json")]


def unreadable_runs(workspace: Workspace) -> list[Unreadable]:
    """What lies among the runs and cannot be read as one."""
    return strays(workspace.runs, "config.json", "events.jsonl", "weights.safetensors")


def made_at(run: Run) -> float:
    """When its folder was changed last, in seconds since 1970; 0 where nobody can say."""
    try:
        return run.path.stat().st_mtime
    except OSError:
        return 0.0
