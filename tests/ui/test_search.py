"""The Search page: the form of a new search, one running, what came of it."""

from __future__ import annotations

import optuna
import pytest

from labcore.config import RunConfig
from labcore.config.presets import preset
from labcore.errors import LabError
from labcore.runs import Run
from labcore.runs.origin import SEARCH
from labcore.search.folder import Search
from labcore.search.journal import NAME
from labcore.search.report import final_run
from labcore.search.sampling import ask
from labcore.search.settings import make_settings
from labcore.search.space import Range

from .conftest import words

PAGE = "pages/tune.py"


@pytest.fixture
def make_search(workspace, dataset, make_run):
    """Makes a search in a state, its trials told without a training: ``make_search("finished", 7)``."""

    def made(state: str, trials: int = 0, error: str = "", asked: int = 8) -> Search:
        config = RunConfig().replace({"data.dataset": "small", "audio.sample_rate": 8000})
        ranges = (Range("optim.lr", 0.01, 0.3, log=True), Range("model.dropout", 0.0, 0.6))
        settings = make_settings(workspace, config, ranges, trials=asked, seed=1)
        search = Search.create(workspace, settings)
        study = optuna.load_study(study_name=NAME, storage=search.journal())
        for number in range(trials):
            assert ask(study, settings, number) == number
            run = Run.create(workspace, config, marks={SEARCH: {"search": search.id, "trial": number}})
            trial = study.trials[number]
            study._storage.set_trial_user_attr(trial._trial_id, "run", run.id)
            study._storage.set_trial_intermediate_value(trial._trial_id, 4, 0.3)
            if number == 3:
                study.tell(number, state=optuna.trial.TrialState.PRUNED)
            elif number < trials - 1 or state == "finished":
                study.tell(number, 0.5 + 0.05 * trial.params["model.dropout"] + (0.3 if number == 5 else 0.0))
        search.append(search.queued())
        search.append(search.started())
        if state != "started":
            search.append(search.finished(state, error=error, remedy="Do otherwise" if error else ""))
        return search

    return made


def test_without_data_the_demo_set_is_offered(open_page):
    app = open_page(PAGE)
    assert "No data set yet" in words(app)
    assert not app.exception


def test_the_form_starts_a_search_of_what_it_shows(open_page, dataset, workspace):
    app = open_page(PAGE)
    assert not app.error
    app.number_input(key="search-trials").set_value(7).run()
    app.multiselect(key="search-paths").set_value(["optim.lr", "model.dropout", "optim.optimizer"]).run()
    app.toggle(key="search-pruning").set_value(False).run()
    app.button(key="search-start").click().run()
    (search,) = Search.every(workspace)
    settings = search.settings
    assert (settings.trials, settings.pruning, settings.test_fold, settings.validation) == (7, False, "1", "2")
    assert [each.path for each in settings.ranges] == ["optim.lr", "model.dropout", "optim.optimizer"]
    assert settings.ranges[0].log
    assert settings.ranges[1] == Range("model.dropout", 0.0, 0.6)
    assert settings.ranges[2].choices == ("sgd", "adamw")
    assert settings.config == preset("quick").replace({"data.dataset": "small", "data.fold": "1"})
    assert settings.config.optim.epochs is None
    assert search.id in app.query_params["search"]
    assert "Queued: 0 of 7 trials done" in words(app)
    assert search.owner == "Ada"


def test_the_form_tells_about_how_long_it_takes(open_page, dataset):
    app = open_page(PAGE)
    rows = app.table[0].value.to_numpy().ravel().tolist()
    told = " ".join(str(cell) for cell in rows)
    assert "epochs, about" in told
    assert "20 trials, at most about" in told
    assert "the training budget for a set of this size" in words(app)
    app.number_input(key="search-optim.epochs-quick").set_value(3).run()
    assert "3 epochs, about 10 s" in " ".join(str(cell) for cell in app.table[0].value.to_numpy().ravel())
    assert "training budget" not in words(app)


def test_the_form_comes_back_from_its_address(open_page, dataset, workspace):
    app = open_page(PAGE)
    assert list(app.query_params) == ["dataset"]
    app.get_by_key("search-base").set_value("thorough").run()
    app.number_input(key="search-trials").set_value(7).run()
    app.number_input(key="search-optim.epochs-thorough").set_value(9).run()
    app.multiselect(key="search-paths").set_value(["optim.lr", "optim.optimizer"]).run()
    app.toggle(key="search-pruning").set_value(False).run()
    address = {name: app.query_params[name] for name in app.query_params}
    assert address.pop("vary") == ["optim.lr=0.01:0.4:log", "optim.optimizer=sgd,adamw"]
    assert address == {"dataset": "small", "recipe": "thorough", "epochs": "9", "trials": "7", "pruning": "off"}
    app.button(key="search-start").click().run()
    other = open_page(PAGE, vary=["optim.lr=0.01:0.4:log", "optim.optimizer=sgd,adamw"], **address)
    assert not other.error
    other.button(key="search-start").click().run()
    one, two = (search.settings for search in Search.every(workspace))
    assert one == two
    assert one.config == preset("thorough").replace({"data.dataset": "small", "data.fold": "1", "optim.epochs": 9})


