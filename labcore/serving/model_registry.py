"""The classifiers of a service: loaded, verified by their golden clips, and exchanged while requests go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field

from labcore.errors import ConfigError, LabError, RunError
from labcore.events import Evaluated, EvaluatedLabels
from labcore.inference.classifier import Classifier
from labcore.inference.temperature import Temperature
from labcore.inference.unknown import Threshold
from labcore.runs import Run
from labcore.texts import composed, numbers_only, shown
from labcore.workspace import sha256_of, slug

Find = Callable[[str], Path]
"""A run as a user names it → the folder of a run, or a file of weights. Raises RunError where there is none."""


class ModelFacts(BaseModel):
    """A classifier at service: what a client may know of it."""

    name: str
    run: str
    network: str
    labels: list[str]
    sample_rate: int = Field(description="Hz. Clips of any rate are accepted and resampled.")
    clip_seconds: float = Field(description="Longer clips are split into windows of this length that overlap by half.")
    parameters: int
    device: str
    accuracy: float | None = Field(description="On the run's test fold.")
    several_labels: bool = Field(False, description="A clip may have several labels, or none.")
    mean_average_precision: float | None = Field(
        None, description="On the run's test fold, of a model of several labels a clip."
    )
    label_thresholds: dict[str, float] | None = Field(
        None, description="From which probability on a clip has each label, of a model of several labels a clip."
    )
    temperature: Temperature | None = Field(
        description="What calibrates the probabilities where it is `on`; null where none was fitted."
    )
    unknown: Threshold | None = Field(
        description="From which score on a sound is none of the classes, where it is `on`; null where that was not fitted."
    )
    golden_clips: int = Field(description="Clips replayed when the weights were loaded.")
    golden_difference: float | None = Field(
        description="Largest difference of a probability from its value after training."
    )
    thresholds: dict[str, float] | None = Field(
        None,
        description="Least probability of an event of each class, where the weights have thresholds; above 1: never.",
    )
    sha256: str
    loaded_at: float = Field(description="Seconds since 1970.")


@dataclass(frozen=True)
class Model:
    """A classifier at service, and what is known of it."""

    classifier: Classifier
    facts: ModelFacts

    @property
    def name(self) -> str:
        """By which requests ask for it."""
        return self.facts.name


class ModelRegistry:
    """Models by name; the first one answers where a request names none.

    Args:
        wanted: ``RUN`` or ``NAME=RUN`` for each model.
        find: how a run is found.
        device: as for :func:`labcore.device.choose_device`.
        ready: called with each classifier before it answers.

    Raises:
        LabError: a model cannot be loaded or does not answer as at the end of its training, or two have one name.
    """

    def __init__(
        self,
        wanted: list[str],
        find: Find,
        device: str = "auto",
        ready: Callable[[Classifier], object] = lambda classifier: None,
    ) -> None:
        self._find, self._device, self._ready = find, device, ready
        self._wanted: dict[str, str] = {}
        self._reloading = threading.Lock()
        self._models: dict[str, Model] = {}
        for text in wanted:
            given, separator, run = text.partition("=")
            if not separator or Path(text).exists():
                given, run = "", text
            model = self._load(given, run)
            if model.name in self._models:
                raise ConfigError(f"two models have the name {model.name}", "Name them: --run NAME=RUN")
            self._models[model.name], self._wanted[model.name] = model, run
            self._device = str(model.classifier.device)  # the others, and what is reloaded, stay on the first one's
        if not self._models:
            raise ConfigError("there is no model to serve", "Give --run RUN")

    @property
    def models(self) -> list[Model]:
        return list(self._models.values())

    def get(self, name: str = "") -> Model | None:
        """A model by its name, the first one where none is given; None where there is none of that name."""
        models = self._models
        return models.get(composed(name)) if name else next(iter(models.values()))

    def reload(self) -> dict[str, LabError | None]:
        """Load all weights that have changed, ``last`` anew too; requests in hand keep the ones they began with.

        Returns:
            Name → None, or why the weights that were there stay.
        """
        with self._reloading:
            outcome: dict[str, LabError | None] = {}
            for name, run in self._wanted.items():
                try:
                    loaded = self._load(name, run, known=self._models[name])
                except LabError as error:
                    outcome[name] = error
                except (RuntimeError, OSError) as error:  # a GPU without room for two, a disk that fails
                    outcome[name] = RunError(f"{run} cannot be loaded: {str(error).splitlines()[0]}")
                else:
                    outcome[name] = None
                    self._models = {**self._models, name: loaded}  # one assignment: readers see the old or the new
            return outcome

    def _load(self, name: str, wanted: str, known: Model | None = None) -> Model:
        path = self._find(wanted)
        file = path / "weights.safetensors" if path.is_dir() else path
        digest = _sha256(file)
        if known is not None and digest == known.facts.sha256:
            return known
        classifier = Classifier.load(path, self._device)
        if _sha256(file) != digest:
            raise RunError(f"the weights at {file} changed while being read", "Load them again")
        try:
            difference = classifier.verify()
        except RunError as error:
            raise RunError(f"{wanted} is not served: {error.what}", error.remedy) from error
        self._ready(classifier)
        result = Run(path).last_event(Evaluated) if path.is_dir() else None
        ranked = Run(path).last_event(EvaluatedLabels) if path.is_dir() else None
        limits = classifier.label_thresholds
        thresholds = classifier.thresholds
        facts = ModelFacts(
            name=slug(name or ("last" if wanted == "last" else path.name if path.is_dir() else path.stem)),
            run=shown(path.name),
            network=classifier.config.model.name,
            labels=classifier.labels,
            sample_rate=classifier.sample_rate,
            clip_seconds=classifier.clip_seconds,
            parameters=sum(parameter.numel() for parameter in classifier.network.parameters()),
            device=str(classifier.device),
            accuracy=numbers_only(result.accuracy) if result else None,
            several_labels=limits is not None,
            mean_average_precision=numbers_only(ranked.mean_ap) if ranked and ranked.mean_ap is not None else None,
            label_thresholds={label: limits.of(label) for label in classifier.labels} if limits else None,
            temperature=classifier.temperature,
            unknown=classifier.unknown.threshold if classifier.unknown is not None else None,
            golden_clips=len(classifier.golden) if classifier.golden is not None else 0,
            golden_difference=difference,
            thresholds=thresholds.values if thresholds is not None and thresholds.on else None,
            sha256=digest,
            loaded_at=time.time(),
        )
        return Model(classifier, facts)


def _sha256(file: Path) -> str:
    with RunError.on_os_error(f"the weights at {file} cannot be read"):
        return sha256_of(file)
