"""Whose turn it is: a pure function of who waits and who was served when, and what is read for it off the run directories."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from labcore.config import RunConfig
from labcore.events import RunFinished, RunQueued, RunStarted, TrainingStarted
from labcore.jobs import preemption, queue
from labcore.jobs.folder import NOTHING, SHARED
from labcore.jobs.queue import QueueState, Waiting, fair_order, startable
from labcore.runs import Run
from labcore.workspace import Workspace

MakeConfig = Callable[..., RunConfig]


def waits(person: str, came: float, device: str = "cpu") -> Waiting:
    return Waiting(Run(Path(f"/runs/{person}-{came:g}")), person, device, came)


def names(order: list[Waiting]) -> list[str]:
    return [each.job.id for each in order]


def test_one_person_is_served_first_come_first() -> None:
    draw = random.Random(0)
    for _ in range(50):
        devices = ["cpu", "cuda:0", "cuda:1", "?", "all"]
        mine = [waits("Ada", number, draw.choice(devices)) for number in range(12)]
        served = {("Ada", device): draw.random() for device in devices}
        served["Ada", "cpu"] = math.inf
        assert fair_order(draw.sample(mine, len(mine)), served) == mine


def test_many_runs_of_one_keep_another_waiting_for_one() -> None:
    adas = [waits("Ada", number) for number in range(40)]
    order = fair_order([*adas, waits("Bo", 100), waits("Bo", 101)], {("Ada", "cpu"): math.inf})
    assert names(order)[:4] == ["Bo-100", "Ada-0", "Bo-101", "Ada-1"]
    assert [each for each in order if each.person == "Ada"] == adas


def test_who_was_served_the_longest_ago_is_next() -> None:
    three = [waits("Ada", 1), waits("Bo", 2), waits("Cy", 3)]
    assert names(fair_order(three, {})) == ["Ada-1", "Bo-2", "Cy-3"]
    served = {("Ada", "cpu"): 30.0, ("Bo", "cpu"): 10.0, ("Cy", "cpu"): 20.0}
    assert names(fair_order(three, served)) == ["Bo-2", "Cy-3", "Ada-1"]


def test_what_was_preempted_goes_on_before_it_is_anyone_elses_turn() -> None:
    cut = Waiting(Run(Path("/runs/cut")), "Ada", "cpu", 1.0, preempted=True)
    order = fair_order([waits("Bo", 2), cut, waits("Ada", 3)], {("Ada", "cpu"): 1.5})
    assert names(order) == ["cut", "Bo-2", "Ada-3"]


def test_devices_have_turns_of_their_own() -> None:
    waiting = [waits("Ada", 1, "cpu"), waits("Bo", 2, "cpu"), waits("Ada", 3, "cuda:0"), waits("Bo", 4, "cuda:0")]
    order = fair_order(waiting, {("Ada", "cpu"): math.inf, ("Bo", "cuda:0"): 5.0})
    assert [name for name in names(order) if name in ("Ada-1", "Bo-2")] == ["Bo-2", "Ada-1"]
    assert [name for name in names(order) if name in ("Ada-3", "Bo-4")] == ["Ada-3", "Bo-4"]


@pytest.mark.parametrize("needs", [SHARED, NOTHING])
def test_what_needs_nothing_for_itself_has_its_place_too(needs: str) -> None:
    three = [waits("Ada", 1, needs), waits("Ada", 2), waits("Bo", 3, needs)]
    assert names(fair_order(three, {})) == ["Ada-1", "Ada-2", "Bo-3"]


@pytest.mark.parametrize("seed", range(20))
def test_nobody_starves(seed: int) -> None:
    """However people come and whatever they ask for, nobody waits for more than one run of each other person on a device."""
    draw, clock = random.Random(seed), 0.0
    people = ["Ada", "Bo", "Cy", "Di"]
    waiting = [waits(person, number / 10) for number, person in enumerate(draw.choices(people, k=12))]
    served: dict[tuple[str, str], float] = {}
    since: dict[str, list[str]] = {}
    for _ in range(60):
        order = fair_order(waiting, served)
        assert order == fair_order(draw.sample(waiting, len(waiting)), served)  # whatever the order it is told in
        first = order[0]
        for person in {each.person for each in waiting} - {first.person}:
            since.setdefault(person, []).append(first.person)
            assert since[person].count(first.person) == 1, f"{person} waits for two runs of {first.person}"
        since.pop(first.person, None)
        clock += 1
        served[first.person, "cpu"] = clock
        waiting.remove(first)
        waiting += [waits(person, 10 + clock + number / 10) for number, person in enumerate(draw.choices(people, k=2))]


@pytest.mark.parametrize("seed", range(5))
def test_nobody_starves_over_several_devices(seed: int) -> None:
    """A run among an endless stream of others', for devices that may be the same, begins after so many of them at most."""
    draw, clock = random.Random(seed), 0.0
    devices = ["cpu", "cuda:0", "cuda:1", "?", "all"]
    lonely = waits("Ada", 50.0, draw.choice(devices))
    waiting = [waits("Bo", number, draw.choice(devices)) for number in range(20)] + [lonely]
    served: dict[tuple[str, str], float] = {}
    for _ in range(40):
        first = fair_order(waiting, served)[0]
        if first == lonely:
            return
        clock += 1
        served[first.person, first.device] = clock
        waiting.remove(first)
        waiting.append(waits(draw.choice(["Bo", "Cy"]), 100 + clock, draw.choice(devices)))
    pytest.fail("Ada waits for ever")


