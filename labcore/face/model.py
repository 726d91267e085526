"""Trained models: their predictions, their embeddings, and their files."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np
import pandas as pd
import torch

from labcore.audio import Recording, encode_wav
from labcore.audio.windowed import Rows, hear, weights_of_energies
from labcore.batch.inputs import named_path
from labcore.batch.predicting import predict_files
from labcore.batch.segments import threshold_in_use
from labcore.batch.tables import columns_of, rows_of
from labcore.cli.inputs import sound_files, weights_of
from labcore.cli.progress import counting
from labcore.datasets.store import open_store
from labcore.datasets.table import Dataset
from labcore.errors import AudioError, ConfigError, RunError
from labcore.evaluation.eval_set import EvalSet
from labcore.evaluation.predictions import EMBEDDING, class_columns, frame_of, known_of
from labcore.export import save_as
from labcore.extract.features import embeddings_of
from labcore.face.dataset import part_and_whole
from labcore.face.names import FILE_NAMES, MODEL_NAMES, device_of, text_of
from labcore.face.telling import as_output
from labcore.inference.classifier import Classifier
from labcore.inference.prediction import NONE_OF_THESE, Prediction
from labcore.inference.resident_clips import waveform_cache
from labcore.inference.route_finder import find_later
from labcore.inference.windows import aggregate
from labcore.runs import Run
from labcore.texts import ToldByFacts
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from typing import Self

Source: TypeAlias = str | Path | bytes | np.ndarray | torch.Tensor
"""One sound: a file by its path, the bytes of one, or samples."""
Many: TypeAlias = Dataset | Iterable[str | Path]
"""A data set, or files and folders of them."""
TOLD = ("predicted", "probability", "seconds", "error", "notes")
"""Columns that tell of a file, before those of the classes."""
MOST_CHANNELS = 8
"""More are a batch of sounds, which is refused."""
LOUDEST = 100.0
"""Floats beyond it, 40 dB above full scale, are integers that were only converted."""
TOGETHER = 64
"""Windows that the network is asked about at a time."""


def load_model(name: str | Path | Run = "last", device: str = "auto") -> Model:
    """A trained model: of a run, by its id, a part of it, or the word last; or a file, a ``.safetensors`` or the zip of a run.

    Args:
        name: "builtin" is the demo network that travels with the lab.
        device: auto, cpu, cuda or cuda:N.

    Raises:
        ConfigError: the name is no text.
        RunError: there is none, or it has no weights. Nothing in a file is executed.
        DeviceError: the device cannot be used.
    """
    place = name.path if isinstance(name, Run) else weights_of(text_of(name, "a model", MODEL_NAMES))
    return Model.load(place, device_of(device))


class Model(ToldByFacts, Classifier):
    """A classifier with its front end and labels, as a run has trained it.

    Attributes:
        labels: the classes, in the order of its probabilities.
        sample_rate: in Hz; files and arrays of any other rate are resampled.
        source: the file or the run's folder that it was loaded from; None for one that was made in memory.
    """

    source: Path | None = None

    @classmethod
    def load(cls, path: str | Path, device: str = "auto") -> Self:
        """A model from a run's folder, a ``.safetensors`` file, or the zip of a run; see :func:`load_model` for names."""
        model = super().load(path, device)
        model.source = Path(path).absolute()
        find_later(model, Workspace.default())
        return model

    @overload
    def predict(self, what: Source, rate: int | None = None, *, hop_seconds: float | None = None) -> Prediction: ...
    @overload
    def predict(self, what: Many, *, hop_seconds: float | None = None) -> pd.DataFrame: ...
    def predict(
        self, what: Source | Many, rate: int | None = None, *, hop_seconds: float | None = None
    ) -> Prediction | pd.DataFrame:
        """Predict the class of a sound, or of many clips.

        Args:
            what: a sound file, the bytes of one, or samples with their rate, which give a :class:`Prediction`; or many files, a folder
                of them, or a data set, which give a DataFrame, a row a clip.
            rate: of samples, in Hz. They are (samples,), (samples, channels) or (channels, samples): the longer axis is time, and there
                are at most 8 channels. Floats are of full scale ±1; integers are of the full scale of their type.
            hop_seconds: from one window to the next in recordings longer than a clip; half a clip where it is not given. Not for data sets.

        Returns:
            A :class:`Prediction`: ``label``, ``probability``, ``probabilities`` by label, ``windows`` of a long recording. Or a DataFrame
            with ``predicted``, ``probability`` and a column of probabilities a class; of files with ``file``, ``seconds``, ``error`` (the
            reason, where one cannot be read) and ``notes`` (what is unusual about it), of a data set with ``clip``, ``start_s``, ``end_s``,
            ``group``, ``fold`` and ``label``, less clips that cannot be read.

        Raises:
            AudioError: the one sound cannot be decoded, or there are no files.
            ConfigError: samples came without their rate, or something else with one.
        """
        if hop_seconds is not None and not isinstance(hop_seconds, numbers.Real):
            raise ConfigError(f"windows cannot be {hop_seconds!r} s apart", "Give seconds above zero")
        if isinstance(what, Dataset):
            _no_rate(rate)
            if hop_seconds is not None:
                remedy = "Their windows overlap by half; give files instead"
                raise ConfigError("hop_seconds is not for data sets", remedy)
            return self._of_dataset(what).drop(columns=EMBEDDING)
        if (one := _one_sound(what, rate)) is not None:
            return self.classify(one, hop_seconds=hop_seconds)
        return self._of_files(_files(what), hop_seconds)

    def events(
        self,
        what: Source | Prediction | Iterable[str | Path],
        rate: int | None = None,
        *,
        threshold: float | None = None,
        hop_seconds: float | None = None,
    ) -> pd.DataFrame:
        """What occurs when in long recordings, as `labcore classify --per segment` tells it.

        Args:
            what, rate, hop_seconds: as for :meth:`predict`, or what it gave of one sound.
            threshold: the least probability of an event, of every class; where it is not given, the thresholds of the weights, else 0.5.

        Returns:
            A DataFrame, a row an event: ``file`` ("" of what is none), ``start_s``, ``end_s``, ``label``, ``probability`` (the mean over
            its ``windows``), ``highest``, ``notes`` on the file. A file that cannot be read is a row with its ``error``.

        Raises:
            AudioError: the one sound cannot be decoded, or there are no files.
            ConfigError: a data set, a threshold beyond 0 to 1, or samples without their rate.
        """
        if threshold is not None and not (isinstance(threshold, numbers.Real) and 0 <= threshold <= 1):
            raise ConfigError(f"the threshold cannot be {threshold!r}", "Give a probability from 0 to 1")
        if isinstance(what, Dataset):
            raise ConfigError("events are those of recordings, and this is a data set", "Give files or a folder")
        told: Iterable[dict[str, Any]]
        if isinstance(what, Prediction):
            told = [{"file": "", **what.told()}]
        elif (one := _one_sound(what, rate)) is not None:
            name = str(one) if isinstance(one, Path) else ""
            told = [{"file": name, **self.predict(one, hop_seconds=hop_seconds).told()}]
        else:
            told = self._told_of(_files(what), hop_seconds)
        least = threshold_in_use(threshold, self.thresholds, self.label_thresholds)
        rows = [{"error": "", "notes": "", **row} for each in told for row in rows_of(each, "segment", least)]
        frame = pd.DataFrame(rows, columns=columns_of(self.labels, "segment"))
        return frame.astype(dict.fromkeys(("start_s", "end_s", "probability", "highest"), float) | {"windows": "Int64"})

    def embed(self, what: Source | Many, rate: int | None = None) -> np.ndarray:
        """Embeddings: what the network's last layer is given, the mean over the windows that hold sound.

        Args:
            what, rate: as for :meth:`predict`.

        Returns:
            float32 (width,) of one sound; (clips, width) of many files in their order, or of a data set in that of its table, less clips
            that cannot be read.

        Raises:
            AudioError: a sound cannot be decoded.
            ConfigError: the network has no last layer, or samples came without their rate.
        """
        if isinstance(what, Dataset):
            _no_rate(rate)
            rows = self._of_dataset(what)[EMBEDDING]
            if len(rows) and rows.iloc[0] is None:
                raise ConfigError("the network has no layer that gives embeddings", "Take another network")
            return np.stack(rows.to_list()).astype(np.float32)
        if (one := _one_sound(what, rate)) is not None:
            return self._embedding(one)
        files = _files(what)
        for reason in filter(None, (unread for _, unread in files)):
            raise AudioError(reason)
        return np.stack([self._embedding(file) for file, _ in files])

    def export(self, path: str | Path) -> Path:
        """Write the model to a file, by its ending. Where its weights were changed in memory, the golden clips get what it says now.

        ``.safetensors``: weights, labels and settings, for :func:`load_model`. ``.onnx``: the same, front end inside, for runtimes without
        torch. ``.zip``: what the run's page hands out, with a script and a note.

        Returns:
            The file.

        Raises:
            ConfigError: another ending.
            LabError: a package is missing (``audio-gpu-lab[onnx]``), or the network cannot be written so.
            RunError: a zip of a model that is no run's, or not as its run has it.
            WorkspaceError: the file cannot be written.
        """
        file = Path(text_of(path, "a file", FILE_NAMES)).expanduser()
        run = Run(self.source) if self.source is not None and self.source.is_dir() else None
        if run is not None and file.suffix.lower() == ".zip":
            self.on_disk()  # what the zip holds
        elif self.golden is not None and not self._is_as_saved():
            self.golden = self.golden.renewed(self.eval(), self.device, self.task.probabilities)
        return save_as(file, run, lambda: self)

    def on_disk(self) -> Path:
        """Where the model lies as it is.

        Raises:
            RunError: nowhere: it was made or changed in memory.
        """
        if self.source is not None and self._is_as_saved():
            return self.source
        raise RunError(
            "the model is not on the disk as it is",
            'Write it, and take that file: lab.load_model(model.export("changed.safetensors"))',
        )

    def _is_as_saved(self) -> bool:
        if self.source is None:
            return False
        try:
            saved, own = Classifier.load(self.source).state_dict(), self.state_dict()
        except RunError:  # it is gone
            return False
        return saved.keys() == own.keys() and all(torch.equal(value, own[name].cpu()) for name, value in saved.items())

    def _of_files(self, files: list[tuple[Path, str]], hop_seconds: float | None) -> pd.DataFrame:
        columns, rows = class_columns(self.labels, TOLD), list[dict[str, Any]]()
        for told in self._told_of(files, hop_seconds):
            shares = map(told.get("probabilities", {}).get, self.labels)
            row = {"predicted": told.pop("label", None), "error": "", **told, "notes": "; ".join(told.get("notes", ()))}
            rows.append(row | dict(zip(columns, shares, strict=True)))
        return pd.DataFrame(rows, columns=["file", *TOLD, *columns]).astype(dict.fromkeys(columns, float))

    def _told_of(self, files: list[tuple[Path, str]], hop_seconds: float | None) -> Iterator[dict[str, Any]]:
        """The prediction of each file, or ``file`` and ``error``."""
        readable = [file for file, unread in files if not unread]
        with as_output(), closing(predict_files(self, readable, hop_seconds)) as read:
            progress = counting("predicting", "file")
            for number, (file, unread) in enumerate(files, 1):
                yield {"file": str(file), "error": unread} if unread else next(read)[1]
                progress(number, len(files))

    def _of_dataset(self, data: Dataset) -> pd.DataFrame:
        fold, whole = part_and_whole(data)
        with as_output():
            store = open_store(Workspace.default(), whole, self.sample_rate, counting("reading the clips"))
            there = store.table["fold"].to_numpy()
            rows = np.arange(len(there)) if fold is None else np.flatnonzero(there == fold)
            if not len(rows):
                raise AudioError(f"not one clip of {data.name} can be read", "lab.load_dataset(…).check() tells why")
            clips = EvalSet(self, waveform_cache(store, self.device), rows, TOGETHER)
            known = known_of(store.table, rows, whole.folder)
            frame = frame_of(
                known, self.labels, store.sample_rate, clips.parts(counting("predicting", "window")), self.task
            )
        before, columns = class_columns(self.labels), class_columns(self.labels, TOLD)
        frame = frame.rename(columns=dict(zip(before, columns, strict=True)))
        shares, place = frame[columns].to_numpy(), list(frame.columns).index("label") + 1
        chosen = [self.task.chosen(self.labels, row) for row in shares]
        called = [self.task.called(self.labels, row, each) for row, each in zip(shares, chosen, strict=True)]
        frame.insert(place, "predicted", [each or NONE_OF_THESE for each in called])
        frame.insert(place + 1, "probability", shares.max(1))
        return frame

    def _embedding(self, source: str | Path | bytes) -> np.ndarray:
        def ask(samples: np.ndarray, scale: float, bounds: list[tuple[int, int]]) -> Rows:
            rows = embeddings_of(self, samples, scale, bounds)
            return lambda: rows

        windowed = hear(Recording(source, self.sample_rate), lambda: self.cutter(None, TOGETHER), ask)
        weights = weights_of_energies(windowed.energies, self.config.audio.silent_windows)
        return aggregate(windowed.rows, weights, np.zeros(len(weights), dtype=np.int64), 1)[0]

    def _facts(self) -> dict[str, str]:
        return {
            "model": self.config.model.name,
            "classes": f"{len(self.labels)} ({', '.join(self.labels)})",
            "hears": f"{self.clip_seconds:g} s at {self.sample_rate} Hz",
            "parameters": f"{sum(parameter.numel() for parameter in self.parameters()):,}",
            "device": str(self.device),
            "from": str(self.source or "memory"),
        }


