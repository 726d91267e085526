"""The driver of a search: asks Optuna for trials, has their runs worked on, follows them, and tells Optuna what came out.

It can be killed at any moment. What was asked and told stands in the journal, what was trained in the run directories; the next
driver finds each trial's run by its mark, tells those that ended meanwhile and resumes those that were interrupted.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

import optuna
from optuna.trial import FrozenTrial, TrialState

from labcore.config import RunConfig
from labcore.datasets.corrections import marks_of
from labcore.datasets.record import ClipRecord
from labcore.device import gpu_count
from labcore.errors import ConfigError, RunError, WorkspaceError
from labcore.evaluation.label_predictions import loss_in
from labcore.events import Epoch, Evaluated, EvaluatedLabels, Event, RunFinished, RunStarted, SettingsChanged, each_of
from labcore.jobs.event_log import EventReader
from labcore.jobs.manager import JobManager, Queue
from labcore.jobs.process import StopTest
from labcore.runs import Run
from labcore.runs.asked import NAME as ASKED
from labcore.runs.origin import SEARCH
from labcore.search.events import SearchFinished, TrialEnded, TrialProgress, TrialStarted
from labcore.search.folder import Search, SearchError
from labcore.search.journal import NAME, study_id
from labcore.search.report import STATES
from labcore.search.sampling import ask, hopeless
from labcore.texts import counted

POLL_SECONDS = 0.5
HOPELESS = 3
"""After so many failed trials and none that went well the search ends: something is wrong with all of them."""
OUTSIDE = ("DatasetError", "DeviceError", "WorkspaceError")
"""What is no fault of a trial's settings: its data are away, its device is gone, the disk is full. The next trial would fail, too."""
HELD_OUT_FILES = "held_out_files"
"""What the journal knows the clips of the validation fold by, from the first trial on."""
SETTLE_SECONDS = 5.0
"""How long a run without a worker is left to whoever started the worker."""


def work(
    search: Search, should_stop: StopTest, queue: Queue | None = None, devices: Sequence[str] | None = None
) -> Generator[Event, None, SearchFinished]:
    """Drive a search to its end, as the work of its job (:data:`labcore.jobs.process.Work`).

    Args:
        queue: where the runs of the trials are worked on; by default a job manager of this process, which closes with it.
        devices: one trial at a time on each; by default what :func:`devices_of` finds.
    """
    with contextlib.ExitStack() as stack:
        queue = queue or stack.enter_context(contextlib.closing(JobManager(search.workspace)))
        driver = _Driver(search, queue, devices or devices_of(search.settings.config))
        try:
            yield from driver.begin()
            while not should_stop() and driver.open:
                yield from driver.look()
                time.sleep(POLL_SECONDS)
            stopped = driver.open
            if stopped:
                yield from driver.halt()
        except BaseException as error:  # whatever ends it, what it had started shall not go on without it
            driver.stop_runs()
            if isinstance(error, OSError):
                told = f"search {search.id} cannot be written: {error.strerror or error}"
                raise WorkspaceError(told, "Free some space") from error
            raise
        return search.finished("stopped" if stopped else "finished")


def devices_of(config: RunConfig) -> list[str]:
    """The devices on which trials run at once: every GPU where the choice is left to the lab, else the one that is named."""
    wanted = config.runtime.device
    gpus = gpu_count() if wanted in ("auto", "cuda") else 0
    return [f"cuda:{number}" for number in range(gpus)] if gpus > 1 else [wanted]


@dataclass
class _Active:
    """A trial whose run waits or is running. ``changed`` are the paths of settings that were changed while it trained."""

    number: int
    trial_id: int
    run: Run
    reader: EventReader
    device: str
    reported: set[int]
    late: dict[int, float] = field(default_factory=dict)
    pruned: bool = False
    loss: float = math.nan
    result: float | None = None
    changed: dict[str, None] = field(default_factory=dict)
    silent_since: float | None = None
    resumed: bool = False


