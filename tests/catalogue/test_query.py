"""Sorting, filtering and searching the list of runs."""

from __future__ import annotations

import pytest

from labcore.catalogue import Query, catalogue, select
from labcore.catalogue.query import COLUMNS, STATES, condition
from labcore.errors import ConfigError
from labcore.jobs.about import change_about
from labcore.jobs.status import ENDED


@pytest.fixture
def three(make):
    return [make(0.9, "Ada"), make(0.5, "Bo", **{"data.dataset": "esc10"}), make(0.7, "", **{"model.name": "resnet18"})]


def ids(workspace, **query) -> list[str]:
    return [row.id for row in select(catalogue(workspace), Query(**query))]


def test_by_accuracy_the_best_comes_first_and_what_has_none_last(workspace, three, make):
    make(0.9).save("config", "no configuration")
    queued = type(three[0]).create(workspace, three[0].config, queued=True)
    order = ids(workspace, sort="accuracy", filters=("state!=unreadable",))
    assert order == [three[0].id, three[2].id, three[1].id, queued.id]
    assert ids(workspace, sort="-accuracy", filters=("state!=unreadable",)) == [order[2], order[1], order[0], order[3]]


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_sorts(workspace, three, column):
    assert len(ids(workspace, sort=column)) == len(ids(workspace, sort=f"-{column}")) == 3


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"words": "ESC10 bo"}, [1]),
        ({"words": "nothing"}, []),
        ({"filters": ("accuracy>=70%",)}, [0, 2]),
        ({"filters": ("accuracy>0.7", "network=compact")}, [0]),
        ({"filters": ("data!=esc",)}, [0, 2]),
        ({"mine": "Ada"}, [0, 2]),
        ({"datasets": ("esc10",)}, [1]),
        ({"states": ("failed",)}, []),
        ({"star": True}, [2]),
        ({"tags": ("KEEP",)}, [0]),
        ({"archived": True}, []),
    ],
)
def test_all_that_is_asked_has_to_hold(workspace, three, query, found):
    change_about(three[0].path, tags=["keep", "b"])
    change_about(three[2].path, star=True)
    assert sorted(ids(workspace, **query)) == sorted(three[number].id for number in found)


def test_a_parent_stays_for_the_part_that_is_asked_for(workspace, crossval):
    (row,) = select(catalogue(workspace), Query(filters=("fold=2",)))
    assert (row.id, [part.part for part in row.children]) == (crossval.id, ["fold 2"])


def test_what_is_archived_is_out_of_sight_with_its_parts(workspace, crossval, make):
    run = make()
    change_about(crossval.path, archived=True)
    assert ids(workspace) == [run.id]
    (row,) = select(catalogue(workspace), Query(archived=True))
    assert (row.id, len(row.children)) == (crossval.id, 2)
    change_about(crossval.path, archived=False)
    change_about(crossval.children()[0].path, archived=True)
    parts = {row.id: len(row.children) for row in select(catalogue(workspace), Query())}
    assert parts == {run.id: 0, crossval.id: 1}


@pytest.mark.parametrize("text", ["", "data", "what=x", "data>3", "accuracy>high", "accuracy=", "=x"])
def test_what_is_no_filter_is_told(text):
    with pytest.raises(ConfigError):
        condition(text)


def test_a_column_that_is_not_there_is_told(workspace, three):
    with pytest.raises(ConfigError, match="cannot be sorted by"):
        ids(workspace, sort="colour")


def test_a_state_that_there_is_not_is_told_with_the_nearest() -> None:
    for text in ("state=finishd", "state!=finishd"):
        with pytest.raises(ConfigError, match=r"there is no state 'finishd'; did you mean finished\?") as told:
            condition(text)
        assert "interrupted" in told.value.remedy
    condition("state=inter")  # a part is enough


def test_all_states_of_jobs_can_be_asked_for() -> None:
    assert {*ENDED, "queued", "running", "stopping", "unreadable"} == {*STATES}