def test_the_queue_is_read_off_the_runs_as_they_change(workspace: Workspace, make_config: MakeConfig) -> None:
    def queued(person: str, device: str = "cpu") -> Run:
        return Run.create(workspace, make_config(device=device), queued=True, by=person)

    ada = [queued("Ada") for _ in range(3)]
    survey = QueueState(workspace)
    assert survey.look() == (ada, [])
    bo = queued("Bo")
    assert survey.look()[0] == [ada[0], bo, *ada[1:]]
    with ada[0].hold():
        ada[0].append(RunStarted(run_id=ada[0].id, run_dir=str(ada[0].path), pid=1, host="here"))
        assert survey.look() == ([bo, *ada[1:]], [(ada[0], "cpu")])
    ada[0].append(RunFinished(state="finished"))
    assert survey.look()[0] == [bo, *ada[1:]]
    assert QueueState(workspace).look()[0] == [bo, *ada[1:]]  # nothing is known but what the runs tell
    bo.append(RunStarted(run_id=bo.id, run_dir=str(bo.path), pid=1, host="here"))
    bo.append(RunFinished(state="stopped", by="Ada"))
    bo.append(RunQueued(by="Ada"))  # it stays Bo's, who was served last
    assert survey.look()[0] == [ada[1], bo, ada[2]]
    assert list(startable(survey.look()[0], [])) == [ada[1]]


def test_the_turn_counts_on_the_device_that_was_taken(workspace: Workspace, make_config: MakeConfig) -> None:
    ran = Run.create(workspace, make_config(device="auto"), queued=True, by="Ada")
    ran.append(RunStarted(run_id=ran.id, run_dir=str(ran.path), pid=1, host="here"))
    ran.append(
        TrainingStarted(
            labels=["a"], train_clips=1, val_clips=1, fold="1", device="cuda:0", device_reason="", precision="fp32",
            memory_format="contiguous", precision_reason="", parameters=1, epochs=1, first_epoch=1,
        )
    )  # fmt: skip
    ran.append(RunFinished(state="finished"))
    waiting = {
        (person, device): Run.create(workspace, make_config(device=device), queued=True, by=person)
        for person in ("Ada", "Bo")
        for device in ("cpu", "cuda:0")
    }
    order = QueueState(workspace).look()[0]
    place = {where: order.index(run) for where, run in waiting.items()}
    assert place["Bo", "cuda:0"] < place["Ada", "cuda:0"]
    assert place["Ada", "cpu"] < place["Bo", "cpu"]


