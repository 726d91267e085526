"""`labcore datasets check`, `mend` and `split`: what they print, what they leave, and how they end."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from labcore.checking import Check, CheckPlan
from labcore.config import RunConfig
from labcore.datasets import register
from labcore.datasets.resuming import pin
from labcore.jobs.process import work
from labcore.runs import Run
from labcore.training.clips import open_clips
from labcore.workspace import Workspace

Labcore = Callable[..., Any]


@pytest.fixture
def sounds(workspace: Workspace, tmp_path: Path) -> Path:
    """Two classes, high and low, of six clips each by three speakers; one clip is silent."""
    root, random = tmp_path / "sounds", np.random.default_rng(0)
    for label in ("high", "low"):
        (root / label).mkdir(parents=True)
        for number in range(6):
            waves = random.normal(0, 0.1, 2000) * (label != "low" or number != 5)
            soundfile.write(root / label / f"spk{number % 3}_{number}.wav", waves, 8000)
    register(workspace, root, "sounds")
    return root


def test_a_check_is_a_job(sounds: Path, workspace: Workspace, labcore: Labcore) -> None:
    told = labcore("datasets", "check", "sounds")
    assert told.status == 0
    assert f"silent: {sounds}/low/spk2_5.wav" in told.out
    assert "`labcore datasets mend sounds` lists what can be done about 1 finding" in told.out
    (job,) = Check.every(workspace)
    assert job.status().state == "finished"
    assert (job.result.clips, len(job.result.warnings)) == (12, 2)
    assert json.loads((job.path / "findings.json").read_text())["found"][0]["id"] == "silent"
    listed = labcore("jobs", "list", "--kind", "checks", "--json").lines
    assert [each["kind"] for each in listed] == ["check"]
    shown = labcore("jobs", "show", "last", "--follow")
    assert "warning: 1 clip silent" in shown.err
    (facts,) = labcore("datasets", "check", sounds, "--json").lines
    assert facts["silent"] == [f"{sounds}/low/spk2_5.wav"]
    (finding,) = [each for each in facts["found"] if each["id"] == "silent"]
    assert finding["remedies"][0]["clips"] == finding["clips"] == [[f"{sounds}/low/spk2_5.wav", 0.0]]


def test_a_check_of_what_is_not_there_leaves_no_job(workspace: Workspace, labcore: Labcore) -> None:
    assert labcore("datasets", "check", "nothing").status == 2
    assert Check.every(workspace) == []


def test_a_check_stops_and_goes_on(sounds: Path, workspace: Workspace) -> None:
    job, stop = Check.create(workspace, CheckPlan(dataset="sounds")), threading.Event()
    stop.set()
    assert work(job, stop.is_set).state == "stopped"
    assert job.result is None
    assert work(job).state == "finished"
    assert job.result.dataset == "sounds"


def test_the_last_checks_are_kept(sounds: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labcore.jobs.folder.KEPT", 2)
    for _ in range(4):
        job = Check.create(workspace, CheckPlan(dataset="sounds"))
    assert len(Check.every(workspace)) == 2
    assert job.there


def test_a_finding_is_mended_and_that_is_taken_back(sounds: Path, workspace: Workspace, labcore: Labcore) -> None:
    early = labcore("datasets", "mend", "sounds")
    assert early.status == 2
    assert "has not been checked since it changed. Check it: `labcore datasets check sounds`" in early.err
    labcore("datasets", "check", "sounds")
    listed = labcore("datasets", "mend", "sounds")
    assert "silent: 1 clip silent. Remove them.\n  --remedy exclude: Exclude them (1 clip)\n" in listed.out
    done = labcore("datasets", "mend", "sounds", "silent")
    assert done.out.splitlines()[0] == "1 clip excluded (silent)"
    assert "`labcore datasets mend sounds silent --undo` takes it back" in done.out
    again = labcore("datasets", "mend", "sounds", "silent")
    assert again.status == 2
    assert "no open finding 'silent'" in again.err
    assert "mended: 1 clip excluded (silent); --undo takes it back" in labcore("datasets", "mend", "sounds").out
    annotations = labcore("datasets", "annotations", "sounds")
    assert "labels of revision 1: 0 corrected, 1 clip left out" in annotations.out
    (facts,) = labcore("datasets", "annotations", "sounds", "--json").lines
    assert [each["mend"] for each in facts["mended"]] == ["exclude"]
    (facts,) = labcore("datasets", "mend", "sounds", "--json").lines
    assert [each["finding"] for each in facts["mended"]] == ["silent"]
    assert "taken back: 1 clip excluded (silent)" in labcore("datasets", "mend", "sounds", "silent", "--undo").out
    (facts,) = labcore("datasets", "mend", "sounds", "silent", "--clip", "low/spk2_5.wav", "--json").lines
    assert [clip["clip"] for clip in facts["mended"]["clips"]] == ["low/spk2_5.wav"]


def test_folds_are_looked_at_before_they_are_kept(sounds: Path, workspace: Workspace, labcore: Labcore) -> None:
    seen = labcore("datasets", "split", "sounds", "--by", "speaker", "--folds", "3")
    assert "3 groups by speaker, of 4 clips each\n  high/spk0_0.wav → 0\n" in seen.out
    assert "class  1  2  3" in seen.out
    assert "not kept: --as NAME keeps it" in seen.out
    assert not list(workspace.datasets.glob("*.splits.jsonl"))
    kept = labcore("datasets", "split", "sounds", "--by", "speaker", "--folds", "3", "--as", "people")
    assert "`labcore train --dataset sounds --named-split people` trains with it" in kept.out
    (facts,) = labcore("datasets", "split", "sounds", "--json").lines
    assert [(each["split"], each["by"], each["groups"]) for each in facts["splits"]] == [("people", "speaker", 3)]
    assert labcore("datasets", "split", "sounds").out.splitlines()[1] == "people: 3 folds by speaker"
    (facts,) = labcore("datasets", "split", "sounds", "--show", "people", "--json").lines
    assert {group: sum(held.values()) for group, held in facts["groups"].items()} == {"0": 4, "1": 4, "2": 4}
    assert facts["notes"] == []
    leaking = labcore("datasets", "split", "sounds", "--show", "official")
    assert leaking.out.startswith("5 folds drawn")
    twice = labcore("datasets", "split", "sounds", "--by", "source", "--as", "people")
    assert twice.status == 2
    assert "has a split 'people' already" in twice.err
    assert "removed: split people" in labcore("datasets", "split", "sounds", "--remove", "people").out
    (facts,) = labcore("datasets", "split", "sounds", "--json").lines
    assert facts["splits"] == []


def test_folds_of_a_list_that_leaks_are_refused(
    sounds: Path, workspace: Workspace, labcore: Labcore, tmp_path: Path
) -> None:
    soundfile.write(sounds / "low" / "copy.wav", *soundfile.read(sounds / "low" / "spk0_0.wav"))
    rows = [f"{file.relative_to(sounds)},{'b' if 'copy' in file.name else 'a'}" for file in sounds.rglob("*.wav")]
    (tmp_path / "mine.csv").write_text("\n".join(["path,fold", *rows]))
    refused = labcore("datasets", "split", "sounds", "--from", tmp_path / "mine.csv", "--as", "mine")
    assert refused.status == 2
    assert (
        "the split 'mine' leaks: 1 recording in several folds: spk0_0.wav in fold a and copy.wav in fold b"
        in refused.err
    )
    mended = labcore("datasets", "split", "sounds", "--from", tmp_path / "mine.csv", "--as", "mine", "--together")
    assert mended.status == 0, mended.err
    assert "1 clip moved to the fold of what they belong together with" in mended.out


def test_parts_by_shares_renamed_and_in_use(sounds: Path, workspace: Workspace, labcore: Labcore) -> None:
    drawn = labcore("datasets", "split", "sounds", "--by", "source", "--shares", "50,25,25", "--as", "parts")
    assert "class  train  val  test" in drawn.out
    assert "parts: train, val, test by source" in labcore("datasets", "split", "sounds").out
    assert labcore("datasets", "split", "sounds", "--by", "source", "--shares", "1").status == 2
    Run.create(workspace, RunConfig().replace({"data.dataset": "sounds", "data.named_split": "parts"}), queued=True)
    assert labcore("datasets", "split", "sounds", "--rename", "parts", "--as", "shares").out.startswith("shares: train")
    refused = labcore("datasets", "split", "sounds", "--remove", "shares")
    assert refused.status == 2
    assert "1 run uses the split shares" in refused.err
    assert "cannot be removed now" in refused.err


def test_a_run_trains_with_a_named_split(sounds: Path, workspace: Workspace, labcore: Labcore) -> None:
    labcore("datasets", "split", "sounds", "--by", "speaker", "--folds", "3", "--as", "people")
    config = RunConfig().replace({"data.dataset": "sounds", "data.named_split": "people", "data.fold": "2"})
    run = Run.create(workspace, config)
    pin(run, workspace, config.data)
    opened = open_clips(config, run, workspace, lambda: False, None)
    while True:
        try:
            next(opened)
        except StopIteration as end:
            _, clips = end.value
            break
    held_out = {Path(path).name[:4] for path in clips.store.table["path"].iloc[clips.split.held_out]}
    trained = {Path(path).name[:4] for path in clips.store.table["path"].iloc[clips.split.train]}
    assert len(held_out) == 1
    assert len(trained) == 2
    assert held_out.isdisjoint(trained)
    unknown = labcore("train", "--dataset", "sounds", "--named-split", "nobody")
    assert unknown.status == 2
    assert "has no split 'nobody'. There are: people" in unknown.err


def test_flags_that_say_nothing_by_themselves_are_refused(labcore, workspace):
    for words, told in (
        (("split", "sounds", "--folds", "4"), "--folds is only for --by"),
        (("split", "sounds", "--seed", "0"), "--seed is only for --by"),
        (("split", "sounds", "--as", "x"), "--as is only for --by and --from and --rename"),
        (("split", "sounds", "--by", "site", "--together"), "--together is only for --from"),
        (("labels", "sounds", "--combined"), "--combined is only for --write"),
        (("annotations", "sounds", "--anyone"), "--anyone is only for --undo"),
    ):
        answer = labcore("datasets", *words)
        assert answer.status == 2
        assert told in answer.err
