"""The form of a new run gives the configuration that it shows."""

from __future__ import annotations

import os

import pytest

from labcore.config import CUTTING, RunConfig, all_settings
from labcore.config.budget import plan_for
from labcore.config.presets import PRESETS, preset
from labcore.datasets import check_dataset, find_dataset, register
from labcore.datasets.named_splits import keep_split
from labcore.runs.asked import save_worked_out
from ui.datasets import summary
from ui.forms import fields, url

from .conftest import LABELS, words


def start(app):
    return next(button for button in app.button if button.label == "Start")


def key(app, path: str) -> str:
    """The key of a setting's widget by now."""
    turn = app.session_state["setting-names"].get(path, 0) if "setting-names" in app.session_state else 0
    return f"setting-{path}-{turn}" if turn else f"setting-{path}"


def test_every_setting_has_a_widget(open_page, dataset):
    app = open_page("pages/train.py")
    for path in set(all_settings()) - {"data.dataset", "data.fold", "data.named_split", *CUTTING}:
        assert app.get_by_key(f"setting-{path}")
    with pytest.raises(KeyError):
        app.get_by_key("setting-data.windows")  # its clips are files
    assert app.selectbox(key="data-choice").value == "small"
    assert app.selectbox(key="fold-choice").value == "automatic"
    assert app.selectbox(key="split-choice").value == "automatic"


def test_a_named_split_is_chosen_and_what_the_check_left_open_is_told(open_page, dataset, manager):
    data = find_dataset(manager.workspace, "small")
    folds = ["1" if number % 3 else "2" for number in range(len(data))]
    keep_split(manager.workspace, "small", "mine", folds, [""] * len(folds), by="source")
    check_dataset(data)
    app = open_page("pages/train.py")
    assert "1 finding of the check is open. Few clips of" in words(app)
    app.selectbox(key="split-choice").set_value("mine").run()
    assert "Split mine: 2 folds by source." in words(app)
    start(app).click().run()
    assert manager.submitted == [preset("balanced").replace({"data.dataset": "small", "data.named_split": "mine"})]


def test_how_clips_are_cut_is_asked_where_recordings_are_annotated(
    open_page, workspace, manager, write_wav, noise, tmp_path
):
    for name in "abc":
        write_wav(tmp_path / "night" / f"{name}.wav", noise(10.0, 4000, seed=ord(name)), 4000)
        (tmp_path / "night" / f"{name}.txt").write_text("1\t2\towl\n5\t6\tfox\n30\t31\tfox\n")
    register(workspace, tmp_path / "night")
    app = open_page("pages/train.py")
    for path in CUTTING:
        assert app.get_by_key(f"setting-{path}")
    assert "3 of 9 labels (fox 3) dropped: outside of the recording" in words(app)
    app.get_by_key("setting-data.annotations").set_value("complete").run()
    app.get_by_key("setting-data.window_seconds").set_value(2.0).run()
    assert "of 3 classes" in str(app.table[0].value) + words(app)
    start(app).click().run()
    (config,) = manager.submitted
    assert (config.data.annotations, config.data.window_seconds) == ("complete", 2.0)


def test_the_form_opens_with_the_recommended_preset(open_page, dataset, manager):
    app = open_page("pages/train.py")
    start(app).click().run()
    assert manager.submitted == [preset("balanced").replace({"data.dataset": "small"})]
    assert app.query_params["run"] == next(manager.workspace.runs.iterdir()).name


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_the_sliders(open_page, dataset, manager, name):
    app = open_page("pages/train.py")
    app.get_by_key("preset-choice").set_value(name).run()
    start(app).click().run()
    assert manager.submitted == [preset(name).replace({"data.dataset": "small"})]


def test_sliders_turned_after_a_preset_are_kept(open_page, dataset, manager):
    app = open_page("pages/train.py")
    app.get_by_key("preset-choice").set_value("quick").run()
    app.number_input(key=key(app, "optim.epochs")).set_value(5).run()
    app.number_input(key=key(app, "optim.lr")).set_value(0.05).run()
    app.slider(key=key(app, "augment.gain_db")).set_value(3.0).run()
    app.selectbox(key=key(app, "model.name")).set_value("resnet18").run()
    app.selectbox(key="fold-choice").set_value("2").run()
    start(app).click().run()
    turned = {"optim.epochs": 5, "optim.lr": 0.05, "augment.gain_db": 3.0, "model.name": "resnet18"}
    assert manager.submitted == [preset("quick").replace({**turned, "data.dataset": "small", "data.fold": "2"})]