def test_a_preempted_run_is_known_by_its_old_place(workspace: Workspace, make_config: MakeConfig) -> None:
    shell = Run.create(workspace, make_config())
    shell.append(RunStarted(run_id=shell.id, run_dir=str(shell.path), pid=1, host="here", by="Ada"))
    other = Run.create(workspace, make_config(), queued=True, by="Bo")
    preemption.mark(shell)
    shell.append(RunFinished(state="stopped"))
    assert preemption.queue_again(workspace) == [shell]
    assert QueueState(workspace).look() == ([shell, other], [])


def test_what_a_run_waits_for_is_what_shares_its_device(workspace: Workspace, make_config: MakeConfig) -> None:
    runs = {}
    for name, device in (
        ("working", "cpu"),
        ("elsewhere", "cuda:0"),
        ("first", "cpu"),
        ("other", "cuda:0"),
        ("last", "cpu"),
    ):
        runs[name] = Run.create(workspace, make_config(device=device))
        runs[name].append(RunQueued())
    with runs["working"].hold(), runs["elsewhere"].hold():
        assert QueueState(workspace).ahead_of([runs["last"], runs["other"], runs["working"]]) == {
            runs["last"].path: [runs["working"], runs["first"]],
            runs["other"].path: [runs["elsewhere"]],
        }


@pytest.mark.parametrize(
    ("needs", "busy", "starts"),
    [
        ("machine", ["cpu"], False), ("machine", ["shared"], False), ("machine", ["nothing"], True), ("machine", ["machine"], False),
        ("cpu", ["machine"], False), ("?", ["machine"], False), ("shared", ["machine"], False), ("nothing", ["machine"], True),
        ("shared", ["cpu", "?", "all", "shared"], True), ("cpu", ["shared", "nothing"], True),
    ],
)  # fmt: skip
def test_what_a_job_needs_decides_beside_what_it_starts(
    monkeypatch: pytest.MonkeyPatch, needs: str, busy: list[str], starts: bool
) -> None:
    monkeypatch.setattr(queue, "needed", lambda job: needs)
    job = Run(Path("/runs/one"))
    assert list(startable([job], busy)) == [job] * starts


def test_nobody_overtakes_a_job_that_waits_for_the_whole_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark, run, search = (Run(Path(f"/runs/{name}")) for name in ("benchmark", "run", "search"))
    needs = {benchmark: "machine", run: "cuda:1", search: "nothing"}
    monkeypatch.setattr(queue, "needed", needs.__getitem__)
    assert list(startable([benchmark, run, search], ["cuda:0"])) == [search]
    assert list(startable([benchmark, run, search], [])) == [benchmark, search]


def test_jobs_that_leave_their_device_open_are_spread_over_the_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third, named, cpu = (Run(Path(f"/runs/{name}")) for name in ("1", "2", "3", "named", "cpu"))
    needs = {first: "?", second: "?", third: "?", named: "cuda:1", cpu: "cpu"}
    monkeypatch.setattr(queue, "needed", needs.__getitem__)
    gpus = ("cuda:0", "cuda:1", "cuda:2")
    assert startable([first, second, third], ["cuda:1", "cpu"], gpus) == {first: "cuda:0", second: "cuda:2"}
    assert startable([named, first], ["cuda:0"], gpus) == {named: "cuda:1", first: "cuda:2"}
    assert startable([first, named, cpu], [*gpus[:2], "cuda:2"], gpus) == {cpu: "cpu"}, (
        "nobody overtakes, and the CPU is free"
    )
    assert startable([first, second], [], ()) == {first: "?"}, "on one device one after the other"


def test_where_a_gpu_is_free_a_job_that_leaves_its_device_open_waits_for_nobody(
    workspace: Workspace, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "open_gpus", lambda: ("cuda:0", "cuda:1"))
    working = Run.create(workspace, make_config(device="cuda:0"))
    with working.hold():
        assert QueueState(workspace).before("auto") == []
        other = Run.create(workspace, make_config(device="cuda:1"), queued=True)
        assert QueueState(workspace).before("auto") == [working, other]
