"""Classify: choose a run, give it clips, see and hear what it makes of them."""

import streamlit as st

from labcore.batch.segments import THRESHOLD
from labcore.errors import LabError
from labcore.runs import Run
from ui.app import limits, live, services, shell
from ui.app.text import counted, told_apart
from ui.classify import clips, predicting
from ui.classify import events as clip_events
from ui.components.model_picker import Networks, about_builtin, is_builtin

shell.open_page("Classify", "Upload a clip, record one, or try a held-out example.")


def untrained(name: str) -> None:
    """Say why the network that a link names is none to choose from."""
    if any(run.id == name for run, _ in live.runs()):
        trouble = LabError(
            f"run {name!r} has no weights yet", "Wait until it has finished, resume it, or choose another network"
        )
        shell.show_error(trouble)
    else:
        live.gone("run", name)


def choose(known: Networks) -> Run | None:
    """Which network answers; kept in the URL. None where a link names one that is not there, until one is chosen."""
    wanted = st.query_params.get("run", "")
    if wanted and wanted not in known.runs:
        untrained(wanted)
    st.session_state["classify-run"] = wanted if wanted in known.runs else None if wanted else known.usual

    def chosen(name: str) -> None:
        st.query_params["run"] = name

    return known.box("classify-run", chosen=chosen)


def given(run: Run) -> list[clips.Clip]:
    """The clips to classify, from where the visitor takes them."""
    sources = {"upload": "Upload", "record": "Record", "example": "Example"}
    icons = {"upload": ":material/upload_file:", "record": ":material/mic:", "example": ":material/library_music:"}
    st.session_state.setdefault("clip-source", "example" if is_builtin(run) else "upload")
    source = st.segmented_control(
        "Clips from",
        list(sources),
        format_func=lambda name: f"{icons[name]} {sources[name]}",
        required=True,
        label_visibility="collapsed",
        key="clip-source",
        wrap=True,
    )
    if source == "upload":
        files = st.file_uploader(
            "Clips",
            accept_multiple_files=True,
            label_visibility="collapsed",
            help="WAV, AIFF, FLAC, Ogg, Opus or MP3, at any rate. " + limits.in_words(),
        )
        return [clips.Clip.of_upload(file) for file in few_enough(files)]
    if source == "record":
        recording = st.audio_input("Recording", sample_rate=48000, label_visibility="collapsed")
        st.caption("Your browser will ask for the microphone. It works on localhost or over HTTPS.")
        return [clips.Clip.of_upload(recording, "recording.wav")] if recording is not None else []
    if st.button("Another example", icon=":material/shuffle:"):
        st.session_state["example-number"] = st.session_state.get("example-number", 0) + 1
    whose = "the demo set" if is_builtin(run) else "the run's data set"
    st.caption(f"A held-out clip of {whose}: the network was not trained on it.")
    try:
        return [clips.example(run, st.session_state.get("example-number", 0))]
    except LabError as error:
        shell.show_error(error)
        return []


def few_enough(files: list) -> list:
    """The files that are taken at once."""
    most = limits.uploads().files
    if len(files) > most:
        st.warning(
            f"At most {counted(most, 'file')} at once: only the first ones are classified. "
            "For more, use `labcore classify FOLDER`.",
            icon=":material/filter_none:",
        )
    return files[:most]


def answers(run: Run, given: list[clips.Clip]) -> None:
    judged = predicting.judge(run, given)
    failed = [item for item in judged if item.error is not None]
    for item in failed[:5]:
        shell.show_error(item.error)
    if len(failed) > 5:
        st.caption(
            f"and {counted(len(failed) - 5, 'more file', 'more files')} that cannot be read; the table lists them"
        )
    readable = [item for item in judged if item.answer is not None]
    if not readable:
        return
    number, least = 0, THRESHOLD
    if any(len(item.answer.windows) > 1 for item in readable):
        least = clip_events.threshold()
    if len(judged) > 1:
        clips.table(judged, least)
        with st.container(horizontal=True):
            download(run, judged)
            events = [clips.told(item) for item in readable if len(item.answer.windows) > 1]
            if len(events) > 1:
                table = clip_events.events_csv(events, services.classifier(run).labels, least)
                clip_events.download("Events as CSV", table, "events.csv", "text/csv")
    if len(readable) > 1:
        names = [item.clip.name for item in readable]
        number = st.selectbox(
            "Clip", range(len(names)), format_func=told_apart(range(len(names)), names.__getitem__), width=520
        )
    clips.show(run, readable[number], least)
    if len(judged) == 1:
        download(run, judged)


def download(run: Run, judged: list[clips.Judged]) -> None:
    shell.download(
        "Predictions as CSV",
        clips.csv_of(judged, services.classifier(run).labels),
        "answers.csv",
        "text/csv",
        type="tertiary",
        help="One row per clip, with the probabilities of all labels.",
    )


with shell.errors_in_place():
    services.manager()
    known = Networks()
    if not known.runs:
        if st.query_params.get("run"):
            untrained(st.query_params["run"])
        with st.container(border=True):
            st.markdown("**No trained network yet.** A run has weights once it has finished.")
            st.page_link("pages/train.py", label="Train one", icon=":material/model_training:")
    else:
        run = choose(known)
        if run is not None and is_builtin(run):
            about_builtin(alone=len(known.runs) == 1)
        taken = given(run) if run is not None else []
        if run is not None and taken:
            answers(run, taken)
    live.unreadable(Run.unreadable(services.workspace()), "run")
