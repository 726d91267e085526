"""The page of learning curves: the form, and a curve."""

from labcore.curve.job import LearningCurve
from tests.curving import made_curve
from ui.components import job_picker

PAGE = "pages/curve.py"


def texts(app) -> str:
    return "\n".join(each.value for each in [*app.markdown, *app.caption]).replace("\\", "")


def test_the_first_visit_offers_the_demo_set(open_page):
    app = open_page(PAGE)
    assert not app.exception
    assert "No data set yet" in texts(app)


def test_the_form_starts_a_curve(open_page, dataset, monkeypatch):
    started = []
    monkeypatch.setattr(job_picker, "start", lambda kind, *asked: started.append((kind, *asked)))
    app = open_page(PAGE)
    app.selectbox("curve-data").select("small").run()
    assert not app.exception
    app.multiselect("curve-sizes").set_value(["2", "all"]).run()
    app.number_input("curve-samples").set_value(3).run()
    told = "\n".join(str(table.value) for table in app.table)
    assert "6 runs" in told
    app.button("curve-start").click().run()
    assert not app.exception
    ((kind, config, sizes, samples, embeddings),) = started
    assert (kind, config.data.dataset, sizes, samples, embeddings) == (LearningCurve, "small", ("2", "all"), 3, "")
    app.multiselect("curve-sizes").set_value(["2"]).run()
    assert "needs two different sizes" in app.error[0].value
    assert app.button("curve-start").disabled


def test_what_was_typed_just_before_the_press_counts_and_the_form_outlives_a_reload(open_page, dataset, monkeypatch):
    started = []
    monkeypatch.setattr(job_picker, "start", lambda kind, *asked: started.append(asked))
    app = open_page(PAGE)
    app.selectbox("curve-data").select("small").run()
    app.number_input("curve-samples").set_value(4)
    app.multiselect("curve-sizes").set_value(["2", "3", "all"])
    app.number_input(next(each.key for each in app.number_input if each.label == "Epochs")).set_value(7)
    app.button("curve-start").click().run()
    ((config, sizes, samples, _),) = started
    assert (config.optim.epochs, sizes, samples) == (7, ("2", "3", "all"), 4)
    app.run()
    assert len(started) == 1
    again = open_page(PAGE, **app.query_params)
    assert again.number_input("curve-samples").value == 4
    assert again.multiselect("curve-sizes").value == ["2", "3", "all"]


def test_a_press_of_a_form_that_cannot_start_is_forgotten(open_page, dataset, monkeypatch):
    started = []
    monkeypatch.setattr(job_picker, "start", lambda kind, *asked: started.append(asked))
    app = open_page(PAGE)
    app.selectbox("curve-data").select("small").run()
    app.multiselect("curve-sizes").set_value(["2"])
    app.button("curve-start").click().run()
    assert "needs two different sizes" in app.error[0].value
    app.multiselect("curve-sizes").set_value(["2", "all"]).run()
    assert not app.error
    assert not started


def test_a_curve_tells_what_more_recordings_bring(open_page, workspace):
    curve = made_curve(workspace, {"2/1": (4, 8), "5/1": (6, 4), "all/1": (16, 4)}, ("2", "5", "all"))
    app = open_page(PAGE, curve=curve.id)
    assert not app.exception
    assert "the accuracy rose by 50.0 points" in texts(app)
    assert "the recipe is below the baseline on mel statistics" in texts(app)
    table = app.dataframe[0].value
    assert list(table["Recipe"]) == ["20.0 %", "30.0 %", "80.0 %"]
    assert list(table["Centroid, mel statistics"]) == ["40.0 %", "20.0 %", "20.0 %"]
    app = open_page(PAGE, curve=made_curve(workspace, {}, ("2", "all")).id)
    assert not app.exception
    assert "appears with the first finished run" in texts(app)
    assert not open_page("pages/runs.py").exception
