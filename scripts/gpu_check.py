"""What only a GPU can show, in about eight minutes: `make gpu-check`. Writes a report that names card, driver, versions and every figure.

    python scripts/gpu_check.py [--out FOLDER] [--small] [--only STEP …]

Each step is a command of the lab or of benchmarks/ with a time limit of its own; one that fails is told, and the next one runs. The
folder gets report.md (a line a step, and the lines that matter of each) and a log a step. A step stands in the report when it begins: of a
check that was ended, the last one says how far it came. `--small` takes a small fraction of all sizes: so the script itself is tried on a
machine without a GPU. Nothing needs a network. Exit status: 0 if every step passed, else 1; 143 where it was ended by SIGTERM.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
LAB = (PYTHON, "-m", "labcore")


@dataclass(frozen=True)
class Step:
    """A command, how long it may take in seconds, and which of its lines are told."""

    name: str
    what: str
    seconds: float
    command: tuple[str, ...]
    told: Callable[[str], Iterable[str]]


def last(count: int) -> Callable[[str], Iterable[str]]:
    return lambda output: output.splitlines()[-count:]


def lines_like(pattern: str) -> Callable[[str], Iterable[str]]:
    return lambda output: [line for line in output.splitlines() if re.search(pattern, line)]


def objects(output: str) -> list[dict[str, object]]:
    """The lines that are JSON objects."""
    found = []
    for line in output.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def told_by_doctor(output: str) -> Iterable[str]:
    for found in objects(output):
        yield str(found.get("sentence", ""))


def told_by_training(output: str) -> Iterable[str]:
    """Precision, clips a second of the last epoch, accuracy and seconds."""
    epochs = [event for event in objects(output) if event.get("type") == "epoch"]
    for event in objects(output):
        if event.get("type") == "training_started":
            yield f"on {event['device']} in {event['precision']} {event['memory_format']}: {event['precision_reason']}"
        elif event.get("type") == "evaluated":
            yield f"accuracy {100 * float(str(event['accuracy'])):.1f} %"
        elif event.get("type") == "run_finished":
            yield f"{event['state']} after {event['seconds']} s {event['error']}".strip()
    if epochs:
        yield f"{float(str(epochs[-1]['clips_per_second'])):.0f} clips/s in the last of {len(epochs)} epochs"


def told_by_evaluation(output: str) -> Iterable[str]:
    for found in objects(output):
        yield f"accuracy {100 * float(str(found['accuracy'])):.2f} %, macro F1 {float(str(found['macro_f1'])):.4f}"


def told_by_benchmark(output: str) -> Iterable[str]:
    """Each case that was timed: forward passes of the article's network first, of which it reports 8 ms on a GPU and 120 ms on a CPU."""
    for case in objects(output):
        if case.get("median_ms"):
            names = [str(case[key]) for key in ("model", "mode", "scope")]
            yield (
                f"{case['device']:8} {' '.join(names):32} batch {case['batch_size']:>4} {case['precision']:>5} "
                f"{case['memory_format']:13} {float(str(case['median_ms'])):8.2f} ms"
            )


def steps(small: bool, device: str, several: bool = False) -> list[Step]:
    """All steps, the most telling first; ``several``: there is more than one GPU."""
    size = ("--fraction", "0.01", "--batch-size", "32") if small else ()
    folds = ("--folds", "1", "--epochs", "1") if small else ("--folds", "10", "--epochs", "50")
    brief = ("--epochs", "2") if small else ()
    home = ("--home", os.environ["LABCORE_HOME"])
    on = ("--device", device)
    tests = sorted(
        str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("*.py") if "mark.gpu" in path.read_text("utf-8")
    )
    speed = (PYTHON, "benchmarks/urbansound_speed.py", *on, *home, *size)
    profile = (PYTHON, "benchmarks/step_profile.py", *on, *home, *size, *(("--steps", "2") if small else ()))
    told_speed = lines_like(r"^(fold |whole|epochs|training steps|  \w+ .*%$|step |network |on )")
    told_profile = lines_like(r"^(as in training|kernel by kernel|a step waits|\d+ kernels|on )")
    quick = (*LAB, "train", "--dataset", "demo", "--preset", "quick", *brief)
    every_gpu_test = (PYTHON, "-m", "pytest", "-q", "-m", "gpu", *(["--collect-only"] if small else []), *tests)
    return [
        Step("doctor", "is the GPU usable", 60, (*LAB, "doctor", "--json"), told_by_doctor),
        Step("tests", "the tests that need one", 120, every_gpu_test, last(8)),
        Step("demo", "the demo set", 30, (*LAB, "datasets", "demo"), last(1)),
        Step(
            "train",
            "the quick preset on the demo set",
            60,
            (*quick, *on, "--json"),
            told_by_training,
        ),
        *([Step("all", "the same on all GPUs", 90, (*quick, "--device", "all", "--json"), told_by_training)] * several),
        Step(
            "evaluate",
            "the demo set on the device",
            30,
            (*LAB, "evaluate", "--dataset", "demo", *on, "--json"),
            told_by_evaluation,
        ),
        Step(
            "parity",
            "the same on the CPU",
            30,
            (*LAB, "evaluate", "--dataset", "demo", "--device", "cpu", "--json"),
            told_by_evaluation,
        ),
        Step("profile", "a step of ResNet-18", 60, profile, told_profile),
        Step("speed", "ten folds of a set as large as UrbanSound8K", 240, (*speed, *folds), told_speed),
        Step(
            "compiled",
            "the same step, compiled",
            90,
            (*profile, "--set", f"runtime.compile={'off' if small else 'on'}"),
            told_profile,
        ),
        Step("benchmark", "CPU against GPU", 60, (*LAB, "benchmark", "--quick", "--json"), told_by_benchmark),
    ]


