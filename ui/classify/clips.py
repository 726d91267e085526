"""Clips on the Classify page: where they come from, what the classifier says of them, and the pictures of one."""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from labcore import builtin
from labcore.batch.segments import Segment, summary_of
from labcore.batch.tables import rows_of
from labcore.config import DataConfig
from labcore.errors import DatasetError, LabError
from labcore.runs import Run
from labcore.sheets import Sheet
from labcore.texts import moment, shown
from ui.app import limits, services, uploaded_files
from ui.app.shell import errors_in_place
from ui.app.text import duration, label_name, label_names, percent, plain, sentence
from ui.charts import figures
from ui.classify import events as clip_events
from ui.classify.events import SECTION_SECONDS
from ui.components import model_picker
from ui.datasets import summary

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from labcore.inference.classifier import Prediction


@dataclass(frozen=True)
class Clip:
    """A sound to be classified or explored.

    The content is there to be decoded: no part of the page hands it to a browser.

    Attributes:
        content: of its file, or where that lies.
        key: what it is known by.
        truth: its label, where that is known.
        upload: what keeps the file there.
    """

    name: str
    content: bytes | Path
    key: str
    truth: str = ""
    upload: uploaded_files.Upload | None = None

    @property
    def bytes(self) -> int:
        return self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)

    def heard(self, start_s: float, end_s: float | None, rate: int | None = None) -> tuple[np.ndarray, int]:
        """A stretch as the front end gets it: (samples,), mixed and at ``rate`` or its own, and the rate. Not to be written to."""
        return _heard(self.key, self.name, start_s, end_s, rate, self.content)

    @classmethod
    def of_upload(cls, file: UploadedFile, name: str = "") -> Clip:
        """What the browser sent. Its id stands for its content, so that a long recording is not read again to tell it apart."""
        if file.size <= uploaded_files.LARGE_BYTES:
            return cls(name or file.name, file.getvalue(), file.file_id)
        upload = uploaded_files.of_visit(file)
        return cls(name or file.name, upload.path, file.file_id, upload=upload)


@st.cache_resource(max_entries=8, show_spinner=False)
def _heard(
    key: str, name: str, start_s: float, end_s: float | None, rate: int | None, _content: Any
) -> tuple[np.ndarray, int]:
    from labcore.audio import decode

    return decode(_content, rate, name=name, start_s=start_s, end_s=end_s, limits=limits.sound())


@dataclass(frozen=True)
class Judged:
    """A clip with what the classifier says of it, or why it says nothing."""

    clip: Clip
    answer: Prediction | None = None
    error: LabError | None = None


def told(judged: Judged) -> dict[str, Any]:
    """What is said of a clip, as the tables of :mod:`labcore.batch` take it."""
    assert judged.answer is not None
    return {"file": judged.clip.name, **judged.answer.told()}


def show(run: Run, judged: Judged, least: float) -> None:
    """One clip: the answer, its probabilities, and what was heard; of a long recording what occurs when.

    Args:
        least: the least probability of an event.
    """
    if judged.error is not None or judged.answer is None:
        return
    answer, clip = judged.answer, judged.clip
    events = clip_events.events_of(answer, least)
    left, right = st.columns([2, 3], gap="large")
    with left:
        with st.container(border=True):
            st.caption(f"Prediction for {plain(clip.name)}")
            if len(answer.windows) > 1:
                clip_events.headline(answer, events, least)
            else:
                length = f"{answer.seconds:.1f} s" if answer.seconds < 60 else duration(answer.seconds)
                st.markdown(f"## {plain(label_name(answer.label))}")
                st.markdown(f"Probability **{percent(answer.probability)}** :gray[· {length} of sound]")
            if clip.truth:
                right_ = clip.truth == answer.label
                st.markdown(
                    f":{'green' if right_ else 'red'}-badge[:material/{'check' if right_ else 'close'}: "
                    f"labelled {plain(label_name(clip.truth))}]"
                )
            for note in answer.notes:
                st.markdown(f":orange[:material/warning:] {plain(sentence(note))}")
        if events:
            clip_events.table(summary_of(events))
        else:
            figures.probabilities(answer.probabilities, key=f"bars-{run.id}-{clip.key}")
    with right:
        _listen(run, clip, answer, events, least)


