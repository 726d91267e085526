"""A job at a glance, and whose it is."""

from __future__ import annotations

from dataclasses import dataclass

from labcore import events
from labcore.owners import clean
from labcore.texts import mean_ap_text, percent

ENDED = ("finished", "stopped", "failed", "interrupted", "unreadable")
RESUMABLE = ("stopped", "failed", "interrupted")
MOST_PLACES = 8
"""So many folders in which a run was worked on are remembered."""


@dataclass(frozen=True)
class JobRequest:
    """What a job asks for. ``needs`` as :attr:`labcore.jobs.folder.JobFolder.needs`; ``error`` says, without the final stop, why it
    cannot be read.

    ``title`` is what it is called as long as nobody named it: what it is made of. ``parent`` is the id of the job that it is a part of,
    and ``part`` which one: "fold 2", "trial 7"; ``parts`` is how many it consists of itself, ``members`` are the ids of the runs that it
    is an ensemble of.
    """

    dataset: str | None = None
    model: str | None = None
    epochs: int = 0
    needs: str = ""
    error: str = ""
    fold: str = ""
    title: str = ""
    parent: str = ""
    part: str = ""
    parts: int = 0
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobStatus:
    """A job at a glance, worked out from its events and its lock.

    ``state`` is queued, running, stopping, finished, stopped, failed, interrupted (its process is gone without a word) or, in a list,
    unreadable (then ``error`` says why). A run of several labels a clip has ``mean_ap``, its mean average precision, in place of an
    accuracy; before the end that is of the clips that ``watched`` names, test or validation. ``leaks``, ``trained_on``, ``distinct_clips``
    and ``by_recording`` as in :class:`labcore.events.Evaluated`. ``by`` made the job, ``stopped_by`` asked for it to stop, where it does
    or did; both are "" where that is not known.
    """

    state: str
    epoch: int = 0
    epochs: int = 0
    fraction: float = 0.0
    seconds_left: float | None = None
    accuracy: float | None = None
    mean_ap: float | None = None
    preparing: events.Preparing | None = None
    error: str = ""
    remedy: str = ""
    queued_at: float = 0.0
    changed_at: float = 0.0
    by: str = ""
    stopped_by: str = ""
    leaks: bool = False
    trained_on: int = 0
    distinct_clips: float | None = None
    by_recording: events.Sums | None = None
    watched: str = "test"

    @property
    def active(self) -> bool:
        """Whether it is waiting or running."""
        return self.state not in ENDED

    @property
    def figure(self) -> str:
        """The accuracy, or the mean average precision, in words, and whether it is too high; of neither that of no accuracy."""
        told = mean_ap_text(self.mean_ap) if self.mean_ap is not None else percent(self.accuracy)
        if not self.leaks or (self.mean_ap is None and self.accuracy is None):
            return told
        return f"{told} ({'trained on' if self.trained_on else 'leaks'})"

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1: of the job, or as long as it has no epochs of what ``preparing`` names."""
        doing = self.preparing
        if self.fraction or doing is None or doing.total <= 0:
            return self.fraction
        return min(1.0, max(0.0, doing.done / doing.total))


@dataclass
class Story:
    """What a job's events so far say of it, kept up as they come. Plain data, small however long the job: it is kept as JSON too.

    Attributes:
        last: the last event of its life: queued, started or finished, "" before there is one.
        ended: the state that a last one of finished tells; ``error``, ``remedy`` and ``ended_by`` come with it.
        owner: whoever queued or started it first, "" where that event names nobody; None before there is one.
        queued_at, served_at: when it was queued and when a worker took it up, the last time; seconds since 1970, 0 for never.
        device: what the worker at hand trains on; ``served_on`` the last one. "" where that is not known yet.
        changed_at: of the last event; 0 where there is none.
        low, high: the 95 % interval of the accuracy, or of the mean average precision; None unless that is of
            the clips held out, of which ``clips`` were judged.
        leaks, trained_on, distinct_clips, by_recording: as in :class:`labcore.events.Evaluated`, and of the start of a training.
        fold: the test fold, once that is known.
        watched: which clips the figures of epochs are of, test or validation.
        seconds: what its work took, over all its starts that came to an end.
        run_dirs: the folders in which it was worked on, each once, the latest last.
    """

    last: str = ""
    ended: str = ""
    error: str = ""
    remedy: str = ""
    ended_by: str = ""
    owner: str | None = None
    queued_at: float = 0.0
    served_at: float = 0.0
    device: str = ""
    served_on: str = ""
    changed_at: float = 0.0
    epoch: int = 0
    epochs: int = 0
    fraction: float = 0.0
    seconds_left: float | None = None
    accuracy: float | None = None
    mean_ap: float | None = None
    low: float | None = None
    high: float | None = None
    clips: int = 0
    fold: str = ""
    watched: str = "test"
    seconds: float = 0.0
    preparing: events.Preparing | None = None
    run_dirs: tuple[str, ...] = ()
    leaks: bool = False
    trained_on: int = 0
    distinct_clips: float | None = None
    by_recording: events.Sums | None = None

    def take(self, event: events.Event) -> None:
        """Take the next event."""
        self.changed_at = event.time
        match event:  # the most frequent first
            case events.Epoch():
                self.epoch, self.epochs = event.epoch, event.epochs
                self.accuracy, self.mean_ap = event.val_accuracy, event.val_mean_ap
                self.low = self.high = None
                self.clips = 0
                self._reach(self.epoch, event.seconds_left)
            case events.Queued() | events.Started() | events.Finished():
                self._take_life(event)
            case events.Preparing():
                self.preparing = event
            case events.TrainingStarted():
                self.epochs, self.preparing = event.epochs, None
                self.device = self.served_on = event.device
                self.fold, self.leaks, self.trained_on = event.fold, event.leaks, 0
                self.watched = event.watched
            case events.SettingsChanged():
                self.epochs = event.changes.get("optim.epochs", self.epochs)
            case events.Progress():
                self._reach(event.epoch - 1 + event.step / max(1, event.steps), event.seconds_left)
            case events.Evaluated():
                self.accuracy, self.low, self.high = event.accuracy, event.accuracy_low, event.accuracy_high
                self._take_clips(event)
            case events.EvaluatedLabels():
                self.mean_ap, self.low, self.high = event.mean_ap, event.mean_ap_low, event.mean_ap_high
                self._take_clips(event)

    def _take_clips(self, event: events.Evaluated | events.EvaluatedLabels) -> None:
        self.clips, self.fold = event.clips, event.fold
        self.leaks, self.trained_on = event.leaks, event.trained_on
        one = event if isinstance(event, events.Evaluated) else None
        self.distinct_clips = one.distinct_clips if one else None
        self.by_recording = one.by_recording if one else None

    def _take_life(self, event: events.Queued | events.Started | events.Finished) -> None:
        self.device = self.ended = self.error = self.remedy = self.ended_by = ""
        if isinstance(event, events.Finished):
            self.last = "finished"
            self.ended, self.error, self.remedy = event.state, event.error, event.remedy
            self.ended_by = clean(event.by)
            self.seconds += event.seconds
            return
        if self.owner is None:
            self.owner = clean(event.by)
        if isinstance(event, events.Queued):
            self.last, self.queued_at = "queued", event.time
            return
        self.last, self.served_at, self.served_on, self.preparing = "started", event.time, "", None
        if isinstance(event, events.RunStarted):
            there = event.run_dir
            self.run_dirs = (*(each for each in self.run_dirs if each != there), there)[-MOST_PLACES:]

    def _reach(self, epochs: float, seconds_left: float) -> None:
        self.fraction = min(1.0, max(0.0, epochs / max(1, self.epochs)))
        self.seconds_left = seconds_left
