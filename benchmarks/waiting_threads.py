"""A training step of the compact network on a quiet machine and beside a busy program, by how torch's threads wait.

    python benchmarks/waiting_threads.py [--rounds 3]

Each figure is the median step of a process of its own; the settings take turns.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from statistics import median

from labcore.device import THREAD_ENVIRONMENT, cpu_name

SETTINGS = {
    "libgomp's own": {},
    "passive": {"OMP_WAIT_POLICY": "PASSIVE"},
    "the lab's": THREAD_ENVIRONMENT,
}
STEP = """
import time, torch
from labcore.config import ModelConfig
from labcore.models import build_network
network = build_network(ModelConfig(), 10).to(memory_format=torch.channels_last)
images = torch.randn(32, 1, 64, 216).contiguous(memory_format=torch.channels_last)
times = []
for _ in range(12):
    start = time.perf_counter()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(images)
    logits.float().logsumexp(1).sum().backward()
    times.append(time.perf_counter() - start)
print(sorted(times[2:])[5])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    print(cpu_name())
    for place in ("quiet", "beside a busy program"):
        times: dict[str, list[float]] = {name: [] for name in SETTINGS}
        busy = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if place != "quiet" else None
        try:
            for _ in range(rounds):
                for name, environment in SETTINGS.items():
                    times[name].append(step_seconds(environment))
        finally:
            if busy is not None:
                busy.kill()
                busy.wait()
        for name, seconds in times.items():
            print(f"{place:22} {name:14} {1000 * median(seconds):6.0f} ms a step")


def step_seconds(environment: dict[str, str]) -> float:
    """The median step of a fresh process."""
    clean = {name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    command = [sys.executable, "-c", STEP]
    return float(subprocess.run(command, env=clean | environment, capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    main()
