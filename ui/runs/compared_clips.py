"""The clips that one side of a comparison won or lost, to hear."""

from __future__ import annotations

import streamlit as st

from labcore.comparison.compare import Against
from labcore.runs import Run
from labcore.texts import shown
from ui.app import services
from ui.app.shell import heading
from ui.app.text import label_names
from ui.components import clip_table
from ui.components.clip import player
from ui.forms import url
from ui.runs import held_out_clips

LONGEST_SECONDS = 10.0


def panel(chosen: Against) -> None:
    """Choose won or lost, and a clip, and hear it."""
    import pandas as pd

    from labcore.evaluation.paired import changed_clips

    assert chosen.pairs is not None
    assert chosen.difference is not None
    one, other = chosen.one.letter, chosen.other.letter
    counts = {"won": chosen.difference.won, "lost": chosen.difference.lost}
    heading("Clips won and lost", f"by {other}", level=2)
    which = url.one_of(
        "Clips", {word: f"{word.capitalize()}: {many}" for word, many in counts.items()}, word="clips", key=f"compared-{other}",
        first="won" if counts["won"] or not counts["lost"] else "lost",
    )  # fmt: skip
    clips = changed_clips(chosen.pairs, won=which == "won")
    if not len(clips):
        st.caption(f"No clip is {'right' if which == 'won' else 'wrong'} in {other} alone.")
        return
    names = label_names([*clips["label"], *clips["one_predicted"], *clips["other_predicted"]])
    table = pd.DataFrame(
        {
            "Clip": [_name(clip.clip, clip.start_s) for clip in clips.itertuples()],
            "Label": clips["label"].map(names),
            f"{one} predicts": clips["one_predicted"].map(names),
            f"{other} predicts": clips["other_predicted"].map(names),
        }
    )
    number = clip_table.choose(table, key=f"compared-table-{other}-{which}", alt=f"Clips {which} by {other}")
    clip = clips.iloc[number]
    place = str(clip["clip"]), float(clip["start_s"]), float(clip["end_s"])
    row = held_out_clips.find_at(Run.open(services.workspace(), chosen.one.first.runs[0]), *place).row
    player(f"{row.name} · {names[clip['label']]}", lambda: row.beginning(LONGEST_SECONDS))


def _name(clip: str, start_s: float) -> str:
    """The name of a clip's file, and where in it the clip begins."""
    name = shown(clip.rsplit("/", 1)[-1])
    return f"{name} from {start_s:g} s" if start_s else name
