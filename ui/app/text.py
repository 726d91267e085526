"""Numbers, times and foreign texts as a page shows them."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from labcore import texts
from labcore.events import Preparing
from labcore.jobs.folder import JobFolder
from labcore.jobs.status import JobStatus as Status
from labcore.texts import duration as duration
from labcore.texts import percent as percent

STATES = {
    "queued": ("Queued", ":material/schedule:", "gray"),
    "running": ("Running", ":material/play_circle:", "blue"),
    "stopping": ("Stopping", ":material/stop_circle:", "orange"),
    "finished": ("Finished", ":material/check_circle:", "green"),
    "stopped": ("Stopped", ":material/pause_circle:", "orange"),
    "failed": ("Failed", ":material/error:", "red"),
    "interrupted": ("Interrupted", ":material/power_off:", "orange"),
    "unreadable": ("Cannot be read", ":material/broken_image:", "red"),
    "starting": ("Starting", ":material/play_circle:", "blue"),
    "pruned": ("Pruned", ":material/content_cut:", "gray"),
}
"""State of a run, a search or a trial → its word, icon and colour."""


def state_face(state: str) -> tuple[str, str, str]:
    """Word, icon and colour of a state, also of one that a later version of the lab wrote."""
    return STATES.get(state, (state.capitalize(), ":material/help:", "gray"))


def plain(text: object) -> str:
    """A text from outside (file name, label, path) such that Markdown shows it as it is, whatever it holds."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>$:~^=&@/])", r"\\\1", " ".join(texts.shown(text).split()))


def unmarked(text: object) -> str:
    """A text from outside as Plotly shows it: as it is, where Plotly would make links, letters and lines of what looks like HTML."""
    escaped = texts.shown(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("$", "&#36;").replace("%{", "&#37;{")  # formulas of MathJax, and templates


def capital(text: str) -> str:
    """Words with a capital at the start, unless they start with a name such as cuDNN or data.csv, which stays as it is."""
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first.isalpha() and first.islower() else text


def sentence(text: str) -> str:
    """The same as a sentence: with a full stop, where it ends without one."""
    text = capital(text)
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def label_name(label: object) -> str:
    """A label as people read it: ``dog_bark`` → ``dog bark``. For Markdown it goes through :func:`plain` still."""
    return texts.shown(label).replace("_", " ").strip() or texts.shown(label)


def label_names(labels: Iterable[str]) -> dict[str, str]:
    """The same for labels that stand beside each other: those that would read the same stay as they are."""
    names = {label: label_name(label) for label in labels}
    times = Counter(names.values())
    return {label: name if times[name] == 1 else texts.shown(label) for label, name in names.items()}


def points(difference: float) -> str:
    """The difference of two shares in percentage points, signed; what rounds to nothing has no sign."""
    return f"{texts.points(difference)} points"


def count(number: float) -> str:
    """1,234,567 with thin spaces that no line breaks at; rates below 10 with one digit."""
    return f"{number:.1f}" if 0 < number < 10 and number != int(number) else f"{number:,.0f}".replace(",", "\u202f")


def counted(number: int, unit: str, units: str = "") -> str:
    """``1 clip``, ``1 200 clips``; see :func:`labcore.texts.counted`."""
    return texts.counted(number, unit, units, figure=count)


def decibels(level: float) -> str:
    """A level in dB of full scale: ``−12.3 dBFS``."""
    return f"{round(level, 1) + 0.0:.1f} dBFS".replace("-", "−")


def ago(then: float, now: float | None = None) -> str:
    """How long a moment is past, or its date once that says more."""
    now = time.time() if now is None else now
    seconds = max(0.0, now - then)
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{int(seconds // 60)} min ago"
    if seconds < 86400:
        return f"{int(seconds // 3600)} h ago"
    return time.strftime("%d %b %H:%M", time.localtime(then))


def clock_span(start: float, end: float, digits: int = 2) -> str:
    """A stretch of a recording in seconds as people read it: ``0.00–4.00 s``, ``9:30.96–9:50.31``, ``1:00:05.00–1:00:07.50``."""
    if end < 60:
        return f"{start:.{digits}f}–{end:.{digits}f} s"

    def clock(seconds: float) -> str:
        whole, rest = divmod(round(seconds, digits), 60)
        hours, minutes = divmod(int(whole), 60)
        width = digits + 3 if digits else 2
        return f"{f'{hours}:{minutes:02d}' if end >= 3600 else minutes}:{rest:0{width}.{digits}f}"

    return f"{clock(start)}–{clock(end)}"


def run_name(job: JobFolder, *, moment: bool = True) -> str:
    """What a job is called (:attr:`JobFolder.name`), and when it was made: ``demo · quick · 25 epochs, 23 Nov 16:48:09``; the seconds keep
    neighbours apart."""
    name = job.name
    match = re.fullmatch(r"(\d{8}-\d{6})-(.+)-([0-9a-f]{4})", job.id)
    if not match:
        return name
    name = match[2].replace("-", " · ", 1) if name == job.id else name
    return f"{name}, {moment_of(match[1])}" if moment else name


def job_name(job: JobFolder) -> str:
    """A job as people name it, without the moment: a run by its name, others with what they are, as ``benchmark · quick``."""
    name = run_name(job, moment=False)
    return name if job.kind.room == "runs" or name.startswith(job.kind.name) else f"{job.kind.name} {name}"


def told_apart(options: Iterable[Any], words: Callable[[Any], str]) -> Callable[[Any], str]:
    """``words`` for a list to choose from, with a mark where two options would read the same.

    A browser sends back what it shows: of two options that read the same, Streamlit takes the first, whichever was chosen.
    An id is told apart by its end, so that its mark stays as the list grows; anything else by its place among its like.
    """
    options = list(options)
    faces = {option: texts.shown(words(option)) for option in options}
    times, met = Counter(faces.values()), Counter[str]()
    for option, text in faces.items():
        if times[text] > 1:
            met[text] += 1
            faces[option] = f"{text} · {option[-4:] if isinstance(option, str) else met[text]}"
    return lambda option: faces[option] if option in faces else texts.shown(words(option))


def moment_of(stamp: str) -> str:
    """The moment in an id (``20261123-164809``) as people read it; the stamp itself where it is none."""
    try:
        return time.strftime("%d %b %H:%M:%S", time.strptime(stamp, "%Y%m%d-%H%M%S"))
    except ValueError:
        return stamp


def preparing_line(event: Preparing) -> str:
    """What a run prepares, and how far it is where that can be said."""
    if event.total <= 1:
        return event.what
    return f"{event.what}: {count(event.done)} of {counted(event.total, event.unit.removesuffix('s'), event.unit)}"


def progress_line(status: Status) -> str:
    """Where a run is, in one line."""
    if status.state == "queued":
        return "queued"
    if status.preparing is not None:
        return preparing_line(status.preparing)
    if status.state in ("running", "stopping") and not status.epochs:
        done = f"{percent(status.fraction, 0)} done" if status.fraction else "starting"
        return done if status.seconds_left is None else f"{done}, {duration(status.seconds_left)} left"
    if status.state == "stopping":
        return f"finishing its batch; epoch {status.epoch} of {status.epochs} is saved"
    if status.state != "running":
        return f"{status.epoch} of {counted(status.epochs, 'epoch')}"
    line = f"epoch {min(status.epoch + 1, status.epochs)} of {status.epochs}"
    return line if status.seconds_left is None else f"{line}, {duration(status.seconds_left)} left"
