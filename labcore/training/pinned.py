"""Pinned clips: sound files of the user's own that are classified after every epoch, while the network learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from labcore.audio import decode, probe
from labcore.errors import AudioError
from labcore.events import Log
from labcore.inference.classifier import Classifier
from labcore.runs import Run
from labcore.workspace import stamp_of

LONGEST_SECONDS = 300.0
"""Longer ones would hold every epoch up."""


class Pinned:
    """The sound files in a run's folder ``pinned/``, in the state they are in at the moment. Files may come and go."""

    def __init__(self, run: Run) -> None:
        self.folder = run.pinned
        self.clips: dict[str, tuple[tuple[int, int], np.ndarray | None]] = {}
        """Each file's size and time as it was read, and its waveform, None where it cannot be had."""
        self.warned: set[str] = set()
        self.warnings: list[Log] = []

    def probabilities(self, classifier: Classifier) -> dict[str, dict[str, float]]:
        """What the classifier says of each clip: name → label → probability, as :meth:`Classifier.classify` gives them.

        A file that cannot be taken is left out; a sentence on it is added to :attr:`warnings` the first time.
        """
        self._read(classifier.sample_rate)
        pinned_probabilities = {}
        for name, (_, waveform) in self.clips.items():
            if waveform is not None:
                answer = classifier.classify_waveform(waveform)
                pinned_probabilities[name] = {label: round(value, 6) for label, value in answer.probabilities.items()}
        return pinned_probabilities

    def told(self) -> list[Log]:
        """The warnings since the last call."""
        warnings, self.warnings = self.warnings, []
        return warnings

    def _read(self, sample_rate: int) -> None:
        """Take up what is new or has changed in the folder, let go of what is gone."""
        try:
            files = sorted(
                file for file in self.folder.iterdir() if not file.name.startswith(".") and not file.is_dir()
            )
        except OSError:
            files = []
        known, self.clips = self.clips, {}
        for file in files:
            clip, stamp = known.get(file.name), stamp_of(file)  # zeros of a link to nowhere, which decoding tells about
            if clip is None or clip[0] != stamp:
                clip = stamp, self._waveform(file, sample_rate)
            self.clips[file.name] = clip

    def _waveform(self, file: Path, sample_rate: int) -> np.ndarray | None:
        try:
            if probe(file).seconds > LONGEST_SECONDS:  # nothing is decoded of it
                raise AudioError(
                    f"{file.name} is longer than {LONGEST_SECONDS / 60:g} minutes", "Use a shorter part of it"
                )
            return decode(file, sample_rate, end_s=LONGEST_SECONDS)[0]
        except AudioError as error:
            if file.name not in self.warned:
                self.warned.add(file.name)
                self.warnings.append(Log(level="warning", message=f"the tracked clip {file.name} is skipped: {error}"))
            return None
