"""The monitor on a clock of the test's own, with GPUs made up at the edge of NVML."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections import namedtuple

import psutil
import pytest

from labcore.config import RunConfig
from labcore.doctor import monitor as module
from labcore.doctor.monitor import EVERY, GAP, SPAN, MachineSample, Monitor, series
from labcore.events import RunQueued, RunStarted, TrainingStarted
from labcore.nvml import GpuProcess, GpuSample
from labcore.runs import Run


def gpu(index: int = 0, processes: tuple[GpuProcess, ...] = (), **changes) -> GpuSample:
    told = {
        "index": index, "name": "Test GPU", "pci_bus_id": f"00000000:0{index}:00.0", "utilisation": 0.5, "memory_used": 2 << 30,
        "memory_total": 8 << 30, "temperature_c": 60.0, "power_w": 100.0, "power_limit_w": 250.0, "sm_clock_mhz": 1500,
        "max_sm_clock_mhz": 1900, "throttle_reasons": (), "processes": processes, "energy_j": 1.0,
    }  # fmt: skip
    return GpuSample(**{**told, **changes})


class Machine:
    """A clock and GPUs that the test moves, and how often it was looked at."""

    def __init__(self) -> None:
        self.now, self.looked = 1000.0, 0
        self.gpus: list[GpuSample] = []

    def samples(self) -> list[GpuSample]:
        self.looked += 1
        return self.gpus


class Limits:
    """Stands in for the control groups."""

    def __init__(self, cores=None, seconds=None, memory=None) -> None:
        self.quota, self.seconds, self.limit = cores, seconds, memory

    def cores(self):
        return self.quota

    def cpu_seconds(self):
        return self.seconds

    def memory(self):
        return self.limit


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def watch(workspace, machine):
    def made(**limits) -> Monitor:
        return Monitor(workspace, machine.samples, lambda: machine.now, Limits(**limits))

    return made


def start(workspace, *, pid: int = 0, host: str = "", device: str = "") -> Run:
    run = Run.create(workspace, RunConfig.model_validate({"data": {"dataset": "small"}}))
    run.append(RunQueued())
    run.append(
        RunStarted(run_id=run.id, run_dir=str(run.path), pid=pid or os.getpid(), host=host or socket.gethostname())
    )
    if device:
        run.append(
            TrainingStarted(
                labels=["a"], train_clips=1, val_clips=1, fold="1", device=device, device_reason="", precision="fp32",
                memory_format="contiguous", precision_reason="", parameters=1, epochs=1, first_epoch=1,
            )
        )  # fmt: skip
    return run


def test_several_who_look_share_one_look(watch, machine):
    monitor = watch()
    first = monitor.look()
    machine.now += 0.5
    assert monitor.look() is first
    machine.now += 0.45  # a tick that came a little early
    assert monitor.look() is not first
    assert machine.looked == 2


def test_nothing_is_looked_at_until_somebody_looks(watch, machine):
    monitor = watch()
    assert machine.looked == 0
    assert monitor.history == []


def test_the_history_is_two_minutes_long(watch, machine):
    monitor = watch()
    for _ in range(200):
        monitor.look()
        machine.now += EVERY
    ages = [machine.now - EVERY - look.time for look in monitor.history]
    assert max(ages) == SPAN
    assert len(ages) == SPAN / EVERY + 1


def test_a_pause_leaves_a_gap_and_no_rate(watch, machine, monkeypatch):
    times = namedtuple("times", "user system idle iowait guest")
    seconds = {"user": 0.0, "idle": 0.0}
    monkeypatch.setattr(
        psutil, "cpu_times", lambda percpu: [times(seconds["user"], 0.0, seconds["idle"], 0.0, 0.0)] * 512
    )
    monitor = watch()
    assert monitor.look().cpu is None
    machine.now += 1
    seconds.update(user=0.25, idle=0.75)
    assert monitor.look().cpu == pytest.approx(0.25)
    machine.now += GAP + 20
    seconds.update(user=20.0, idle=1.0)
    assert monitor.look().cpu is None
    drawn = series(monitor.history, lambda look: look.cpu, machine.now)
    assert drawn == [(-26.0, None), (-25.0, pytest.approx(0.25)), (-24.0, None), (0.0, None)]


def test_a_guests_time_counts_once(watch, machine, monkeypatch):
    times = namedtuple("times", "user system idle iowait guest guest_nice")
    told = [times(0, 0, 0, 0, 0, 0)]
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: told * 512)
    monitor = watch()
    monitor.look()
    machine.now += 1
    told[0] = times(0.5, 0.0, 0.4, 0.1, 0.5, 0.0)
    assert monitor.look().cpu == pytest.approx(0.5)


def test_a_quota_is_the_whole_of_the_processor(watch, machine):
    monitor = watch(cores=0.5, seconds=10.0)
    assert monitor.look().cpu is None
    machine.now += 2
    monitor._cgroup.seconds = 10.5
    assert monitor.look().cpu == pytest.approx(0.5)
    assert monitor.cores == 0.5


def test_memory_within_a_containers_limit(watch, machine):
    look = watch(memory=(300, 1000)).look()
    assert (look.memory_used, look.memory_total) == (300, 1000)


def test_a_limit_above_the_machines_memory_is_none(watch):
    look = watch(memory=(300, 1 << 55)).look()
    assert look.memory_total == psutil.virtual_memory().total
    assert 0 < look.memory_used < look.memory_total


def test_histories_of_a_gpu_that_comes_and_goes(watch, machine):
    monitor = watch()
    for gpus in ([], [gpu(utilisation=0.25)], [gpu(utilisation=None)]):
        machine.gpus = gpus
        monitor.look()
        machine.now += 1

    def busy(look: MachineSample) -> float | None:
        sample = look.gpu(0)
        return sample.utilisation if sample else None

    assert series(monitor.history, busy, machine.now - 1) == [(-2.0, None), (-1.0, 0.25), (0.0, None)]


def test_which_run_uses_what(watch, machine, workspace):
    worker = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        run = start(workspace, pid=worker.pid, device="cuda:0")
        machine.gpus = [gpu(0, (GpuProcess(worker.pid, 700), GpuProcess(1 << 22, 300))), gpu(1)]
        monitor = watch()
        with run.hold():
            first = monitor.look()
            machine.now += 1
            second = monitor.look()
    finally:
        worker.communicate()
    (use,) = first.runs
    assert (use.run_id, use.pid, use.device, use.gpus) == (run.id, worker.pid, "cuda:0", ((0, 700),))
    assert use.cores is None
    assert use.memory > 0
    assert second.runs[0].cores is not None
    assert second.others(second.gpu(0)) == (1, 300)
    assert second.others(second.gpu(1)) == (0, 0)
    machine.now += 1
    assert monitor.look().runs == ()


@pytest.mark.parametrize(("device", "gpus"), [("all", ((0, 700), (1, 400))), ("cuda:0", ((0, 700),))])
def test_all_processes_of_a_run_on_all_gpus_are_its_own(watch, machine, workspace, device, gpus):
    """It tells the number of process 0; the others are beside it, below the launcher."""
    run = start(workspace, device=device)
    machine.gpus = [gpu(0, (GpuProcess(os.getpid(), 700),)), gpu(1, (GpuProcess(os.getppid(), 400),))]
    with run.hold():
        look = watch().look()
    assert look.runs[0].gpus == gpus
    assert look.others(look.gpu(1)) == ((0, 0) if device == "all" else (1, 400))


def test_a_run_that_is_gone_without_a_word_uses_nothing(watch, workspace):
    start(workspace)
    assert watch().look().runs == ()


def test_a_process_number_of_another_machine_is_not_ours(watch, machine, workspace):
    run = start(workspace, host="another-machine", device="cuda:1")
    machine.gpus = [gpu(0, (GpuProcess(os.getpid(), 700),))]
    with run.hold():
        (use,) = watch().look().runs
    assert (use.device, use.pid, use.memory, use.gpus) == ("cuda:1", None, None, ())


def test_a_worker_that_just_ended(watch, workspace):
    run = start(workspace, pid=(1 << 22) + 1)
    with run.hold():
        (use,) = watch().look().runs
    assert (use.pid, use.cores, use.memory) == (None, None, None)


def test_a_workspace_that_cannot_be_read_does_not_blind_the_monitor(machine, tmp_path):
    from labcore.workspace import Workspace

    (tmp_path / "file").write_text("")
    look = Monitor(Workspace(tmp_path / "file"), machine.samples, lambda: machine.now).look()
    assert look.runs == ()
    assert look.memory_total > 0


def test_this_machine_as_it_is(workspace):
    monitor = Monitor(workspace)
    look = monitor.look()
    assert 0 < look.memory_used < look.memory_total
    assert 0 < monitor.cores <= module.usable_cores()
