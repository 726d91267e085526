"""A forecast in a process of its own, whose memory and threads are those of the run to come."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from labcore import errors
from labcore.config import RunConfig, parse
from labcore.device import THREAD_ENVIRONMENT
from labcore.errors import LabError
from labcore.events import KINDS as RUN_KINDS
from labcore.events import Event, Forecast, Kinds
from labcore.events import parse as parse_event
from labcore.jobs.background import without_secrets
from labcore.texts import counted
from labcore.workspace import Workspace


class ForecastFailed(Event):
    """The last word of the process where there is no forecast: a LabError by its ``kind``."""

    type: Literal["error"] = "error"
    kind: str
    what: str
    remedy: str


KINDS: Kinds = {**RUN_KINDS, "error": ForecastFailed}


def forecast(
    config: RunConfig, workspace: Workspace, on_event: Callable[[Event], None] = lambda event: None
) -> Forecast:
    """Seconds an epoch, memory and the largest batch of a run, from a few steps of it.

    Args:
        on_event: sees what happens meanwhile.

    Raises:
        LabError: what the run itself would fail on, or the process ended without a word.
    """
    package = str(Path(__file__).resolve().parents[2])
    environment = {
        **THREAD_ENVIRONMENT,
        **without_secrets(os.environ),
        "LABCORE_HOME": str(workspace.home),
        "PYTHONPATH": os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    command = [sys.executable, "-m", "labcore.jobs.forecast"]
    last = ""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(config.to_json())
            child.stdin.close()
            for line in child.stdout:
                last = line.strip() or last
                event = parse_event(line, KINDS)
                if isinstance(event, Forecast):
                    return event
                if isinstance(event, ForecastFailed):
                    raise _error(getattr(errors, event.kind, LabError), event.what, event.remedy)
                if event is not None:
                    on_event(event)
        finally:
            child.kill()
    raise LabError(f"the forecast ended without a result: {last}", "Start the run itself; its log tells more")


def _error(kind: type[LabError], what: str, remedy: str) -> LabError:
    try:
        return kind(what, remedy)
    except TypeError:  # a kind with more to it
        return LabError(what, remedy)


def room(largest: int, clips: int) -> str:
    """What the memory holds at a time, in words: it is bounded by the clips there are where these are fewer.

    Args:
        largest: the largest batch that the memory holds.
        clips: those that are trained on; 0 where that is not known.
    """
    if clips and largest >= clips:
        return f"all {clips} training clips fit" if clips > 1 else "the one training clip fits"
    return f"up to about {counted(largest, 'clip')} {'fits' if largest == 1 else 'fit'}"


def main() -> int:
    """The process: a configuration on stdin, events as lines of JSON on stdout, the forecast or an error last."""
    from labcore.training.forecast import measure

    try:
        events = measure(parse(json.loads(sys.stdin.read())), Workspace.default())
        while True:
            try:
                print(next(events).to_json(), flush=True)
            except StopIteration as stop:
                print(stop.value.to_json(), flush=True)
                return 0
    except LabError as error:
        failed = ForecastFailed(kind=type(error).__name__, what=error.what, remedy=error.remedy)
        print(failed.to_json(), flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
