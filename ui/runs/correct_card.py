"""One clip whose label is in question: it plays at once, and a key decides on it. What the network says of it is shown afterwards."""

from __future__ import annotations

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from labcore.config import RunConfig
from labcore.datasets.rows import Row
from labcore.evaluation.review import ReviewClip
from labcore.texts import shown
from ui.app.shell import action_button, errors_in_place, next_button
from ui.app.text import label_name, label_names, percent, plain
from ui.charts.colours import colours
from ui.components.clip_player import log_mel, wav
from ui.components.sound_viewer import image_row, viewer
from ui.runs.correct_state import Sitting

PLAYER = "correct-player"
DIGITS = "1234567890"
KEYS = DIGITS + "ABDEFGHIJKLMNOPQSTUVWXYZ"
"""Keys of classes: without C and R, which the browser page keeps for itself."""


def show(sitting: Sitting, clip: ReviewClip, config: RunConfig) -> None:
    """The clip with its label, its sound and picture, and what can be decided."""
    row, names = sitting.row(clip), label_names(sitting.known.labels)
    label = sitting.label_key(clip)[2]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"Is this **{plain(names.get(label, label))}**?", width="content")
        st.markdown(f":gray[{plain(row.name)}]", width="content")
    # the picture is below the buttons: they are in sight on a small screen, and stay where they are
    sound = st.container()
    if choosing(sitting):  # before the sound: a key that is pressed while it is being read must find its button
        _classes(sitting, clip, names)
    else:
        _verdicts(sitting, clip, names)
    with errors_in_place():
        _sound(sitting, row, config, sound)


def _sound(sitting: Sitting, row: Row, config: RunConfig, above: DeltaGenerator) -> None:
    """The player, which begins by itself, above the buttons, and the log-mel with the same time below them."""
    plays = st.session_state.get(sitting.plays, 0)
    with above, st.container(key=PLAYER):  # another text makes it another player, so that it plays again
        alt = f"Playback of {row.name}" + (f", again {plays}" if plays else "")
        st.audio(wav(row), format="audio/wav", alt=shown(alt), autoplay=True)
    view, seconds = log_mel(row, config)
    low, high = view.colour_range()
    image = image_row(view, "Log-mel", colours(), axis="bands", low=low, high=high, height=150)
    viewer(
        [image], key="correct-picture", of=row.key, start_s=0.0, end_s=seconds, player=PLAYER, alt="Log-mel spectrogram"
    )  # fmt: skip


def _verdicts(sitting: Sitting, clip: ReviewClip, names: dict[str, str]) -> None:
    button = partial(_button, sitting)
    with st.container(horizontal=True, gap="small"):
        button("Right", partial(sitting.decide, clip, "right"), "Y", icon=":material/check:", type="primary")
        button("Wrong", partial(sitting.decide, clip, "wrong"), "W", icon=":material/close:",
               help="The label is wrong, and it is none of the classes: the clip is left out.")  # fmt: skip
        button("Other class", partial(_choose, sitting, True), "O", icon=":material/swap_horiz:")
        button("Unsure", partial(sitting.decide, clip, "unsure"), "U", icon=":material/question_mark:")
        button("Skip", partial(sitting.skip, clip), "S", icon=":material/skip_next:")
        undo(sitting)
        next_button("Play", sitting.plays, key=f"{sitting.key}-P", shortcut="P", icon=":material/replay:")
    few = len(sitting.known.labels) <= len(DIGITS)
    direct = (
        "A class below gives it that label; **Other class** asks for it first."
        if few
        else "**Other class** asks for its label."
    )
    st.caption(f"**Wrong**: it is none of the classes, and is left out of training and figures. {direct}")
    if few:
        _class_row(sitting, clip, names, sitting.known.labels)


def undo(sitting: Sitting) -> None:
    """The way back, which stands at the end of a list too."""
    nothing = not sitting.history and sitting.annotations.last_of(sitting.who) is None
    _button(sitting, "Undo", sitting.undo, "Z", icon=":material/undo:", disabled=nothing)


def _classes(sitting: Sitting, clip: ReviewClip, names: dict[str, str]) -> None:
    """All classes, each with its key; of more than there are keys a page at a time."""
    labels, page = sitting.known.labels, st.session_state.get(f"{sitting.key}-page", 0)
    pages = -(-len(labels) // len(KEYS))
    page %= pages

    def more() -> None:
        st.session_state[f"{sitting.key}-page"] = page + 1

    st.markdown("Which class is it?")
    _class_row(sitting, clip, names, labels[page * len(KEYS) : (page + 1) * len(KEYS)])
    with st.container(horizontal=True, gap="small"):
        _button(sitting, "Back", partial(_choose, sitting, False), "Esc", icon=":material/arrow_back:")
        if pages > 1:
            _button(sitting, f"More ({page + 1} of {pages})", more, "Right", icon=":material/arrow_forward:")


def _class_row(sitting: Sitting, clip: ReviewClip, names: dict[str, str], labels: list[str]) -> None:
    def take(label: str) -> None:
        sitting.decide(clip, "other", label)
        _choose(sitting, False)

    with st.container(horizontal=True, gap="xsmall"):
        for key, label in zip(KEYS, labels, strict=False):
            _button(sitting, plain(names[label]), partial(take, label), key)


def _button(sitting: Sitting, label: str, act, key: str, **looks) -> None:
    """A button with a key; a sitting has one for each key."""
    action_button(label, act, key=f"{sitting.key}-{key}", shortcut=key, **looks)


def choosing(sitting: Sitting) -> bool:
    """Whether the visitor is asked which class the clip at hand is."""
    return bool(sitting.open and st.session_state.get(f"{sitting.key}-choosing"))


def _choose(sitting: Sitting, whether: bool) -> None:
    st.session_state[f"{sitting.key}-choosing"] = whether


def told(sitting: Sitting, clip: ReviewClip) -> str:
    """What was decided on a clip, and only then what the network and others say of it; as Markdown."""
    mine = sitting.own(clip)
    if mine is None:
        return ""
    names = label_names(sitting.known.labels)
    parts = [f"{plain(sitting.row(clip).name)}: {plain(label_name(mine.sentence))}"]
    if clip.predicted:
        certain = f" ({percent(clip.probability, 0)})" if clip.probability is not None else ""
        parts.append(f"the network predicted **{plain(names.get(clip.predicted, clip.predicted))}**{certain}")
    for person, each in sitting.by_clip.get(sitting.label_key(clip), {}).items():
        if person != sitting.who:
            differs = "" if "unsure" in (each.verdict, mine.verdict) or each.new == mine.new else ":orange[differs] "
            parts.append(f"{differs}{plain(person or 'somebody')}: {plain(label_name(each.sentence))}")
    return " · ".join(parts)