@st.fragment
def _listen(run: Run, clip: Clip, answer: Prediction, events: list[Segment], least: float) -> None:
    """The events of a recording, and playback and pictures, which follow a press on one of them."""
    with errors_in_place():
        if answer.seconds > SECTION_SECONDS and len(answer.windows) > 1:
            st.markdown(f"**Probability over time** :gray[{_scale()}; the framed part is shown below]")
            start = float(st.session_state.get(f"section-{clip.key}", 0))
            section = (start, min(start + SECTION_SECONDS, answer.seconds))
            figures.over_time(_windows(answer), answer.seconds, key=f"time-{run.id}-{clip.key}", marked=section)
        clip_events.listed(clip.key, events, answer)
        if events:
            clip_events.downloads(told(Judged(clip, answer)), services.classifier(run).labels, least)
        pictures(run, clip, answer)


def _windows(answer: Prediction) -> figures.Windows:
    """The windows of a recording as charts take them; none of a clip of one window, whose probabilities are bars."""
    if len(answer.windows) < 2:
        return []
    return [(window.start_s, window.end_s, window.probabilities) for window in answer.windows]


def _scale() -> str:
    return f"probability, {'lighter' if figures.dark() else 'darker'} is higher"


def pictures(run: Run, clip: Clip, answer: Prediction) -> None:
    """Playback, waveform, log-mel and probabilities over time of a clip, or of a section of a long recording."""
    from labcore.explore.views import band_centres

    start = 0.0
    if answer.seconds > SECTION_SECONDS:
        start = float(
            st.slider(
                "Section from",
                0,
                math.ceil(answer.seconds - SECTION_SECONDS),
                step=1,
                format="%d s",
                key=f"section-{clip.key}",
                on_change=clip_events.let_go,
                args=(clip.key,),
                help=f"Recordings are shown and played {SECTION_SECONDS:.0f} s at a time.",
            )
        )
    end = start + SECTION_SECONDS if answer.seconds > SECTION_SECONDS else None
    section, rate = clip.heard(start, end)
    chosen = clip_events.chosen(clip.key)
    _player(clip, section, rate, chosen)
    key = f"{clip.key}-{start:g}"
    network = services.classifier(run)
    levels = network.log_mel_of(clip.heard(start, end, network.sample_rate)[0])
    marked = (chosen.event.start_s, min(chosen.event.end_s, start + len(section) / rate)) if chosen else None
    figures.sound(
        section,
        rate,
        levels,
        band_centres(network.config),
        key=f"sound-{run.id}-{key}",
        start_s=start,
        marked=marked,
        windows=_windows(answer),
    )
    below = f" Below it the {_scale()}; each window at its width." if len(answer.windows) > 1 else ""
    st.caption(
        f"The log-mel spectrogram that the network is given: {network.config.features.n_mels} bands, "
        f"{network.sample_rate / 1000:g} kHz, windows of {network.clip_seconds:.3g} s.{below}"
    )


def _player(clip: Clip, section: np.ndarray, rate: int, chosen: clip_events.Chosen | None) -> None:
    """The section on view to play; where an event was pressed that alone, at once, its first part where it is long."""
    from labcore.audio import encode_wav

    name = shown(clip.name)
    if chosen is None:
        st.audio(encode_wav(section, rate), format="audio/wav", alt=f"Playback of {name}")
        return
    event, start, end = chosen.event, chosen.start_s, chosen.end_s
    stretch, rate = clip.heard(start, end)
    cut = f", the first {SECTION_SECONDS:.0f} s" if end < event.end_s else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Playing **{plain(label_name(event.label))}** :gray[{moment(start)} – {moment(end)}{cut}]")
        st.button("Section", icon=":material/close:", type="tertiary", key=f"event-close-{clip.key}",
                  on_click=clip_events.let_go, args=(clip.key,), help="Play the section again")  # fmt: skip
    # another text makes it another player, so that a second press plays again
    alt = f"Playback of {name}, {event.label}, {moment(start)} to {moment(end)}, press {chosen.presses}"
    st.audio(encode_wav(stretch, rate), format="audio/wav", alt=shown(alt), autoplay=True)


