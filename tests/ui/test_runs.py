"""The page of runs: the list, one run, what is deleted and undone, and what cannot be shown."""

from __future__ import annotations

import pytest

from labcore.config.presets import preset
from labcore.crossval.job import CrossValidation
from labcore.jobs.about import change_about, read_about
from labcore.jobs.trash import throw_away
from labcore.runs import Run, list_runs

from .conftest import unfold, words

PAGE = "pages/runs.py"
TABLE = "ui.runs.list.run_table"


@pytest.fixture
def seen(monkeypatch):
    """The rows that the table was given last; ``done`` is what somebody does in it next."""

    class Seen:
        def __init__(self) -> None:
            self.rows, self.columns, self.sort = [], [], ""
            self.chosen, self.unfolded, self.done = [], [], ("", {})

        @property
        def ids(self) -> list[str]:
            return [row.id for row in self.rows]

    found = Seen()

    def table(rows, columns, *, key, sort, choosable=True, changes=True):
        found.rows, found.columns, found.sort = list(rows), [column.name for column in columns], sort
        done, found.done = found.done, ("", {})
        return done

    monkeypatch.setattr(TABLE, table)
    monkeypatch.setattr("ui.runs.list.ids_of", lambda key, what: getattr(found, what))
    return found


def press(app, label):
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def test_an_empty_workspace_leads_to_the_first_training(open_page):
    app = open_page(PAGE)
    assert "No run yet" in words(app)
    assert not app.error


def test_every_state_is_listed_with_what_it_says(open_page, make_run, workspace, seen):
    for state in ("queued", "interrupted", "stopped", "failed", "finished"):
        make_run(state)
    app = open_page(PAGE)
    assert not app.error
    assert sorted(row.state[0] for row in seen.rows) == ["Failed", "Finished", "Interrupted", "Queued", "Stopped"]
    finished = next(row for row in seen.rows if row.state[0] == "Finished")
    assert finished.name == "small · quick · clip seconds 0.5 · 8 epochs"
    assert finished.cells["accuracy"] == "87.5 %\n64 – 96 %"
    assert "5 runs" in words(app)
    run = Run(workspace.runs / finished.id)
    run.save_config(run.config.replace({"optim.epochs": 20}))  # of which it was to train 8
    open_page(PAGE)
    assert {row.cells["accuracy"] for row in seen.rows} >= {"87.5 %\n64 – 96 %\nfinished early", "75.0 %\ntest"}


def test_the_list_moves_as_long_as_a_run_does(open_page, make_run, ticks, seen):
    make_run("finished")
    open_page(PAGE)
    assert ticks == []
    make_run("queued")
    open_page(PAGE)
    assert [tick.interval for tick in ticks] == [2.0]


def test_folds_are_folded_under_their_cross_validation(open_page, dataset, workspace, seen):
    parent = CrossValidation.create(workspace, preset("quick").replace({"data.dataset": "small"}), folds=["1", "2"])
    open_page(PAGE)
    assert seen.ids == [parent.id]
    assert seen.rows[0].parts == 2
    seen.unfolded = [parent.id]
    open_page(PAGE)
    assert [row.part for row in seen.rows] == [False, True, True]
    assert seen.rows[1].cells["fold"] == "1"


def test_a_cross_validation_is_shown_with_its_folds(open_page, dataset, workspace):
    parent = CrossValidation.create(workspace, preset("quick").replace({"data.dataset": "small"}), folds=["1", "2"])
    app = open_page(PAGE, crossval=parent.id)
    assert not app.error
    assert "Cross-validation **small · quick · 2 folds**" in words(app)
    (parent.path / "experiment.json").write_text("{")
    assert not open_page(PAGE, crossval=parent.id).exception


def test_it_is_searched_and_sorted_by_the_address(open_page, make_run, seen):
    wanted, _ = make_run("finished"), make_run("failed")
    change_about(wanted.path, tags=["keep"])
    open_page(PAGE, q="keep", sort="-accuracy")
    assert (seen.ids, seen.sort) == ([wanted.id], "-accuracy")
    open_page(PAGE, sort="nonsense")
    assert seen.sort == "time"


def test_what_is_deleted_can_be_undone(open_page, make_run, manager, workspace, seen):
    runs = [make_run("finished"), make_run("stopped")]
    seen.chosen = [run.id for run in runs]
    app = press(open_page(PAGE), "Delete")
    assert list_runs(workspace) == []
    assert "2 entries: deleted. It stays in the trash for 7 days" in words(app)
    press(app, "Undo")
    assert set(list_runs(workspace)) == set(runs)


def test_a_star_and_a_name_are_given_in_the_table_and_undone(open_page, make_run, seen):
    run = make_run("finished")
    app = open_page(PAGE)
    for done, said in (
        (("star", {"id": run.id, "star": True}), True),
        (("rename", {"id": run.id, "name": "mine"}), "mine"),
    ):
        seen.done = done
        app.run()
        assert getattr(read_about(run.path), "star" if done[0] == "star" else "name") == said
    press(app, "Undo")
    assert (read_about(run.path).star, read_about(run.path).name) == (True, "")
    seen.done = ("rename", {"id": run.id, "name": "last"})
    assert "cannot be called 'last'" in words(app.run())


