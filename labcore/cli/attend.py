"""Telling a run's events to people, and working on a run in the foreground."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from labcore import errors, events
from labcore.cli.output import (
    DONE,
    FAILED,
    INTERRUPTED,
    USAGE,
    JsonLines,
    duration,
    emit,
    live,
    percent,
    say,
)
from labcore.errors import LabError
from labcore.owners import shell_user
from labcore.runs import Run
from labcore.texts import counted

if TYPE_CHECKING:
    from labcore.jobs.folder import JobFolder
    from labcore.jobs.process import Work
    from labcore.training.torchrun import Train

BAD_INPUT = {"AudioError", "ConfigError", "DatasetError", "DeviceError"}
"""Failures of a job that its user's input caused."""


class Teller:
    """Says what a run does: a line for what matters, one an epoch, and a live line where stderr is a terminal."""

    def __init__(self) -> None:
        self._preparing = ""
        self._watched = "held-out"

    def __call__(self, event: events.Event) -> None:
        """Take an event. Kinds it does not know are passed over."""
        match event:
            case events.RunQueued():
                say("queued")
            case events.RunStarted():
                say(f"run {event.run_id} in {event.run_dir}")
            case events.Preparing():
                if event.what != self._preparing:
                    self._preparing = event.what
                    say(event.what)
                live(f"{event.what}  {event.done}/{counted(event.total, event.unit.removesuffix('s'))}")
            case events.TrainingStarted():
                self._tell_start(event)
            case events.Progress():
                share, left = event.step / max(1, event.steps), duration(event.seconds_left)
                live(f"epoch {event.epoch}  {100 * share:3.0f} %  loss {event.train_loss:.3f}  {left} left")
            case events.Epoch():
                self._tell_epoch(event)
            case events.SettingsChanged():
                say(f"turned by {event.who or event.by}: {', '.join(_settings(event.changes))}")
            case events.Advice():
                say(f"{event.message} To be turned: {', '.join(f'--{each}' for each in _settings(event.changes))}")
            case events.Log():
                say(event.message if event.level == "info" else f"{event.level}: {event.message}")
            case events.Evaluated():
                say(result_line(event))
            case events.RunFinished():
                self._tell_end(event)

    def _tell_start(self, event: events.TrainingStarted) -> None:
        self._watched = "validation" if event.validation_clips else "held-out"
        say(
            f"training on {counted(event.train_clips, 'clip')} of {counted(len(event.labels), 'class', 'classes')}, "
            f"{event.val_clips} held out (fold {event.fold}), {event.parameters:,} parameters"
        )
        if event.validation_clips:
            say(
                f"figures of the epochs are of {counted(event.validation_clips, 'training clip')} set aside for validation"
            )
        say(f"on {event.device}: {event.device_reason}")
        say(f"in {event.precision}, {event.memory_format}: {event.precision_reason}")
        if event.first_epoch > 1:
            say(f"going on with epoch {event.first_epoch}")

    def _tell_epoch(self, event: events.Epoch) -> None:
        say(
            f"epoch {event.epoch:>{len(str(event.epochs))}}/{event.epochs}"
            f"  loss {event.train_loss:.3f}  {self._watched} loss {event.val_loss:.3f}"
            f"  accuracy {percent(event.val_accuracy):>7}  lr {event.lr:.2g}"
            f"  {event.clips_per_second:.0f} clips/s  {duration(event.seconds_left)} left"
        )

    def _tell_end(self, event: events.RunFinished) -> None:
        after = f"{event.state} after {counted(event.epochs_done, 'epoch')}"
        if event.error:
            say(f"{after}: {' '.join(str(LabError(event.error, event.remedy)).split())}")
        else:
            say(f"{after}, {duration(event.seconds)}")


def _settings(changes: dict[str, Any]) -> list[str]:
    return [f"{path} {value:g}" if isinstance(value, float) else f"{path} {value}" for path, value in changes.items()]


def result_line(event: events.Evaluated) -> str:
    """The final figures, with the clips they are about."""
    clips = (
        f"all {counted(event.clips, 'clip')}"
        if event.clips != 1
        else "the one clip"
        if event.fold == "all"
        else f"the {counted(event.clips, 'clip')} of fold {event.fold}"
    )
    if event.leaks:
        clips += "; the split leaks, so this is too high"
    interval = f"{100 * event.accuracy_low:.1f} to {100 * event.accuracy_high:.1f} %"
    return f"accuracy {percent(event.accuracy)} (95 % interval {interval}), macro F1 {event.macro_f1:.3f}, on {clips}"


