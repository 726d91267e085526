"""Does `labcore benchmark` tell what torch.utils.benchmark tells of the same call?

    python benchmarks/benchmark_agreement.py [--rounds 15] [--devices cpu cuda:0]

Each case is brought to life once. Then the lab's clock and torch.utils.benchmark.Timer take turns on the same call, with the
same number of threads; in the end a plan of the command measures the same cases by itself. Prints the medians, the ratio
lab / Timer of what took turns with its quartiles over the rounds, and the command's figure.
"""

from __future__ import annotations

import argparse

import numpy as np
from _common import machine
from torch.utils.benchmark import Timer

from labcore.benchmark.cases import Case
from labcore.benchmark.inputs import BenchmarkInputs
from labcore.benchmark.machine import usable_devices
from labcore.benchmark.plan import BenchmarkPlan, Budget
from labcore.benchmark.run import run_plan
from labcore.benchmark.stepper import Stepper
from labcore.benchmark.timing import warm_up
from labcore.device import usable_cores

CASES = (
    ("article", "inference", "network", 4),
    ("compact", "inference", "network", 1),
    ("compact", "inference", "network", 32),
    ("compact", "inference", "waveform", 8),
    ("compact", "inference", "file", 8),
    ("compact", "training", "network", 16),
    ("resnet18", "inference", "network", 8),
)
HALF = {"cpu": "bf16", "cuda": "fp16"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--devices", nargs="+", default=usable_devices())
    options = parser.parse_args()
    print(machine())
    cases = [
        Case(device, *work, precision, memory_format, threads=usable_cores() if device == "cpu" else None)
        for device in options.devices
        for work in CASES
        for precision, memory_format in (("fp32", "contiguous"), (HALF[device.partition(":")[0]], "channels_last"))
    ]
    plan = BenchmarkPlan("agreement", tuple(cases), Budget(energy_seconds=0.0))
    told = {event.case: event for event in run_plan(plan) if event.type == "measurement"}
    print(f"{'case':78}  {'lab ms':>9}  {'Timer ms':>9}  {'ratio':>6}  {'quartiles':>13}  {'command ms':>10}")
    ratios = []
    for case in cases:
        lab, timer = in_turns(case, options.rounds)
        ratio = lab / timer
        ratios.append(float(np.median(lab) / np.median(timer)))
        q1, q3 = np.percentile(ratio, [25, 75])
        name = f"{case.device} {case.model} {case.mode} {case.scope} {case.batch_size} {case.form}"
        own = told[case].median_ms
        print(
            f"{name:78}  {1000 * np.median(lab):9.3f}  {1000 * np.median(timer):9.3f}  {ratios[-1]:6.3f}  "
            f"{q1:5.3f} - {q3:5.3f}  {own if own is None else round(own, 3):>10}",
            flush=True,
        )
    print(f"ratio over all cases: median {np.median(ratios):.3f}, {min(ratios):.3f} to {max(ratios):.3f}")


def in_turns(case: Case, rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """Seconds a call by the lab's clock and by torch's, (rounds,) each."""
    stepper = Stepper(case, BenchmarkInputs(case.model, case.batch_size))
    times = warm_up(stepper, 0.5)
    timer = Timer("call()", globals={"call": stepper.call}, num_threads=stepper.threads)
    lab, other = [], []
    for round_ in range(rounds):
        turns = [
            lambda: lab.append(stepper.seconds(times.calls)),
            lambda: other.append(timer.timeit(times.calls).median),
        ]
        for turn in turns if round_ % 2 else reversed(turns):  # who goes first takes turns too
            stepper.set_up()
            turn()
    stepper.close()
    return np.array(lab), np.array(other)


if __name__ == "__main__":
    main()
