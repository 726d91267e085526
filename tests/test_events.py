"""What an event is: a line of JSON that says everything its type demands, the same in this version and in those before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labcore.benchmark.events import EVENTS, BenchmarkFinished
from labcore.events import KINDS, Epoch, Event, Log, RunQueued, Unknown, each_of, epochs_of, last_of, parse
from labcore.search.events import EVENTS as SEARCHES

RECORDED = Path(__file__).parent / "fixtures" / "events"
"""Lines that the lab wrote when events were dataclasses."""


def lines(name: str) -> list[str]:
    return (RECORDED / f"{name}_events.jsonl").read_text().splitlines()


ALL = [
    pytest.param(line, kinds, id=f"{name} {number}")
    for name, kinds in (("run", KINDS), ("benchmark", EVENTS), ("search", SEARCHES))
    for number, line in enumerate(lines(name))
]


def test_every_type_was_recorded():
    types = {name: {json.loads(line)["type"] for line in lines(name)} for name in ("run", "benchmark", "search")}
    assert types == {"run": set(KINDS), "benchmark": set(EVENTS), "search": set(SEARCHES)}


def holds(told, written) -> bool:
    """Whether one tells all that the other does; a field that has come since may stand beside it."""
    if isinstance(written, dict):
        return isinstance(told, dict) and all(
            name in told and holds(told[name], each) for name, each in written.items()
        )
    if isinstance(written, list):
        return len(told) == len(written) and all(map(holds, told, written))
    return told == written


@pytest.mark.parametrize(("line", "kinds"), ALL)
def test_what_was_written_is_read_and_written_again(line, kinds):
    event, written = parse(line, kinds), json.loads(line)
    assert type(event) is kinds[written["type"]]
    if "reported" in written:  # the name of the test fold in the version before
        written["test_fold"] = written.pop("reported")
    written.pop("why", None)  # what a benchmark waits for is read off the queue
    assert holds(json.loads(event.to_json()), written)
    assert type(event).model_validate(event.facts()) == event


def epoch(**other) -> Epoch:
    figures = {
        "epoch": 1, "epochs": 4, "train_loss": 1.0, "train_accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5, "lr": 0.1,
        "clips_per_second": 9.0, "seconds": 1.0, "seconds_left": 3.0, "averaged": False,
    }  # fmt: skip
    return Epoch(**(figures | other))


def test_an_event_has_every_field_of_its_type_and_finite_numbers():
    sound = json.loads(epoch().to_json())
    assert parse(json.dumps(sound | {"val_loss": float("nan")})) is not None  # a training that diverges
    wrong = (
        {"epoch": 1.5},
        {"epoch": True},
        {"seconds_left": float("inf")},
        {"time": -1.0},
        {"time": 1e300},
        {"lr": "0.1"},
    )
    for change in wrong:
        assert parse(json.dumps(sound | change)) is None, change
    for missing in ("lr", "time", "type"):
        assert parse(json.dumps({name: value for name, value in sound.items() if name != missing})) is None, missing


@pytest.mark.parametrize(
    "line", ["", "x", "[1]", "null", '{"type": ["x"], "time": 1}', '{"type": "x"}', '{"type": "x", "time": 1e13}']
)
def test_what_can_be_no_event_is_none(line):
    assert parse(line) is None


def test_what_another_version_wrote_is_kept():
    line = '{"type": "of another version", "time": 1.0, "what": [1, {"a": null}]}'
    event = parse(line)
    assert isinstance(event, Unknown)
    assert json.loads(event.to_json()) == json.loads(line)
    taken = '{"type": "x", "time": 1.0, "facts": 3, "to_json": 4, "__class__": 5, "self": 6}'  # names that an object has itself
    assert parse(taken).to_json() == taken
    more = json.loads(RunQueued(by="Ada").to_json()) | {"why": "resumed"}
    assert json.loads(parse(json.dumps(more)).to_json()) == more
    old = parse('{"type": "run_queued", "time": 1}')  # before runs had an owner
    assert isinstance(old, RunQueued)
    assert old.by == ""


def test_names_that_are_no_unicode_are_told_and_kept():
    name = "M\udce4dchen.wav"
    for event in (Log(message=name), epoch(pinned={name: {name: 0.5}})):
        assert parse(event.to_json()) == event
    failed = BenchmarkFinished(state="failed", error=f"{name} is gone")
    assert failed.error == r"M\xe4dchen.wav is gone"
    assert parse(failed.to_json(), EVENTS) == failed


def test_an_event_never_changes():
    event = Log(message="m")
    with pytest.raises(ValueError, match="frozen"):
        event.message = "other"


def test_the_last_of_a_kind_and_each_epoch_once():
    events: list[Event] = [epoch(lr=0.1), Log(message="m"), epoch(epoch=2), epoch(lr=0.2), Unknown(type="x")]
    assert last_of(events, Epoch) is events[3]
    assert last_of(events, RunQueued) is None
    assert each_of(events, Log) == [events[1]]
    assert [(each.epoch, each.lr) for each in epochs_of(events)] == [(1, 0.2), (2, 0.1)]
