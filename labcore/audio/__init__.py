"""Audio files and buffers to waveforms and back: float32, mono, at any sample rate."""

from labcore.audio.decoder import AudioInfo, Limits, decode, probe
from labcore.audio.waveforms import dequantise, encode_wav, quantise, resample, window_bounds

__all__ = [
    "AudioInfo",
    "Limits",
    "decode",
    "dequantise",
    "encode_wav",
    "probe",
    "quantise",
    "resample",
    "window_bounds",
]
