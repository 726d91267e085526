"""Which audio formats decode here: each is encoded in memory and decoded again by the lab's own decoder."""

from __future__ import annotations

import io

RATE = 16000
FORMATS = {
    "WAV": ("WAV", "PCM_16"),
    "AIFF": ("AIFF", "PCM_16"),
    "FLAC": ("FLAC", "PCM_16"),
    "Ogg Vorbis": ("OGG", "VORBIS"),
    "Ogg Opus": ("OGG", "OPUS"),
    "MP3": ("MP3", "MPEG_LAYER_III"),
}
"""What the lab promises to read, as libsndfile names it."""
NEAR = 0.1
"""A tone of 0.5 that comes back with a peak this far off is not the tone: lossy encoders come within a few hundredths."""


def audio_formats() -> dict[str, str]:
    """Format → what is wrong with it, in a few words; "" where it decodes."""
    try:
        import numpy as np
        import soundfile

        from labcore.audio import decode
        from labcore.errors import AudioError
    except (ImportError, OSError) as error:  # OSError: soundfile without its library
        return dict.fromkeys(FORMATS, f"soundfile cannot be loaded: {type(error).__name__}")
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE // 4) / RATE)).astype(np.float32)
    found = {}
    for name, (container, codec) in FORMATS.items():
        try:
            file = io.BytesIO()
            soundfile.write(file, tone, RATE, format=container, subtype=codec)
            waveform, _ = decode(file.getvalue(), RATE, name=name)
        except (soundfile.SoundFileError, ValueError, AudioError, RuntimeError):
            found[name] = "not in this build of libsndfile"
            continue
        middle = waveform[len(waveform) // 4 : -len(waveform) // 4]  # without the ends, where a codec rings
        found[name] = "" if abs(float(np.abs(middle).max()) - 0.5) < NEAR else "decodes incorrectly"
    return found