def machine() -> list[str]:
    """Card, driver and versions, a line each."""
    script = """
from importlib.metadata import version
from labcore.benchmark.machine import describe
it = describe([])
print(f"Python {it['python']}, torch {it['torch']}, torchaudio {version('torchaudio')}, CUDA {it['cuda']}, cuDNN {it['cudnn']}")
"""
    versions = _answer([PYTHON, "-c", script], 120) or ["torch cannot be loaded"]
    cards = _answer(["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"], 20)
    commit = _answer(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], 20)
    return [
        *(cards or ["no NVIDIA GPU"]),
        *versions,
        f"{os.cpu_count()} CPU cores",
        *(f"commit {line}" for line in commit),
    ]


def _answer(command: Sequence[str], seconds: float) -> list[str]:
    """The lines that a command prints; none where it is missing, fails, or takes longer."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.strip().splitlines() if done.returncode == 0 else []


def take(step: Step, folder: Path, patience: float = 1.0) -> tuple[int, float, list[str]]:
    """Run a step, within so many times its limit.

    Returns:
        Its exit status (124 where it took too long), seconds, and the lines that are told.
    """
    start = time.perf_counter()
    log = folder / f"{step.name}.log"
    with log.open("w", encoding="utf-8") as file:
        status = _status(step.command, file, patience * step.seconds)
    output = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text("utf-8", "replace"))
    output, _, _ = output.partition("nanobind: leaked")  # as Triton 3.9, of torch 2.15, says at the very end
    told = _lines(step, output) if status == 0 else output.splitlines()[-15:]
    return status, time.perf_counter() - start, [line[:300] for line in told if line.strip()]


def _status(command: Sequence[str], log: TextIO, seconds: float) -> int:
    """Run a command with its output into a file; its exit status, 124 where it took too long, 127 where it cannot be started.

    It ends with all that it started: what went on would have the GPU while the next step is timed. What even that does not end, as a
    process that a driver holds, is left behind.
    """
    try:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    except OSError as error:
        log.write(f"{error}\n")
        return 127
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return 124
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)


def _lines(step: Step, output: str) -> list[str]:
    """The lines that are told of a step; the last ones where they are not as expected."""
    try:
        return list(step.told(output))
    except (LookupError, ValueError, TypeError) as error:
        return [f"its figures cannot be read: {type(error).__name__}: {error}", *output.splitlines()[-15:]]


def _ended(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument(
        "--out", type=Path, default=Path("gpu-check"), help="folder of the report (default: gpu-check)"
    )
    arguments.add_argument("--small", action="store_true", help="a small fraction of all sizes, on the CPU")
    arguments.add_argument("--only", nargs="+", metavar="STEP", help="these steps alone")
    options = arguments.parse_args()
    folder: Path = options.out.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("LABCORE_HOME", str(folder / "workspace"))
    os.environ.update(PYTHONPATH=f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}", PYTHONUNBUFFERED="1")
    report = folder / "report.md"
    report.write_text(f"# GPU check, {time.strftime('%Y-%m-%d')}\n\n" + "\n".join(machine()) + "\n", "utf-8")
    signal.signal(signal.SIGTERM, _ended)  # so that the step at hand ends with this process
    worst = 0
    several = not options.small and len(_answer(["nvidia-smi", "--list-gpus"], 20)) > 1
    for step in steps(options.small, "cpu" if options.small else "cuda", several):
        if options.only and step.name not in options.only:
            continue
        command = " ".join(step.command).replace(PYTHON, "python").replace(os.environ["LABCORE_HOME"], "HOME")
        with report.open("a", encoding="utf-8") as file:
            file.write(f"\n## {step.name}: {step.what}\n\n`{command}`\n\n")
        status, seconds, told = take(step, folder, 5 if options.small else 1)
        worst = max(worst, status != 0)
        outcome = "passed" if status == 0 else f"FAILED ({'too slow' if status == 124 else f'status {status}'})"
        with report.open("a", encoding="utf-8") as file:
            file.write(f"{outcome}, {seconds:.0f} s\n\n")
            file.writelines(f"    {line}\n" for line in told)
        print(f"{step.name:10} {outcome}, {seconds:.0f} s", *told[-1:], sep="  ", flush=True)
    print(f"report: {report}")
    return int(worst)


if __name__ == "__main__":
    sys.exit(main())