def attend(run: Run, *, as_json: bool, train: Train | None = None) -> int:
    """Work on a run in this process, as :func:`work_on` does.

    Args:
        train: the training loop, where it is not the lab's own for one process.
    """
    from labcore.training.job import working

    doing = working(train) if train else None
    return work_on(run, Teller(), "stopping after this batch", as_json=as_json, doing=doing)


def work_on(
    job: JobFolder,
    tell: Callable[[events.Event], None],
    stops: str,
    *,
    as_json: bool,
    doing: Work | None = None,
    goes_on: str = "labcore resume",
) -> int:
    """Work on a job in this process, tell how it goes, and return the exit status.

    A closed stdout or stderr does not end the work.

    Args:
        tell: tells people of an event.
        stops, doing: as for :func:`in_foreground`.
        goes_on: the command that goes on with it, before its id.

    Raises:
        LabError: the kind's own, where somebody else works on the job.
    """
    lines = JsonLines(as_json)

    def on_event(event: events.Event) -> None:
        tell(event)
        lines.put(event.facts())

    finished = in_foreground(job, on_event, stops, doing=doing)
    if finished.error:
        return exit_status(finished.state, finished.details)
    if finished.state == "stopped":
        say(f"`{goes_on} {job.id}` goes on")
        return INTERRUPTED
    if not as_json:
        emit(job.id)
    return DONE


def in_foreground(
    job: JobFolder, on_event: Callable[[events.Event], None], stops: str, *, doing: Work | None = None
) -> events.Finished:
    """Work on a job in this process and return its end. Ctrl-C stops it soon; a second one kills.

    Args:
        stops: what Ctrl-C does, as it is told.
        doing: the work, where it is not that of the job's kind.

    Raises:
        LabError: the kind's own, where somebody else works on the job.
    """
    from labcore.jobs.process import work

    with stop_on_signals(lambda: say_raw(f"{stops}; once more kills\n")) as stopping:
        return work(job, stopping.is_set, on_event, doing=doing, by=shell_user())


def told(event: events.Event, teller: Teller) -> None:
    """Tell an event of a short job to people; its figures are printed as its result."""
    if not isinstance(event, events.Evaluated):
        teller(event)


def attend_short(job: JobFolder) -> int:
    """Work on a new job in this process, tell how it goes, and return the exit status. Ctrl-C stops it; a second one kills.

    One that cannot be done as it was asked for leaves nothing behind.
    """
    teller = Teller()
    end = in_foreground(job, lambda event: told(event, teller), "stopping")
    live("")
    if end.state == "stopped":
        say(goes_on(job))
        return INTERRUPTED
    if not end.error:
        return DONE
    say("labcore: " + " ".join(str(LabError(end.error, end.remedy)).split()))
    kind = str(end.details.get("kind"))
    if kind in ("WorkspaceError", "OutOfMemoryError") or not hasattr(errors, kind):
        return FAILED
    job.delete()
    return USAGE


def goes_on(job: JobFolder) -> str:
    return f"`labcore {'resume' if job.kind.room == 'runs' else 'jobs resume'} {job.id}` goes on"


def attend_everywhere(run: Run, *, as_json: bool) -> int:
    """The same as :func:`attend`, on all GPUs of this machine where that is the run's device and there are several."""
    from labcore.training.torchrun import on_all_gpus

    arguments = ["-m", "labcore", "resume", str(run.path), *(["--json"] if as_json else [])]
    status = on_all_gpus(run.config.runtime.device, arguments)
    if status is None:
        return attend(run, as_json=as_json)
    end = run.last_event(events.RunFinished)
    return exit_status(end.state, end.details) if end else status or FAILED


def exit_status(state: str, details: dict[str, Any]) -> int:
    """The exit status of a command that worked on a job until it was finished, stopped or failed."""
    if details.get("kind"):
        return USAGE if details.get("kind") in BAD_INPUT else FAILED
    return INTERRUPTED if state == "stopped" else DONE


@contextlib.contextmanager
def stop_on_signals(announce: Callable[[], None]) -> Iterator[threading.Event]:
    """An event that the first SIGINT, SIGTERM or SIGHUP sets; the second one kills. Ignored signals (nohup) stay ignored."""
    stopping = threading.Event()

    def handle(number: int, frame: Any) -> None:
        if stopping.is_set():
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        stopping.set()
        announce()

    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handle)
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def say_raw(text: str) -> None:
    """Write to stderr from a signal handler, past the buffers that the interrupted code may be using."""
    with contextlib.suppress(OSError):
        os.write(2, text.encode())
