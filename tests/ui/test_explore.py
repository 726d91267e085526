"""The Explore page: it opens on an example, takes any sound, plays what it shows, and survives what cannot work."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from streamlit.testing.v1 import AppTest

from labcore.audio import Recording, encode_wav
from labcore.config.presets import preset
from labcore.datasets.demo import example_clip
from labcore.evaluation.jobs import ClipsChosen
from labcore.evaluation.robustness import InNoise, RobustnessPlan, RobustnessTest
from labcore.events import Preparing
from ui.charts.colours import colours, names
from ui.explore import facts, views
from ui.forms import url

from .conftest import words
from .test_sound_viewer import sent

PAGE = "pages/explore.py"


def wav(samples: np.ndarray, rate: int = 8000, subtype: str = "PCM_16") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV", subtype=subtype)
    return buffer.getvalue()


def noise(seconds: float, rate: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, (round(seconds * rate), channels)).astype(np.float32)


def upload(app: AppTest, name: str, content: bytes) -> AppTest:
    app.get_by_key("explore-source").set_value("upload").run()
    app.get_by_key("explore-upload").upload(name, content).run()
    assert not app.exception
    return app


def test_the_first_visit_shows_an_example_in_an_empty_workspace(open_page):
    app = open_page(PAGE)
    assert not app.exception
    assert not app.error
    assert "siren-0.wav" in words(app)
    (header,) = sent(app)
    assert [row["kind"] for row in header["rows"]] == ["wave", "image", "image"]
    assert header["end"] == 4.0


def test_what_is_chosen_stands_in_the_address_and_comes_back_from_it(open_page, dataset):
    app = open_page(PAGE)
    assert not app.query_params
    app.get_by_key("explore-source").set_value("dataset").run()
    app.get_by_key("explore-row-small-").set_value(3).run()
    app.get_by_key("explore-features.n_mels-0").set_value(96).run()
    address = {"explore-from": "dataset", "explore-clip": "3", "features.n_mels": "96"}
    assert app.query_params == address
    bound = {"explore-views": "MFCC", "explore-power": "power", "explore-map": "viridis"}  # which the browser writes
    again = open_page(PAGE, **address, **bound)
    assert again.get_by_key("explore-row-small-").value == 3
    assert again.get_by_key("explore-views").value == ["mfcc"]
    assert again.get_by_key("explore-power").value == "power"
    assert again.get_by_key("explore-map").value == "viridis"
    assert again.get_by_key("explore-features.n_mels-1").value == 96


def test_another_example_stands_in_the_address(open_page):
    app = open_page(PAGE, **{"explore-number": "2", "explore-class": "jackhammer"})
    assert "jackhammer-2.wav" in words(app)
    app.button(key="explore-another").click().run()
    assert app.query_params["explore-number"] == "3"
    assert "siren-0.wav" in words(open_page(PAGE, **{"explore-number": "-7", "explore-class": "none"}))


def test_the_browsers_back_takes_a_setting_of_the_front_end_back(open_page, monkeypatch):
    app = open_page(PAGE, **{"features.n_mels": "96", "audio.sample_rate": "8000"})
    assert app.get_by_key("explore-features.n_mels-1").value == 96
    del app.query_params["features.n_mels"]
    monkeypatch.setattr(url, "went_back", lambda: True)
    app.run()
    assert app.get_by_key("explore-features.n_mels-2").value == 64
    assert app.get_by_key("explore-audio.sample_rate-2").value == 8000
    app.query_params["features.n_mels"] = "many"
    app.run()
    assert "features.n_mels of this link is passed over" in app.error[0].value.replace("\\", "")


def test_an_upload_replaces_the_example_and_stays_while_another_is_awaited(open_page):
    app = upload(open_page(PAGE), "mine.wav", wav(noise(1.5, 8000)))
    assert "mine.wav" in words(app)
    assert "8 kHz" in words(app)
    app.get_by_key("explore-source").set_value("record").run()
    assert "mine.wav" in words(app)


def test_a_recording_is_shown(open_page):
    app = open_page(PAGE)
    app.get_by_key("explore-source").set_value("record").run()
    app.get_by_key("explore-record").upload("recording.wav", wav(noise(1.0, 48000), 48000)).run()
    assert "recording.wav" in words(app)
    assert sent(app)[0]["end"] == 1.0


def test_a_clip_of_a_data_set_is_shown_with_its_label(open_page, dataset):
    app = open_page(PAGE)
    app.get_by_key("explore-source").set_value("dataset").run()
    assert "bark0.wav" in words(app)
    assert "labelled bark" in words(app)
    app.get_by_key("explore-label-small").set_value("hum").run()
    app.get_by_key("explore-random").click().run()
    assert not app.exception
    assert "labelled hum" in words(app)


@pytest.mark.parametrize(
    ("samples", "rate", "said"),
    [
        (noise(1, 8000), 8000, "8 kHz"),
        (noise(0.5, 192000), 192000, "192 kHz"),
        (noise(1, 16000, 8), 16000, "Separate channels"),
        (np.array([[0.5]]), 44100, "0.0227 ms"),
        (np.zeros((8000, 1)), 8000, "Digital silence"),
        (np.where(np.arange(8000) % 80 < 40, 1.0, -1.0)[:, None], 8000, "Clipped: "),
        (noise(1, 8000) * [0.5, -0.5], 8000, "Its channels cancel each other"),
        (noise(1, 8000) * [0, 0.5], 8000, "Channel 1 is silent: channel 2 alone is used."),
    ],
    ids=["8kHz", "192kHz", "8 channels", "one sample", "silence", "square", "opposite phase", "a dead channel"],
)
def test_odd_sounds_show_something_sensible(open_page, samples, rate, said):
    app = upload(open_page(PAGE), "odd.wav", wav(samples, rate))
    options = [option for group in app.get("button_group") for option in getattr(group, "options", [])]
    assert said in words(app) + " ".join(map(str, options))
    assert not app.error
    assert sent(app)
    app.get_by_key("explore-section").set_value("augment").run()
    assert not app.exception
    assert not app.error
    assert len(sent(app)) == 3


@pytest.mark.parametrize("content", [b"", b"no sound at all", wav(np.array([[np.nan]] * 9), subtype="FLOAT")])
def test_what_cannot_be_read_is_told_and_the_next_file_is_shown(open_page, content):
    app = upload(open_page(PAGE), "../../bad.wav", content)
    assert len(app.error) == 1
    assert not sent(app)
    app.get_by_key("explore-upload").set_value(("good.wav", wav(noise(1, 8000)), "audio/wav")).run()
    assert not app.error
    assert "good.wav" in words(app)


def test_names_of_files_are_not_read_as_markdown(open_page):
    app = upload(open_page(PAGE), "![x](http:e.org).wav", wav(noise(0.2, 8000)))
    assert any(r"\!\[x\]\(http" in element.value for element in app.header)


def test_a_long_recording_has_an_overview_and_a_stretch_on_view(open_page):
    app = upload(open_page(PAGE), "long.wav", wav(noise(95, 8000, 2), 8000))
    overview, pictures = sent(app)
    assert overview["end"] == pytest.approx(95)
    assert overview["selection"] == [0.0, facts.FIRST_SECONDS]
    assert pictures["end"] == facts.FIRST_SECONDS


def test_impossible_settings_are_told_and_the_pictures_stay(open_page):
    app = open_page(PAGE)
    before = sent(app)[0]["rows"][2]["columns"]
    next(item for item in app.select_slider if item.label.startswith("Window length")).set_value(1024)
    next(item for item in app.select_slider if item.label.startswith("Hop")).set_value(4096).run()
    assert not app.exception
    assert any("hop of 4096" in error.value.replace("\\", "") for error in app.error)
    assert sent(app)[0]["rows"][2]["columns"] == before
    slider = next(item for item in app.select_slider if item.label.startswith("Hop"))
    slider.set_value(256).run()
    assert not app.error
    assert sent(app)[0]["rows"][2]["columns"] == pytest.approx(2 * before, abs=2)


def test_settings_are_carried_to_the_train_page(open_page):
    app = open_page(PAGE)
    next(item for item in app.select_slider if item.label.startswith("Mel bands")).set_value(128).run()
    assert app.session_state["settings"]["features.n_mels"] == 64
    app.get_by_key("explore-use").click().run()
    assert app.session_state["settings"]["features.n_mels"] == 128
    assert app.session_state["settings"]["optim.epochs"] == preset("balanced").optim.epochs
    assert "Copied to the Train page." in words(app) + " ".join(item.value for item in app.success)


def test_the_settings_of_a_preset_can_be_taken(open_page):
    app = open_page(PAGE)
    app.get_by_key("explore-settings-of").set_value("quick").run()
    assert next(item for item in app.select_slider if item.label.startswith("Sample rate")).value is None
    assert next(item for item in app.number_input if item.label.startswith("Usual sample rate")).value == 16000


def test_augmentations_of_each_kind_can_be_drawn(open_page):
    app = upload(open_page(PAGE), "mine.wav", wav(noise(0.5, 8000)))
    app.get_by_key("explore-section").set_value("augment").run()
    for name in ("time_shift", "reverb", "pitch", "time_mask", "all"):
        app.get_by_key("explore-step").set_value(name).run()
        assert not app.exception, name
        assert not app.error, name
        before, after, difference = sent(app)
        assert before["id"] != after["id"], name
        assert difference["rows"][0]["low"] == -difference["rows"][0]["high"]


def test_another_draw_is_another_one_and_a_strength_is_carried(open_page):
    app = upload(open_page(PAGE), "mine.wav", wav(noise(0.5, 8000)))
    app.get_by_key("explore-section").set_value("augment").run()
    app.get_by_key("explore-step").set_value("pitch").run()
    first = sent(app)[1]["id"]
    app.get_by_key("explore-draw").click().run()
    assert sent(app)[1]["id"] != first
    strength = next(item for item in [*app.slider, *app.select_slider] if "pitch" in (item.key or ""))
    assert strength.value != 3.0
    strength.set_value(3.0).run()
    app.get_by_key("explore-use-augment").click().run()
    assert app.session_state["settings"]["augment.pitch_semitones"] == 3.0
    assert app.session_state["settings"]["augment.noise"] == 0.0


def test_a_run_answers_before_and_after_and_for_what_is_shown(open_page, trained):
    app = open_page(PAGE)
    app.get_by_key("explore-run").set_value(trained.id).run()
    assert not app.exception
    assert any(f"### {label}" in words(app) for label in ("bark", "hum"))
    assert open_page(PAGE, **app.query_params).get_by_key("explore-run").value == trained.id
    app.get_by_key("explore-section").set_value("augment").run()
    app.get_by_key("explore-bench-run").set_value(trained.id).run()
    assert not app.exception
    assert not app.error
    assert "same prediction" in words(app) or "different prediction" in words(app)


def noise_section(open_page, run):
    """The part of the page on accuracy in noise, as somebody finds it who comes back."""
    app = open_page(PAGE)
    app.get_by_key("explore-section").set_value("noise").run()
    return app.get_by_key("explore-noise-run").set_value(run.id).run()


def test_accuracy_in_noise_is_a_job_that_is_found_again(open_page, trained, dataset, inline):
    app = noise_section(open_page, trained)
    app.get_by_key("robustness-label").set_value("bark").run()
    fold = app.get_by_key(f"robustness-fold-{trained.id}")
    other = next(each for each in fold.options if not each.endswith("test fold")).split(",")[0]
    fold.set_value(other).run()
    assert open_page(PAGE, **app.query_params).get_by_key(f"robustness-fold-{trained.id}").value == other
    app.get_by_key(f"robustness-fold-{trained.id}").set_value(fold.value).run()
    app.get_by_key("robustness-start").click().run()
    assert "Robustness test: next in the queue" in words(app)
    assert app.get_by_key("robustness-start").disabled
    (job,) = RobustnessTest.every(trained.workspace)
    assert (job.plan.run, job.plan.label, job.plan.colour, job.owner) == (trained.id, "bark", "pink", "Ada")
    inline.look()
    for seen in (app.run(), noise_section(open_page, trained), open_page(PAGE, noise=trained.id)):
        assert not seen.error
        assert not seen.exception
        assert "Wilson interval" in words(seen)
        assert "of bark" in words(seen)
        assert not seen.get_by_key("robustness-start").disabled
        assert len(seen.dataframe[0].value) == 9


def test_accuracy_in_noise_grows_stops_and_goes_on(open_page, trained, dataset, inline):
    job = RobustnessTest.create(trained.workspace, RobustnessPlan(run=trained.id), queued=True, by="Ada")
    job.append(job.started())
    job.append(ClipsChosen(dataset="small", fold="1", clips=4, sentence="4 clips."))
    job.append(InNoise(snr_db=None, clips=4, hits=2, accuracy=0.5, low=0.2, high=0.8))
    job.append(Preparing(what="judging at 30 dB", done=2, total=4))
    with job.hold():
        app = noise_section(open_page, trained)
        assert "Robustness test: judging at 30 dB: 2 of 4 clips" in words(app)
        assert "50.0 % without added noise" in words(app)
        assert "results so far" not in words(app)
        app.get_by_key("robustness-stop").click().run()
        assert job.stopper == "Ada"
    assert "The process ended unexpectedly" in words(app.run())  # its process is gone
    assert "results so far" in words(app)
    app.get_by_key("robustness-resume").click().run()
    inline.look()
    app.run()
    assert not app.exception
    assert job.status().state == "finished"
    assert not [button for button in app.button if button.key == "robustness-resume"]
    assert len(app.dataframe[0].value) == 9


def test_accuracy_in_noise_that_fails_says_why(open_page, trained, dataset, inline):
    RobustnessTest.create(trained.workspace, RobustnessPlan(run=trained.id, fold="99"), queued=True, by="Ada")
    inline.look()
    app = noise_section(open_page, trained)
    assert "There is no fold 99" in words(app)
    assert "Traceback" in words(app)  # in its log


def test_what_another_asked_for_is_not_shown_as_ones_own(open_page, trained, dataset, inline):
    RobustnessTest.create(trained.workspace, RobustnessPlan(run=trained.id), queued=True, by="Bo")
    app = noise_section(open_page, trained)
    assert "Robustness test: next in the queue" not in words(app)
    assert not app.get_by_key("robustness-start").disabled
    inline.look()
    assert "Wilson interval" not in words(app.run())


def test_the_address_names_the_run_of_accuracy_in_noise(open_page, trained, dataset, inline):
    app = noise_section(open_page, trained)
    assert app.query_params["noise"] == trained.id
    app.get_by_key("explore-section").set_value("look").run()
    assert "noise" not in app.query_params
    assert app.query_params["section"] == "look"
    assert open_page(PAGE, section="augment").get_by_key("explore-section").value == "augment"
    app = open_page(PAGE, noise="gone")
    assert not app.exception
    assert not [button for button in app.button if button.key == "robustness-start"]


def test_what_is_played_is_what_was_decoded():
    content = example_clip("siren")
    samples, rate = Recording(content).channels()
    again, rate_again = soundfile.read(io.BytesIO(encode_wav(samples, rate, exact=True)), dtype="float32")
    assert rate_again == rate
    assert np.array_equal(again, samples[0])


def test_the_mixed_sound_is_what_a_network_hears(monkeypatch):
    planes = np.stack([np.arange(9, dtype=np.float32), -np.arange(9, dtype=np.float32)])
    monkeypatch.setattr(views, "channels", lambda *_: (planes, 8000))
    samples, rate = views.sound(
        SimpleNamespace(source=SimpleNamespace(key="", name="", content=b"")), 0, 1, "mixed", 16000
    )
    assert rate == 8000
    np.testing.assert_array_equal(samples, planes[:1])


def test_colour_maps_are_known_by_name():
    for name in names():
        assert all(len(colour) == 7 and colour.startswith("#") for colour in colours(name))
    assert colours("no such map") == colours(names()[0])


def test_what_rounds_to_nothing_has_no_sign():
    assert [facts._signed(share) for share in (-4e-5, 0.0, -0.00123, 0.5)] == [
        "0.00 %",
        "0.00 %",
        "−0.12 %",
        "+50.00 %",
    ]
    assert facts._level(-0.04, "dBFS") == "0.0 dBFS"
