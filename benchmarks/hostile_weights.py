"""What weights that somebody made on purpose cost until they are refused: seconds and the most memory, beside sound ones.

    python benchmarks/hostile_weights.py [--most GB]

Each file is loaded in a process of its own, which may take no more than so much memory. The largest one unpacks to 6 GB.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

FORMAT = "labcore-classifier-1"


def alone(**facts: object) -> bytes:
    """A safetensors file of a header alone."""
    described = json.dumps({"format": FORMAT, "config": {"audio": {"clip_seconds": 1}}, "labels": ["a", "b"], **facts})
    text = json.dumps({"__metadata__": {"labcore": described}}).encode()
    return len(text).to_bytes(8, "little") + text


def zeros(megabytes: int) -> bytes:
    """A zip whose weights are nothing but zeros."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("weights.safetensors", "w", force_zip64=True) as entry,
    ):
        for _ in range(megabytes):
            entry.write(bytes(2**20))
    return out.getvalue()


def entries(number: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for each in range(number):
            archive.writestr(f"{each}", b"")
    return out.getvalue()


def sound() -> bytes:
    import torch

    from labcore.config import RunConfig
    from labcore.inference.classifier import Classifier

    torch.manual_seed(0)
    return Classifier(RunConfig().replace({"audio.clip_seconds": 1}), ["a", "b"]).to_bytes()


def not_numbers() -> bytes:
    content = bytearray(sound())
    content[-4:] = b"\xff" * 4
    return bytes(content)


CASES = {
    "sound weights": sound,
    "2,000 members of 11 million weights, none of them there": lambda: alone(members=[{"name": "resnet18"}] * 2000),
    "100 members of 11 million weights, none of them there": lambda: alone(members=[{"name": "resnet18"}] * 100),
    "2,000 members of 2 million weights": lambda: alone(members=[{"name": "small_cnn"}] * 2000),
    "a zip that unpacks to 6 GB": lambda: zeros(6144),
    "a zip of 200,000 entries": lambda: entries(200_000),
    "a number that is none": not_numbers,
}  # fmt: skip


def load(file: str, most: float) -> None:
    """In a process of its own: load a file and say what it took, as JSON."""
    from labcore.errors import LabError
    from labcore.inference.classifier import Classifier

    sound_first = Path(file).with_name("sound")
    Classifier.load(sound_first)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    resource.setrlimit(resource.RLIMIT_AS, (int(most * 1e9), int(most * 1e9)))
    began = time.perf_counter()
    try:
        Classifier.load(file)
        end = "loaded"
    except LabError as error:
        end = "refused: " + str(error).replace(str(Path(file).parent) + "/", "")[:110]
    except BaseException as error:
        end = f"{type(error).__name__}: {str(error).splitlines()[0][:80] if str(error) else ''}"
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "megabytes": (peak - before) / 1024, "end": end}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=float, default=8.0, help="gigabytes that a process may take")
    parser.add_argument("--load", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.load:
        load(arguments.load, arguments.most)
        return
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sound").write_bytes(sound())
        print(f"{'file':<58} {'KB':>8} {'s':>7} {'MB more':>8}  end")
        for name, make in CASES.items():
            file = Path(folder) / "weights"
            file.write_bytes(make())
            command = [sys.executable, __file__, "--load", str(file), "--most", str(arguments.most)]
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
            size = file.stat().st_size / 1024
            try:
                told = json.loads(done.stdout.splitlines()[-1])
            except (IndexError, ValueError):
                told = {
                    "seconds": float("nan"),
                    "megabytes": float("nan"),
                    "end": f"died with status {done.returncode}",
                }
            print(
                f"{name:<58} {size:>8.0f} {told['seconds']:>7.2f} {told['megabytes']:>8.0f}  {told['end']}", flush=True
            )


if __name__ == "__main__":
    main()
