"""Runs worked on by a Ray cluster: a task each, which asks for one GPU, or for cores where the cluster has none.

The nodes see the workspace under the same path, so that results stand in the same run directories as ever, and have the lab
installed. A node that dies takes no run with it: Ray starts the task again, which goes on from the run's last checkpoint.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labcore.device import usable_cores
from labcore.errors import ConfigError, DeviceError
from labcore.runs import Run
from labcore.texts import counted

RETRIES = 3
"""How often Ray starts a task again whose node or process has died."""


@dataclass
class Tasks:
    """Runs at work on a cluster. ``about`` says on what, in a sentence."""

    ray: Any
    runs: dict[Any, Run]
    about: str
    _done: dict[Any, str] = field(default_factory=dict)

    def done(self) -> bool:
        """Whether every task has come to an end."""
        open_ = [task for task in self.runs if task not in self._done]
        if open_:
            for task in self.ray.wait(open_, num_returns=len(open_), timeout=0)[0]:
                self._done[task] = self._end(task)
        return len(self._done) == len(self.runs)

    def troubles(self) -> dict[str, str]:
        """Run id → why its task ended without a word in the run's events."""
        return {self.runs[task].id: trouble for task, trouble in self._done.items() if trouble}

    def stop(self) -> None:
        """Ask every run to stop after its batch; those that wait for a node end as soon as they are started."""
        for task, run in self.runs.items():
            if task not in self._done and not run.stop_requested:
                with contextlib.suppress(OSError):  # removed in the meantime
                    run.request_stop()

    def _end(self, task: Any) -> str:
        try:
            trouble: str = self.ray.get(task)
        except Exception as error:  # the cluster lost it, or the lab is not installed there
            return " ".join(str(error).split())[-400:]
        return trouble


def need_ray() -> Any:
    """The module ray.

    Raises:
        ConfigError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when it is imported
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            "Ray is not installed", "Install it with `pip install 'audio-gpu-lab[ray]'`, or leave --engine ray out"
        ) from error
    return ray


@contextlib.contextmanager
def working(
    runs: Sequence[Run],
    *,
    address: str | None = None,
    cores: int | None = None,
    workers: int | None = None,
    by: str = "",
) -> Iterator[Tasks]:
    """Hand runs to a Ray cluster; at the end the connection is closed, and a Ray that was started here ends.

    Args:
        runs: none of them at work. They need not wait in the queue.
        address: of the cluster; where not given, what RAY_ADDRESS says, else a Ray of this machine alone is started.
        cores: CPU cores for a run without a GPU; an equal share of the cluster's for each run where not given.
        by: whose the runs are.
        workers: cores that a Ray of this machine alone has; all that this process may use where not given.

    Raises:
        ConfigError: Ray is not installed.
        DeviceError: there is no cluster at that address, or it has too few cores, or no GPU though the runs ask for one.
    """
    ray = need_ray()
    address = address or os.environ.get("RAY_ADDRESS")
    options: dict[str, Any] = {"log_to_driver": False, "configure_logging": False, "ignore_reinit_error": False}
    if address is None:
        package = str(Path(__file__).resolve().parents[2])
        paths = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
        options |= {
            "address": "local",
            "num_cpus": workers or usable_cores(),
            "include_dashboard": False,
            "runtime_env": {"env_vars": {"PYTHONPATH": paths}},
        }
    try:
        ray.init(**options if address is None else options | {"address": address})
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise DeviceError(
            f"Ray cannot be reached{f' at {address}' if address else ''}: {' '.join(str(error).split())[:200]}",
            "Start a cluster with `ray start --head`, or leave the address out to use this machine alone",
        ) from error
    try:
        yield _start(ray, runs, cores, by)
    finally:
        ray.shutdown()


def _start(ray: Any, runs: Sequence[Run], cores: int | None, by: str) -> Tasks:
    there = ray.cluster_resources()
    all_cores, gpus = int(there.get("CPU", 0)), int(there.get("GPU", 0))
    each = max(1, min(cores or all_cores // max(1, len(runs)), all_cores))
    if cores is not None and cores > all_cores:
        raise DeviceError(
            f"a run is to have {counted(cores, 'core')}, and Ray has {all_cores}", "Ask for fewer with --cores"
        )
    tasks: dict[Any, Run] = {}
    on_gpu = 0
    for run in runs:
        device = run.config.runtime.device
        if device.startswith("cuda") and not gpus:
            raise DeviceError(f"run {run.id} asks for {device}, and Ray has no GPU", "Choose --device auto or cpu")
        if device != "cpu" and gpus:
            on_gpu += 1
            options: dict[str, Any] = {"num_gpus": 1, "num_cpus": 1}
        else:
            options = {"num_cpus": each}
        remote = ray.remote(_work).options(name=f"labcore {run.id}", max_retries=RETRIES, **options)
        tasks[remote.remote(str(run.path), None if "num_gpus" in options else each, by)] = run
    nodes = sum(bool(node["Alive"]) for node in ray.nodes())
    share = "one GPU" if on_gpu == len(runs) else counted(each, "core")
    where = f"{counted(nodes, 'node')} with {counted(gpus, 'GPU')} and {counted(all_cores, 'core')}"
    return Tasks(ray, tasks, f"Ray: {where}; {share} for a run")


def _work(directory: str, cores: int | None, by: str = "") -> str:
    """The task: work on a run from its start, or its last checkpoint, to its end. Returns what hindered it, "" for nothing."""
    import socket

    from labcore.asked import save_worked_out
    from labcore.errors import RunError
    from labcore.jobs.worker import work

    run = Run(Path(directory))
    if not (run.path / "config.json").is_file():
        return (
            f"{directory} is not there on node {socket.gethostname()}: the workspace has to lie where all nodes see it"
        )
    try:
        config = run.config
        if cores is not None and config.runtime.threads is None:
            save_worked_out(run, config, config.changed({"runtime.threads": cores}))
        elif cores is None and config.runtime.device.startswith("cuda:"):
            save_worked_out(run, config, config.changed({"runtime.device": "cuda"}))  # the task sees its own GPU alone
        work(run, by=by)
    except RunError as error:
        return str(error)
    return ""
