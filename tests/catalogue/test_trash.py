"""A cross-validation is deleted with its runs, and comes back with them."""

from __future__ import annotations

import pytest

from labcore.catalogue.trash import forget, in_trash, open_deleted, open_listed, remove, restore
from labcore.errors import RunError
from labcore.jobs.manager import JobManager
from labcore.runs import Run


@pytest.fixture
def manager(workspace):
    made = JobManager(workspace, background=False)
    yield made
    made.close()


def test_all_of_it_goes_and_all_of_it_comes_back(workspace, crossval, make, manager):
    alone = make()
    remove(manager, open_listed(workspace, crossval.id), by="Ada")
    assert Run.every(workspace) == [alone]
    assert len(in_trash(workspace)) == 3
    back = restore(workspace, open_deleted(workspace, crossval.name or crossval.id[:8]))
    assert (len(back), in_trash(workspace)) == (3, [])
    assert len(crossval.children()) == 2


def test_a_fold_comes_back_alone(workspace, crossval, manager):
    fold = crossval.children()[0]
    remove(manager, crossval)
    assert restore(workspace, open_deleted(workspace, fold.id)) == [fold]
    assert len(in_trash(workspace)) == 2


def test_what_is_forgotten_is_gone(workspace, crossval, manager):
    remove(manager, crossval)
    forget(workspace, open_deleted(workspace, crossval.id))
    assert in_trash(workspace) == []
    with pytest.raises(RunError, match="in the trash"):
        open_deleted(workspace, crossval.id)