def test_what_an_address_says_wrongly_is_told(open_page, dataset):
    app = open_page(PAGE, trials="many", recipe="slow", vary="model.dropot=0:1", dataset="gone", epochs="0", judged="x")
    told = words(app)
    for word in ("trials", "recipe", "vary", "epochs", "judged"):
        assert f"The {word} of this link is ignored" in told
    assert "There is no data set 'gone'" in told
    assert app.button(key="search-start")


def test_choices_of_a_number_do_not_become_a_range(open_page, dataset):
    app = open_page(PAGE, vary=["model.width=0.5,1,2", "model.dropout=0:0.5"])
    assert "The vary of this link is ignored: model.width has a range here" in words(app)
    assert app.multiselect(key="search-paths").value == ["model.dropout"]


def test_an_empty_choice_of_settings_is_told_in_place(open_page, dataset):
    app = open_page(PAGE)
    app.multiselect(key="search-paths").set_value([]).run()
    assert "Nothing is varied" in words(app)
    assert app.button("search-start").disabled


def test_a_search_at_work_is_followed_and_stopped(open_page, make_search, manager):
    search = make_search("started", trials=3)
    with search.hold():
        app = open_page(PAGE, search=search.id)
        shown = words(app)
        assert "2 of 8 trials done" in shown
        assert "Trial 2" in "".join(str(link.proto.label) for link in app.get("page_link"))
        assert app.button(key="search-final").disabled
        app.button(key="search-stop").click().run()
        assert manager.asked == [("stop", search.id)]
        search.request_stop("Ada")
        assert app.run().button(key="search-stop").disabled


def test_what_came_of_it_and_the_one_run_with_the_reported_fold(open_page, make_search, manager):
    search = make_search("finished", trials=8)
    app = open_page(PAGE, search=search.id)
    assert not app.error, words(app)
    best = search.report().best
    assert best.number == 5
    assert app.metric[0].label == "Best accuracy, trial 5"
    shown = words(app)
    assert "Report the accuracy on test fold 1, which no trial has used" in shown
    assert "functional ANOVA" in shown
    table = next(frame.value for frame in app.dataframe if "Value" in frame.value)
    assert table.set_index("Trial")["Value"][3] == pytest.approx(
        30.0
    )  # per cent, of the pruned one where it stood last
    app.button(key="search-final").click().run()
    (config,) = manager.submitted
    final = final_run(search)
    assert (config.data.fold, config.data.leave_out) == ("1", None)
    assert (final.load(SEARCH)["final"], final.status().by) == (True, "Ada")
    assert config.model.dropout == best.changes["model.dropout"]
    links = "".join(str(link.proto.label) for link in app.get("page_link"))
    assert "Best settings on test fold 1: **queued**" in links
    assert not any(button.key == "search-final" for button in app.button)


def test_a_trial_can_be_taken_to_the_train_form(open_page, make_search):
    search = make_search("finished", trials=6)
    app = open_page(PAGE, search=search.id)
    app.button(key="search-open").click().run()
    assert app.session_state["settings"]["optim.lr"] == search.report().best.changes["optim.lr"]
    assert app.session_state["settings"]["data.leave_out"] is None


@pytest.mark.parametrize("state", ["stopped", "failed", "started"])
def test_an_ended_search_is_gone_on_with(open_page, make_search, manager, state):
    search = make_search(state, trials=3, error="the clips are gone" if state == "failed" else "")
    app = open_page(PAGE, search=search.id)
    told = {
        "stopped": "Stopped: 2 of 8",
        "failed": "The clips are gone. ",
        "started": "search process ended unexpectedly",
    }[state]
    assert told.strip() in words(app)
    app.button(key="search-resume").click().run()
    assert manager.asked == [("resume", search.id)]


def test_a_finished_search_can_be_asked_for_more(open_page, make_search, manager):
    search = make_search("finished", trials=4, asked=4)
    app = open_page(PAGE, search=search.id)
    app.button(key="search-more").click().run()
    assert search.settings.trials == 14
    assert (search.status().state, manager.asked) == ("stopped", [("resume", search.id)])


def test_a_search_is_removed_with_its_runs_when_that_is_confirmed(open_page, make_search, workspace, manager):
    search = make_search("stopped", trials=3)
    runs = [Run(workspace.runs / trial.run_id) for trial in search.report().trials]
    app = open_page(PAGE, search=search.id)
    assert search.path.exists()
    app.button(key="search-remove").click().run()
    assert Search.every(workspace) == []
    assert not any(run.path.exists() for run in runs)
    assert sorted(manager.asked[:-1]) == sorted(("remove", run.id) for run in runs)
    assert manager.asked[-1] == ("remove", search.id)
    assert not app.error


def test_what_is_wrong_is_told_in_place(open_page, make_search):
    search = make_search("stopped", trials=1)
    assert "There is no search 'nothing'" in words(open_page(PAGE, search="nothing"))
    (search.path / "search.json").write_text("{}")
    assert "cannot be read" in words(open_page(PAGE, search=search.id))
    with pytest.raises(LabError):
        search.report()


def test_the_overview_lists_searches_with_their_state(open_page, make_search, make_run):
    make_run("finished")
    search = make_search("finished", 7)
    app = open_page()
    assert not app.exception
    assert not app.error
    links = [link.proto for link in app.get("page_link") if search.id in link.proto.query_string]
    assert [link.label.partition(" ·")[0] for link in links] == ["Search"]
    assert "Searches and cross-validations" in [each.value for each in (*app.header, *app.subheader)]
