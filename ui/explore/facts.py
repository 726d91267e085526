"""Facts about a sound, and the overview of a long one in which the stretch on view is chosen."""

from __future__ import annotations

import streamlit as st

from ui.app.shell import heading
from ui.app.text import clock_span, count, duration, label_name, plain, sentence
from ui.components.facts_row import facts_row
from ui.components.sound_viewer import selected, viewer, wave_row
from ui.explore.opened import Opened

FIRST_SECONDS = 10.0
MOST_SECONDS = 60.0
OVERVIEW = "explore-overview"


def strip(opened: Opened) -> None:
    """The facts in a row, and what is odd about them in words."""
    facts, info = opened.facts, opened.facts.info
    peak = max((level.peak_db for level in facts.channels if level.peak_db is not None), default=None)
    rms = max((level.rms_db for level in facts.channels if level.rms_db is not None), default=None)
    bits = f" {info.bits} bit" if info.bits else ""
    shown = {
        "Length": _length(opened.seconds),
        "Format": f"{info.container} · {info.codec.replace('_', ' ')}" + ("" if str(info.bits) in info.codec else bits),
        "Rate": f"{info.sample_rate / 1000:g} kHz",
        "Channels": {1: "mono", 2: "stereo"}.get(info.channels, str(info.channels)),
        "Peak": _level(peak, "dBFS"),
        "RMS": _level(rms, "dBFS"),
        "Loudness": _level(facts.loudness_lufs, "LUFS"),
        "Clipped samples": count(facts.clipped_samples),
        "DC offset": _signed(facts.dc_offset),
        "Silent ends": f"{facts.silence_start_s:.2f} s, {facts.silence_end_s:.2f} s",
    }
    with st.container(border=True, key="explore-facts"):
        label = f":gray[labelled {plain(label_name(opened.source.truth))}]" if opened.source.truth else ""
        heading(plain(opened.source.name), label, level=2)
        facts_row(shown)
        for note in [*map(sentence, info.notes), *facts.doubts()]:
            st.markdown(f":orange[:material/warning:] {note}")


def on_view(opened: Opened, long_seconds: float) -> tuple[float, float]:
    """The stretch on view in seconds: all of it, or of a long recording what is chosen in its overview."""
    if opened.seconds <= long_seconds:
        return 0.0, opened.seconds
    of = opened.source.key
    start, end = selected(OVERVIEW, of) or (0.0, FIRST_SECONDS)
    end = min(end, start + MOST_SECONDS, opened.seconds)
    start = max(0.0, min(start, end - 0.05))
    from labcore.explore.views import outline_view

    viewer(
        [wave_row(outline_view(opened.overview), f"Whole recording · showing {clock_span(start, end)}", height=70)],
        key=OVERVIEW,
        of=of,
        start_s=0.0,
        end_s=opened.seconds,
        alt="Overview of the recording",
        selection=(start, end),
        selectable=True,
        hint=f"Drag to select up to {MOST_SECONDS:.0f} s",
    )
    return start, end


def _level(value: float | None, unit: str) -> str:
    return f"{round(value, 1) + 0.0:.1f} {unit}".replace("-", "−") if value is not None else "–"


def _signed(share: float) -> str:
    """A share in percent with its sign; what rounds to nothing has none."""
    rounded = round(100 * share, 2)
    return f"{rounded:+.2f} %".replace("-", "−") if rounded else "0.00 %"


def _length(seconds: float) -> str:
    if seconds < 0.01:
        return f"{1000 * seconds:.3g} ms"
    return f"{seconds:.2f} s" if seconds < 60 else duration(seconds)
