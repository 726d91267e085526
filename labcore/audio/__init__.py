"""Audio files and buffers to waveforms and back: float32, mono or channels apart, at any sample rate; and what is to tell of a file."""

from labcore.audio.decoder import decode, decode_channels
from labcore.audio.files import AudioInfo, Limits, probe
from labcore.audio.silence import sound_weights, weighted_mean
from labcore.audio.waveforms import dequantise, encode_wav, quantise, resample, window_bounds

__all__ = [
    "AudioInfo",
    "Limits",
    "decode",
    "decode_channels",
    "dequantise",
    "encode_wav",
    "probe",
    "quantise",
    "resample",
    "sound_weights",
    "weighted_mean",
    "window_bounds",
]
