"""What the processes of a run prepare: the same, each in a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from labcore.datasets.corrections import Corrections
from labcore.datasets.record import ClipRecord
from labcore.device import DeviceChoice
from labcore.errors import RunError
from labcore.runs import Run
from labcore.training.distributed import DistributedContext
from labcore.training.prepare import environment, hand_over, prepare
from labcore.workspace import Workspace


def one_after_the_other(monkeypatch: pytest.MonkeyPatch, runs: list[Run], workspace: Workspace) -> list[Any]:
    """The preparation of a run by several processes, without the processes. Returns what has to be equal in all of them."""
    said: list[Any] = []
    alike: list[Any] = []

    def share(context: DistributedContext, make: Any) -> Any:
        said.append(make() if context.main else said.pop(0))
        return said[-1]

    def agree(context: DistributedContext, trouble: Exception | None, value: Any, same: Any) -> Any:
        assert trouble is None
        alike.append(same)
        return value

    monkeypatch.setattr(DistributedContext, "share", share)
    monkeypatch.setattr(DistributedContext, "agree", agree)
    for rank, run in enumerate(runs):
        list(prepare(runs[0].config, run, workspace, lambda: False, DistributedContext(rank, len(runs))))
    return alike


def test_the_other_processes_find_the_clips_that_the_run_began_with(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Theirs is a scratch folder: corrected labels and the like lie in that of process 0 alone."""
    workspace = Workspace(tmp_path / "home")
    run, scratch = Run.create(workspace, tiny.config), Run(tmp_path / "scratch")
    Corrections(1, "", {("fold2/tone/tone-2-0.wav", 0.0, "tone"): "noise"}).save(run)
    scratch.path.mkdir()
    one, other = one_after_the_other(monkeypatch, [run, scratch], workspace)
    assert one == other
    record = ClipRecord.load(scratch)
    assert record is not None
    assert {clip.path: clip.label for clip in record.clips}["fold2/tone/tone-2-0.wav"] == "noise"
    assert not scratch.events()
    (run.path / "more.json").mkdir()
    with pytest.raises(RunError, match="cannot be read"):
        hand_over(run, DistributedContext(0, 2))


def test_a_cudnn_that_does_not_fit_ends_no_training_at_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise RuntimeError("cuDNN version incompatibility")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.cudnn, "version", refuse)
    assert environment(DeviceChoice("cuda:0", "a GPU", "asked for"))["cudnn"] is None
