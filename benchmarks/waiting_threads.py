"""A training step of the compact network alone and beside busy programs, by how torch's threads wait.

    python benchmarks/waiting_threads.py [--rounds 3] [--busy 0 1 4] [--counts own 0 30000 300000 3000000]

Each figure is the median step of a process of its own, and the range over the rounds; the settings take turns.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from statistics import median

from labcore.device import THREAD_ENVIRONMENT, cpu_name

LAB = THREAD_ENVIRONMENT["GOMP_SPINCOUNT"]
STEP = """
import time, torch
from labcore.config import ModelConfig
from labcore.device import arithmetic
from labcore.models import build_network
network = build_network(ModelConfig(), 10).to(memory_format=torch.channels_last)
images = torch.randn(32, 1, 64, 216).contiguous(memory_format=torch.channels_last)
times = []
for _ in range(12):
    start = time.perf_counter()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=arithmetic() == "bf16"):
        logits = network(images)
    logits.float().logsumexp(1).sum().backward()
    times.append(time.perf_counter() - start)
print(sorted(times[2:])[5])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 1, 4], help="so many programs beside it")
    parser.add_argument(
        "--counts", nargs="+", default=["own", "0", "30000", "300000", LAB], help="of GOMP_SPINCOUNT; own is libgomp's"
    )
    options = parser.parse_args()
    settings = {count: {} if count == "own" else {"GOMP_SPINCOUNT": count} for count in dict.fromkeys(options.counts)}
    print(f"{cpu_name()}, load {os.getloadavg()[0]:.1f}")
    for beside in options.busy:
        times: dict[str, list[float]] = {name: [] for name in settings}
        busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(beside)]
        try:
            for _ in range(options.rounds):
                for name, environment in settings.items():
                    times[name].append(step_seconds(environment))
        finally:
            for program in busy:
                program.kill()
                program.wait()
        for name, seconds in times.items():
            told = f"{1000 * median(seconds):6.0f} ms a step ({1000 * min(seconds):.0f} to {1000 * max(seconds):.0f})"
            print(f"beside {beside} busy {name:14}{' (the lab)' if name == LAB else ''} {told}", flush=True)


def step_seconds(environment: dict[str, str]) -> float:
    """The median step of a fresh process."""
    clean = {name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    command = [sys.executable, "-c", STEP]
    return float(subprocess.run(command, env=clean | environment, capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    main()
