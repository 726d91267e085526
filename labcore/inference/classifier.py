"""Classifier: front end, network and labels in one artefact. Training makes it, everything else uses it."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from labcore.audio import Limits, Recording, dequantise, quantise, window_bounds
from labcore.audio.windowed import (
    OnShare,
    Rows,
    WindowCutter,
    WindowedPrediction,
    energies_of,
    hear,
)
from labcore.config import ModelConfig, RunConfig
from labcore.device import choose_device, full_fp32
from labcore.errors import AudioError, ConfigError, RunError
from labcore.features import LogMel
from labcore.inference.golden import TOLERANCE, Golden
from labcore.inference.prediction import Prediction
from labcore.inference.routes import Route, RoutesInUse
from labcore.inference.saying import prediction_of
from labcore.inference.temperature import Temperature
from labcore.inference.thresholds import Thresholds
from labcore.inference.unknown import Unknown
from labcore.inference.weights_file import FORMAT, Weights, read_weights, read_weights_file
from labcore.inference.windows import centred
from labcore.models import build_network
from labcore.models.ensemble import Ensemble
from labcore.models.folded import EXAMPLE_FRAMES, folded
from labcore.task.kind import Task
from labcore.task.several import SeveralLabels
from labcore.task.single import SingleLabel
from labcore.task.thresholds import LabelThresholds
from labcore.workspace import write_atomically

if TYPE_CHECKING:
    from typing import Self


class Classifier(nn.Module):
    """Waveform to probabilities.

    Args:
        config: a configuration whose clip length has been worked out.
        labels: class names in the order of the network's outputs.
        network: a network for them; a fresh one where it is not given.
        task: one label a clip where it is not given.
        members: the models of the networks that an :class:`~labcore.models.ensemble.Ensemble` is made of; empty for any other network.

    Attributes:
        golden: clips with the probabilities they were given at the end of training; None where none were kept.
        temperature: what calibrates its probabilities where it is switched on; None where none was fitted.
        unknown: what it refuses as none of its classes, where that is switched on; None where that was not fitted.
        task: one label a clip, or several.
        thresholds: the least probability of an event of each class, where they are switched on; None where none were chosen.
        routes: how the network that predictions come from is computed.
    """

    def __init__(
        self,
        config: RunConfig,
        labels: list[str],
        network: nn.Module | None = None,
        members: Sequence[ModelConfig] = (),
        task: Task | None = None,
    ) -> None:
        super().__init__()
        self.config, self.labels, self.members = config, list(labels), list(members)
        if network is None and self.members:
            network = Ensemble(build_network(member, len(labels)) for member in self.members)
        self.log_mel = LogMel(config)
        self.network = network if network is not None else build_network(config.model, len(labels))
        self.task: Task = task or SingleLabel()
        self.golden: Golden | None = None
        self.temperature: Temperature | None = None
        self.unknown: Unknown | None = None
        self.thresholds: Thresholds | None = None
        self.routes = RoutesInUse()

    @property
    def label_thresholds(self) -> LabelThresholds | None:
        """From which probability on a clip has each label; None where a clip has one label."""
        return self.task.thresholds if isinstance(self.task, SeveralLabels) else None

    @property
    def sample_rate(self) -> int:
        return self.config.sample_rate

    @property
    def band(self) -> tuple[float, float]:
        """The lowest and the highest frequency that it hears, in Hz."""
        return self.config.f_min, self.config.f_max

    @property
    def clip_seconds(self) -> float:
        return self.config.clip_samples / self.sample_rate

    @property
    def device(self) -> torch.device:
        return self.log_mel.mean.device

    def forward(self, waveforms: Tensor) -> Tensor:
        """(batch, samples) → logits (batch, classes)."""
        return self.network(self.log_mel(waveforms)[:, None])

    def for_use(self) -> Self:
        """From here on predictions come from a copy of the network that is made for use (:func:`labcore.models.folded.folded`). For one
        whose weights change no more."""
        self.eval()
        frames = min(self.log_mel.frames(self.config.clip_samples), EXAMPLE_FRAMES)
        images = torch.zeros(1, 1, self.config.features.n_mels, frames, device=self.device)
        images = images.normal_(generator=torch.Generator(self.device).manual_seed(0))
        with full_fp32():  # TF32 rounds more coarsely than the two networks may differ
            self.routes.folded = Route(folded(self.network, images))
        return self

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        """Moved elsewhere, it computes with its own network: the copies that were made for use stay where they were."""
        self.routes.folded = self.routes.taken = self.routes.choice = None
        return super()._apply(fn, recurse)

    def shares(self, logits: Tensor) -> Tensor:
        """Logits (batch, classes) → probabilities (batch, classes) float32, calibrated where a temperature is switched on."""
        logits = logits.float()
        if self.temperature is not None and self.temperature.on:
            logits = logits / self.temperature.value
        return self.task.probabilities(logits)

    def classify(
        self,
        source: str | Path | bytes,
        *,
        name: str = "",
        hop_seconds: float | None = None,
        batch_size: int = 32,
        limits: Limits | None = None,
        progress: OnShare = lambda share: None,
    ) -> Prediction:
        """Decode a file, or the bytes of one, and predict what it is. The length of a recording takes no memory.

        Args:
            name: what to call the bytes in errors.
            hop_seconds: from one window to the next in recordings longer than a clip; half a clip where it is not given.
            limits: what is accepted; lower ones for what strangers hand in.
            progress: called now and then with the share that is done; what it raises ends the work.

        Raises:
            AudioError: it cannot be decoded, or holds nothing.
        """
        recording = Recording(source, self.sample_rate, name=name, limits=limits)

        def ask(samples: np.ndarray, scale: float, bounds: list[tuple[int, int]]) -> Rows:
            rows = self.rows_of(samples, scale, bounds, batch_size)
            return lambda: rows

        windowed = hear(recording, lambda: self.cutter(hop_seconds, batch_size), ask, progress)
        return self.prediction_of(windowed, recording.notes)

    def classify_waveform(
        self, waveform: np.ndarray, *, hop_seconds: float | None = None, batch_size: int = 32
    ) -> Prediction:
        """Predict what a waveform is.

        Args:
            waveform: (samples,) float32 at the classifier's sample rate.
            hop_seconds, batch_size: as in :meth:`classify`.

        Raises:
            AudioError: it is empty.
        """
        if not len(waveform):
            raise AudioError("the waveform has no samples", "Give it a clip with samples")
        bounds = self.windows_of(len(waveform), hop_seconds)
        samples, scale = quantise(waveform)  # as the clip store does: training and use hear the same samples
        return self.prediction(samples, bounds, self.rows_of(samples, scale, bounds, batch_size))

    def prediction(
        self,
        samples: np.ndarray,
        bounds: list[tuple[int, int]],
        rows: np.ndarray,
        notes: Sequence[str] = (),
    ) -> Prediction:
        """The prediction for a clip, from those for its windows.

        Args:
            samples: (samples,) int16.
            bounds, rows: its windows, and (windows, columns) for them, as :meth:`rows_of` gives them.
            notes: of how the clip was read.
        """
        return self.prediction_of(WindowedPrediction(len(samples), bounds, energies_of(samples, bounds), rows), notes)

    def prediction_of(self, windowed: WindowedPrediction, notes: Sequence[str] = ()) -> Prediction:
        """The same of a recording that was taken window by window."""
        return prediction_of(self, windowed, notes)

    def windows_of(self, samples: int, hop_seconds: float | None = None) -> list[tuple[int, int]]:
        """First and last sample of each window over a recording; one window for a clip of about the clip length or less."""
        return window_bounds(samples, self.config.clip_samples, self._hop(hop_seconds))

    def count_windows(self, samples: int, hop_seconds: float | None = None) -> int:
        """How many there are, or one more, without listing them."""
        return max(
            1, 1 + -(-(samples - self.config.clip_samples) // min(self._hop(hop_seconds), self.config.clip_samples))
        )

    def cutter(self, hop_seconds: float | None = None, together: int = 1) -> WindowCutter:
        """What cuts the same windows out of a recording that comes in blocks."""
        return WindowCutter(self.config.clip_samples, self._hop(hop_seconds), together)

    def _hop(self, hop_seconds: float | None) -> int:
        if hop_seconds is None:
            return max(1, self.config.clip_samples // 2)
        if not 0 < hop_seconds < math.inf:
            raise ConfigError(f"windows cannot be {hop_seconds:g} s apart", "Give seconds above zero")
        return max(1, round(hop_seconds * self.sample_rate))

    def input_windows(self, samples: np.ndarray, scale: float, bounds: list[tuple[int, int]]) -> np.ndarray:
        """Windows of a clip as the network is given them: (windows, clip samples) float32.

        A shorter one is padded with silence, of a longer one the middle is taken.

        Args:
            samples, scale: (samples,) int16 and its scale, as :func:`labcore.audio.quantise` gives them.
        """
        clip = self.config.clip_samples
        return dequantise(np.stack([centred(samples[begin:end], clip) for begin, end in bounds]), scale)

    @torch.inference_mode()
    def predict_proba(self, windows: np.ndarray) -> np.ndarray:
        """Windows (batch, clip samples) float32 → probabilities (batch, classes) float32, in eval mode."""
        images = self._images(windows)
        with self.routes.working(self, len(images)) as route:
            return self.shares(route.logits(images)).cpu().numpy()

    def _images(self, windows: np.ndarray) -> Tensor:
        """(batch, clip samples) → (batch, 1, n_mels, frames)."""
        images: Tensor = self.log_mel(torch.from_numpy(windows).to(self.device))[:, None]
        return images

    def embeddings_of(
        self, samples: np.ndarray, scale: float, bounds: list[tuple[int, int]], batch_size: int = 32
    ) -> np.ndarray:
        """Embeddings of windows, as :meth:`input_windows` takes them: (windows, width) float32."""
        parts = self._parts(samples, scale, bounds, batch_size)
        return np.concatenate([self.predict_with_embeddings(part)[1] for part in parts])

    def _parts(
        self, samples: np.ndarray, scale: float, bounds: list[tuple[int, int]], batch_size: int
    ) -> Iterator[np.ndarray]:
        self._evaluating()
        for first in range(0, len(bounds), batch_size):
            yield self.input_windows(samples, scale, bounds[first : first + batch_size])

    def _evaluating(self) -> None:
        """Into eval mode, which goes through all modules, where it is not in it."""
        if self.training or self.network.training:
            self.eval()

    # --- none of these

    @property
    def refuses(self) -> bool:
        """Whether it refuses sounds that are none of its classes."""
        return self.unknown is not None and self.unknown.threshold.on

    @property
    def columns(self) -> int:
        """Of the rows that :meth:`predict_rows` gives."""
        return len(self.labels) + self.refuses

    @torch.inference_mode()
    def predict_rows(self, windows: np.ndarray) -> np.ndarray:
        """Windows (batch, clip samples) float32 → (batch, columns) float32, in eval mode: the probabilities of the classes, and after them
        how unknown the sound is, where it refuses what it does not know."""
        if self.unknown is None or not self.refuses:
            return self.predict_proba(windows)
        probabilities, embeddings = self.predict_with_embeddings(windows)
        return np.concatenate([probabilities, self.unknown.scores(embeddings)[:, None]], 1)

    @torch.inference_mode()
    def predict_with_embeddings(self, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Windows (batch, clip samples) float32 → probabilities (batch, classes) and embeddings (batch, width), float32."""
        images = self._images(windows)
        with self.routes.working(self, len(images)) as route:
            logits, embeddings = route.with_embeddings(images)
            return self.shares(logits).cpu().numpy(), embeddings.cpu().numpy()

    def rows_of(
        self, samples: np.ndarray, scale: float, bounds: list[tuple[int, int]], batch_size: int = 32
    ) -> np.ndarray:
        """Of windows, as :meth:`input_windows` takes them, what :meth:`predict_rows` gives: (windows, columns) float32."""
        return np.concatenate([self.predict_rows(part) for part in self._parts(samples, scale, bounds, batch_size)])

    # --- golden clips

    def remember(self, waveforms: np.ndarray) -> None:
        """Keep clips as the golden ones, with the probabilities they are given now: (clips, clip samples) float32; none: keep none."""
        self.eval()
        self.golden = Golden.of(waveforms, self, self.device, self.task.probabilities) if len(waveforms) else None

    def verify(self) -> float | None:
        """Replay the golden clips.

        Returns:
            The largest difference to the probabilities at the end of training; None where there are no golden clips.

        Raises:
            RunError: it is larger than ``labcore.inference.golden.TOLERANCE``.
        """
        if self.golden is None:
            return None
        self.eval()
        now = self.golden.replayed(self, self.device, self.task.probabilities)
        differences = np.abs(now - self.golden.probabilities)
        worst = float(np.nan_to_num(differences, nan=np.inf).max())
        if worst <= TOLERANCE:
            return worst
        clip, target = np.unravel_index(int(np.nan_to_num(differences, nan=np.inf).argmax()), differences.shape)
        raise RunError(
            f"the self-check failed: golden clip {clip + 1} of {len(self.golden)} is "
            f"{self.labels[int(target)]} with probability {now[clip, target]:.6f} now and was with "
            f"{self.golden.probabilities[clip, target]:.6f}; up to {TOLERANCE:g} is accepted",
            "The file was changed, or this machine's libraries compute differently: copy the weights from their run again, or install "
            "the versions named in environment.json of the run",
        )

    # --- on the disk

    def to_bytes(self) -> bytes:
        """The classifier as one safetensors file, its golden clips in it; configuration and labels lie in its header."""
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in self.state_dict().items()}
        tensors |= self.golden.tensors() if self.golden is not None else {}
        tensors |= self.unknown.tensors() if self.unknown is not None else {}
        facts: dict[str, Any] = {"format": FORMAT, "config": self.config.model_dump(), "labels": self.labels}
        if self.members:
            facts["members"] = [member.model_dump() for member in self.members]
        if self.temperature is not None:
            facts["temperature"] = self.temperature.model_dump()
        if self.unknown is not None:
            facts["unknown"] = self.unknown.threshold.model_dump()
        if isinstance(self.task, SeveralLabels):
            facts["several_labels"] = self.task.thresholds.model_dump(mode="json")
        if self.thresholds is not None:
            facts["thresholds"] = self.thresholds.model_dump()
        # one entry only: safetensors writes several in any order, and equal classifiers should be equal files
        return safetensors.torch.save(tensors, {"labcore": json.dumps(facts, sort_keys=True)})

    def save(self, path: Path) -> None:
        """Write :meth:`to_bytes` to a file, whole or not at all.

        Raises:
            WorkspaceError: the disk is full or the folder cannot be written.
        """
        write_atomically(path, self.to_bytes())

    @classmethod
    def load(cls, path: str | Path, device: str = "cpu") -> Self:
        """A classifier from a run's directory, a ``.safetensors`` file, or the zip that the lab hands out.

        Args:
            device: as for :func:`labcore.device.choose_device`.

        Raises:
            RunError: there are no weights, or they are not of this lab.
            DeviceError: the device cannot be used.
        """
        return cls._of(read_weights_file(Path(path))).to(choose_device(device).torch()).for_use()

    @classmethod
    def from_bytes(cls, content: bytes, name: str = "weights") -> Self:
        """A classifier from what :meth:`to_bytes` made, on the CPU.

        Raises:
            RunError: it is no safetensors file of this lab. Nothing in the file is executed.
        """
        return cls._of(read_weights(io.BytesIO(content), len(content), name))

    @classmethod
    def _of(cls, weights: Weights) -> Self:
        with torch.random.fork_rng(devices=[]):
            classifier = cls(weights.config, weights.labels, members=weights.members, task=weights.task)
        classifier.load_state_dict(weights.tensors)
        classifier.golden, classifier.temperature = weights.golden, weights.temperature
        classifier.unknown, classifier.thresholds = weights.unknown, weights.thresholds
        return classifier.eval()
