"""What is done to training clips so that a network hears more than was recorded. Batched modules that run on the device.

They act at three points of the way from waveform to network: on the waveform, on the mel power before the logarithm, where
energies of sounds heard at once add up, and on the normalised log-mel. All draw from torch's global generator of the device
that the batch lies on, so that a seed set at the start of an epoch makes the epoch repeatable.
"""

from labcore.augment.chain import Augmentation
from labcore.augment.spectrogram import Bands, Equaliser, Gain, Mask, Mix, PitchShift, Speed, TimeScale
from labcore.augment.waveform import AddNoise, Reverb

__all__ = [
    "AddNoise",
    "Augmentation",
    "Bands",
    "Equaliser",
    "Gain",
    "Mask",
    "Mix",
    "PitchShift",
    "Reverb",
    "Speed",
    "TimeScale",
]
