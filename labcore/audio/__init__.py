"""Audio files and buffers to waveforms and back: float32, mono or channels apart, at any sample rate; and what is to tell of a file."""

from labcore.audio.decoder import Sound, as_wav, decode, decode_channels, read_sound
from labcore.audio.files import AudioInfo, Limits, content_of, probe
from labcore.audio.mixing import mix
from labcore.audio.silence import sound_weights, weighted_mean
from labcore.audio.waveforms import dequantise, encode_wav, quantise, resample, window_bounds

__all__ = [
    "AudioInfo",
    "Limits",
    "Sound",
    "as_wav",
    "content_of",
    "decode",
    "decode_channels",
    "dequantise",
    "encode_wav",
    "mix",
    "probe",
    "quantise",
    "read_sound",
    "resample",
    "sound_weights",
    "weighted_mean",
    "window_bounds",
]
