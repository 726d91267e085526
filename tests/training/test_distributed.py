import contextlib
import io
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import soundfile
import torch

from labcore.config import RunConfig
from labcore.errors import ConfigError, LabError, OutOfMemoryError, RunError
from labcore.evaluation.predictions import read_predictions
from labcore.events import Epoch, Evaluated, RunStarted, each_of
from labcore.jobs.process import work
from labcore.models import REGISTRY
from labcore.runs import Run, list_runs
from labcore.training.connections import own_trouble
from labcore.training.distributed import SINGLE_PROCESS, DistributedContext
from labcore.training.loop import train
from labcore.training.precision import Precision
from labcore.training.trainer import Trainer
from labcore.workspace import Workspace
from tests.small import FRONT_END, ON_CPU

SCRIPT = Path(__file__).with_name("two_processes.py")
ROOT = Path(__file__).parents[2]
EPOCHS = 3
RATE = 8000


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Clips of one length in two folds: 11 are held out, 23 trained on; neither can be halved."""
    folder = tmp_path_factory.mktemp("even")
    generator = np.random.default_rng(0)
    for fold, count in ((1, 11), (2, 23)):
        for number in range(count):
            label = ("low", "high")[number % 2]
            time_s = np.arange(RATE // 4) / RATE
            tone = np.sin(2 * np.pi * generator.uniform(*((200, 900), (700, 2500))[number % 2]) * time_s)
            file = folder / f"fold{fold}" / label / f"{fold}-{number}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(file, 0.3 * tone + generator.normal(0, 0.1, len(tone)), RATE)
    return folder


def settings(clips, epochs=EPOCHS):
    """Nothing random in training but the order of the clips."""
    return {
        "data.dataset": str(clips),
        "data.fold": "1",
        **FRONT_END,
        **ON_CPU,
        "augment.time_shift_seconds": 0,
        "augment.time_scale": 0,
        "augment.gain_db": 0,
        "augment.equaliser_db": 0,
        "augment.pitch_semitones": 0,
        "augment.mixup": 0,
        "augment.time_mask": 0,
        "augment.freq_mask": 0,
        "model.name": "plain",
        "model.dropout": 0,
        "optim.epochs": epochs,
        "optim.batch_size": 9,
        "optim.lr": 0.05,
    }


def environment_of(workspace):
    return {**os.environ, "LABCORE_HOME": str(workspace), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def torchrun(workspace, out, command, *options):
    """Two processes of two_processes.py under torchrun."""
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *options]
    return subprocess.Popen(
        [*start, str(SCRIPT), str(out), *command],
        env=environment_of(workspace),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def two_processes(workspace, out, command):
    """The same with this process as the first, and without the launcher: what this one wrote on stdout."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    meeting |= {"LABCORE_HOME": str(workspace), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    second = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(out), *command],
        env=environment_of(workspace) | meeting | {"RANK": "1", "LOCAL_RANK": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with second, pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as told:
        for name, value in {**meeting, "RANK": "0", "LOCAL_RANK": "0"}.items():
            patch.setenv(name, value)
        patch.syspath_prepend(str(SCRIPT.parent))
        patch.setattr(sys, "argv", [str(SCRIPT), str(out), *command])
        try:
            with pytest.raises(SystemExit, match="0"):
                runpy.run_path(str(SCRIPT), run_name="__main__")
        except BaseException:
            second.kill()  # it would wait for this process for a day
            raise
        silent, stderr = second.communicate(timeout=120)
    assert (second.returncode, silent) == (0, ""), stderr
    assert not torch.distributed.is_initialized()
    return told.getvalue()


def flags(values):
    return [word for path, value in values.items() for word in (f"--{path}", str(value))]


@pytest.fixture
def plain():
    sys.path.insert(0, str(SCRIPT.parent))
    try:
        from two_processes import plain

        REGISTRY["plain"] = plain
        yield
    finally:
        REGISTRY.pop("plain", None)
        sys.path.remove(str(SCRIPT.parent))


@pytest.fixture(scope="module")
def together(clips, tmp_path_factory):
    """What two processes said to each other, and the events of the run they made."""
    out, home = tmp_path_factory.mktemp("said"), tmp_path_factory.mktemp("together")
    stdout = two_processes(home, out, ["train", "--json", *flags(settings(clips))])
    REGISTRY.pop("plain")
    said = [json.loads((out / f"said-{rank}.json").read_text()) for rank in (0, 1)]
    return said, [json.loads(line) for line in stdout.splitlines()], Workspace(home)


def events_of(kind, events):
    return [event for event in events if event["type"] == kind]


def test_a_process_by_itself_does_nothing_special():
    assert SINGLE_PROCESS.alone
    assert SINGLE_PROCESS.main
    assert SINGLE_PROCESS.part([1, 2, 3]) == [1, 2, 3]
    assert SINGLE_PROCESS.weight(3, 8) == 1.0
    assert SINGLE_PROCESS.any(True)
    assert not SINGLE_PROCESS.any(False)
    assert SINGLE_PROCESS.share(lambda: 5) == 5
    network = torch.nn.BatchNorm2d(2)
    assert SINGLE_PROCESS.wrap(network, torch.device("cpu")) is network
    assert SINGLE_PROCESS.synchronised(network, torch.device("cuda", 0)) is network
    with pytest.raises(ConfigError):
        SINGLE_PROCESS.agree(ConfigError("it cannot work"), None)


@pytest.mark.parametrize(("count", "size"), [(7, 2), (8, 3), (2, 4), (0, 2)])
def test_parts_leave_nothing_out_and_differ_by_one(count, size):
    parts = [DistributedContext(rank, size).part(torch.arange(count)) for rank in range(size)]
    assert torch.equal(torch.cat(parts), torch.arange(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_weights_make_the_mean_over_processes_the_mean_over_clips():
    losses = torch.rand(7)
    own = [DistributedContext(rank, 3).part(losses) for rank in range(3)]
    mean = sum(part.mean() * DistributedContext(0, 3).weight(len(part), 7) for part in own) / 3
    assert torch.isclose(mean, losses.mean())


def test_a_batch_smaller_than_the_processes_is_refused():
    with pytest.raises(ConfigError, match="cannot be divided"):
        DistributedContext(0, 4).sharing(3, 0.1, SINGLE_PROCESS.device("cpu"))


def test_batch_norm_is_shared_where_there_are_gpus():
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    names = set(network.state_dict())
    shared = DistributedContext(0, 2).synchronised(network, torch.device("cuda", 0))
    assert isinstance(shared[1], torch.nn.SyncBatchNorm)
    assert set(shared.state_dict()) == names


@pytest.mark.parametrize(
    ("set_to", "fitted", "shared"), [(None, 9, True), (5, 9, True), (4, 9, False), (None, 2, False)]
)
def test_batch_norm_is_not_shared_where_parts_are_divided(set_to, fitted, shared, monkeypatch):
    """Not where memory ran out on one GPU, either: of uneven parts one process would wait for the other's micro-batch for ever."""
    asked = []
    monkeypatch.setattr(DistributedContext, "synchronised", lambda context, network, device: asked.append(1) or network)
    monkeypatch.setattr(Trainer, "_restore", lambda trainer, state: None)
    monkeypatch.setattr(DistributedContext, "wrap", lambda context, network, device: network)
    config = RunConfig().replace({"optim.batch_size": 9, "optim.epochs": 1, "runtime.micro_batch": set_to})
    network = torch.nn.Linear(2, 2)
    session = Mock(
        config=config, context=DistributedContext(0, 2), checkpoint={"micro_batch": fitted}, train_rows=range(20)
    )
    session.classifier = Mock(network=network, labels=["a", "b"])
    session.clips.targets, session.device.torch = np.zeros(20), lambda: torch.device("cpu")
    session.pipeline.waves.values.device, session.watched_windows = torch.device("cpu"), 1
    session.precision = Precision("fp32", "contiguous", "")
    session.balance.loss_weights = lambda: None
    assert Trainer(session).micro_batch == min(set_to or 9, fitted)
    assert bool(asked) == shared


def test_only_a_lost_connection_is_blamed_on_others():
    own = ValueError("mine")
    assert DistributedContext(0, 2).explain(own) is own
    lost = DistributedContext(0, 2).explain(RuntimeError("gloo: Connection closed by peer"))
    assert isinstance(lost, LabError)
    assert lost.what == "another of the 2 processes of this run ended unexpectedly"


NCCL = "NCCL error in: /pytorch/torch/csrc/distributed/c10d/NCCLUtils.cpp:94, unhandled system error, NCCL version 2.27.5\n"


def test_what_nccl_cannot_do_is_this_processs_own_trouble():
    """As in a container with 64 MiB of shared memory."""
    failed = RuntimeError(
        f"{NCCL}ncclSystemError: System call (e.g. socket, malloc) or external library call failed or device error. \nLast error:\n"
        "Error while creating shared memory segment /dev/shm/nccl-abc (size 33030528)"
    )
    told = own_trouble(failed)
    assert isinstance(told, RunError)
    assert told.what == (
        "NCCL cannot connect the GPUs: Error while creating shared memory segment /dev/shm/nccl-abc (size 33030528)"
    )
    assert DistributedContext(0, 2).explain(told) is told
    gone = RuntimeError(
        f"{NCCL}ncclRemoteError: A call failed possibly due to a network error or a remote process exiting prematurely."
    )
    assert own_trouble(gone) is gone
    for full in (
        RuntimeError(f"{NCCL}Last error:\nCuda failure 2 'out of memory'"),
        torch.OutOfMemoryError("out of memory"),
    ):
        assert isinstance(own_trouble(full), OutOfMemoryError)
    assert "ended unexpectedly" in DistributedContext(0, 2).explain(gone).what


def test_what_processes_say_to_each_other(together):
    (first, second), _, _ = together
    for said in (first, second):
        assert said["gather"] == [[0], [1], [2], [3], [4]]
        assert said["sum"] == [3.0]
        assert said["any"] == [False, True, False]  # a call later, everywhere the same
        assert said["share"] == {"from": 0}
        assert said["share_error"] == ["ConfigError", "no such thing. take another."]
        assert said["agree"] == "value of 0"
        assert said["agree_error"] == ["ConfigError", "only here."]
        assert said["agree_differing"][0] == "RunError"
        assert "front end" in said["agree_differing"][1]
        assert said["aligned"] == [0.0, 0.0]
    assert first["part"] + second["part"] == list(range(7))
    assert first["random"] != second["random"]


def test_gradients_over_uneven_parts_are_those_of_the_whole_batch(together):
    (first, second), _, _ = together
    assert first["gradient"] == second["gradient"]
    assert np.allclose(first["gradient"], first["whole_gradient"], atol=1e-7)


def test_two_processes_give_the_figures_of_one(together, clips, plain, tmp_path):
    _, events, _ = together
    config = RunConfig().replace(settings(clips))
    workspace = Workspace(tmp_path)
    alone = [json.loads(event.to_json()) for event in train(config, Run.create(workspace, config), workspace)]
    one, two = events_of("epoch", alone), events_of("epoch", events)
    assert len(one) == len(two) == EPOCHS
    for a, b in zip(one, two, strict=True):
        for name in ("train_loss", "val_loss", "train_accuracy", "val_accuracy", "lr"):
            assert b[name] == pytest.approx(a[name], abs=1e-4), name
    (a,), (b,) = events_of("evaluated", alone), events_of("evaluated", events)
    assert b["clips"] == 11
    assert b["confusion"] == a["confusion"]
    assert "learning rate 0.05 is that of the whole batch" in str(events_of("log", events))


def test_the_run_of_two_processes_is_like_any_other(together):
    _, _, workspace = together
    (run,) = list_runs(workspace)
    assert run.status().state == "finished"
    assert [event.epoch for event in run.epochs()] == list(range(1, EPOCHS + 1))
    assert len(each_of(run.events(), RunStarted)) == 1
    kept, result = read_predictions([run.predictions]), run.last_event(Evaluated)
    assert len(set(kept["clip"])) == len(kept) == result.clips  # what both processes judged
    classes = kept.attrs["labels"]
    hits = kept[classes].idxmax(axis=1) == kept["label"]
    assert hits.mean() == pytest.approx(result.accuracy)
    state = torch.load(run.checkpoint, weights_only=True)
    assert not [name for name in state["network"] if name.startswith("module.")]


def test_out_of_memory_of_a_part_names_it():
    from labcore.training.memory import out_of_memory_of_part

    error = out_of_memory_of_part(16, 32, "a GPU")
    assert isinstance(error, OutOfMemoryError)
    assert "16 clips of a batch of 32" in error.what


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_is_restarted_from_the_checkpoint(victim, clips, tmp_path):
    process = torchrun(tmp_path, "-", ["train", *flags(settings(clips, 60))], "--max-restarts", "2")
    try:
        workspace = Workspace(tmp_path)
        wait_for(lambda: any(len(run.epochs()) >= 5 for run in list_runs(workspace)))
        (run,) = list_runs(workspace)
        leader = run.last_event(RunStarted).pid
        pids = children(process.pid)
        os.kill(leader if victim == 0 else next(pid for pid in pids if pid != leader), signal.SIGKILL)
        _, stderr = process.communicate(timeout=180)
    finally:
        process.kill()
    assert process.returncode == 0, stderr
    (run,) = list_runs(workspace)
    assert run.status().state == "finished"
    told = [event.epoch for event in each_of(run.events(), Epoch)]
    assert sorted(set(told)) == list(range(1, 61))
    assert len(told) == 60
    assert len(each_of(run.events(), RunStarted)) == 2


@pytest.mark.slow
def test_a_run_of_two_processes_goes_on_in_one(clips, plain, tmp_path):
    epochs = 60
    process = torchrun(tmp_path / "two", "-", ["train", *flags(settings(clips, epochs))])
    try:
        workspace = Workspace(tmp_path / "two")
        wait_for(lambda: any(len(run.epochs()) >= 3 for run in list_runs(workspace)))
        (run,) = list_runs(workspace)
        run.request_stop()
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert run.status().state == "stopped"
    assert 3 <= len(run.epochs()) < epochs
    assert work(run).state == "finished"
    config = RunConfig().replace(settings(clips, epochs))
    other = Run.create(Workspace(tmp_path / "one"), config)
    work(other)
    for a, b in zip(run.epochs(), other.epochs(), strict=True):
        assert a.train_loss == pytest.approx(b.train_loss, abs=1e-3)


def wait_for(condition, seconds=90):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def children(pid):
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True)
    return [int(word) for word in listed.stdout.split()]