@dataclass
class _Driver:
    search: Search
    queue: Queue
    devices: Sequence[str]
    active: dict[int, _Active] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.storage = self.search.journal()
        study_id(self.storage)
        self.study = optuna.load_study(study_name=NAME, storage=self.storage)
        self.settings = self.search.settings
        self.by = self.search.owner

    # --- the way of a search

    def begin(self) -> Iterator[Event]:
        """Take up the trials that a driver before this one has left open."""
        left = self._trials(TrialState.RUNNING)
        runs = self.search.trial_runs() if left else {}
        for trial in left:
            run = runs.get(trial.number)
            if run is None:  # asked for, and killed before its run was made
                yield from self._start(trial)
                continue
            self._follow(trial, run)
            goes_on = run.status().state in ("interrupted", "stopped") or _hindrance(run) is not None
            if goes_on and not self.active[trial.number].pruned:
                with contextlib.suppress(RunError):  # it has ended meanwhile
                    self.queue.resume(run, by=self.by)
                yield TrialStarted(
                    trial=trial.number, run_id=run.id, changes=self.settings.changes(trial.params), resumed=True
                )

    @property
    def open(self) -> bool:
        """Whether there is more to do."""
        self.settings = self.search.settings  # the number of trials may have been raised
        return bool(self.active) or self._asked < self.settings.trials

    def look(self) -> Iterator[Event]:
        """Follow the runs that are running, and start others where a device is free."""
        for active in list(self.active.values()):
            yield from self._follow_up(active)
        while len(self.active) < len(self.devices) and self._asked < self.settings.trials:
            yield from self._ask()

    def halt(self) -> Iterator[Event]:
        """Stop the runs that are running and wait for them. Their trials stay open and are gone on with when the search is."""
        self.stop_runs()
        while any(self._at_work(active.run) for active in self.active.values()):
            time.sleep(POLL_SECONDS)
        for active in list(self.active.values()):
            if active.run.there and active.run.status().state in ("finished", "failed"):
                yield from self._follow_up(active)

    def stop_runs(self) -> None:
        for active in self.active.values():
            with contextlib.suppress(RunError):  # removed meanwhile
                self.queue.stop(active.run, by=self.search.stopper)

    # --- one trial

    def _ask(self) -> Iterator[Event]:
        number = ask(self.study, self.settings, self._asked)
        frozen = self.storage.get_trial(self._identity(number))
        changes = self.settings.changes(frozen.params)
        complete = self._trials(TrialState.COMPLETE)
        same = next((trial for trial in complete if self.settings.changes(trial.params) == changes), None)
        if same is not None:
            self.storage.set_trial_user_attr(self._identity(number), "run", same.user_attrs.get("run"))
            yield self._end(number, TrialState.COMPLETE, same.value, f"the same as trial {same.number}")
        else:
            yield from self._start(frozen)

    def _start(self, trial: FrozenTrial) -> Iterator[Event]:
        number = trial.number
        try:
            config = self.settings.trial_config(trial.params)
        except ConfigError as error:
            yield self._end(number, TrialState.FAIL, None, error.what)
            return
        busy = {active.device for active in self.active.values()}
        device = next((device for device in self.devices if device not in busy), self.devices[0])
        marks = {SEARCH: {"search": self.search.id, "trial": number}, **marks_of(self.search)}
        if device != config.runtime.device:
            marks[ASKED] = {"runtime.device": config.runtime.device}
        config = config.replace({"runtime.device": device})
        run = Run.create(self.search.workspace, config, queued=self.queue.shared, marks=marks, by=self.by)
        self._follow(trial, self.queue.take(run))
        yield TrialStarted(trial=number, run_id=run.id, changes=self.settings.changes(trial.params))

    def _follow(self, trial: FrozenTrial, run: Run) -> None:
        if trial.user_attrs.get("run") != run.id:
            self.storage.set_trial_user_attr(self._identity(trial.number), "run", run.id)
        self.active[trial.number] = _Active(
            trial.number,
            self._identity(trial.number),
            run,
            run.reader(),
            run.config.runtime.device,
            set(trial.intermediate_values),
            pruned="pruned" in trial.user_attrs,
        )

    def _follow_up(self, active: _Active) -> Iterator[Event]:
        """Report the epochs that are new, prune, and tell the end."""
        gone, at_work = not active.run.there, self._at_work(active.run)
        state = "removed" if gone else active.run.status().state  # before the events: none can come after an end
        for event in active.reader.read():
            yield from self._take(active, event)
        if at_work or state in ("queued", "running", "stopping"):
            return
        if state == "finished":
            yield self._tell_value(active)
        elif active.pruned:
            epoch = self.storage.get_trial(active.trial_id).user_attrs.get("pruned")
            note = f"worse than the median of the other trials after epoch {epoch}"
            yield self._end(active.number, TrialState.PRUNED, None, note)
        elif state in ("stopped", "failed") and (away := _hindrance(active.run)) is not None:
            raise away  # it goes on when the search does
        elif state == "stopped":
            yield self._end(active.number, TrialState.PRUNED, None, "stopped by the user")
        elif state == "interrupted":
            if not self._gone_for_good(active):
                return
            yield self._end(active.number, TrialState.FAIL, None, "its process was killed twice")
        else:
            told = "" if gone else active.run.status().error
            yield self._end(active.number, TrialState.FAIL, None, told or "its run was deleted")
        del self.active[active.number]

    def _gone_for_good(self, active: _Active) -> bool:
        """A worker died without a word. Whoever started it settles that in a moment; where that one is gone too, resume, once."""
        now = time.monotonic()
        active.silent_since = active.silent_since or now
        if now - active.silent_since < SETTLE_SECONDS:
            return False
        if active.resumed:
            return True
        active.silent_since, active.resumed = None, True
        with contextlib.suppress(RunError):  # its end has been written after all
            self.queue.resume(active.run, by=self.by)
        return False

    def _take(self, active: _Active, event: Event) -> Iterator[Event]:
        if isinstance(event, Evaluated | EvaluatedLabels) and event.fold != self.settings.test_fold:
            active.result = self.settings.goal.of_result(event)
        if isinstance(event, SettingsChanged):
            active.changed |= dict.fromkeys(event.changes)
        if not isinstance(event, Epoch):
            return
        active.loss, epoch, epochs = event.val_loss, event.epoch, event.epochs
        value = self.settings.goal.of_epoch(event)
        if value is None:
            told = f"trial {active.number} has no {self.settings.goal.title.lower()} on the validation fold"
            raise SearchError(told, "Search with the objective loss, or look at the labels of that fold")
        if active.pruned:  # what comes until the run hears of it counts only where it came to its end all the same
            active.late[epoch] = value
        if active.pruned or epoch in active.reported:
            return
        if not active.reported:
            self._require_same_clips(active)
        active.reported.add(epoch)
        self.storage.set_trial_intermediate_value(active.trial_id, epoch, value)
        yield TrialProgress(trial=active.number, run_id=active.run.id, epoch=epoch, epochs=epochs, value=value)
        trial = self.storage.get_trial(active.trial_id)
        if epoch < epochs and hopeless(self.study, trial, self.settings, epochs):
            active.pruned = True
            self.storage.set_trial_user_attr(active.trial_id, "pruned", epoch)
            self.queue.stop(active.run)

    def _require_same_clips(self, active: _Active) -> None:
        """Refuse a trial that is judged on other clips than those before it, since its data set has changed meanwhile.

        Raises:
            SearchError: it is; the trial has failed.
        """
        record, number = ClipRecord.load(active.run), study_id(self.storage)
        if record is None:
            return
        known = self.storage.get_study_user_attrs(number).get(HELD_OUT_FILES)
        if known is None:
            self.storage.set_study_user_attr(number, HELD_OUT_FILES, record.held_out_files)
        elif known != record.held_out_files:
            told = "the data set has changed since the search began: the validation fold holds other clips"
            self._end(active.number, TrialState.FAIL, None, told)
            raise SearchError(told, "Put its files back as they were, and new ones elsewhere, or start a new search")

    def _tell_value(self, active: _Active) -> Event:
        for epoch, late in active.late.items():
            self.storage.set_trial_intermediate_value(active.trial_id, epoch, late)
        value = _loss(active.run, active.loss) if self.settings.objective == "loss" else active.result
        if value is None:
            told = "its run ended without a result on the validation fold"
            return self._end(active.number, TrialState.FAIL, None, told)
        if not math.isfinite(value):
            return self._end(active.number, TrialState.FAIL, None, "its loss is no longer finite")
        note = f"{', '.join(active.changed)} changed while it trained" if active.changed else ""
        return self._end(active.number, TrialState.COMPLETE, value, note)

    def _end(self, number: int, state: TrialState, value: float | None, note: str) -> Event:
        """Tell Optuna how a trial ended.

        Raises:
            SearchError: nothing but failures so far.
        """
        before = [trial.value for trial in self._trials(TrialState.COMPLETE)]
        if note:
            self.storage.set_trial_user_attr(self._identity(number), "note", note)
        trial = self.study.tell(number, value, state)
        best = value is not None and all(self.settings.goal.better(value, other or 0.0) for other in before)
        failed = self._trials(TrialState.FAIL)
        if len(failed) >= HOPELESS and not self._trials(TrialState.COMPLETE, TrialState.PRUNED):
            raise SearchError(
                f"the first {counted(len(failed), 'trial')} failed: {note}", "Test the recipe in a single run"
            )
        return TrialEnded(
            trial=trial.number,
            run_id=trial.user_attrs.get("run"),
            state=STATES[state],
            value=value,
            note=note,
            best=best,
        )

    def _at_work(self, run: Run) -> bool:
        return run.there and (run.status().active or self.queue.has(run))

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        """Those in one of these states; all where none is given."""
        return self.storage.get_all_trials(study_id(self.storage), deepcopy=False, states=states or None)

    def _identity(self, number: int) -> int:
        return self.storage.get_trial_id_from_study_id_trial_number(study_id(self.storage), number)

    @property
    def _asked(self) -> int:
        return sum(trial.state != TrialState.WAITING for trial in self._trials())


def _loss(run: Run, last: float) -> float:
    """The loss of the weights that were saved on all clips that a run held out; that of its last epoch where their predictions were lost.

    The curves may be of fewer clips, or of those that were set aside, and of a network that another one joins at the end.
    """
    with contextlib.suppress(RunError):
        return loss_in(run.predictions)
    return last


def _hindrance(run: Run) -> SearchError | None:
    """Why the run of a trial cannot go on for now, where that is no fault of its settings. What fails again is the trial's own failure."""
    status, end = run.status(), run.last_event(RunFinished)
    if status.state == "failed":
        again = len(each_of(run.events(), RunStarted)) > 1
        if again or end is None or end.details.get("kind") not in OUTSIDE:
            return None
    return SearchError(status.error, status.remedy) if status.error else None