def table(judged: list[Judged], least: float) -> None:
    """Many clips, a row each."""
    import pandas as pd

    names = label_names(next((each.answer.probabilities for each in judged if each.answer is not None), []))
    rows = [_row(item, least, names) for item in judged]
    if not any(row["Notes"] for row in rows):
        rows = [{title: cell for title, cell in row.items() if title != "Notes"} for row in rows]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height=420 if len(rows) > 10 else "auto",
        column_config={"Probability": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)},
        placeholder="–",
        alt="Labels of the clips",
    )


def _row(item: Judged, least: float, names: dict[str, str]) -> dict[str, Any]:
    """A clip in few words; of a long recording the labels that last longest, and their highest probability."""
    row: dict[str, Any] = {
        "File": shown(item.clip.name),
        "Prediction": "cannot be read",
        "Probability": None,
        "Events": None,
    }
    answer = item.answer
    if answer is None:
        return {**row, "Length (s)": None, "Notes": ""}
    heard, sure = names[answer.label], answer.probability
    if len(answer.windows) > 1:
        events = clip_events.events_of(answer, least)
        labels = [names[each.label] for each in summary_of(events)]
        row["Events"] = len(events)
        heard = ", ".join(labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "")
        heard, sure = heard or "none above the threshold", max((event.highest for event in events), default=None)
    told = "; ".join(shown(note) for note in answer.notes)
    return {**row, "Prediction": heard, "Probability": sure, "Length (s)": round(answer.seconds, 2), "Notes": told}


def csv_of(judged: list[Judged], labels: list[str]) -> str:
    """A line a file: label, probability, and the probability of each label in full precision; errors and notes in columns of their own."""
    out, columns = io.StringIO(), ["file", "label", "probability", "seconds", "error", "notes"]
    writer = Sheet(out, [*columns, *labels])
    for item in judged:
        said = {"file": item.clip.name, "error": item.error} if item.answer is None else told(item)
        for row in rows_of(said, "file", 0.0):
            writer.row(row.get(name, "") for name in [*columns, *(f"p_{shown(label)}" for label in labels)])
    return out.getvalue()


# --- examples


def example(run: Run, number: int) -> Clip:
    """A held-out clip of the run's data set; see :func:`example_of`. Those of the built-in network are made on the spot."""
    if model_picker.is_builtin(run):
        name, content, label = builtin.example(number)
        return Clip(name, content, f"builtin-{number}", label)
    return example_of(run.config.data, number, run)


def example_of(wanted: DataConfig, number: int, run: Run | None = None) -> Clip:
    """A held-out clip of a data set, the ``number``-th in an order shuffled once; one that ``run`` held out, where that is given.

    Raises:
        DatasetError: the data set is no longer there, or holds nothing out.
        AudioError: the clip cannot be read.
    """
    rows = _held_out(json.dumps(wanted.model_dump()), str(run.path) if run else "")
    row = rows[number % len(rows)]
    from labcore.audio import as_wav, content_of

    path = Path(row.path)
    sound = content_of(path) if row.whole else as_wav(path, start_s=row.start_s, end_s=row.end_s)
    key = shown(f"held out {row.path}-{row.start_s}-{row.end_s}")  # it goes to the browser
    return Clip(row.name, sound, key, row.label)


@st.cache_data(ttl=300, max_entries=8, show_spinner="Reading the data set …")
def _held_out(wanted: str, run: str) -> list[summary.Row]:
    from labcore.datasets import dataset_of, find_dataset, split_for

    config, workspace = DataConfig.model_validate(json.loads(wanted)), services.workspace()
    dataset = dataset_of(Run(Path(run)), workspace, config.dataset) if run else find_dataset(workspace, config.dataset)
    rows = dataset.table.iloc[split_for(dataset, config).held_out]
    if len(rows) == 0:
        raise DatasetError(f"data set {config.dataset} holds no clips out", "Upload a clip instead")
    return summary.rows_of(rows.iloc[np.random.default_rng(0).permutation(len(rows))[:500]])
