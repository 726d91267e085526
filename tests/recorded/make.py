"""Records a workspace for the tests of later versions: `python -m tests.recorded.make` writes ``tests/recorded/workspace``.

In it are a run that finished, one that was stopped on its way, a cross-validation and a search that were stopped on
their way, and a benchmark report. ``expected.json`` says what the stopped run reaches where nobody stops it. Clips are
made anew wherever they are needed (:func:`make_clips`). Only a version that is to be kept readable is recorded; the tests do not.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import soundfile

HERE = Path(__file__).parent
RATE, SECONDS, CLIPS = 8000, 0.5, 12
SETTINGS = [
    f"--{name}={value}"
    for name, value in {
        "dataset": "tones", "fold": 1, "epochs": 40, "batch-size": 8, "device": "cpu", "precision": "fp32",
        "audio.sample_rate": 8000, "features.n_mels": 32, "model.width": 0.25,
        "runtime.memory_format": "contiguous", "runtime.threads": 1, "runtime.golden_clips": 0,
    }.items()
]  # fmt: skip


def make_clips(folder: Path) -> Path:
    """Two classes of twelve tones in noise, half a second each at 8 kHz; the same samples everywhere."""
    for label, base in (("high", 1500), ("low", 200)):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(CLIPS):
            at = np.arange(round(RATE * SECONDS)) / RATE
            noise = np.random.default_rng(base + number).uniform(-0.2, 0.2, len(at))
            sound = 0.4 * np.sin(2 * np.pi * (base + 20 * number) * at) + noise
            soundfile.write(folder / label / f"{number:02}.wav", sound, RATE, subtype="PCM_16")
    return folder


def main() -> None:
    work = Path("/tmp") / f"labcore-recorded-{os.getpid()}"
    home, clips = work / "workspace", make_clips(work / "tones")
    environment = os.environ | {"LABCORE_HOME": str(home), "OMP_NUM_THREADS": "1", "LABCORE_USER": "ada"}

    def lab(*words: str, until: str | None = None) -> None:
        """A command of the lab; it gets a Ctrl-C once the events of a new run hold a text."""
        before = set(home.glob("runs/*/events.jsonl"))
        process = subprocess.Popen([sys.executable, "-m", "labcore", *words], env=environment)
        while process.poll() is None and until is not None:
            if any(until in path.read_text() for path in set(home.glob("runs/*/events.jsonl")) - before):
                process.send_signal(signal.SIGINT)
                break
            time.sleep(0.02)
        process.wait()

    lab("datasets", "import", str(clips))
    lab("train", *SETTINGS)
    whole = next(home.glob("runs/*"))
    (work / "whole").mkdir()
    shutil.move(whole, work / "whole")
    lab("train", *SETTINGS)
    finished = next(home.glob("runs/*")).name
    lab("train", *SETTINGS, until='"epoch": 32,')
    lab("crossval", *SETTINGS, "--folds", "1", "2", until='"evaluated"')
    lab("search", *SETTINGS, "--trials", "3", until='"evaluated"')
    lab(
        "benchmark",
        "--models",
        "small_cnn",
        "--batch-sizes",
        "1",
        "--scopes",
        "network",
        "--modes",
        "inference",
        "--devices",
        "cpu",
    )
    expected = [json.loads(line) for line in (work / "whole" / whole.name / "events.jsonl").read_text().splitlines()]
    kept = [event for event in expected if event["type"] in ("epoch", "evaluated")][-4:]
    for needless in (*home.glob("cache"), *home.glob("runs/*/tensorboard"), *home.glob(".*"), *home.glob("runs/.*")):
        shutil.rmtree(needless) if needless.is_dir() else needless.unlink()
    for run in home.glob("runs/*"):  # one network to be used and one checkpoint to go on from are enough
        stopped = (run / "checkpoints" / "last.pt").exists() and not (run / "weights.safetensors").exists()
        if (run / "weights.safetensors").exists() and run.name != finished:
            (run / "weights.safetensors").unlink()
        for checkpoint in run.glob("checkpoints/*"):
            if not stopped or checkpoint.name != "last.pt":
                checkpoint.unlink()
    shutil.rmtree(HERE / "workspace", ignore_errors=True)
    shutil.copytree(home, HERE / "workspace")
    (HERE / "expected.json").write_text(json.dumps(kept, indent=1) + "\n")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
