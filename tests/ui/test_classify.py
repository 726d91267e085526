"""The Classify page: what it answers, and what it says of files that it cannot read."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
import soundfile

from labcore.audio import encode_wav
from labcore.classifier import Classifier
from ui import clips

from .conftest import LABELS, words


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
    assert f"## {expected.label}" in words(app)
    assert f"{100 * expected.probability:.1f} %" in words(app)


def test_bad_files_are_named_and_the_others_go_on(open_page, trained):
    app = open_page("pages/classify.py")
    for name, content in [("good.wav", wav(0.5)), ("notes.wav", b"no sound at all"), ("../../empty.wav", b"")]:
        app.file_uploader[0].upload(name, content)
    app.run()
    shown = words(app)
    assert len(app.error) == 2
    assert "notes.wav" in shown
    assert "empty.wav" in shown
    assert "Heard in good.wav" in shown
    assert list(app.dataframe[0].value["Heard"])[1:] == ["cannot be read", "cannot be read"]


def test_a_recording_is_answered(open_page, trained):
    app = open_page("pages/classify.py")
    app.get_by_key("clip-source").set_value("record").run()
    app.audio_input[0].upload("recording.wav", wav(1.0, 48000)).run()
    assert "Heard in recording.wav" in words(app)


def test_an_example_is_a_held_out_clip_with_its_label(open_page, trained, dataset):
    from labcore.datasets import find_dataset, split
    from labcore.workspace import Workspace

    app = open_page("pages/classify.py")
    app.get_by_key("clip-source").set_value("example").run()
    table = find_dataset(Workspace.default(), "small")
    held_out = {path.rsplit("/", 1)[-1] for path in table.table["path"].iloc[split(table, None).held_out]}
    shown = words(app)
    assert any(f"Heard in {name}" in shown for name in held_out)
    assert "labelled" in shown


def test_an_example_of_a_data_set_that_is_gone_is_told_in_place(open_page, trained):
    app = open_page("pages/classify.py")
    app.get_by_key("clip-source").set_value("example").run()
    assert app.error
    assert not app.exception


def test_the_csv_holds_probabilities_in_full_precision(trained):
    content = wav(0.7)
    judged = [clips.Judged(clips.Clip("a,b.wav", content, "key"), Classifier.load(trained.path).classify(content))]
    row = next(csv.DictReader(io.StringIO(clips.csv_of(judged, LABELS))))
    assert row["file"] == "a,b.wav"
    assert {label: float(row[label]) for label in LABELS} == judged[0].answer.probabilities


def test_names_of_files_are_not_read_as_markdown(open_page, trained):
    app = open_page("pages/classify.py")
    app.file_uploader[0].upload("![x](http://example.org/x.png).wav", wav(0.5)).run()
    assert r"\!\[x\]\(http" in "".join(caption.value for caption in app.caption)


def test_mel_centres_are_those_of_the_front_end(trained):
    network = Classifier.load(trained.path)
    features = network.config.features
    centres = clips.mel_centres(features.n_mels, features.f_min, network.config.f_max)
    bin_hz = network.sample_rate / network.config.framing.n_fft
    bank = network.log_mel.spectrogram.mel_scale.fb.numpy()  # (bins, n_mels)
    peaks = bank.argmax(0)[bank.max(0) > 0.5] * bin_hz
    assert np.abs(peaks - centres[bank.max(0) > 0.5]).max() <= bin_hz


def test_a_long_recording_is_drawn_in_few_columns():
    from ui import charts

    low, high = charts.outline(np.linspace(-1, 1, 500_000, dtype=np.float32), charts.COLUMNS)
    assert len(low) == len(high) == charts.COLUMNS
    cells = charts.to_bytes(np.random.default_rng(0).normal(-40, 10, (64, 90_000)), charts.COLUMNS)
    assert cells.shape == (64, charts.COLUMNS)
    assert cells.dtype == np.uint8
    assert encode_wav(low, 8000)
