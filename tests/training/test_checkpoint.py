"""A damaged checkpoint costs an epoch, or the epochs so far, and never the run."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from labcore.errors import RunError
from labcore.events import Epoch, Log, TrainingStarted
from labcore.runs import Run
from labcore.training.checkpoint import take_up
from labcore.training.loop import train
from tests.hostile.archives import repacked


@pytest.fixture(scope="module")
def begun(tiny, tmp_path_factory):
    """The checkpoints of a run after its second epoch and after its third, and the weights that it ended with."""
    run, kept = Run.create(tiny.workspace, tiny.config), {}
    for event in train(tiny.config, run, tiny.workspace):
        run.append(event)
        if isinstance(event, Epoch) and event.epoch == 3:
            kept = {name: (run.checkpoint.with_name(name)).read_bytes() for name in ("last.pt", "previous.pt")}
    assert [path.name for path in run.checkpoint.parent.iterdir()] == ["last.pt"]
    return kept, run.weights.read_bytes()


@pytest.fixture
def run(tiny, begun):
    """A run that goes on from its third epoch."""
    made = Run.create(tiny.workspace, tiny.config)
    for name, content in begun[0].items():
        made.checkpoint.with_name(name).write_bytes(content)
    return made


def rewritten(content: bytes, **changes: object) -> bytes:
    state = torch.load(io.BytesIO(content), weights_only=True)
    out = io.BytesIO()
    torch.save({name: value for name, value in (state | changes).items() if value != "gone"}, out)
    return out.getvalue()


def flipped(content: bytes) -> bytes:
    """A bit of a weight is another one, as on a bad disk: torch reads it without a word."""
    at = content.index(torch.load(io.BytesIO(content), weights_only=True)["network"]["0.weight"].numpy().tobytes())
    return content[: at + 2] + bytes([content[at + 2] ^ 64]) + content[at + 3 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda good: b"",
    "zeros": lambda good: bytes(len(good)),
    "cut-off": lambda good: good[: len(good) // 2],
    "a-bit": flipped,
    "packed": repacked,
    "a-pickle": lambda good: pickle.dumps({"epoch": 3}),
    "code": lambda good: pickle.dumps(Path.cwd),
    "no-network": lambda good: rewritten(good, network="gone"),
    "no-epoch": lambda good: rewritten(good, epoch="gone"),
    "epoch-text": lambda good: rewritten(good, epoch="three"),
    "event-of-another": lambda good: rewritten(good, event={"type": "epoch"}),
    "event-text": lambda good: rewritten(good, event="epoch 3"),
    "precision-unknown": lambda good: rewritten(good, precision={"precision": "fp32", "memory_format": "x", "reason": ""}),
    "network-list": lambda good: rewritten(good, network=[torch.zeros(3)]),
    "network-not-a-number": lambda good: rewritten(good, network={"0.weight": torch.full((8, 1, 5, 5), torch.nan)}),
    "optimiser-text": lambda good: rewritten(good, optimiser="sgd"),
    "no-entries": lambda good: b"PK\5\6" + bytes(18),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGE)
def test_the_one_before_counts(name, run, begun):
    good = begun[0]["last.pt"]
    run.checkpoint.write_bytes(DAMAGE[name](good))
    state, told = take_up(run)
    assert state is not None
    assert state["epoch"] == 2
    assert told.startswith("the last checkpoint")
    assert "of epoch 2" in told
    assert run.checkpoint.read_bytes() == begun[0]["previous.pt"]
    assert take_up(run)[1] == ""


def test_what_is_no_file_counts_as_damaged(run):
    run.checkpoint.unlink()
    run.checkpoint.symlink_to("/nowhere")
    assert take_up(run)[0]["epoch"] == 2


@pytest.mark.parametrize("before", [b"", b"gone", None])
def test_without_one_before_the_run_begins_again(run, before):
    run.checkpoint.write_bytes(b"")
    previous = run.checkpoint.with_name("previous.pt")
    previous.write_bytes(before) if before is not None else previous.unlink()
    state, told = take_up(run)
    assert state is None
    assert "starts again from its first epoch" in told
    assert take_up(run) == (None, "")


def test_a_sound_one_is_taken_in_silence(run):
    state, told = take_up(run)
    assert state["epoch"] == 3
    assert told == ""


def test_the_run_ends_with_the_same_weights(tiny, run, begun):
    run.checkpoint.write_bytes(flipped(begun[0]["last.pt"]))
    events = list(train(run.config, run, tiny.workspace))
    warnings = [event.message for event in events if isinstance(event, Log) and event.level == "warning"]
    assert any("of epoch 2" in message for message in warnings)
    assert next(event for event in events if isinstance(event, TrainingStarted)).first_epoch == 3
    assert run.weights.read_bytes() == begun[1]


def test_one_of_another_network_is_told_and_no_fault_of_the_lab(tiny, run, begun):
    content = rewritten(begun[0]["last.pt"], network={"0.weight": torch.zeros(3)})
    run.checkpoint.write_bytes(content)
    with pytest.raises(RunError, match="does not fit its settings"):
        list(train(run.config, run, tiny.workspace))
    assert run.checkpoint.read_bytes() == content
