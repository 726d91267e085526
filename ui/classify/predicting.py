"""What the classifier says of clips on the Classify page: short ones at once, long recordings beside the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from labcore.audio import Limits, Recording
from labcore.audio.containers import foreign_kind
from labcore.errors import LabError
from labcore.runs import Run
from ui.app import limits, long_work, services, uploaded_files
from ui.app.text import counted, plain
from ui.components import long_bar
from ui.components.clip import Clip

if TYPE_CHECKING:
    from labcore.inference.classifier import Classifier
    from labcore.inference.prediction import Prediction

GROUP = "classify"
BATCH = 16
"""Windows that the network is given at once: on a CPU more are no quicker, and take more memory."""


@dataclass(frozen=True)
class PredictedClip:
    """A clip with what the classifier says of it, or why it says nothing."""

    clip: Clip
    answer: Prediction | None = None
    error: LabError | None = None

    def told(self) -> dict[str, Any]:
        """What is said of it, as the tables of :mod:`labcore.batch` take it."""
        if self.answer is None:
            return {"file": self.clip.name, "error": str(self.error)}
        return {"file": self.clip.name, **self.answer.told()}


def predict(run: Run, clips: list[Clip]) -> list[PredictedClip]:
    """Classify clips, with progress. A file that cannot be read keeps its error and the others go on.

    Long recordings are classified beside the page, one of a visit at a time: their bars are drawn here, and they are left out until
    they are answered.
    """
    network = services.classifier(run)
    version = run.weights.stat().st_mtime_ns
    predicted: list[PredictedClip] = []
    bar = st.progress(0.0) if len(clips) > 1 else None
    keys: list[str] = []
    waiting: list[long_work.LongWork] = []
    for number, clip in enumerate(clips):
        if bar is not None:
            bar.progress(number / len(clips), text=f"Classifying {plain(clip.name)}, {number + 1} of {len(clips)}")
        try:
            if not _is_long(clip.key, network.sample_rate, clip.name, clip.content):
                predicted.append(
                    PredictedClip(clip, answer=_answer(str(run.path), version, clip.name, clip.key, clip.content))
                )
                continue
            keys.append(f"{run.id} {version} {clip.key}")
            if any(work.running for work in waiting):
                continue  # its turn comes
            work = _at_work(keys[-1], run, network, clip)
            if work.running or work.stopped:
                waiting.append(work)
            else:
                predicted.append(PredictedClip(clip, answer=work.result))
        except LabError as error:
            predicted.append(PredictedClip(clip, error=error))
    if bar is not None:
        bar.empty()
    long_work.keep(GROUP, keys)
    uploaded_files.keep(GROUP, (clip.key for clip in clips))
    for work in waiting:
        (long_bar.bar if work.running else long_bar.again)(work)
    left = len(clips) - len(predicted) - len(waiting)
    if left:
        st.caption(f"{counted(left, 'more long recording waits', 'more long recordings wait')} behind it.")
    return predicted


@st.cache_data(max_entries=500, show_spinner=False)
def _is_long(key: str, rate: int, name: str, _content: bytes | Path) -> bool:
    """Whether a clip is classified beside the page. What is decoded as a whole to be looked at is."""
    if isinstance(_content, Path):
        with _content.open("rb") as file:
            head = file.read(512)
    else:
        head = _content[:512]
    if foreign_kind(head):
        return True
    return Recording(_content, rate, name=name, limits=limits.sound()).is_long()


def _at_work(key: str, run: Run, network: Classifier, clip: Clip) -> long_work.LongWork:
    accepted = limits.sound()

    def work(progress: Callable[[float], None]) -> Prediction:
        return _classified(run, network, clip.name, clip.content, accepted, progress)

    return long_work.start(key, clip.name, GROUP, "Classifying", work)


@st.cache_data(max_entries=500, show_spinner="Classifying …", show_time=True)
def _answer(path: str, version: int, name: str, key: str, _content: bytes | Path) -> Prediction:
    run = Run(Path(path))
    with long_work.places(short=True).taken():
        return _classified(run, services.classifier(run), name, _content, limits.sound())


def _classified(
    run: Run,
    network: Classifier,
    name: str,
    content: bytes | Path,
    accepted: Limits,
    progress: Callable[[float], None] = lambda share: None,
) -> Prediction:
    """What is heard. A training may fill the GPU: the clip is then answered by the CPU."""
    try:
        return network.classify(content, name=name, limits=accepted, batch_size=BATCH, progress=progress)
    except RuntimeError as error:
        if "out of memory" not in str(error):
            raise
    from labcore.inference.classifier import Classifier

    on_cpu = Classifier.load(run.path, device="cpu")
    return on_cpu.classify(content, name=name, limits=accepted, batch_size=BATCH, progress=progress)
