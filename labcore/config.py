"""Every knob of a run, defined once.

From the fields below come the sliders of the pages, the flags of the command line, the JSON in a run's directory and the
reference in ``docs/``. A knob is added by adding a field: give it a title, a help text, bounds, and a unit.

Needs no torch: the first page and the command line read it before anything heavy is loaded.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from labcore.errors import ConfigError


def knob(
    default: Any,
    title: str,
    help: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    step: float | None = None,
    unit: str = "",
    flag: str = "",
    advanced: bool = False,
    log: bool = False,
) -> Any:
    """A field with what every face of it needs.

    Args:
        default: the value without a choice of the user's; None means that the lab works it out.
        title: a few words, as a label of a widget.
        help: what it does and when to change it, one or two sentences.
        ge, le: the bounds, inclusive.
        step: the step of a slider.
        unit: the unit of the value, "" for a pure number.
        flag: the short name on the command line, without dashes; every field also has its full path.
        advanced: shown folded away.
        log: a slider on a logarithmic scale makes sense.
    """
    ui: Any = {"step": step, "unit": unit, "flag": flag, "advanced": advanced, "log": log}
    return Field(default=default, title=title, description=help, ge=ge, le=le, json_schema_extra={"ui": ui})


class Part(BaseModel):
    """A group of knobs. Frozen: a changed configuration is a new one."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataConfig(Part):
    """Which clips are trained on and which are held out."""

    dataset: str = knob(
        "demo", "Data set", "A data set of the workspace by name, or the path of a folder or CSV file.", flag="dataset"
    )
    fold: str | None = knob(
        None,
        "Held-out fold",
        "The fold whose clips are never trained on and on which the accuracy is reported. "
        "Automatic: the test part where the data set has one, else the first fold.",
        flag="fold",
    )


class AudioConfig(Part):
    """What is cut from a recording before anything is computed from it."""

    sample_rate: int = knob(
        22050,
        "Sample rate",
        "Clips are resampled to this rate once, when the clip store is built. Twice the highest frequency that matters.",
        ge=4000,
        le=96000,
        step=50,
        unit="Hz",
    )
    clip_seconds: float | None = knob(
        None,
        "Clip length",
        "How much the network hears at a time: longer clips are cropped in training and cut into windows in use, shorter ones "
        "padded with silence. Automatic: long enough for 95 % of the clips of the data set, at most 10 s.",
        ge=0.1,
        le=60,
        step=0.1,
        unit="s",
    )


class FeaturesConfig(Part):
    """The log-mel spectrogram, the one front end of training and use."""

    n_fft: int = knob(
        1024, "FFT size", "Samples in a Fourier transform: more of them resolve frequency finer and time coarser.",
        ge=64, le=8192, step=64, unit="samples", advanced=True,
    )  # fmt: skip
    win_length: int = knob(
        1024, "Window length", "Samples under the Hann window, at most the FFT size.",
        ge=32, le=8192, step=32, unit="samples", advanced=True,
    )  # fmt: skip
    hop_length: int = knob(
        512, "Hop", "Samples from one frame to the next: half of it makes twice the frames and twice the work.",
        ge=16, le=4096, step=16, unit="samples", advanced=True,
    )  # fmt: skip
    n_mels: int = knob(
        64, "Mel bands", "Rows of the spectrogram. 64 do for most sounds, 128 for fine pitch.", ge=8, le=256, step=8
    )
    f_min: float = knob(
        50.0, "Lowest frequency", "Below it nothing is heard by the network: cuts rumble and wind.",
        ge=0, le=8000, step=10, unit="Hz", advanced=True,
    )  # fmt: skip
    f_max: float | None = knob(
        None, "Highest frequency", "Above it nothing is heard by the network. Automatic: 14 kHz, or 0.9 of half the sample "
        "rate where that is lower.", ge=200, le=48000, step=100, unit="Hz", advanced=True,
    )  # fmt: skip
    floor_db: float = knob(
        -80.0, "Floor", "Levels below this one count as silence, so that digital silence and faint hiss look alike.",
        ge=-120, le=-20, step=5, unit="dB", advanced=True,
    )  # fmt: skip


