"""The way of a run: unchanged it is torch's schedule, step by step; changed it still ends where that ends."""

from __future__ import annotations

import pytest
import torch

from labcore.training.schedule import Schedule, make_schedule

STEPS = 5
NAMES = ["onecycle", "cosine", "constant"]


def rates(name: str, epochs: int, changes: dict[int, int] | None = None) -> tuple[list[float], Schedule]:
    """The rate before each step, where epochs are changed from certain epochs on."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    schedule, found, now, epoch = Schedule(name, optimizer, epochs, STEPS), [], epochs, 0
    while epoch < now:
        epoch += 1
        now = (changes or {}).get(epoch, now)
        schedule.begin(epoch, now)
        for _ in range(STEPS):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
    return [*found, optimizer.param_groups[0]["lr"]], schedule


@pytest.mark.parametrize("name", NAMES)
def test_a_way_that_nobody_changes_is_that_of_torch(name):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    moves, expected = make_schedule(name, optimizer, 8 * STEPS), []
    for _ in range(8 * STEPS):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        moves.step()
    assert rates(name, 8)[0] == [*expected, optimizer.param_groups[0]["lr"]]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("changes", [{4: 5}, {4: 4}, {2: 40}, {3: 30, 10: 12}])
def test_a_changed_one_begins_and_ends_the_same(name, changes):
    (plain, _), (changed, _) = rates(name, 20), rates(name, 20, changes)
    begun = (min(changes) - 1) * STEPS + 1
    assert changed[:begun] == plain[:begun]
    assert changed[-1] == pytest.approx(plain[-1], abs=1e-9)
    assert len(changed) == changes[max(changes)] * STEPS + 1


@pytest.mark.parametrize(("end", "within"), [(20, [17, 18, 19, 20]), (10, [9, 10])])
def test_the_last_share_is_of_the_way_and_not_of_the_epochs(end, within):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    schedule, found = Schedule("onecycle", optimizer, 20, STEPS), []
    for epoch in range(1, end + 1):
        schedule.begin(epoch, end)
        found += [epoch] * schedule.within_last(0.2)
        for _ in range(STEPS):
            optimizer.step()
            schedule.step()
    assert found == within


def test_a_step_after_the_last_keeps_its_rate():
    _, schedule = rates("onecycle", 2)
    schedule.step()
    assert schedule.state_dict()["last_epoch"] == 2 * STEPS