def _one_sound(what: object, rate: int | None) -> Path | bytes | None:
    """What :meth:`Classifier.classify` takes, of one sound; None for many files."""
    if isinstance(what, torch.Tensor) or (isinstance(what, np.ndarray) and what.dtype.kind in "fiubc"):
        if not isinstance(rate, numbers.Real) or isinstance(rate, bool) or not 0 < rate < 2**31:
            raise ConfigError(f"samples came with the rate {rate}", "Give it in Hz: predict(samples, rate=44100)")
        return encode_wav(_planes(what), round(rate), exact=True)
    _no_rate(rate)
    if hasattr(what, "read"):
        raise ConfigError(
            f"an open file ({type(what).__name__}) is no sound", "Give its path, or its bytes: file.read()"
        )
    if isinstance(what, (str, Path)):
        path = named_path(what)
        return None if path.is_dir() else path
    return bytes(what) if isinstance(what, (bytes, bytearray, memoryview)) else None


def _no_rate(rate: int | None) -> None:
    if rate is not None:
        raise ConfigError(
            "a rate came without samples", "Give samples as an array or a tensor; files tell their own rate"
        )


def _planes(samples: np.ndarray | torch.Tensor) -> np.ndarray:
    """Samples as (channels, samples) of full scale ±1. The longer axis is time.

    Raises:
        AudioError: there are none, or in more than two dimensions; they are no real numbers, far beyond full scale, or of too many
            channels.
    """
    if isinstance(samples, torch.Tensor):  # NumPy knows no bfloat16
        samples = (samples.float() if samples.dtype == torch.bfloat16 else samples).detach().cpu().numpy()
    values = samples
    if values.dtype.kind not in "fiu":
        raise AudioError(f"samples of the type {values.dtype}", "Give integers, or floats of full scale ±1")
    if values.ndim not in (1, 2) or not values.size:
        raise AudioError(f"samples of the shape {values.shape}", "Give them as (samples,) or (samples, channels)")
    if values.dtype.kind in "iu":
        half = 2.0 ** (8 * values.dtype.itemsize - 1)
        values = (values - half if values.dtype.kind == "u" else values) / half
    elif LOUDEST < (loudest := float(np.abs(values).max())) < np.inf:
        remedy = "Give integers as they are, or divide: 16-bit ones by 32768"
        raise AudioError(f"floats are of full scale ±1, and these samples reach {loudest:,.0f}", remedy)
    planes = np.atleast_2d(values)
    if min(planes.shape) > MOST_CHANNELS:
        remedy = "Give one sound at a time, or the mean of its channels"
        raise AudioError(f"samples of the shape {values.shape} are one sound of {min(planes.shape)} channels", remedy)
    return planes.T if planes.shape[0] > planes.shape[1] else planes


def _files(what: Any) -> list[tuple[Path, str]]:
    """Sound files in their order, and in the place of a folder those in and below it; each with the reason why it cannot be read, if any.

    Raises:
        AudioError: there is not one.
        ConfigError: something among them is no path.
    """
    if isinstance(what, (Mapping, pd.DataFrame)):
        raise ConfigError(f"a {type(what).__name__} is no list of files", 'Give a column of paths: table["path"]')
    if not isinstance(what, (str, Path, Iterable)):
        raise ConfigError(
            f"a {type(what).__name__} is no sound", "Give a file, a folder, a data set, or samples and their rate"
        )
    names = [what] if isinstance(what, (str, Path)) else list(what)
    files: list[tuple[Path, str]] = []
    for name in names:
        if not isinstance(name, (str, Path)):
            raise ConfigError(f"a {type(name).__name__} among files", "Give paths, or one sound at a time")
        path = named_path(name)
        if path.is_dir():
            found = sound_files([str(path)])
            files += [*found.unread.items(), *((file, "") for file in found.files)]
        else:
            files.append((path, ""))
    if not files:
        raise AudioError("no files are named", "Name some, or a folder")
    return files