def test_the_browser_is_told_each_value_as_the_widgets_own(open_page, dataset):
    """A value that only the session's state holds is told once; where two reruns follow each other, the slider is at its minimum."""
    app = open_page("pages/train.py")
    for _ in range(2):
        sliders = [widget for widget in app.slider if widget.key.startswith("setting-")]
        assert sliders
        for widget in sliders:
            assert widget.proto.default == [widget.value]
        app.get_by_key("preset-choice").set_value("quick").run()


def test_a_setting_left_to_the_lab_stays_automatic(open_page, dataset):
    app = open_page("pages/train.py")
    assert app.number_input(key="setting-optim.lr").value is None
    assert app.number_input(key="setting-optim.lr").placeholder == "automatic"


def test_an_impossible_combination_is_told_and_cannot_be_started(open_page, dataset):
    app = open_page("pages/train.py")
    app.number_input(key="setting-features.n_fft").set_value(1024)
    app.number_input(key="setting-features.win_length").set_value(2048).run()
    assert "longer than features.n_fft" in words(app)
    assert start(app).disabled


def test_the_summary_says_what_is_trained_and_what_is_held_out(open_page, dataset):
    table = open_page("pages/train.py").table[0].value
    texts = " ".join(str(value) for value in table.to_numpy().ravel())
    assert "**9 clips** of 2 classes" in texts
    assert "**3 clips**, fold" in texts
    assert "9 training clips of 2 classes are few" in texts


def test_settings_of_a_run_fill_the_form(open_page, dataset, make_run, manager):
    run = make_run("stopped", **{"optim.batch_size": 48, "augment.mixup": 0.35})
    app = open_page("pages/train.py", run=run.id)
    next(button for button in app.button if button.label == "New run with these settings").click().run()
    start(app).click().run()
    assert manager.submitted == [run.config]


def test_the_network_list_knows_every_network():
    from labcore.models import REGISTRY

    assert set(REGISTRY) <= set(fields.OPEN_LISTS["model.name"])


def test_slider_stops_hold_every_preset():
    for path, setting in all_settings().items():
        if setting.log and not setting.optional:
            stops = fields._stops(setting, setting.default)
            assert stops == sorted(set(stops))
            for name in PRESETS:
                part, _, field = path.partition(".")
                assert getattr(getattr(preset(name), part), field) in stops


def test_changes_name_what_is_not_the_default():
    assert fields.changes(RunConfig()) == {}
    assert fields.changes(RunConfig().replace({"optim.epochs": 7, "augment.gain_db": 2})) == {
        "Gain": "2 dB",
        "Epochs": "7",
    }


def test_the_page_tells_how_a_data_set_was_read(open_page, manager, class_folders):
    folder = class_folders.rename(manager.workspace.datasets / "mine")
    (folder / "high").rename(folder / "train")
    (folder / "loose.wav").write_bytes(b"loose")
    (folder / os.fsdecode(b"M\x84dchen.wav")).write_bytes(b"bad name")
    (folder / "notes.csv").write_text("what,who\n1,2\n")
    app = open_page("pages/train.py")
    assert not app.exception
    told = words(app).replace("\\", "")
    assert "2 files lie outside the class folders" in told
    assert "Mx84dchen.wav" in told
    assert "The folder train is read as a class" in told
    assert any(expander.label == "How the data set was read" for expander in app.expander)
    assert "notes.csv was not used" in told


def settings(app) -> dict[str, object]:
    """What the form shows, by path."""
    return dict(app.session_state["settings"])


def test_the_form_comes_back_from_its_address(open_page, dataset, manager):
    app = open_page("pages/train.py")
    assert "preset" not in app.query_params
    app.get_by_key("preset-choice").set_value("quick").run()
    app.number_input(key=key(app, "optim.epochs")).set_value(25).run()
    app.slider(key=key(app, "augment.gain_db")).set_value(3.0).run()
    app.selectbox(key="fold-choice").set_value("2").run()
    address = dict(app.query_params)
    assert address == {
        "preset": "quick", "data.dataset": "small", "data.fold": "2", "augment.gain_db": "3", "optim.epochs": "25",
    }  # fmt: skip
    again = open_page("pages/train.py", **address)
    assert settings(again) == settings(app)
    start(again).click().run()
    turned = {"optim.epochs": 25, "augment.gain_db": 3.0, "data.dataset": "small", "data.fold": "2"}
    assert manager.submitted == [preset("quick").replace(turned)]
    assert list(again.query_params) == ["run"]


