"""Runs worked on by a Ray cluster: a task each, which asks for one GPU, or for cores where the cluster has none.

The nodes see the workspace under the same path, so that results stand in the same run directories as ever, and have the lab
installed. A node that dies takes no run with it: Ray starts the task again, which goes on from the run's last checkpoint.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from labcore.device import usable_cores
from labcore.errors import ConfigError, DeviceError
from labcore.jobs.manager import make_ready
from labcore.jobs.process import work
from labcore.runs import Run
from labcore.runs.asked import save_worked_out
from labcore.texts import counted

RETRIES = 3
"""How often Ray starts a task again whose node or process has died."""


def require_ray() -> Any:
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
            "Ray is not installed", "Install it with `pip install 'audio-gpu-lab[ray]'`, or omit --engine ray"
        ) from error
    return ray


def connected(address: str | None = None) -> Any:
    """Ray, with a cluster or with one of this machine alone behind it.

    Args:
        address: of the cluster; where not given, what RAY_ADDRESS says, else a Ray of this machine alone is started.

    Raises:
        ConfigError: Ray is not installed.
        DeviceError: there is no cluster at that address.
    """
    ray = require_ray()
    address = address or os.environ.get("RAY_ADDRESS")
    options: dict[str, Any] = {"log_to_driver": False, "configure_logging": False, "ignore_reinit_error": False}
    if address is None:
        paths = os.pathsep.join([str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")])
        options |= {
            "address": "local",
            "num_cpus": usable_cores(),
            "include_dashboard": False,
            "runtime_env": {"env_vars": {"PYTHONPATH": paths.rstrip(os.pathsep)}},
        }
    try:
        ray.init(**options if address is None else options | {"address": address})
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise DeviceError(
            f"Ray cannot be reached{f' at {address}' if address else ''}: {' '.join(str(error).split())[:200]}",
            "Start a cluster with `ray start --head`, or omit the address to use this machine only",
        ) from error
    return ray


class RayQueue:
    """A :class:`labcore.jobs.manager.Queue` whose runs, none of which waits in the workspace's queue, are worked on by a cluster.

    Args:
        ray: what :func:`connected` gives. :meth:`close` lets go of it, and ends one that was started here.
        cores: CPU cores for a run without a GPU; an equal share of the cluster's for each of ``runs`` where not given.
        runs: so many shall be worked on at once; one for each node where not given.
        by: whose the runs are.

    Raises:
        DeviceError: the cluster has too few cores.
    """

    shared = False

    def __init__(self, ray: Any, *, cores: int | None = None, runs: int | None = None, by: str = "") -> None:
        there = ray.cluster_resources()
        self.ray, self.by = ray, by
        self.all_cores, self.gpus = int(there.get("CPU", 0)), int(there.get("GPU", 0))
        self.nodes = sum(bool(node["Alive"]) for node in ray.nodes())
        if cores is not None and cores > self.all_cores:
            told = f"a run needs {counted(cores, 'core')}, and Ray has {self.all_cores}"
            raise DeviceError(told, "Ask for fewer with --cores")
        self.cores = max(1, min(cores or self.all_cores // max(1, runs or self.nodes), self.all_cores))
        self._tasks: dict[Path, Any] = {}
        self.troubles: dict[str, str] = {}
        """Run id → why its task ended without a word in the run's events."""

    def about(self, device: str) -> str:
        """On what runs of such a device are worked on, in a sentence."""
        share = "one GPU" if self._on_gpu(device) else counted(self.cores, "core")
        have = f"{counted(self.nodes, 'node')} with {counted(self.gpus, 'GPU')} and {counted(self.all_cores, 'core')}"
        return f"Ray: {have}; {share} for a run"

    def room(self, device: str) -> int:
        """How many runs of such a device are worked on at once."""
        return self.gpus if self._on_gpu(device) else max(1, self.all_cores // self.cores)

    def take(self, run: Run) -> Run:
        """Hand a run to the cluster.

        Raises:
            DeviceError: it asks for a GPU, and there is none.
        """
        device = run.config.runtime.device
        if device.startswith("cuda") and not self.gpus:
            raise DeviceError(f"run {run.id} asks for {device}, and Ray has no GPU", "Choose --device auto or cpu")
        cores = None if self._on_gpu(device) else self.cores
        share = {"num_cpus": cores} if cores else {"num_gpus": 1, "num_cpus": 1}
        remote = self.ray.remote(_work).options(name=f"labcore {run.id}", max_retries=RETRIES, **share)
        self._tasks[run.path] = remote.remote(str(run.path), cores, self.by)
        return run

    def resume(self, run: Run, *, by: str = "") -> Run:
        """Hand over a run that was stopped, failed or interrupted.

        Raises:
            DatasetError, DeviceError, RunError: what hinders it.
        """
        with run.hold():
            make_ready(run)
        return self.take(run)

    def stop(self, run: Run, *, by: str = "") -> None:
        """Ask a run to stop after its batch; one that waits for a node ends as soon as it is started."""
        if self.has(run) and not run.stop_requested:
            with contextlib.suppress(OSError):  # removed in the meantime
                run.request_stop(by)

    def has(self, run: Run) -> bool:
        """Whether the cluster is not done with a run."""
        task = self._tasks.get(run.path)
        if task is None:
            return False
        if not self.ray.wait([task], num_returns=1, timeout=0)[0]:
            return True
        del self._tasks[run.path]
        try:
            trouble: str = self.ray.get(task)
        except Exception as error:  # the cluster lost it, or the lab is not installed there
            trouble = " ".join(str(error).split())[-400:]
        if trouble:
            self.troubles[run.id] = trouble
        return False

    def close(self) -> None:
        self.ray.shutdown()

    def _on_gpu(self, device: str) -> bool:
        return device != "cpu" and self.gpus > 0


def _work(directory: str, cores: int | None, by: str = "") -> str:
    """The task: work on a run from its start, or its last checkpoint, to its end. Returns what hindered it, "" for nothing."""
    run = Run(Path(directory))
    if not run.there:
        node = os.uname().nodename
        return f"{directory} is not there on node {node}: the workspace must be on a disk that all nodes share"
    try:
        config = run.config
        if cores is not None and config.runtime.threads is None:
            save_worked_out(run, config, config.replace({"runtime.threads": cores}))
        elif cores is None and config.runtime.device.startswith("cuda:"):
            save_worked_out(run, config, config.replace({"runtime.device": "cuda"}))  # the task sees its own GPU alone
        work(run, by=by)
    except run.kind.error as error:
        return str(error)
    return ""