class AugmentConfig(Part):
    """What is done to the training clips, anew in every epoch. Zero switches an augmentation off."""

    time_shift_seconds: float = knob(
        2.5, "Time shift", "Clips are moved by up to this much; what leaves at one end comes in at the other, so that no short "
        "sound is lost. Clips longer than the clip length are cropped at random in any case.", ge=0, le=5, step=0.1, unit="s",
    )  # fmt: skip
    time_scale: float = knob(
        0.2,
        "Time scaling",
        "Clips are played slower or faster by up to this share, at unchanged pitch.",
        ge=0,
        le=0.5,
        step=0.05,
    )
    gain_db: float = knob(
        6.0, "Gain", "Clips are made louder or softer by up to this much.", ge=0, le=24, step=1, unit="dB"
    )
    noise: float = knob(
        0.0, "Background noise", "The share of clips to which noise is added, between white and brown, at a random "
        "signal-to-noise ratio.", ge=0, le=1, step=0.05, flag="noise",
    )  # fmt: skip
    noise_snr_db: float = knob(
        10.0, "Lowest signal-to-noise ratio", "The noise is at most this loud: ratios are drawn between this one and 30 dB above it.",
        ge=-10, le=40, step=1, unit="dB", advanced=True,
    )  # fmt: skip
    mixup: float = knob(
        1.0, "Mixing", "The share of clips that are mixed with a second clip, labels in the same ratio. Energies are added, "
        "as they do when two sounds are heard at once.", ge=0, le=1, step=0.05, flag="mixup",
    )  # fmt: skip
    time_mask: float = knob(
        0.1,
        "Time masking",
        "Up to this share of the frames is blanked, in one stretch a mask.",
        ge=0,
        le=0.5,
        step=0.02,
    )
    freq_mask: float = knob(
        0.1,
        "Frequency masking",
        "Up to this share of the mel bands is blanked, in one stretch a mask.",
        ge=0,
        le=0.5,
        step=0.02,
    )
    masks: int = knob(
        1, "Masks", "How many stretches are blanked in each direction.", ge=1, le=4, step=1, advanced=True
    )
    plain_share: float = knob(
        0.1, "Plain ending", "For this last share of the epochs mixing is off, so that training ends on clips as they are.",
        ge=0, le=1, step=0.05, advanced=True,
    )  # fmt: skip


class ModelConfig(Part):
    """The network."""

    name: str = knob(
        "compact", "Network", "compact (our own, small and strong), resnet18, small_cnn (the article's), or timm:NAME for any network "
        "of timm.", flag="model",
    )  # fmt: skip
    dropout: float = knob(
        0.2, "Dropout", "The share of features that are dropped before the last layer. More of it works against overfitting.",
        ge=0, le=0.9, step=0.05, flag="dropout",
    )  # fmt: skip
    width: float = knob(
        1.0, "Width", "Channels of the compact network as a multiple of its own. Other networks keep theirs.",
        ge=0.25, le=4, step=0.25, advanced=True,
    )  # fmt: skip


class OptimConfig(Part):
    """How the weights are found."""

    epochs: int = knob(
        160, "Epochs", "How often every training clip is seen.", ge=1, le=2000, step=1, flag="epochs", log=True
    )
    batch_size: int = knob(
        32, "Batch size", "Clips in a step. Larger batches keep a GPU busy; smaller ones often learn better from few clips.",
        ge=1, le=4096, step=1, unit="clips", flag="batch-size", log=True,
    )  # fmt: skip
    optimiser: Literal["sgd", "adamw"] = knob(
        "sgd", "Optimiser", "sgd with Nesterov momentum, or adamw.", flag="optimiser"
    )
    lr: float | None = knob(
        None, "Learning rate", "The highest learning rate of the schedule. Automatic: 0.1 for sgd, 0.002 for adamw.",
        ge=1e-6, le=2, flag="lr", log=True,
    )  # fmt: skip
    schedule: Literal["onecycle", "cosine", "constant"] = knob(
        "onecycle", "Schedule", "How the learning rate moves over the run: up and down in one cycle, down along a cosine, or not at all.",
        advanced=True,
    )  # fmt: skip
    momentum: float = knob(0.9, "Momentum", "Of sgd.", ge=0, le=0.999, step=0.01, advanced=True)
    weight_decay: float = knob(
        5e-4, "Weight decay", "Pulls the weights towards zero.", ge=0, le=1, advanced=True, log=True
    )
    label_smoothing: float = knob(
        0.0, "Label smoothing", "This share of each label is spread over all classes.", ge=0, le=0.5, step=0.01
    )
    averaging: float = knob(
        0.2, "Averaged weights", "The weights of this last share of the epochs are averaged; the average is reported and saved. "
        "0 takes the last weights as they are.", ge=0, le=1, step=0.05,
    )  # fmt: skip
    clip_norm: float = knob(
        5.0, "Gradient limit", "Gradients longer than this are shortened. 0 leaves them.", ge=0, le=100, advanced=True
    )


