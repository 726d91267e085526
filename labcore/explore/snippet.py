"""The few lines of torchaudio that make the same picture as a view."""

from __future__ import annotations

from labcore.config import RunConfig
from labcore.errors import ConfigError
from labcore.features import WINDOWS

KINDS = ("spectrogram", "mel", "log-mel", "mfcc")
"""The views that there are lines for."""
COEFFICIENTS = 20
"""Of the mel-frequency cepstrum, where there are as many bands."""


def snippet(
    kind: str,
    config: RunConfig,
    *,
    file: str = "clip.wav",
    stretch: tuple[float, float] | None = None,
    of: str = "level",
) -> str:
    """Python code after which ``picture`` holds (rows, frames) of a view, for a file that soundfile reads.

    Args:
        kind: one of :data:`KINDS`.
        config: what the view was made with.
        file: the sound's path.
        stretch: start and end in seconds, where only that part of the file is on view.
        of: of ``spectrogram``: ``level`` in dB, ``magnitude`` or ``power``.

    Raises:
        ConfigError: there are no lines for this kind.
    """
    if kind not in KINDS:
        raise ConfigError(f"there is no code for the view {kind!r}", f"Choose {', '.join(KINDS)}")
    features, rate = config.features, config.sample_rate
    frame = ", ".join(f"{name}={samples}" for name, samples in config.framing._asdict().items())
    window = f'window_fn=torch.{WINDOWS[features.window].__name__}, pad_mode="constant"'
    part = "" if stretch is None else f"[round({stretch[0]:g} * rate):round({stretch[1]:g} * rate)]"
    lines = [
        "import soundfile, soxr, torch, torchaudio",
        f'samples, rate = soundfile.read({file!r}, dtype="float32", always_2d=True)',
        f"waveform = torch.from_numpy(soxr.resample(samples{part}.mean(1), rate, {rate}))",
    ]
    if kind == "spectrogram":
        lines.append(f"power = torchaudio.transforms.Spectrogram({frame}, {window})(waveform)")
    else:
        norm = None if features.mel_norm == "none" else features.mel_norm
        mels = f"n_mels={features.n_mels}, f_min={config.f_min:g}, f_max={config.f_max:g}"
        scale = f"mel_scale={features.mel_scale!r}, norm={norm!r}"
        lines.append(
            f"power = torchaudio.transforms.MelSpectrogram({rate}, {frame},\n    {mels}, {scale}, {window})(waveform)"
        )
    decibels = f"10 * power.clamp(min=10**{features.floor_db / 10:g}).log10()"
    if kind == "mel" or (kind, of) == ("spectrogram", "power"):
        lines.append("picture = power")
    elif (kind, of) == ("spectrogram", "magnitude"):
        lines.append("picture = power.sqrt()")
    elif kind == "mfcc":
        count = min(COEFFICIENTS, features.n_mels)
        basis = f'torchaudio.functional.create_dct({count}, {features.n_mels}, norm="ortho")'
        lines.append(f"picture = {basis}.T @ ({decibels})")
    else:
        lines.append(f"picture = {decibels}")
    return "\n".join(lines) + "\n"