def test_the_browsers_back_undoes_a_change_at_once(open_page, dataset, monkeypatch):
    app = open_page("pages/train.py")
    before, address = settings(app), dict(app.query_params)
    app.get_by_key("preset-choice").set_value("quick").run()
    assert settings(app) != before
    monkeypatch.setattr(url, "went_back", lambda: True)
    for said in (address, {}):  # of an address without words, the form as it is at first
        app.query_params.clear()
        app.query_params.update(said)
        assert settings(app.run()) == before
        app.get_by_key(f"preset-choice-{app.session_state['controlled']['preset-choice']}").set_value("thorough")


@pytest.mark.parametrize(
    "values",
    [
        {},
        PRESETS["thorough"].changes,
        {"optim.lr": 0.05, "optim.weight_decay": 1e-5, "runtime.device": "cuda:1", "data.fold": "spring & autumn"},
        {"optim.epochs": 3, "features.n_fft": 512, "features.win_length": 2048, "model.name": "timm:a_b"},
        {**PRESETS["quick"].changes, "augment.noise_file": "/data/rain & wind=1.wav", "data.validation_share": 0.15},
    ],
)
def test_an_address_holds_what_differs_and_gives_it_again(values):
    flat = {path: setting.default for path, setting in all_settings().items()} | values
    said = url.differing(flat)
    assert len(said) <= len(values)
    changes, troubles = url.settings_of(said)
    assert troubles == []
    assert {path: setting.default for path, setting in all_settings().items()} | changes == flat


def test_what_an_address_says_wrongly_is_told_and_the_rest_taken(open_page, dataset):
    said = {
        "preset": "slow",
        "optim.epochs": "many",
        "augment.gain_db": "99",
        "model.dropout": "0.4",
        "utm_source": "x",
    }
    app = open_page("pages/train.py", **said)
    told = words(app)
    for trouble in ("preset of this link", "optim.epochs of this link", "augment.gain_db of this link"):
        assert trouble in told
    assert settings(app)["model.dropout"] == 0.4
    assert settings(app)["optim.epochs"] is None
    assert app.query_params["utm_source"] == "x"
    assert not app.exception


def test_the_demo_set_and_clips_of_ones_own_are_both_offered_and_the_next_step_is_a_button(open_page, dataset):
    app = open_page()
    assert {"Upload", "On this machine", "Standard sets"} <= {link.proto.label for link in app.get("page_link")}
    assert any(button.label == "Generate demo set" for button in app.button)
    assert app.button(key="train-on-it").label == "Train on small"


def test_clips_of_a_data_set_can_be_heard_by_class(open_page, dataset):
    app = open_page("pages/train.py")
    assert not app.get("audio")
    app.session_state["train-listen-small-menu"] = True
    app.run()
    assert not app.exception
    assert not app.error
    names = [caption.value for caption in app.caption if "wav" in caption.value]
    assert len(app.get("audio")) == len(names) == 3
    assert all("bark" in name for name in names)
    app.button(key="train-listen-small-others").click().run()
    others = [caption.value for caption in app.caption if "wav" in caption.value]
    assert not set(others) & set(names)
    app.selectbox(key="train-listen-small-class").set_value("hum").run()
    assert all("hum" in caption.value for caption in app.caption if "wav" in caption.value)


def test_a_clip_that_cannot_be_heard_hides_no_other(open_page, dataset):
    (dataset / "bark" / "bark0.wav").write_bytes(b"RIFF")
    app = open_page("pages/train.py")
    app.session_state["train-listen-small-menu"] = True
    app.run()
    assert not app.exception
    assert app.get("audio")


def test_usual_values_stand_under_the_numbers_and_any_other_can_be_typed(open_page, dataset, manager):
    app = open_page("pages/train.py")
    app.get_by_key(f"{key(app, 'audio.sample_rate')}-usual").set_value(44100).run()
    assert app.number_input(key=key(app, "audio.sample_rate")).value == 44100
    app.get_by_key(f"{key(app, 'features.n_fft')}-usual").set_value(4096).run()
    app.number_input(key=key(app, "features.hop_length")).set_value(441).run()
    assert app.get_by_key(f"{key(app, 'features.hop_length')}-usual").value is None
    start(app).click().run()
    (config,) = manager.submitted
    assert (config.audio.sample_rate, config.features.n_fft, config.features.hop_length) == (44100, 4096, 441)


