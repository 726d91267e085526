"""How fast this processor trains, before anything has trained here: some steps of the default network, timed once a machine.

Processors that compute in the same way differ by a factor of two, which is what a first estimate was wrong by. Needs no torch to recall.
"""

from __future__ import annotations

import time

from labcore.config import ModelConfig, RunConfig
from labcore.config.budget import USUAL_SECONDS, WATCH_COSTS, work_of
from labcore.device import DeviceChoice, arithmetic, cpu_name
from labcore.jobs.following import OnProgress
from labcore.load import Load, LoadMeter
from labcore.remembered import PRECISIONS, Remembered, key_of
from labcore.runs.times import TrainingSpeed
from labcore.workspace import Workspace

BATCH = 8
"""A small batch takes little memory of a server, and a clip takes about as long as in a large one."""
CLASSES = 10
SECONDS = 1.0
"""The timing goes on for so long: what else the processor has to do cannot be seen in less."""
PAUSE, PAUSES = 1.5, 40
"""Seconds between two looks whether the processor is idle, as it is not while a browser draws a page; and so many looks at most."""


def recall(workspace: Workspace) -> TrainingSpeed | None:
    """What was measured on this machine; None where nothing was."""
    return Remembered(workspace, PRECISIONS).recall(_key(), TrainingSpeed)


def measure(workspace: Workspace, report: OnProgress = lambda done, total: None) -> TrainingSpeed | None:
    """Wait until the processor is idle, time some steps on all cores that this process may use, and keep what was found.

    Args:
        report: called between looks and steps; what it raises ends the work.

    Returns:
        The speed; None where the processor is never idle, or a step does not fit in the memory.

    Raises:
        WorkspaceError: it cannot be kept.
    """
    meter = LoadMeter()
    for look in range(PAUSES):
        report(look, PAUSES)
        time.sleep(PAUSE)
        if _idle(meter.taken()):
            speed = _speed(report)
            if speed is None:
                return None
            if _idle(meter.taken()):
                Remembered(workspace, PRECISIONS).keep(_key(), speed)
                return speed
    return None


def _idle(load: Load | None) -> bool:
    return load is not None and load.idle


def _speed(report: OnProgress) -> TrainingSpeed | None:
    """What a second of steps tells; None where none fits in the memory."""
    import torch

    from labcore.models import build_network
    from labcore.training.precision_choice import usual_way
    from labcore.training.step_timing import median_seconds

    config, device = RunConfig(), DeviceChoice("cpu", cpu_name(), "")
    work, bands = work_of(config, USUAL_SECONDS), config.features.n_mels
    shape = (BATCH, 1, bands, round(work / bands) + 1)
    network = build_network(ModelConfig(), CLASSES)
    taken = median_seconds(usual_way(device), network, shape, torch.device("cpu"), SECONDS, report)
    if taken is None:
        return None
    each = taken / BATCH
    return TrainingSpeed(
        config.model.name, config.model.width, "", device.name, work, USUAL_SECONDS, each, WATCH_COSTS * each,
        trained=False,
    )  # fmt: skip


def _key() -> str:
    return key_of(["speed", cpu_name(), arithmetic(), 1])  # the last: what is kept, by its version
