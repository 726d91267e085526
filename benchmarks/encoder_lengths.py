"""Lengths of sound as real encoders leave it, against FFmpeg's: MP3 with and without a header, joined streams, files from pipes.

    python benchmarks/encoder_lengths.py

Needs sox, lame, oggenc, opusenc and ffmpeg (Debian: sox lame vorbis-tools opus-tools ffmpeg). Tells each file whose length
differs from FFmpeg's by more than 0.1 s, or that is refused, and prints how many there were of each kind.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from labcore.audio import decode, probe
from labcore.errors import AudioError

RATES = (8000, 11025, 16000, 22050, 32000, 44100, 48000)
LAME = ("-V0", "-V4", "-V9", "-b 64", "-b 32", "--abr 90", "-V4 -p", "-V2 -m m")
TOLERANCE_S = 0.1


def shell(line: str, folder: Path) -> None:
    subprocess.run(line, shell=True, cwd=folder, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def made(folder: Path) -> Iterator[tuple[str, Path, list[Path]]]:
    """The name of a kind, a file of it, and those it was joined of. Silence, a sweep, silence: bit rates vary."""

    def one(kind: str, name: str, *parts: str) -> tuple[str, Path, list[Path]]:
        return kind, folder / name, [folder / part for part in parts or (name,)]

    for rate, channels in itertools.product(RATES, (1, 2)):
        name = f"{rate}_{channels}"
        shell(f"sox -n -r {rate} -c {channels} -b 16 {name}.wav synth 3.5 sine 300:2000 gain -6 pad 0.5 1", folder)
        for number, options in enumerate(LAME):
            shell(f"lame --quiet {options} {name}.wav - > pipe_{name}_{number}.mp3", folder)
            shell(f"lame --quiet {options} {name}.wav head_{name}_{number}.mp3", folder)
            yield one("MP3 from a pipe", f"pipe_{name}_{number}.mp3")
            yield one("MP3 with a header", f"head_{name}_{number}.mp3")
        shell(f"ffmpeg -i {name}.wav -c:a mp2 {name}.mp2", folder)
        yield one("MP2", f"{name}.mp2")
        shell(f"ffmpeg -i {name}.wav -c:a libmp3lame -f wav in_{name}.wav", folder)
        yield one("MP3 in WAV", f"in_{name}.wav")
        joined = [f"head_{name}_1.mp3", f"pipe_{name}_1.mp3", f"head_{name}_0.mp3"]
        shell(f"cat {' '.join(joined)} > joined_{name}.mp3", folder)
        yield one("joined MP3", f"joined_{name}.mp3", *joined)
        shell(f"oggenc -Q -o {name}.ogg {name}.wav; opusenc --quiet {name}.wav {name}.opus", folder)
        for ending in ("ogg", "opus"):
            shell(f"cat {name}.{ending} {name}.{ending} > chained_{name}.{ending}", folder)
            yield one("chained Ogg", f"chained_{name}.{ending}")
        for kind in ("wav", "aiff", "au", "w64", "caf"):
            shell(f"ffmpeg -i {name}.wav -f {kind} pipe: > pipe_{name}.{kind}", folder)
            yield one(f"{kind.upper()} from a pipe", f"pipe_{name}.{kind}")
            shell(f"sox {name}.wav -t {kind} - > sox_{name}.{kind}", folder)
            yield one(f"{kind.upper()} from a pipe", f"sox_{name}.{kind}")
        shell(f"ffmpeg -i {name}.wav -f flac pipe: > pipe_{name}.flac", folder)
        yield one("FLAC from a pipe", f"pipe_{name}.flac")


def by_ffmpeg(file: Path) -> float:
    """Seconds."""
    words = ["ffmpeg", "-v", "quiet", "-i", str(file), "-f", "f32le", "-ac", "1", "-ar", "16000", "pipe:"]
    return len(subprocess.run(words, capture_output=True, check=False).stdout) / 4 / 16000


def main() -> int:
    tried, wrong = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        for kind, file, parts in made(Path(folder)):
            expected = sum(map(by_ffmpeg, parts))
            if not file.exists() or not file.stat().st_size or not expected:
                continue  # the encoder does not make this one
            tried[kind] += 1
            try:
                waveform, rate = decode(file)
                seconds, said = len(waveform) / rate, probe(file).seconds
                fault = (
                    ""
                    if max(abs(seconds - expected), abs(said - expected)) <= TOLERANCE_S
                    else f"{seconds:.2f} s, header {said:.2f} s"
                )
            except AudioError as error:
                fault = str(error)
            if fault:
                wrong[kind] += 1
                print(f"{file.name}: {fault}; FFmpeg {expected:.2f} s", file=sys.stderr)
    print("| kind | files | wrong or refused |\n|---|---|---|")
    for kind, count in tried.items():
        print(f"| {kind} | {count} | {wrong[kind]} |")
    return int(bool(wrong.total()))


if __name__ == "__main__":
    sys.exit(main())
