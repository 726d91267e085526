"""Short jobs, worked on in the foreground: an evaluation, accuracy in noise, an estimate."""

from __future__ import annotations

from labcore import errors
from labcore.cli.attend import Teller, in_foreground
from labcore.cli.jobs import goes_on
from labcore.cli.output import DONE, FAILED, INTERRUPTED, USAGE, live, say
from labcore.errors import LabError
from labcore.events import Evaluated, Event
from labcore.jobs.folder import JobFolder


def told(event: Event, teller: Teller) -> None:
    """Tell an event of a short job to people; its figures are printed as its result."""
    if not isinstance(event, Evaluated):
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
