"""A form in the address of its page: only what differs from the recommended settings, so that a reload and a copied link give it again.

``?preset=quick&optim.epochs=25``: the preset that most settings are of, and each setting that differs, by its path. Other forms add words
of their own.
"""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from labcore.config import RunConfig, all_settings
from labcore.config.former import path_now
from labcore.config.presets import PRESETS, preset
from labcore.config.setting import as_text
from labcore.errors import ConfigError, LabError
from ui.app import shell
from ui.forms import fields

RECOMMENDED = "balanced"
BOUND: Any = "query-params"
"""Of a widget whose value stands in the address, by its key."""
NONE = "none"
"""What the address says where nothing is chosen of several."""
WRITTEN = "form-url"
"""Where a browser session keeps what was last written, and when."""
SETTLED_SECONDS = 3.0
"""A rerun that the browser asked for earlier than this after a change may still carry the address from before it."""


def went_back() -> bool:
    """Whether the browser's Back or Forward asked for this run of the page: then the address says what is to be seen."""
    return bool(getattr(get_script_run_ctx(suppress_warning=True), "is_history_navigation", False))


def read() -> None:
    """Fill the form from the address: at the first look of a browser session, and where the browser's Back has changed it since.

    To be called in a run of the whole page. What an address says wrongly is told and left out.
    """
    names = _names()
    given = {path_now(name): st.query_params[name] for name in st.query_params if path_now(name) in names}
    written, moment = st.session_state.get(WRITTEN, ({}, 0.0))
    fresh, back = "settings" not in st.session_state, went_back()
    settled = time.monotonic() - moment > SETTLED_SECONDS
    if given != written and (back or (given and (fresh or settled))):
        changes, troubles = settings_of(given)
        fields.fill({path: setting.default for path, setting in all_settings().items()} | changes)
        for trouble in troubles:
            shell.show_error(trouble)


def write(own: Mapping[str, str | list[str] | None] | None = None, *, settings: bool = True) -> None:
    """Put what the form shows into the address, where that says something else.

    Args:
        own: words of the page's own form; None takes one out.
        settings: whether the page shows settings of the form at all.
    """
    wanted = differing(fields.values()) if settings else {}
    st.session_state[WRITTEN] = (wanted, time.monotonic())
    put({**dict.fromkeys(_names()), **wanted, **(own or {})})


def put(words: Mapping[str, str | list[str] | None]) -> None:
    """Set words of the address, and take out those that are None; the rest stays. Does nothing where it says so already."""
    there = {name: st.query_params.get_all(name) for name in st.query_params}
    wanted = {name: texts for name, texts in there.items() if path_now(name) not in words}
    wanted |= {name: [text] if isinstance(text, str) else text for name, text in words.items() if text}
    if wanted != there:
        st.query_params.from_dict(wanted)


def tell(word: str, told: str | Sequence[str]) -> None:
    """Have the address say a text or several at a word, none takes the word out; the rest stays, also what is bound to a widget."""
    texts = [told] if isinstance(told, str) and told else list(told)
    if texts and st.query_params.get_all(word) != texts:
        st.query_params[word] = texts
    elif not texts and word in st.query_params:
        del st.query_params[word]


def all_asked(word: str) -> list[str] | None:
    """What the address says at a word, where that counts: at the first look of a browser session, and after its Back or Forward.

    Else None: the session knows better.
    """
    first = not st.session_state.get(f"asked-{word}")
    st.session_state[f"asked-{word}"] = True
    return st.query_params.get_all(word) if first or went_back() else None


def asked(word: str) -> str | None:
    """The same where it is one text; "" where the address says nothing."""
    texts = all_asked(word)
    return texts if texts is None else next(reversed(texts), "")


def take(word: str, key: str, there: Container[str], first: str | None = None) -> None:
    """Have a widget of that key begin with what the address says at a word, where that counts and is one of those there."""
    if (text := asked(word)) is not None:
        st.session_state[key] = text if text in there else first


def take_all(word: str, key: str, there: Iterable[Any]) -> None:
    """:func:`take` for a widget of several values, those whose texts the address says; ``NONE`` for none of them."""
    if texts := all_asked(word):
        st.session_state[key] = [each for each in there if str(each) in texts]


def tell_all(word: str, values: Iterable[Any], usual: Iterable[Any]) -> None:
    """Have the address say several values at a word, in their texts; the usual ones need none."""
    chosen = list(values)
    tell(word, [] if chosen == list(usual) else [str(each) for each in chosen] or [NONE])


def number(word: str, key: str, there: Sequence[int]) -> int:
    """A number of the session's under a key, one of those there, which the address says at a word; the first one needs none."""
    if (text := asked(word)) is not None or key not in st.session_state:
        st.session_state[key] = int(text) if text and text.isdecimal() and len(text) < 10 else there[0]
    if st.session_state[key] not in there:
        st.session_state[key] = there[0]
    chosen = int(st.session_state[key])
    tell(word, str(chosen) if chosen != there[0] else "")
    return chosen


def one_of(label: str, options: Mapping[str, str], *, word: str, key: str, first: str = "") -> str:
    """:func:`ui.app.shell.one_of` without its label, whose choice the address says at a word, by the name of the option.

    Args:
        first: the option where the address says none; "" for the first of all.
    """

    def keep() -> None:
        st.query_params[word] = st.session_state[key]

    told = st.query_params.get(word, "")
    begin: str | None = told if told in options else first or next(iter(options))
    if went_back():
        st.session_state[key], begin = begin, None
    # else by default, and not by the session: a value of that is sent once, and lost where a press comes before it has arrived
    return str(shell.one_of(label, options, default=begin, key=key, label_visibility="collapsed", on_change=keep))


def differing(values: Mapping[str, Any]) -> dict[str, str]:
    """What tells a form from the recommended one: the preset nearest to it where that is another one, and path → text of the rest."""
    found = {}
    for name in PRESETS:
        base = RunConfig().replace(PRESETS[name].changes)
        found[name] = {path: text_of(value) for path, value in values.items() if value != base.value(path)}
    nearest = min(found, key=lambda name: (len(found[name]), name != RECOMMENDED))
    return ({} if nearest == RECOMMENDED else {"preset": nearest}) | found[nearest]


def _names() -> set[str]:
    return {"preset", *all_settings()}


def text_of(value: Any) -> str:
    """A value of a setting in an address."""
    return f"{value:.12g}" if isinstance(value, float) else as_text(value)


def settings_of(given: Mapping[str, str]) -> tuple[dict[str, Any], list[LabError]]:
    """Path → value of an address, and what is wrong with the rest of it."""
    values: dict[str, Any] = {}
    troubles: list[LabError] = []
    for name, text in given.items():
        try:
            if name == "preset":
                preset(text)
                values = PRESETS[text].changes | values
            else:
                values[name] = all_settings()[name].read(text)
        except ConfigError as error:
            troubles.append(ConfigError(f"the {name} of this link is passed over: {error.what}", error.remedy))
    return values, troubles
