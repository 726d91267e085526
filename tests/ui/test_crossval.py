from __future__ import annotations

import json

import pytest

from labcore.config import RunConfig
from labcore.config.presets import preset
from labcore.crossval.job import CrossValidation
from labcore.events import RunFinished, RunStarted, TrainingStarted
from tests.made_events import made_epoch, made_result
from ui.app.live import progress

from .conftest import words

PAGE = "pages/crossval.py"


@pytest.fixture
def folds(workspace, dataset):
    """The data set ``small`` in three folds by a list of clips, added to the workspace as ``folded``."""
    from labcore.datasets import register

    rows = ["path,label,fold,group"]
    for number, file in enumerate(sorted(dataset.rglob("*.wav"))):
        rows.append(f"{file},{file.parent.name},{number % 3 + 1},{file.parent.name}{number // 2}")
    table = dataset.parent.parent / "folded.csv"
    table.write_text("\n".join(rows) + "\n")
    return register(workspace, str(table), "folded").name


@pytest.fixture
def config(folds) -> RunConfig:
    return preset("quick").replace({"data.dataset": folds, "optim.epochs": 8, "runtime.device": "cpu"})


def play(
    run, accuracy: float | None, epochs: int = 2, leaks: bool = False, validation: int = 0, ended: bool = True
) -> None:
    """Events of a run as a training would have left them."""
    run.append(RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="here"))
    run.append(
        TrainingStarted(
            labels=["bark", "hum"], train_clips=8, val_clips=4, fold="1", device="cpu", device_reason="", precision="fp32", leaks=leaks,
            validation_clips=validation, memory_format="contiguous", precision_reason="", parameters=1, epochs=8, first_epoch=1,
        )
    )  # fmt: skip
    for number in range(1, epochs + 1):
        run.append(made_epoch(number, val_accuracy=0.25, seconds_left=3.0))
    if accuracy is not None:
        hits = round(4 * accuracy)
        run.append(made_result(
            accuracy, accuracy_low=0.0, accuracy_high=1.0, macro_f1=accuracy, clips=4,
            confusion={"bark": {"bark": 2}, "hum": {"hum": hits - 2, "bark": 4 - hits}}, leaks=leaks,
        ))  # fmt: skip
    if ended:
        run.append(
            RunFinished(state="finished" if accuracy is not None else "stopped", epochs_done=epochs, seconds=7.0)
        )


def metrics(app) -> dict[str, str]:
    return {each.label: each.value for each in app.metric}


def texts(app) -> str:
    return "\n".join(each.value for each in [*app.markdown, *app.caption])


def test_the_first_visit_offers_the_demo_set(open_page):
    app = open_page(PAGE)
    assert not app.exception
    assert "No data set yet" in texts(app)
    assert any(button.label == "Generate demo set" for button in app.button)


def test_a_class_in_one_fold_is_told_whatever_the_test_fold(open_page, folds, dataset):
    table = dataset.parent.parent / "folded.csv"
    lines = table.read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if ",1," in line and "bark" in line)
    lines[first] = lines[first].replace(",bark,", ",cage,")
    table.write_text("\n".join(lines) + "\n")
    said = texts(open_page(PAGE, **{"data.dataset": folds}))
    assert "trained on where they are tested, since all their clips are in one fold\\: cage" in said
    assert "in the test fold" not in said


def test_starting_makes_a_run_for_every_fold_that_is_chosen(open_page, folds, workspace):
    app = open_page(PAGE)
    assert not app.exception
    app.selectbox("crossval-data").select(folds).run()
    app.pills[0].set_value(["1", "3"]).run() if hasattr(app, "pills") else app.button_group[0].set_value(
        ["1", "3"]
    ).run()
    app.button("crossval-start").click().run()
    assert not app.exception
    (made,) = CrossValidation.every(workspace)
    assert list(made.members()) == ["1", "3"]
    assert [run.status().state for run in made.runs()] == ["queued", "queued"]
    assert app.query_params["crossval"] in (made.id, [made.id])
    assert metrics(app)["Finished"] == "0 of 2"


