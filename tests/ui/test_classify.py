"""The Classify page: what it answers, and what it says of files that it cannot read."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections import Counter

import librosa
import numpy as np
import pytest
import soundfile

from labcore.audio import encode_wav
from labcore.batch.segments import segments_of
from labcore.batch.tables import csv_text
from labcore.crossval.summary import Pool
from labcore.errors import AudioError
from labcore.inference.classifier import Classifier
from labcore.inference.prediction import NONE_OF_THESE
from labcore.inference.unknown import Unknown
from labcore.runs import Run
from ui.classify import answer
from ui.classify import events as clip_events
from ui.classify.predicting import PredictedClip
from ui.components.clip import Clip

from .conftest import LABELS, words
from .test_sound_viewer import numbers, sent


def wav(seconds: float, rate: int = 8000, channels: int = 1, seed: int = 0) -> bytes:
    noise = np.random.default_rng(seed).normal(0, 0.1, (round(seconds * rate), channels)).astype(np.float32)
    buffer = io.BytesIO()
    soundfile.write(buffer, noise, rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("seconds", "rate", "channels"), [(0.5, 8000, 1), (0.1, 44100, 2), (3.0, 22050, 1), (40.0, 8000, 1)]
)
def test_an_uploaded_clip_is_answered_as_the_classifier_answers_it(open_page, trained, seconds, rate, channels):
    content = wav(seconds, rate, channels)
    app = open_page("pages/classify.py")
    app.file_uploader[0].upload("clip.wav", content).run()
    assert not app.error
    expected = Classifier.load(trained.path).classify(content)
    sure = f"{100 * expected.probability:.1f} %"
    if len(expected.windows) > 1:
        assert f"mean over {len(expected.windows)} windows: {expected.label}, {sure}" in words(app)
    else:
        assert f"## {expected.label}" in words(app)
        assert sure in words(app)


def long_page(open_page, content, least=0.0):
    app = open_page("pages/classify.py")
    app.file_uploader[0].upload("night.wav", content).run()
    app.get_by_key("event-threshold").set_value(least).run()
    assert not app.exception
    return app


def rows(app):
    return [button for button in app.button if button.key.startswith("event-") and "–" in button.label]


def test_a_long_recording_is_answered_with_its_events(open_page, trained):
    content = wav(45.0)
    events = segments_of(Classifier.load(trained.path).classify(content).to_dict())
    app = long_page(open_page, content)
    assert len(rows(app)) == min(len(events), clip_events.ROWS)
    assert events[0].label in rows(app)[0].label
    (table,) = (frame.value for frame in app.dataframe if "Total" in frame.value)
    assert dict(zip(table["Label"], table["Events"], strict=True)) == Counter(event.label for event in events)
    app = long_page(open_page, content, least=1.0)
    assert not rows(app)
    assert "Nothing above 100 %" in words(app)


@pytest.fixture
def blocks(monkeypatch):
    """A network that hears the labels in turn, each for ten seconds."""

    def probabilities(self, samples, scale, bounds, batch_size):
        turns = [int((begin + end) / 2 / self.sample_rate // 10) % 2 for begin, end in bounds]
        return np.array([[0.9, 0.1] if turn == 0 else [0.2, 0.8] for turn in turns], dtype=np.float32)

    monkeypatch.setattr(Classifier, "rows_of", probabilities)


def test_a_press_on_an_event_jumps_there_and_plays_it(open_page, trained, blocks, monkeypatch):
    played = []
    monkeypatch.setattr(answer.st, "audio", lambda content, **options: played.append((content, options)))
    app = long_page(open_page, wav(100.0), least=0.5)
    assert [row.label.partition("**")[0].replace("\\", "").split() for row in rows(app)][3] == ["0:29.9", "–", "0:39.9"]
    for _ in range(2):
        rows(app)[3].click().run()
        assert not app.exception
    assert next(slider.value for slider in app.slider if slider.key.startswith("section-")) == 29
    (first, options), (_, again) = played[-2:]
    assert options["autoplay"]
    assert options["alt"] != again["alt"]  # another player, or it would not play again
    samples, rate = soundfile.read(io.BytesIO(first))
    assert len(samples) / rate == pytest.approx(10.25, abs=0.01)  # its windows as a whole
    next(button for button in app.button if button.key.startswith("event-close-")).click().run()
    content, options = played[-1]
    assert "autoplay" not in options
    assert soundfile.info(io.BytesIO(content)).duration == pytest.approx(30)


def test_events_of_some_labels_alone_and_as_files(open_page, trained, blocks):
    app = long_page(open_page, wav(100.0), least=0.5)
    assert len(rows(app)) == 10
    app.get_by_key(next(pills.key for pills in app.get("pills") or app.button_group)).set_value(["hum"]).run()
    assert [row.label.split("**")[1] for row in rows(app)] == ["hum"] * 5
    told = {"file": "night.wav", **Classifier.load(trained.path).classify(wav(100.0)).to_dict()}
    table = list(csv.DictReader(io.StringIO(csv_text([told], LABELS, "segment", 0.5))))
    assert [(float(row["start_s"]), row["label"]) for row in table][:2] == [(0.0, "bark"), (9.875, "hum")]


def test_bad_files_are_named_and_the_others_go_on(open_page, trained):
    app = open_page("pages/classify.py")
    for name, content in [("good.wav", wav(0.5)), ("notes.wav", b"no sound at all"), ("../../empty.wav", b"")]:
        app.file_uploader[0].upload(name, content)
    app.run()
    shown = words(app)
    assert len(app.error) == 2
    assert "notes.wav" in shown
    assert "empty.wav" in shown
    assert "Prediction for good.wav" in shown
    assert list(app.dataframe[0].value["Prediction"])[1:] == ["cannot be read", "cannot be read"]


def test_channels_that_cancel_are_told_beside_the_answer_and_in_the_table(open_page, trained):
    mono = soundfile.read(io.BytesIO(wav(0.5)))[0]
    phase, dead = (encode_wav(np.stack([mono, other], axis=1), 8000) for other in (-mono, 0 * mono))
    app = open_page("pages/classify.py")
    app.file_uploader[0].upload("phase.wav", phase).run()
    assert "Its channels cancel each other" in words(app).replace("\\", "")
    app = open_page("pages/classify.py")
    for name, content in (("phase.wav", phase), ("dead.wav", dead), ("good.wav", wav(0.5))):
        app.file_uploader[0].upload(name, content)
    app.run()
    told = dict(zip(app.dataframe[0].value["Clip"], app.dataframe[0].value["Notes"], strict=True))
    assert "cancel" in told["phase.wav"]
    assert "channel 2 is silent" in told["dead.wav"]
    assert told["good.wav"] is None or np.isnan(told["good.wav"])


def test_a_recording_is_answered(open_page, trained):
    app = open_page("pages/classify.py")
    app.get_by_key("classify-source").set_value("record").run()
    app.audio_input[0].upload("recording.wav", wav(1.0, 48000)).run()
    assert "Prediction for recording.wav" in words(app)


@pytest.mark.parametrize("kept", [True, False], ids=["knows its clips", "of a first version"])
def test_an_example_is_a_held_out_clip_with_its_label(open_page, trained, dataset, kept):
    from labcore.datasets import read_dataset, split
    from labcore.datasets.folds import drawn_in
    from labcore.datasets.record import ClipRecord

    clips = read_dataset(dataset)
    if kept:
        ClipRecord.of(clips, clips.table).save(trained)
    else:  # its folds were drawn by absolute paths
        clips = drawn_in(clips, str(dataset))
    app = open_page("pages/classify.py")
    app.get_by_key("classify-source").set_value("example").run()
    held_out = {path.rsplit("/", 1)[-1] for path in clips.table["path"].iloc[split(clips, None).held_out]}
    shown = words(app)
    assert any(f"Prediction for {name}" in shown for name in held_out)
    assert "labelled" in shown


def test_an_example_of_a_data_set_that_is_gone_is_told_in_place(open_page, trained):
    app = open_page("pages/classify.py")
    app.get_by_key("classify-source").set_value("example").run()
    assert app.error
    assert not app.exception


def test_the_csv_holds_probabilities_in_full_precision(trained):
    content = wav(0.7)
    predicted = [PredictedClip(Clip("a,b.wav", content, "key"), Classifier.load(trained.path).classify(content))]
    predicted.append(PredictedClip(Clip("b.wav", b"", "other"), error=AudioError("it is no sound", "Take another")))
    row, bad = csv.DictReader(io.StringIO(csv_text((each.told() for each in predicted), LABELS)))
    assert (bad["file"], bad["error"], bad["label"], bad["p_bark"]) == ("b.wav", str(predicted[1].error), "", "")
    assert (row["file"], float(row["probability"])) == ("a,b.wav", predicted[0].answer.probability)
    assert {label: float(row[f"p_{label}"]) for label in LABELS} == predicted[0].answer.probabilities


def test_names_of_files_are_not_read_as_markdown(open_page, trained):
    app = open_page("pages/classify.py")
    app.file_uploader[0].upload("![x](http://example.org/x.png).wav", wav(0.5)).run()
    assert r"\!\[x\]\(http" in "".join(caption.value for caption in app.caption)


def test_a_clip_a_little_longer_than_a_window_is_a_clip(open_page, trained):
    app = open_page("pages/classify.py")
    app.file_uploader[0].upload("clip.wav", wav(0.5002)).run()
    assert "windows" not in words(app).replace("windows of 0.5 s", "")
    assert not [slider for slider in app.slider if slider.key == "event-threshold"]


def test_waveform_spectrogram_and_probabilities_share_one_time_axis(open_page, trained, blocks):
    app = long_page(open_page, wav(100.0), least=0.5)
    app.slider(key=next(slider.key for slider in app.slider if slider.key.startswith("section-"))).set_value(20).run()
    whole, pictures = sent(app)
    assert (whole["start"], whole["end"], whole["selection"]) == (0, 100, [20.0, 50.0])
    assert (pictures["start"], pictures["end"]) == (20, 50)
    assert [row["kind"] for row in pictures["rows"]] == ["wave", "image", "image"]
    for row in pictures["rows"]:
        last = row["x0"] + (row["columns"] - 1) * row["dx"]
        assert row["x0"] == pytest.approx(20, abs=0.05)
        assert last == pytest.approx(50, abs=0.05)
    assert pictures["rows"][2]["names"] == ["hum", "bark"]  # the lowest first


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_the_axis_of_the_log_mel_follows_the_mel_scale_of_the_run(open_page, trained, scale):
    config = trained.config.replace(
        {"features.mel_scale": scale, "features.n_mels": 40, "features.f_min": 30.0, "features.f_max": 3500.0}
    )
    Classifier(config, LABELS).save(trained.weights)
    app = open_page("pages/classify.py")
    app.file_uploader[0].upload("clip.wav", wav(0.5)).run()
    (header,) = sent(app)
    expected = librosa.mel_frequencies(42, fmin=30, fmax=3500, htk=scale == "htk")[1:-1]
    np.testing.assert_allclose(numbers(header, header["rows"][1]["y"]), expected, rtol=1e-4)


@pytest.fixture
def bad_names(dataset):
    """The data set, with names of all its files that are not UTF-8, as an archive from Windows leaves them."""
    for file in dataset.rglob("*.wav"):
        file.rename(os.fsdecode(os.fsencode(file.parent) + b"/M\x84d" + os.fsencode(file.name)))
    return dataset


def test_an_example_whose_name_is_not_utf8_is_answered(open_page, trained, bad_names):
    app = open_page("pages/classify.py")
    app.get_by_key("classify-source").set_value("example").run()
    assert not app.error
    assert not app.exception
    assert "Prediction for Mx84d" in words(app)  # words() takes all backslashes out


def test_the_explore_page_takes_a_clip_whose_name_is_not_utf8(open_page, bad_names):
    app = open_page("pages/explore.py")
    app.get_by_key("explore-source").set_value("dataset").run()
    assert not app.error
    assert not app.exception
    clip = next(box for box in app.selectbox if box.label == "Clip")
    assert all(r"M\x84d" in option for option in clip.options)


def test_no_list_shows_a_label_otherwise_than_the_next(open_page, trained, dataset, monkeypatch):
    """``dog_bark`` in a table beside ``dog bark`` in a heading made readers look for the difference."""
    from ui.charts import bars
    from ui.components import results

    (dataset / "bark").rename(dataset / "dog_bark")
    network = Classifier(trained.config, ["dog_bark", "low_hum"])
    network.save(trained.weights)
    app = open_page("pages/classify.py")
    for name in ("a.wav", "b.wav"):
        app.file_uploader[0].upload(name, wav(0.5))
    app.run()
    assert set(app.dataframe[0].value["Prediction"]) <= {"dog bark", "low hum"}
    assert not {"dog_bark", "low_hum"} & set(words(app).split())
    app = open_page("pages/explore.py")
    app.get_by_key("explore-source").set_value("dataset").run()
    assert next(box.options for box in app.selectbox if box.label == "Class") == ["any class", "dog bark", "hum"]

    drawn = []
    monkeypatch.setattr(bars, "show_figure", lambda figure, **options: drawn.append(figure))
    counts = {"dog_bark": {"dog_bark": 3, "low_hum": 1}, "low_hum": {"low_hum": 2}}
    bars.probabilities({"dog_bark": 0.7, "low_hum": 0.3}, key="p")
    assert [list(figure.data[0].y) for figure in drawn] == [["dog bark", "low hum"]]
    table = results.per_class(Pool([], per_class={"dog_bark": {"f1": 0.5}, "low_hum": {"f1": 0.6}}, confusion=counts))
    assert list(table["Class"]) == ["dog bark", "low hum"]
    assert list(table["Clips"]) == [4, 2]


def refusing(run, monkeypatch) -> None:
    """Have the network of a run refuse all windows but the first three."""
    classifier = Classifier.load(run.path)
    classifier.unknown = Unknown.of(np.ones((4, 128)), np.zeros((2, 128))).fitted(np.arange(30.0), 0.1, "30 clips")
    classifier.save(run.weights)
    monkeypatch.setattr(
        Unknown,
        "scores",
        lambda self, embeddings: np.where(np.arange(len(embeddings)) < 3, 0.0, 1e5).astype(np.float32),
    )


def test_what_is_refused_counts_as_no_event_and_has_a_row_of_its_own(open_page, trained, monkeypatch):
    run = Run.create(trained.workspace, trained.config)
    shutil.copy(trained.weights, run.weights)
    refusing(run, monkeypatch)
    app = open_page("pages/classify.py", run=run.id)
    app.file_uploader[0].upload("night.wav", wav(3.0)).run()
    app.get_by_key("event-threshold").set_value(0.0).run()
    assert not app.exception
    assert "None of these for **" in words(app)
    labels = list(app.dataframe[0].value["Label"])
    assert labels[-1] == NONE_OF_THESE
    heading = next(each.value for each in app.markdown if each.value.startswith("## "))
    events = sum(app.dataframe[0].value["Events"][:-1])
    assert heading in (f"## {labels[0]}", f"## {events} events of {len(labels) - 1} labels")
    run.delete()


def test_silence_is_told_as_such(open_page, trained):
    app = open_page("pages/classify.py")
    app.file_uploader[0].upload("silence.wav", encode_wav(np.zeros(4000, np.float32), 8000)).run()
    assert f"## {NONE_OF_THESE}" in words(app)
    assert "Digital silence: there is nothing to hear" in words(app)
