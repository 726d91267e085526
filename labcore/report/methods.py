"""How a network was trained and evaluated, in sentences for the methods of a text, with everything automatic worked out."""

from __future__ import annotations

from labcore.comparison.candidates import Candidate
from labcore.comparison.compare import setting_value
from labcore.config import RunConfig, all_settings
from labcore.datasets.registry import place_of
from labcore.downloads.origin import origin_of
from labcore.events import TrainingStarted
from labcore.models.pretrained import NONE
from labcore.report.blocks import Block, Paragraph, Section
from labcore.runs import Run
from labcore.texts import counted, percent
from labcore.workspace import Workspace

OFF = (None, 0, 0.0, "none", "off")
AMOUNTS = (
    "time_shift_seconds", "time_scale", "speed", "pitch_semitones", "equaliser_db", "gain_db", "reverb", "noise", "mixup", "time_mask",
    "freq_mask",
)  # fmt: skip
"""Settings of the augmentation that switch one on."""
SCHEDULES = {"onecycle": "a one-cycle schedule", "cosine": "a cosine schedule", "constant": "a constant rate"}


def methods(
    workspace: Workspace, each: Candidate, run: Run | None, started: TrainingStarted | None, lengths: str = ""
) -> Section:
    """Data, front end, network, training and evaluation; empty before a training has begun, which works them out.

    Args:
        run: the run, or the first one of a cross-validation; ``started`` is its beginning.
        lengths: of the folds, where some were finished early: a sentence without the final stop.
    """
    if run is None or started is None:
        return Section("Methods", [])
    told = [
        _data(workspace, each, started),
        _front_end(each.config),
        _training(each, started, run.epochs_done or started.epochs) + (lengths and f" {lengths}."),
        _augmentation(each.config),
        _evaluation(each, started),
        _software(run),
    ]
    blocks: list[Block] = [Paragraph(text) for text in told if text]
    return Section("Methods", blocks)


def _data(workspace: Workspace, each: Candidate, started: TrainingStarted) -> str:
    name = each.config.data.dataset
    about = origin_of(place_of(workspace, name))
    source = ", ".join(str(about[key]) for key in ("title", "citation", "licence", "page") if about.get(key))
    return f"Data set {name} with {len(started.labels)} classes{source and f': {source}'}."


def _front_end(config: RunConfig) -> str:
    mel, frame, seconds = config.features, config.framing, config.audio.clip_seconds
    window = f"windows of {seconds:g} s" if seconds is not None else "windows"
    samples = f"FFT of {frame.n_fft} samples, {mel.window} window of {frame.win_length}, hop of {frame.hop_length}"
    return (
        f"Clips were mixed to mono, resampled to {config.sample_rate} Hz and heard in {window}, as log-mel spectrograms: {samples}, "
        f"{mel.n_mels} bands ({mel.mel_scale.upper()} scale) from {config.f_min:g} to {config.f_max:g} Hz, floor at {mel.floor_db:g} dB."
    )


def _training(each: Candidate, started: TrainingStarted, epochs: int) -> str:
    config = each.config
    optim, model = config.optim, config.model
    of_fold = f" (where fold {started.fold} is held out)" if len(each.folds) > 1 else ""
    loss = "cross-entropy" if each.mean_ap is None else "binary cross-entropy"
    weights = "random weights" if model.pretrained == NONE else f"pretrained weights ({model.pretrained})"
    sgd = (
        f"stochastic gradient descent (Nesterov momentum {optim.momentum:g})"
        if optim.momentum
        else "stochastic gradient descent"
    )
    optimizer = "AdamW" if optim.optimizer == "adamw" else sgd
    rest = [
        f"weight decay {optim.weight_decay:g}",
        f"dropout {model.dropout:g}",
        f"label smoothing {optim.label_smoothing:g}" if optim.label_smoothing else "",
        f"gradients clipped at a norm of {optim.clip_norm:g}" if optim.clip_norm else "",
    ]
    averaged = (
        f" The weights of the last {percent(optim.averaging, 0)} of the epochs were averaged."
        if optim.averaging
        else ""
    )
    return (
        f"The network {model.name} ({started.parameters:,} parameters) was trained from {weights} for {counted(epochs, 'epoch')} on "
        f"{started.train_clips:,} clips{of_fold}, with {loss}, {optimizer}, batches of "
        f"{optim.batch_size}, a peak learning rate of {optim.peak_lr:g} with {SCHEDULES.get(optim.schedule, optim.schedule)}, "
        f"{', '.join(filter(None, rest))}; seed {config.runtime.seed}, {started.precision}.{averaged}"
    )


def _augmentation(config: RunConfig) -> str:
    settings = all_settings()
    on = [
        f"{setting.title} {setting_value(config.value(path), setting)}"
        for path, setting in settings.items()
        if path.removeprefix("augment.") in AMOUNTS and config.value(path) not in OFF
    ]
    return f"Augmentation of the training clips: {', '.join(on)}." if on else "Training clips were not augmented."


def _evaluation(each: Candidate, started: TrainingStarted) -> str:
    several = len(each.folds) > 1
    held_out = (
        f"Folds {', '.join(each.folds)} were held out in turn"
        if several
        else f"Fold {''.join(each.folds)} was held out"
    )
    clean = "" if each.leaks or started.leaks else "; none of the same recordings was trained on"
    aside = (
        f"; {started.validation_clips:,} further clips were set aside for validation"
        if started.validation_clips
        else ""
    )
    return f"{held_out}{clean}{aside}."


def _software(run: Run) -> str:
    there = run.load("environment", {})
    names = {"labcore": "Audio GPU Lab", "torch": "PyTorch", "cuda": "CUDA", "python": "Python"}
    on_gpu = str(there.get("device", "")) != "cpu"
    told = [f"{title} {there[name]}" for name, title in names.items() if there.get(name) and (on_gpu or name != "cuda")]
    device = f" on {there['device_name']}" if there.get("device_name") else ""
    return f"Software: {', '.join(told)}{device}." if told else ""