def test_the_form_tells_how_long_it_takes_and_comes_back_from_its_address(open_page, folds):
    app = open_page(PAGE)
    app.selectbox("crossval-data").select(folds).run()
    app.get_by_key("preset-choice").set_value("quick").run()

    def table() -> str:
        return " ".join(str(cell) for cell in app.table[0].value.to_numpy().ravel())

    assert "**3 runs**" in table()
    assert "about" in table()
    app.get_by_key(f"crossval-folds-{folds}").set_value(["1", "3"]).run()
    app.toggle("crossval-random").set_value(True).run()
    assert "**4 runs**" in table()
    address = {name: app.query_params[name] for name in app.query_params}
    assert address == {"preset": "quick", "data.dataset": folds, "fold": ["1", "3"], "random": "yes"}
    app = open_page(PAGE, **address)
    assert app.get_by_key(f"crossval-folds-{folds}").value == ["1", "3"]
    assert app.toggle("crossval-random").value
    assert app.get_by_key("preset-choice").value == "quick"
    assert "**4 runs**" in table()


def test_a_set_in_parts_says_that_it_has_no_folds(open_page, dataset, workspace):
    from labcore.datasets import register

    rows = [
        f"{file},{file.parent.name},{'train' if number % 2 else 'test'}"
        for number, file in enumerate(dataset.rglob("*.wav"))
    ]
    table = dataset.parent.parent / "parted.csv"
    table.write_text("path,label,fold\n" + "\n".join(rows) + "\n")
    name = register(workspace, str(table), "parted").name
    app = open_page(PAGE)
    app.selectbox("crossval-data").select(name).run()
    assert not app.exception
    assert "no folds to iterate over" in app.info[0].value
    assert not [button for button in app.button if button.key == "crossval-start"]


def test_the_board_shows_folds_and_what_they_say_together(open_page, config, workspace):
    experiment = CrossValidation.create(workspace, config, queued=False)
    one, two, three = experiment.runs()
    play(one, 1.0)
    play(two, 0.5)
    play(three, None)
    app = open_page(PAGE, crossval=experiment.id)
    assert not app.exception
    assert metrics(app)["Accuracy of the folds"] == "75.0 ± 35.4 %"
    assert metrics(app)["All held-out clips"] == "75.0 %"
    assert metrics(app)["Finished"] == "2 of 3"
    shown = texts(app)
    assert "All folds" in "\n".join(each.value for each in app.header)
    assert "8 held-out clips of the finished 2 folds" in shown
    assert [each.value for each in app.metric if each.label == "Accuracy"] == ["100.0 %", "50.0 %"]
    heard = [each.proto.body for each in app.get("html")]  # headings, for who does not see the cards
    assert [body for body in heard if "Fold" in body] == [f'<h3 class="unseen">Fold {fold}</h3>' for fold in "123"]
    app.button("crossval-resume-official-3").click().run()
    app.button("crossval-resume").click().run()
    assert not app.exception


@pytest.mark.parametrize(("validation", "watched"), [(0, "test"), (2, "validation")])
def test_curves_and_figures_are_called_by_what_they_are_of(open_page, config, workspace, validation, watched):
    experiment = CrossValidation.create(workspace, config, queued=False)
    for run in experiment.runs():
        play(run, None, validation=validation)
    (legend,) = (
        each.proto.body for each in open_page(PAGE, crossval=experiment.id).get("html") if "by epoch" in each.proto.body
    )
    assert f">{watched}</span>" in legend
    run = experiment.runs()[0]
    assert run.status().watched == watched
    assert f"{watched.capitalize()} accuracy" in metrics(open_page("pages/train.py", run=run.id))
    assert f"{watched} accuracy 25.0 %" in progress(run.status(), run)


def test_stopping_asks_the_manager(open_page, config, workspace, manager):
    experiment = CrossValidation.create(workspace, config)
    app = open_page(PAGE, crossval=experiment.id)
    app.button("crossval-stop-official-2").click().run()
    assert manager.asked == [("stop", experiment.members()["2"].id)]
    app.button("crossval-stop").click().run()
    assert manager.asked[1:] == [("stop", experiment.id)]