def test_several_are_archived_and_brought_back(open_page, make_run, seen):
    runs = [make_run("finished"), make_run("stopped")]
    seen.chosen = [run.id for run in runs]
    press(open_page(PAGE), "Archive")
    open_page(PAGE)
    assert seen.ids == []
    press(open_page(PAGE, view="Archive"), "Bring back")
    open_page(PAGE)
    assert len(seen.ids) == 2


def test_what_another_tab_has_deleted_is_told_and_the_others_are_changed(open_page, make_run, seen):
    gone, stays, third = make_run("finished"), make_run("stopped"), make_run("failed")
    seen.chosen = [gone.id, stays.id]
    app = open_page(PAGE)
    throw_away(gone)
    press(app, "Star")
    assert (read_about(stays.path).star, bool(app.error)) == (True, False)
    seen.chosen = [stays.id]
    app = open_page(PAGE)
    throw_away(stays)
    assert "8 epochs: not there any more." in words(press(app, "Remove star"))
    seen.chosen = [third.id]
    assert not app.run().error, "not beside the star of another run"
    seen.done = ("open", {"id": gone.id})
    assert app.run().toast[0].value == "It is not there any more."


def test_another_persons_run_is_asked_for_first(open_page, make_run, seen, manager):
    run = make_run("finished", by="Bo")
    seen.chosen = [run.id]
    app = open_page(PAGE)
    assert (seen.rows[0].own, seen.columns[-1], seen.rows[0].cells["by"]) == (False, "by", "Bo")
    assert "Delete" not in [button.label for button in app.button]
    app.session_state["runs-delete-asks"] = True
    press(app.run(), "Delete anyway")
    assert manager.asked == [("remove", run.id)]


def test_compare_leads_to_the_comparison(open_page, make_run, seen):
    runs = [make_run("finished"), make_run("finished")]
    seen.chosen = [runs[0].id]
    app = open_page(PAGE)
    assert next(button for button in app.button if button.label == "Compare").disabled
    seen.chosen = [run.id for run in runs]
    app = press(open_page(PAGE), "Compare")
    assert set("".join(app.query_params["compare"]).split(",")) == {run.id for run in runs}


def test_the_trash_gives_back_what_it_holds(open_page, make_run, workspace):
    run = make_run("finished")
    throw_away(run, "Ada")
    app = press(open_page(PAGE, view="Trash"), "Restore")
    assert list_runs(workspace) == [run]
    assert "The trash is empty" in words(app)


def test_one_run_tells_its_settings_command_environment_log_and_files(open_page, trained):
    trained.save("environment", {"torch": "2.11"})
    change_about(trained.path, note="a note", tags=["keep"])
    app = open_page(PAGE, run=trained.id)
    assert not app.error
    told = words(app)
    assert "small · quick" in told
    assert "a note" in told
    assert {metric.label: metric.value for metric in app.metric}["Accuracy"] == "87.5 %"
    assert "labcore train --dataset small" in words(unfold(app, "run-command-line"))
    assert "torch" in str(unfold(app, "run-environment").table[0].value)
    assert "Accuracy 87.5 %" in words(unfold(app, "run-log"))
    assert "weights.safetensors" in words(unfold(app, "run-files"))
    settings = unfold(app, "run-settings").dataframe[0].value
    differs = list(settings["Differs"])
    assert differs == sorted(differs, reverse=True)
    assert "Sample rate" in list(settings["Setting"])[: differs.count("yes")]


@pytest.mark.parametrize("state", ["queued", "interrupted", "stopped", "failed", "finished", "unreadable"])
def test_one_run_in_any_state(open_page, make_run, state):
    run = make_run("finished" if state == "unreadable" else state)
    if state == "unreadable":
        (run.path / "config.json").write_text("{")
    app = open_page(PAGE, run=run.id)
    assert not app.exception
    assert "Something went wrong" not in words(app)
    assert (state == "unreadable") == ("cannot be read" in words(app))


@pytest.mark.parametrize("query", [{"run": "GONE"}, {"crossval": "../runs"}, {"compare": "GONE,AWAY"}])
def test_a_link_to_what_is_gone_says_so_above_the_list(open_page, make_run, seen, query):
    run = make_run("finished")
    app = open_page(PAGE, **query)
    assert "in this workspace" in words(app)
    assert seen.ids == [run.id]


def test_what_is_damaged_is_told_and_hides_nothing(open_page, make_run, workspace, seen):
    run = make_run("finished")
    (run.path / "config.json").write_text("{")
    (workspace.runs / "20990101-a-file").write_text("x")
    (run.path / "about.json").write_text("{")
    app = open_page(PAGE)
    assert [row.state[0] for row in seen.rows] == ["Cannot be read"]
    assert "configuration is damaged" in seen.rows[0].cells["state"]
    assert "1 run cannot be read" in [fold.label for fold in app.expander]


def test_a_thousand_rows_come_fifty_at_a_time(open_page, make_run, seen, monkeypatch):
    monkeypatch.setattr("ui.runs.list.MOST", 2)
    for _ in range(3):
        make_run("queued")
    app = open_page(PAGE)
    assert len(seen.rows) == 2
    press(app, "Show 1 more row")
    assert len(seen.rows) == 3
