"""Damaged runs, searches, cross-validations, data sets beside a sound one: that is shown, and the damaged one says that it cannot be read.

Nothing raises, nothing waits for a pipe, and the queue goes on with what it can order.
"""

from __future__ import annotations

import contextlib
import json
import random
import threading
from pathlib import Path

import pytest

from labcore.cli.main import main
from labcore.config import RunConfig
from labcore.crossval.job import CrossValidation
from labcore.crossval.summary import summarise
from labcore.datasets import list_datasets
from labcore.events import Epoch, Evaluated, Log, RunFinished, RunQueued, RunStarted, TrainingStarted, event_of
from labcore.jobs.glances import glance, glances
from labcore.jobs.listing import looked_at
from labcore.jobs.queue import QueueState
from labcore.reading import DamagedError, parse_json, read_json
from labcore.runs import Run, list_runs
from labcore.runs.moved import former_homes
from labcore.search.folder import Search
from labcore.search.settings import Settings
from labcore.search.space import Range
from labcore.workspace import Workspace

from .damage import CONTENTS, FEW, VALUES, fifo, folder, leaves, put, with_value, without
from .damage import KINDS as DAMAGES

SECONDS = 20.0
"""Longer than that nothing here takes; what waits for a pipe would wait for ever."""
MANY = pytest.param(tuple(DAMAGES), id="every kind", marks=pytest.mark.slow)
EACH = [pytest.param(kind, marks=[] if kind in FEW else [pytest.mark.slow]) for kind in DAMAGES]
SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed >= 8 else []) for seed in range(40)]
DEFAULTS = ("content: an empty object",)
"""A configuration that names nothing is that of the defaults."""
FILES = (
    "config.json",
    "events.jsonl",
    "progress.json",
    "asked.json",
    "labels.json",
    "environment.json",
    "experiment.json",
    "search.json",
    "ensemble.json",
    "preempted.json",
    "overrides.jsonl",
    "clips.json.gz",
    "moved.json",
    "worker.log",
    "weights.safetensors",
    "lock",
    "stop",
)


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    monkeypatch.setenv("LABCORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LABCORE_USER", "Ada")
    return Workspace.default()