class RuntimeConfig(Part):
    """Where and in what form the work is done."""

    device: str = knob(
        "auto",
        "Device",
        "auto, cpu, cuda, or cuda:N. auto takes the first GPU that can run a kernel, else the CPU.",
        flag="device",
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = knob(
        "auto", "Precision", "auto times a few steps in each precision and memory format and takes the fastest.", advanced=True,
        flag="precision",
    )  # fmt: skip
    memory_format: Literal["auto", "contiguous", "channels_last"] = knob(
        "auto",
        "Memory format",
        "How images lie in memory inside the network. auto as for the precision.",
        advanced=True,
    )
    seed: int = knob(
        0, "Seed", "The same seed on the same machine makes the same run.", ge=0, le=2**31 - 1, flag="seed"
    )
    threads: int | None = knob(
        None, "CPU threads", "Automatic: one a core that this process may use.", ge=1, le=1024, advanced=True
    )


class RunConfig(Part):
    """All knobs of one run."""

    data: DataConfig = DataConfig()
    audio: AudioConfig = AudioConfig()
    features: FeaturesConfig = FeaturesConfig()
    augment: AugmentConfig = AugmentConfig()
    model: ModelConfig = ModelConfig()
    optim: OptimConfig = OptimConfig()
    runtime: RuntimeConfig = RuntimeConfig()

    @model_validator(mode="after")
    def _combinations(self) -> RunConfig:
        features, rate = self.features, self.audio.sample_rate
        if features.win_length > features.n_fft:
            raise ValueError(
                f"features.win_length {features.win_length} is longer than features.n_fft {features.n_fft}"
            )
        if features.hop_length > features.win_length:
            raise ValueError(
                f"features.hop_length {features.hop_length} is longer than features.win_length {features.win_length}"
            )
        if self.f_max > rate / 2:
            raise ValueError(f"features.f_max {self.f_max:g} Hz is above half the sample rate, {rate / 2:g} Hz")
        if features.f_min >= self.f_max:
            raise ValueError(f"features.f_min {features.f_min:g} Hz is not below features.f_max {self.f_max:g} Hz")
        return self

    @property
    def f_max(self) -> float:
        """The highest frequency of the mel bands in Hz, with "automatic" worked out."""
        return self.features.f_max if self.features.f_max is not None else min(14000.0, 0.45 * self.audio.sample_rate)

    @property
    def lr(self) -> float:
        """The highest learning rate, with "automatic" worked out."""
        return self.optim.lr if self.optim.lr is not None else {"sgd": 0.1, "adamw": 0.002}[self.optim.optimiser]

    @property
    def clip_samples(self) -> int:
        """Samples in one input of the network. Only for a configuration whose ``clip_seconds`` has been worked out."""
        if self.audio.clip_seconds is None:
            raise ConfigError(
                "audio.clip_seconds is still automatic", "Resolve the configuration with a data set first"
            )
        return max(1, round(self.audio.clip_seconds * self.audio.sample_rate))

    def changed(self, changes: dict[str, Any]) -> RunConfig:
        """A configuration with some knobs turned.

        Args:
            changes: path → value, e.g. ``{"optim.epochs": 50}``. Texts are converted as pydantic converts them.

        Raises:
            ConfigError: a path that does not exist, a value out of bounds, or a combination that cannot work.
        """
        tree = self.model_dump()
        for path, value in changes.items():
            part, _, name = path.partition(".")
            if part not in tree or name not in tree[part]:
                raise ConfigError(f"there is no setting {path!r}", "`labcore train --help` lists them all")
            tree[part][name] = value
        return parse(tree)


def parse(tree: Any) -> RunConfig:
    """A configuration from nested dictionaries (as JSON gives them), with errors that name the setting.

    Raises:
        ConfigError: an unknown setting, a value out of bounds, or a combination that cannot work.
    """
    try:
        return RunConfig.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        what = f"{where} = {first['input']!r}: {message}" if where else message
        raise ConfigError(what, "Change this setting") from error


class Knob(BaseModel):
    """One field of the configuration, described for whoever makes a face of it: widget, flag, page of the reference."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    path: str
    title: str
    help: str
    kind: Literal["int", "float", "text", "choice"]
    default: Any
    optional: bool
    choices: Annotated[tuple[str, ...], Field(default=())]
    ge: float | None
    le: float | None
    step: float | None
    unit: str
    flag: str
    advanced: bool
    log: bool


def knobs() -> dict[str, Knob]:
    """All knobs by their path (``optim.epochs``), in the order of their definition."""
    return {
        f"{part}.{name}": _knob(f"{part}.{name}", field)
        for part, part_field in RunConfig.model_fields.items()
        for name, field in part_field.annotation.model_fields.items()  # type: ignore[union-attr]
    }


_KINDS: dict[Any, Literal["int", "float", "text"]] = {int: "int", float: "float", str: "text"}


def _knob(path: str, field: FieldInfo) -> Knob:
    annotation: Any = field.annotation
    optional = type(None) in get_args(annotation)
    if optional:
        annotation = next(kind for kind in get_args(annotation) if kind is not type(None))
    choices = get_args(annotation) if get_origin(annotation) is Literal else ()
    bounds = {name: getattr(item, name) for item in field.metadata for name in ("ge", "le") if hasattr(item, name)}
    extra: Any = field.json_schema_extra
    return Knob(
        path=path,
        title=field.title or path,
        help=field.description or "",
        kind="choice" if choices else _KINDS[annotation],
        default=field.default,
        optional=optional,
        choices=choices,
        ge=bounds.get("ge"),
        le=bounds.get("le"),
        **extra["ui"],
    )