def test_no_slider_has_more_stops_than_a_hand_can_hit(open_page, dataset):
    app = open_page("pages/train.py")
    for widget in app.slider:
        assert (widget.max - widget.min) / widget.step <= fields.MOST_STOPS
    for widget in app.select_slider:
        assert len(widget.options) <= fields.MOST_STOPS


def test_automatic_epochs_are_told_with_their_reason_and_a_number_stays_a_number(open_page, dataset, manager):
    app = open_page("pages/train.py")
    work = plan_for(forms_config(app), 9)
    assert f"Automatic: {work.epochs} epochs of 9 training clips" in words(app)
    assert "the training budget for a set of this size." in words(app)
    app.number_input(key=key(app, "optim.epochs")).set_value(7).run()
    assert "Automatic:" not in words(app)
    start(app).click().run()
    assert manager.submitted[0].optim.epochs == 7


@pytest.mark.parametrize(("path", "value"), [("features.hop_length", 64), ("data.leave_out", "1")])
def test_a_change_is_told_everywhere_at_once(open_page, dataset, path, value):
    app = open_page("pages/train.py")
    before = words(app)
    app.get_by_key(f"setting-{path}").set_value(value).run()
    told, folds = words(app), app.selectbox(key="fold-choice").options
    app.run()
    assert (words(app), app.selectbox(key="fold-choice").options) == (told, folds)
    assert told != before


def forms_config(app) -> RunConfig:
    return RunConfig().replace(settings(app))


def test_new_run_with_these_settings_leaves_to_the_lab_what_was_left_to_it(open_page, dataset, make_run, manager):
    run = make_run("finished", **{"optim.epochs": None, "audio.clip_seconds": None, "augment.gain_db": 3.0})
    asked = run.config
    worked_out = {"optim.epochs": 8, "audio.clip_seconds": 0.5, "data.fold": "1", "features.hop_length": 128}
    save_worked_out(run, asked, asked.replace(worked_out))
    app = open_page("pages/train.py", run=run.id)
    app.session_state["run-settings"] = True
    app.run()
    (changed,) = [table.value for table in app.table]

    told = str(changed.to_dict())
    assert "Gain" in told
    assert not any(title in told for title in ("Epochs", "Clip length", "Hop"))
    next(button for button in app.button if button.label == "New run with these settings").click().run()
    start(app).click().run()
    assert manager.submitted == [asked]


def test_precisions_are_timed_again_where_that_is_asked_for(open_page, dataset, workspace):
    folder = workspace.cache / "precision"
    folder.mkdir(parents=True)
    (folder / "one.json").write_text("{}")
    app = open_page("pages/train.py")
    app.button(key="time-again").click().run()
    assert not list(folder.iterdir())
    assert "1 measurement forgotten" in "".join(toast.value for toast in app.toast)


def test_classes_can_be_excluded(open_page, dataset, manager, noise, write_wav):
    for label in ("bat, small", "owl"):
        for number in range(6):
            write_wav(dataset / label / f"{number}.wav", noise(0.5, 8000, seed=number + len(label)), 8000)
    summary._summary.clear()
    summary._folds.clear()
    app = open_page("pages/train.py")
    choice = app.multiselect(key=key(app, "data.exclude_classes"))
    assert sorted(choice.options) == sorted([*LABELS, "bat, small", "owl"])
    choice.set_value(["bat, small"]).run()
    assert app.query_params["data.exclude_classes"] == '"bat, small"'
    assert "of 3 classes" in "".join(app.table[0].value.iloc[:, -1].astype(str))
    again = open_page("pages/train.py", **{"data.dataset": "small", "data.exclude_classes": '"bat, small"'})
    start(again).click().run()
    assert manager.submitted[0].data.exclude_classes == ("bat, small",)


def test_the_automatic_front_end_is_told_with_its_reason_and_a_number_stays_a_number(open_page, dataset):
    app = open_page("pages/train.py")
    assert "Front end, automatic: sample rate " in words(app)
    app.number_input(key=key(app, "audio.sample_rate")).set_value(16000).run()
    assert "Front end, automatic" not in words(app)


@pytest.mark.parametrize(
    ("gpus", "listed"), [(1, ["auto", "cpu", "cuda"]), (3, ["auto", "cpu", "cuda", "cuda:1", "cuda:2", "all"])]
)
def test_the_gpus_that_are_there_can_be_chosen(gpus, listed, monkeypatch):
    monkeypatch.setattr(fields, "_gpus", lambda: gpus)
    monkeypatch.setattr(fields.st, "selectbox", lambda options, **_: options)
    assert fields.widget_of(all_settings()["runtime.device"], "auto", key="key") == listed