def soon(act):
    """What ``act`` returns, which must not take longer than :data:`SECONDS`: in a thread, since a pipe is waited for in the kernel."""
    found: list = []

    def work() -> None:
        try:
            found.append((act(), None))
        except BaseException as error:
            found.append((None, error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(SECONDS)
    assert found, "it waits"
    if found[0][1] is not None:
        raise found[0][1]
    return found[0][0]


def events(run: Run) -> list:
    training = TrainingStarted(
        labels=["a", "b"], train_clips=8, val_clips=2, fold="1", device="cpu", device_reason="", precision="fp32",
        memory_format="contiguous", precision_reason="", parameters=9, epochs=3, first_epoch=1,
    )  # fmt: skip
    epoch = Epoch(
        epoch=1, epochs=3, train_loss=1.0, train_accuracy=0.5, val_loss=1.0, val_accuracy=0.5, lr=0.1, clips_per_second=1.0,
        seconds=1.0, seconds_left=2.0, averaged=False, spent={"network": 1.0},
    )  # fmt: skip
    figures = {label: {"precision": 1.0, "recall": 1.0, "f1": 1.0} for label in "ab"}
    evaluated = Evaluated(
        accuracy=0.5, accuracy_low=0.1, accuracy_high=0.9, macro_f1=0.5, per_class=figures,
        confusion={"a": {"a": 1}, "b": {"b": 1}}, clips=2, fold="1",
    )  # fmt: skip
    started = RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="here")
    return [RunQueued(by="Ada"), started, training, epoch, evaluated, Log(message="m"), RunFinished(state="finished")]


def make(workspace: Workspace, *, queued: bool = False) -> Run:
    run = Run.create(workspace, RunConfig(), queued=queued)
    for event in [] if queued else events(run):
        run.append(event)
    return run


def look_everywhere(workspace: Workspace, good: Run, waiting: Run, bad: Run, capsys) -> None:
    """Every list shows the sound runs; none raises or waits."""
    rows = {run.id: status.state for run, status in soon(lambda: glances(workspace, Run))}
    assert rows[good.id] == "finished"
    assert rows[waiting.id] == "queued"
    assert bad.id in rows or bad.id in {each.name for each in Run.unreadable(workspace)}
    assert waiting in soon(lambda: QueueState(workspace).look())[0]
    assert soon(lambda: bad.events()) is not None
    soon(lambda: bad.status())
    soon(lambda: former_homes(workspace))
    for command in (["runs", "list"], ["runs", "list", "--json"]):
        assert soon(lambda command=command: main(command)) == 0
        told = capsys.readouterr().out
        assert good.id in told
        assert bad.id in told
    for line in told.splitlines():
        json.loads(line)


def test_there_are_fifty_kinds():
    assert len(DAMAGES) + len(VALUES) >= 48
    assert len(DAMAGES) * len(FILES) > 400


@pytest.mark.parametrize("kinds", [pytest.param(FEW, id="a few"), MANY])
@pytest.mark.parametrize("file", FILES)
def test_any_damage_of_any_file_of_a_run_hides_no_other(workspace, file, kinds, capsys):
    good, waiting = make(workspace), make(workspace, queued=True)
    for kind in kinds:
        damage = DAMAGES[kind]
        bad = make(workspace, queued=file in ("lock", "stop", "worker.log"))
        damage(bad.path / file)
        try:
            status = soon(lambda bad=bad: glance(bad))
            if file == "config.json" and kind not in DEFAULTS:
                assert status.state == "unreadable", kind
                assert "cannot be read" in status.error, kind
            soon(lambda bad=bad: main(["runs", "show", bad.id]))
            assert soon(lambda bad=bad: main(["runs", "delete", "--yes", bad.id])) == 0, kind
            assert not bad.path.exists(), kind
        except BaseException:
            print(f"kind of damage: {kind}")
            raise
    for kind in kinds:
        DAMAGES[kind](make(workspace).path / file)
    bad = make(workspace)
    fifo(bad.path / file)
    capsys.readouterr()
    look_everywhere(workspace, good, waiting, bad, capsys)


@pytest.mark.parametrize("seed", SEEDS)
def test_events_with_other_values_hide_no_run_and_stop_no_queue(workspace, seed, capsys):
    draw = random.Random(seed)
    good, waiting, bad = make(workspace), make(workspace, queued=True), make(workspace, queued=True)
    with (bad.path / "events.jsonl").open("a", errors="surrogatepass") as file:
        for event in events(bad):
            tree = json.loads(event.to_json())
            for way in draw.sample(leaves(tree), min(6, len(leaves(tree)))):
                name = draw.choice(list(VALUES))
                file.write(f"{with_value(tree, way, VALUES[name])}\n")
            file.write(f"{without(tree, draw.choice(leaves(tree)))}\n")
    look_everywhere(workspace, good, waiting, bad, capsys)


@pytest.mark.parametrize("value", VALUES)
def test_an_event_is_of_its_types_or_none(value, workspace):
    """What passes the check has finite times, and every value that a reader of events formats or compares."""
    told = events(Run.create(workspace, RunConfig()))
    for event in told:
        tree = json.loads(event.to_json())
        for name in tree:
            try:
                found = event_of(parse_json(with_value(tree, (name,), VALUES[value])))
            except DamagedError:
                continue
            if found is not None:
                assert 0 <= found.time < 1e12
                assert type(found.facts()[name]) in (type(tree[name]), int, float) or name == "type"


@pytest.mark.parametrize("name", CONTENTS)
def test_the_reader_of_json_gives_plain_data_or_says_why(tmp_path, name):
    put(tmp_path / "file.json", CONTENTS[name])
    with contextlib.suppress(DamagedError):
        json.dumps(read_json(tmp_path / "file.json"))
    for place in (fifo, folder):
        place(tmp_path / "file.json")
        with pytest.raises(DamagedError, match="is not a file"):
            soon(lambda: read_json(tmp_path / "file.json"))


# --- searches, cross-validations, data sets


@pytest.mark.parametrize("kind", EACH)
def test_a_damaged_search_hides_no_other(workspace, kind, capsys):
    settings = Settings(RunConfig(), (Range("optim.lr", 0.01, 0.3),), 3, "1", "2")
    good, *bad = (Search.create(workspace, settings) for _ in range(5))
    for search, file in zip(bad, ("search.json", "journal.jsonl", "owner", "stop"), strict=True):
        DAMAGES[kind](search.path / file)
    reports, _ = soon(lambda: looked_at(Search.every(workspace), Search.report, lambda each: each.id))
    assert good.id in {report.id for report in reports}
    assert soon(lambda: main(["search", "--list"])) == 0
    told = capsys.readouterr().out
    assert all(search.id in told for search in (good, *bad))


@pytest.mark.parametrize("kind", EACH)
def test_a_damaged_cross_validation_hides_no_other(workspace, dataset_of_two_folds, kind, capsys):
    config = RunConfig().replace({"data.dataset": "small"})
    good, bad, of_bad_runs = (CrossValidation.create(workspace, config, queued=False) for _ in range(3))
    DAMAGES[kind](bad.path / "experiment.json")
    for run in of_bad_runs.runs():
        DAMAGES[kind](run.path / "config.json")
        DAMAGES[kind](run.path / "events.jsonl")
    summaries, _ = soon(lambda: looked_at(CrossValidation.every(workspace), summarise, lambda each: each.id))
    assert {good.id, of_bad_runs.id} <= {each.id for each in summaries}
    assert soon(lambda: main(["crossval", "--list"])) == 0
    told = capsys.readouterr().out
    assert all(each.id in told for each in (good, of_bad_runs))
    assert (bad.id in told) != (kind == "missing")  # a folder that nothing marks is no cross-validation


@pytest.fixture
def dataset_of_two_folds(workspace) -> Path:
    import numpy as np

    from labcore.audio.waveforms import encode_wav

    root = workspace.datasets / "small"
    for label in ("a", "b"):
        (root / label).mkdir(parents=True)
        for number in range(4):
            noise = np.random.default_rng(number).normal(0, 0.1, 800).astype(np.float32)
            (root / label / f"{label}{number}.wav").write_bytes(encode_wav(noise, 8000))
    return root


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_an_experiment_of_other_values_hides_no_other(workspace, dataset_of_two_folds, value, every):
    """Each value in every fourth place, another fourth for each: the slow tests put all in all places."""
    config = RunConfig().replace({"data.dataset": "small"})
    good, bad = (CrossValidation.create(workspace, config, queued=False) for _ in range(2))
    tree = json.loads((bad.path / "experiment.json").read_text())
    ways = [way for way in leaves(tree) if way[0] != "config" or len(way) < 3]
    for way in ways[list(VALUES).index(value) % every :: every]:
        put(bad.path / "experiment.json", with_value(tree, way, VALUES[value]).encode("utf-8", "surrogatepass"))
        summaries, _ = looked_at(CrossValidation.every(workspace), summarise, lambda each: each.id)
        assert good.id in {each.id for each in summaries}
        assert not any(run.path.parent != workspace.runs for each in summaries for run in list_runs(workspace))


@pytest.mark.parametrize("kind", EACH)
def test_a_damaged_data_set_hides_no_other(workspace, dataset_of_two_folds, kind, capsys):
    DAMAGES[kind](workspace.datasets / "bad.json")
    DAMAGES[kind](workspace.datasets / "listed.csv")
    put(workspace.datasets / "far.json", b'{"path": "/nowhere\\u0000/x"}')
    DAMAGES[kind](workspace.home / "renamed.json")
    found = {info.name: info for info in soon(lambda: list_datasets(workspace))}
    assert found["small"].clips == 8
    assert not found["small"].error
    for name in ("bad", "listed"):
        assert name not in found or found[name].error, name
    assert found["far"].error
    for file in (workspace.cache / "datasets").glob("*.json"):
        DAMAGES[kind](file)
    assert {info.name: info for info in soon(lambda: list_datasets(workspace))}["small"].clips == 8
    soon(lambda: main(["datasets", "list"]))
    assert "small" in capsys.readouterr().out


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_index_of_runs_is_made_again(workspace, kind, monkeypatch):
    from labcore.jobs import glances as module

    good = make(workspace)
    soon(lambda: glances(workspace, Run))
    DAMAGES[kind](workspace.cache / "runs.json")
    monkeypatch.setattr(module, "_index", type(module._index)())
    ((run, status),) = soon(lambda: glances(workspace, Run))
    assert (run, status.state, status.accuracy) == (good, "finished", 0.5)
