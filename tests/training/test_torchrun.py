from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from labcore.cli.foreground import train_everywhere
from labcore.config import RunConfig
from labcore.errors import ConfigError, RunError
from labcore.events import RunFinished
from labcore.jobs.process import main
from labcore.jobs.queue import startable
from labcore.runs import Run
from labcore.training import loop, torchrun
from labcore.training.distributed import DistributedContext
from labcore.workspace import Workspace


@pytest.fixture
def rendezvous(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what torchrun tells its processes."""

    def tell(name: str, restarts: int = 0, allowed: int = 0) -> None:
        monkeypatch.setenv("TORCHELASTIC_RUN_ID", name)
        monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", str(restarts))
        monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", str(allowed))

    return tell


def end(run: Run, state: str) -> None:
    run.append(RunFinished(state=state))


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    assert not torchrun.under_torchrun()
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "1")
    assert torchrun.under_torchrun()


def test_processes_started_again_take_up_the_run_of_their_rendezvous(
    workspace: Workspace, rendezvous: Callable[..., None]
) -> None:
    config = RunConfig()
    rendezvous("job-1", allowed=3)
    run = torchrun.run_of_rendezvous(workspace, config)
    end(run, "failed")
    rendezvous("job-1", restarts=1, allowed=3)
    assert torchrun.run_of_rendezvous(workspace, config) == run
    assert torchrun.restarted()


def test_the_same_rendezvous_goes_on_with_the_same_settings_only(
    workspace: Workspace, rendezvous: Callable[..., None]
) -> None:
    rendezvous("slurm-17")
    run = torchrun.run_of_rendezvous(workspace, RunConfig())
    run.request_stop()
    assert torchrun.run_of_rendezvous(workspace, RunConfig()) == run
    assert not run.stop_requested
    assert torchrun.run_of_rendezvous(workspace, RunConfig().replace({"optim.epochs": 3})) != run


def test_a_finished_run_is_not_taken_up_again(workspace: Workspace, rendezvous: Callable[..., None]) -> None:
    rendezvous("job-1")
    run = torchrun.run_of_rendezvous(workspace, RunConfig())
    end(run, "finished")
    assert torchrun.run_of_rendezvous(workspace, RunConfig()) != run
    rendezvous("job-2")
    run = torchrun.run_of_rendezvous(workspace, RunConfig())
    end(run, "finished")
    rendezvous("job-2", restarts=1)
    with pytest.raises(RunError, match="finished"):
        torchrun.run_of_rendezvous(workspace, RunConfig())


def test_a_rendezvous_without_a_name_is_known_by_its_launcher(
    workspace: Workspace, rendezvous: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    rendezvous("none")
    run = torchrun.run_of_rendezvous(workspace, RunConfig())
    assert torchrun.run_of_rendezvous(workspace, RunConfig()) == run
    launcher = os.getppid()
    monkeypatch.setattr(os, "getppid", lambda: launcher + 1)
    assert torchrun.run_of_rendezvous(workspace, RunConfig()) != run


def test_a_worker_starts_a_process_for_every_gpu(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[int, list[str]]] = []
    monkeypatch.setattr(torchrun, "launch", lambda count, arguments: started.append((count, list(arguments))) or 0)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    run = Run.create(workspace, RunConfig().replace({"runtime.device": "all"}), queued=True)
    assert main([str(run.path)]) == 0
    assert started == [(4, ["-X", "faulthandler", "-m", "labcore.jobs", str(run.path)])]
    assert run.status().state == "queued"  # that is for the processes to change


@pytest.mark.parametrize(("device", "gpus"), [("all", 1), ("all", 0), ("auto", 4), ("cpu", 4)])
def test_one_process_does_where_there_is_nothing_to_share(
    device: str, gpus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
    assert torchrun.on_all_gpus(device, ["-c", "raise SystemExit(5)"]) is None


@pytest.mark.parametrize(("written", "status"), [("stopped", 130), ("", 1)])
def test_a_resumed_run_whose_process_was_killed_did_not_end_as_it_had_before(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, written: str, status: int
) -> None:
    run = Run.create(workspace, RunConfig())
    end(run, "stopped")

    def killed(device: str, arguments: list[str]) -> int:
        if written:
            end(run, written)
        return 1

    monkeypatch.setattr(torchrun, "on_all_gpus", killed)
    assert train_everywhere(run, as_json=True) == status


def test_a_run_on_all_gpus_waits_for_every_gpu_and_keeps_it(workspace: Workspace) -> None:
    def queued(device: str) -> Run:
        return Run.create(workspace, RunConfig().replace({"runtime.device": device}), queued=True)

    everything, second, cpu = queued("all"), queued("cuda:1"), queued("cpu")
    assert list(startable([everything, cpu], ["cuda:1"])) == [cpu]
    assert list(startable([second, cpu], ["all"])) == [cpu]
    assert list(startable([everything, second, cpu], [])) == [everything, cpu]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConfigError("it cannot work"), ["labcore: process 1 of 2: it cannot work."]),
        (KeyError("it"), ["Traceback", "'it'"]),
    ],
)
def test_what_a_user_can_mend_is_told_without_a_traceback(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    said: list[str],
) -> None:
    def fails(*given: object) -> Iterator[None]:
        raise error
        yield

    context = DistributedContext(1, 2)
    monkeypatch.setattr(context, "share", lambda make: (RunConfig(), "run-1", str(workspace.home)))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(loop, "train", fails)
    assert torchrun._go_along(context, lambda: False) == torchrun.FAILED
    told = capsys.readouterr().err
    assert all(words in told for words in said)
    assert ("Traceback" in told) == ("Traceback" in said)


@pytest.mark.slow
def test_the_labs_own_torchrun_stops_cleanly_on_a_signal(workspace: Workspace, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for number in range(24):
        file = tmp_path / "clips" / "ab"[number % 2] / f"{number}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, generator.normal(0, 0.1, 4000), 8000)
    values = {
        "data.dataset": str(tmp_path / "clips"),
        "audio.sample_rate": 8000,
        "optim.epochs": 500,
        "model.width": 0.25,
    }
    fixed = {"runtime.device": "cpu", "runtime.precision": "fp32", "runtime.memory_format": "contiguous"}
    run = Run.create(workspace, RunConfig().replace({**values, **fixed, "optim.batch_size": 6}))
    program = "import sys; from labcore.training.torchrun import launch; sys.exit(launch(2, sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "-m", "labcore", "resume", str(run.path)],
        env={**os.environ, "LABCORE_HOME": str(workspace.home), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        end_at = time.monotonic() + 90
        while len(run.epochs()) < 2:
            assert time.monotonic() < end_at
            assert process.poll() is None
            time.sleep(0.05)
        process.terminate()
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert run.status().state == "stopped"
    assert "Traceback" not in said
    assert not run.held
