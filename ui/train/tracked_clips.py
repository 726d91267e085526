"""Pinned clips: sounds of the visitor's that a run classifies after every epoch, drawn as lines over the epochs."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from labcore.audio import Limits, Recording
from labcore.config import RunConfig
from labcore.errors import AudioError, LabError
from labcore.events import Epoch
from labcore.runs import Run, pinned_name
from labcore.texts import shown
from labcore.workspace import slug
from ui.app.shell import action_button, callback, errors_in_place, heading, tell_trouble
from ui.app.text import label_name, label_names, percent, plain
from ui.charts import curves
from ui.components import held_out, owner_guard
from ui.components.clip import Clip, player

MOST = 4
"""So many clips a run at most: each is classified after every epoch."""
MOST_MB = 10
MOST_SECONDS = 30.0
LIMITS = Limits(max_seconds=MOST_SECONDS, max_bytes=MOST_MB * 1024**2, max_samples=500_000 * 30)
MOST_LINES = 4
WAITING = "pinned-waiting"


def prepared(name: str, content: bytes) -> bytes:
    """A sound as it is pinned: as the lab encodes it.

    Raises:
        AudioError: it is too large, too long or no sound.
    """
    if len(content) > LIMITS.max_bytes:
        raise AudioError(f"{name} is larger than {MOST_MB} MB", "Choose a shorter clip")
    return Recording(content, name=name, limits=LIMITS).as_wav(exact=True)


def pin(run: Run, name: str, content: bytes) -> Path:
    """Pin a sound to a run as the lab encodes it, under a safe name that no other clip has.

    Raises:
        AudioError: it is too large, too long or no sound.
        LabError: the run has as many as it can take.
    """
    content = prepared(name, content)
    there = files(run)
    for file in there:
        if file.read_bytes() == content:
            return file
    if len(there) >= MOST:
        raise LabError(f"the run already tracks {MOST} clips", "Delete one first")
    safe, taken = pinned_name(name), {file.name for file in there}
    return run.pin(safe if safe not in taken else f"{uuid.uuid4().hex[:4]}-{safe}", content)


def files(run: Run) -> list[Path]:
    """The pinned sound files of a run by name."""
    try:
        return sorted(path for path in run.pinned.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError:
        return []


@st.fragment
def panel(run: Run, active: bool, owner: str = "") -> None:
    """The pinned clips to play, and, while the run is running, the ways to add one. Does not tick."""
    there = files(run)
    if not there and not active:
        return
    fold = st.expander("Tracked clips", icon=":material/push_pin:", key=f"pinned-open-{run.id}", on_change="rerun")
    if not fold.open:
        return
    with fold, errors_in_place():
        st.caption("Predictions for your own clips, after every epoch.")
        for file in there:
            sound = partial(_played, str(file), file.stat().st_mtime_ns)
            player(file.name, sound, partial(_take_away, file, owner) if active else None)
        if active and len(there) < MOST:
            _add(run)


def _take_away(file: Path, owner: str) -> None:
    remove = partial(file.unlink, missing_ok=True)
    owner_guard.guarded_button("Delete", remove, owner, key=f"unpin-{shown(file.name)}", type="tertiary")


@st.cache_data(max_entries=4 * MOST, show_spinner=False)
def _played(path: str, changed: int) -> bytes:
    """A pinned clip for the browser, of a long one its beginning."""
    return Recording(Path(path), end_s=MOST_SECONDS).as_wav()


def _add(run: Run) -> None:
    upload = st.session_state.setdefault("pin-turn", 0)
    key = f"pin-upload-{upload}"

    def uploaded() -> None:
        file = st.session_state[key]
        if file is not None:
            pin(run, file.name, file.getvalue())
            st.session_state["pin-turn"] = upload + 1  # an empty field for the next one

    st.file_uploader(
        "Sound", key=key, max_upload_size=MOST_MB, on_change=callback(uploaded, "pin"), help=f"Up to {MOST_SECONDS:.0f} s.",
        label_visibility="collapsed",
    )  # fmt: skip
    tell_trouble("pin")
    _held_out_button(lambda number: pin(run, *_named(held_out.of_run(run, number))))


def _held_out_button(take: Callable[[int], object], *, disabled: bool = False) -> None:
    """A button that takes held-out clips of the data set, another one at each press, by their numbers."""

    def pressed() -> None:
        number = st.session_state["pin-number"] = st.session_state.get("pin-number", -1) + 1
        take(number)

    looks = {"icon": ":material/shuffle:", "disabled": disabled}
    action_button("Add a held-out clip", pressed, key="pin-held-out", **looks)


# --- before the start


def before(config: RunConfig | None) -> None:
    """In the form of a new run: sounds that are pinned to it when it starts."""
    fold = st.expander("Track clips", icon=":material/push_pin:", key="pinned-before", on_change="rerun")
    with fold:
        st.caption("Clips that are classified after every epoch; their probabilities are plotted during training.")
        st.file_uploader(
            "Sounds", accept_multiple_files=True, key=WAITING, max_upload_size=MOST_MB, label_visibility="collapsed",
            help=f"Up to {MOST} clips of {MOST_SECONDS:.0f} s.",
        )  # fmt: skip
        chosen = _chosen()

        def another(number: int) -> None:
            assert config is not None
            _examples().append(_named(held_out.of_split(config.cutting, number)))

        with st.container(horizontal=True, gap="small"):
            _held_out_button(another, disabled=config is None or len(chosen) >= MOST)
            if _examples():
                action_button("Clear", _examples().clear, key="pin-none", type="tertiary")
        examples = _examples()
        for name, content in chosen:
            if (name, content) in examples:
                player(name, partial(prepared, name, content))
                continue
            with errors_in_place():
                prepared(name, content)
        if len(chosen) > MOST:
            st.caption(f":orange[Only the first {MOST} are tracked.]")


def take(run: Run) -> None:
    """Pin what the form holds to a run that was just made. What cannot be pinned was told in the form and is left out."""
    for name, content in _chosen():
        with contextlib.suppress(LabError):
            pin(run, name, content)
    _examples().clear()


def _chosen() -> list[tuple[str, bytes]]:
    """Name and content of the sounds in the form."""
    return [(file.name, file.getvalue()) for file in st.session_state.get(WAITING) or []] + _examples()


def _examples() -> list[tuple[str, bytes]]:
    """Those of the data set."""
    return st.session_state.setdefault("pinned-drawn", [])


def _named(clip: Clip) -> tuple[str, bytes]:
    """A clip of a data set: its label stands before its name."""
    return (f"{clip.truth}-{clip.name}" if clip.truth else clip.name), clip.content


# --- the lines


def top(epochs: list[Epoch], name: str) -> list[str]:
    """The labels predicted for a clip with the highest probabilities, by their mean over the epochs and by the last one."""
    told = [event.pinned[name] for event in epochs if name in event.pinned]
    if not told:
        return []
    mean = {label: sum(shares.get(label, 0.0) for shares in told) / len(told) for label in told[-1]}
    weight = {label: mean[label] + told[-1][label] for label in mean}
    return sorted(weight, key=lambda label: weight[label], reverse=True)[:MOST_LINES]


def lines(run: Run, epochs: list[Epoch], total: int) -> None:
    """A small chart for each pinned clip that the epochs tell of."""
    names = list(dict.fromkeys(name for event in epochs for name in event.pinned))[-MOST:]
    if not names:
        return
    columns = st.columns(2, gap="large") if len(names) > 1 else [st.container()]
    for number, name in enumerate(names):
        labels = top(epochs, name)
        with columns[number % len(columns)]:
            last = next(event.pinned[name] for event in reversed(epochs) if name in event.pinned)
            shown_as = label_names(last)
            best = max(last, key=lambda label: last[label])
            heading(plain(name), f":gray[now {plain(label_name(best))}, {percent(last[best])}]")
            rows = [
                {
                    "epoch": event.epoch,
                    "value": round(event.pinned[name].get(label, 0.0), 4),
                    "label": shown_as[label],
                }
                for event in epochs
                if name in event.pinned
                for label in labels
            ]
            alt = f"Probabilities of {name} by epoch"
            key = f"pinned-{run.id}-{slug(name)}"
            curves.probabilities(rows, sorted(shown_as.values()), labels, total, key=key, alt=alt)
