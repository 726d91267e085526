"""How long the choice of precision takes beside other work, and what it chooses.

    python benchmarks/precision_under_load.py [--busy 0 2] [--rounds 3] [--steps 1600]

Each round starts with an empty memory. With --busy 2, two processes compute all the while. Prints seconds, the choice and the reason.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from pathlib import Path

import torch
from _common import machine, parser

from labcore.config import RunConfig
from labcore.device import choose_device
from labcore.models import build_network
from labcore.training.precision_choice import PrecisionChooser
from labcore.workspace import Workspace


def compute() -> None:
    matrix = torch.randn(1200, 1200)
    while True:
        matrix = torch.nn.functional.normalize(matrix @ matrix)


def main() -> None:
    arguments = parser(__doc__ or "")
    arguments.add_argument("--busy", nargs="+", type=int, default=[0, 2], help="busy processes beside it")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--steps", type=int, default=1600, help="of the run that is to begin")
    options = arguments.parse_args()
    print(machine(), flush=True)
    config = RunConfig().replace({"audio.clip_seconds": 5.0, "runtime.compile": "off"})
    torch.set_num_threads(2)
    shape = (32, 1, config.features.n_mels, 216)
    for busy in options.busy:
        others = [multiprocessing.get_context("spawn").Process(target=compute, daemon=True) for _ in range(busy)]
        for other in others:
            other.start()
        time.sleep(4.0 * bool(busy))
        for _ in range(options.rounds):
            with tempfile.TemporaryDirectory() as home:
                start = time.perf_counter()
                choice = PrecisionChooser(
                    config.runtime,
                    config.model,
                    build_network(config.model, 10),
                    shape,
                    choose_device("cpu"),
                    Workspace(Path(home)),
                    options.steps,
                ).precision()
                seconds = time.perf_counter() - start
            print(
                f"{busy} busy: {seconds:.1f} s, {choice.precision} {choice.memory_format}: {choice.reason}", flush=True
            )
        for other in others:
            other.terminate()


if __name__ == "__main__":
    main()
