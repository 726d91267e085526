"""Audio files and buffers to waveforms and back: float32, mono or channels apart, at any sample rate; and what is to tell of a file."""

from labcore.audio.files import content_of, probe
from labcore.audio.limits import Limits, default_limits
from labcore.audio.mixing import mix
from labcore.audio.recording import Recording, decode
from labcore.audio.waveforms import dequantise, encode_wav, quantise, resample, window_bounds

__all__ = [
    "Limits",
    "Recording",
    "content_of",
    "decode",
    "default_limits",
    "dequantise",
    "encode_wav",
    "mix",
    "probe",
    "quantise",
    "resample",
    "window_bounds",
]
