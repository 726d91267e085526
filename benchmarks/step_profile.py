"""Where a training step's time goes on a device: its parts, its kernels, and what waits.

    python benchmarks/step_profile.py                              on a GPU: ResNet-18, batches of 256 clips of 4 s, as urbansound_speed.py
    python benchmarks/step_profile.py --device cpu --fraction 0.02 --batch-size 32 --steps 2

Prints a step as training takes it (on a GPU replayed from a CUDA graph) beside the same step queued kernel by kernel, in turn; how often a
step waits for the device; the share of the time in which the device is busy; and the kernels that take longest.
"""

from __future__ import annotations

import time
import warnings
from statistics import median

import torch
from _common import machine, parser, session, workspace
from torch.profiler import ProfilerActivity, profile
from urbansound_speed import CLIPS, flops_a_clip, make_set, settings

from labcore.device import synchronise
from labcore.training.trainer import Trainer

ROUNDS = 5


def main() -> None:
    arguments = parser(__doc__ or "", settings=True)
    arguments.add_argument("--fraction", type=float, default=0.2, help="of the clips (default: %(default)s)")
    arguments.add_argument("--batch-size", type=int, default=256)
    arguments.add_argument("--device", default="auto")
    arguments.add_argument("--model", default="resnet18")
    arguments.add_argument("--steps", type=int, default=30, help="in a row, each time (default: %(default)s)")
    options = arguments.parse_args()
    home = workspace(options.home)
    print(machine())
    folder = home.home / f"urbansound-shape-{options.fraction:g}"
    make_set(folder, round(CLIPS * options.fraction))
    made = session(settings(folder, options), home)
    print(f"on {made.device.name}, {made.precision.precision} {made.precision.memory_format}: {made.precision.reason}")
    trainer = Trainer(made)
    trainer.steps_of_epoch()
    take(trainer, options.steps)  # warm, and recorded
    ways = {"as in training": trainer.captured, "kernel by kernel": None}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, captured in ways.items():
            trainer.captured = captured
            take(trainer, min(5, options.steps))
            seconds[way].append(take(trainer, options.steps))
    trainer.captured = ways["as in training"]
    flops = flops_a_clip(made.config.model) * trainer.batch
    for way, times in seconds.items():
        middle = median(times)
        print(
            f"{way:18} {1000 * middle:8.2f} ms a step, {trainer.batch / middle:8.0f} clips/s, {flops / middle / 1e12:6.1f} TFLOP/s"
        )
    if trainer.device.type == "cuda":
        print(f"a step waits for the device {waits(trainer)} times")
    tell_kernels(trainer, min(options.steps, 10))


def take(trainer: Trainer, steps: int) -> float:
    """Seconds a step, over so many in a row, the device waited for before and after."""
    synchronise(trainer.device)
    start = time.perf_counter()
    for step in range(steps):
        trainer.step(step % trainer.steps)
    synchronise(trainer.device)
    return (time.perf_counter() - start) / steps


def waits(trainer: Trainer) -> int:
    """How often a step waits for the device, as torch tells."""
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            trainer.step(0)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchronizing" in str(warning.message) for warning in seen)


def tell_kernels(trainer: Trainer, steps: int) -> None:
    """A table of what took longest, and how much of the time the device was busy."""
    on_gpu = trainer.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of the profiler, about itself
        with profile(activities=activities, acc_events=True) as seen:
            taken = take(trainer, steps)
    order = "self_cuda_time_total" if on_gpu else "self_cpu_time_total"
    print(seen.key_averages().table(sort_by=order, row_limit=30, max_name_column_width=60))
    if on_gpu:
        kernels = [event for event in seen.events() or [] if event.device_type == torch.profiler.DeviceType.CUDA]
        busy = sum(event.time_range.elapsed_us() for event in kernels) / 1e6 / steps
        print(f"{len(kernels) / steps:.0f} kernels a step, the device busy {100 * busy / taken:.0f} % of the time")


if __name__ == "__main__":
    main()