def test_one_that_runs_finishes_early(open_page, config, workspace):
    experiment = CrossValidation.create(workspace, config, by="Ada")
    one, two, three = experiment.runs()
    play(one, 1.0, epochs=8)
    with two.hold():
        play(two, None, epochs=2, ended=False)
        app = open_page(PAGE, crossval=experiment.id)
        app.session_state["finish-open"] = True
        app.run()
        assert app.number_input(key=f"finish-{experiment.id}").value == 1  # a tenth of 8 epochs
        app.number_input(key=f"finish-{experiment.id}").set_value(2).run()
        told = words(app)
        assert (
            "About 4 s for all folds. Fold 2 ends after epoch 5; fold 3, which has not begun, trains 5 epochs." in told
        )
        assert "Finished folds stay as they are." in told
        app.button(key="finish").click().run()
        assert not app.exception
        (wish,) = (json.loads(line) for line in three.overrides.read_text().splitlines())
        assert wish == {"optim.epochs": 5, "by": "page", "who": "Ada", "reason": "finish early"}
        told = words(app)
    assert "Finished early: folds 2, 3 after 5 of 8 epochs. The figures are of folds of different length." in told
    assert "Queued, 5 epochs (8 planned)" in told
    assert "Epoch 2 of 5 (8 planned), 2 s left" in told
    assert not one.overrides.exists()


def test_a_stopped_one_is_resumed_to_finish_early(open_page, config, workspace, manager):
    experiment = CrossValidation.create(workspace, config, queued=False)
    one, two, three = experiment.runs()
    play(one, 1.0, epochs=8)
    play(two, None, epochs=2)
    app = open_page(PAGE, crossval=experiment.id)
    app.session_state["finish-open"] = True
    app.run()
    assert "About 2 s for all folds. Fold 2 ends after epoch 3; fold 3, which has not begun, trains 3 epochs." in texts(
        app
    )
    app.button(key="finish").click().run()
    assert not app.exception
    assert [json.loads(run.overrides.read_text())["optim.epochs"] for run in (two, three)] == [3, 3]
    assert manager.asked == [("resume", experiment.id)]


@pytest.mark.parametrize(
    ("epochs", "told"), [(7, "The folds that train are about to end"), (0, "is known once training has begun")]
)
def test_one_that_cannot_finish_earlier_says_why(open_page, config, workspace, epochs, told):
    experiment = CrossValidation.create(workspace, config.replace({"optim.epochs": 8 if epochs else None}))
    run = experiment.runs()[0]
    with run.hold():
        if epochs:
            play(run, None, epochs=epochs, ended=False)
        else:
            run.append(RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="here"))
        app = open_page(PAGE, crossval=experiment.id)
        app.session_state["finish-open"] = True
        app.run()
    assert told in words(app)
    assert not app.exception
    assert not app.number_input


def test_before_a_fold_has_begun_there_is_nothing_to_finish_early(open_page, config, workspace):
    experiment = CrossValidation.create(workspace, config)
    app = open_page(PAGE, crossval=experiment.id)
    app.session_state["finish-open"] = True
    app.run()
    assert not [button for button in app.button if button.key == "finish"]


def test_the_leaking_twin_is_trained_on_request_and_said_to_leak(open_page, config, workspace):
    experiment = CrossValidation.create(workspace, config, folds=["1", "2"], queued=False)
    for run in experiment.runs():
        play(run, 0.5)
    app = open_page(PAGE, crossval=experiment.id)
    app.button("crossval-random").click().run()
    assert not app.exception
    random_runs = experiment.members("random")
    assert list(random_runs) == ["1", "2"]
    for run in random_runs.values():
        play(run, 1.0, leaks=True)
    app = open_page(PAGE, crossval=experiment.id)
    assert metrics(app)["Random split, leaks"] == "100.0 %"
    assert metrics(app)["Difference"] == "+50.0 points"
    assert metrics(app)["Accuracy of the folds"] == "50.0 ± 0.0 %"


def test_deleted_runs_and_experiments_break_nothing(open_page, config, workspace, manager):
    experiment = CrossValidation.create(workspace, config, queued=False)
    for run in experiment.runs():
        play(run, 0.5)
    experiment.runs()[1].delete()
    app = open_page(PAGE, crossval=experiment.id)
    assert not app.exception
    assert "Run deleted" in texts(app)
    app.button("crossval-delete-False").click().run()
    assert not app.exception
    assert CrossValidation.every(workspace) == []
    gone = open_page(PAGE, crossval=experiment.id)
    assert not gone.exception
    assert "was deleted, just now" in gone.error[0].value
