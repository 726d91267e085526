"""Models in Python: what they take, what they give, and the files that they become."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import labcore as lab
from labcore.batch.segments import segments_of
from labcore.errors import AudioError, ConfigError, RunError
from labcore.inference.classifier import Classifier
from labcore.inference.thresholds import Thresholds


@pytest.fixture
def model(run: lab.TrainingRun) -> lab.Model:
    return run.model


@pytest.fixture
def clip(tones: Path) -> Path:
    return tones / "high" / "high3.wav"


def test_one_sound_in_every_form_gives_the_same(model: lab.Model, clip: Path) -> None:
    by_path = model.predict(clip)
    assert isinstance(by_path, lab.Prediction)
    assert by_path.probabilities[by_path.label] == by_path.probability
    whole, rate = soundfile.read(clip, dtype="int16")
    floats = whole / 32768
    forms = {
        "text": model.predict(str(clip)),
        "bytes": model.predict(clip.read_bytes()),
        "int16": model.predict(whole, rate),
        "float64": model.predict(floats, rate),
        "tensor": model.predict(torch.from_numpy(floats.astype(np.float32)), rate),
        "bfloat16": model.predict(torch.from_numpy(floats).bfloat16(), rate),
        "(samples, channels)": model.predict(np.stack([floats, floats], 1), rate=rate),
        "(channels, samples)": model.predict(np.stack([floats, floats]), rate=rate),
        "another rate": model.predict(np.repeat(floats, 2), 2 * rate),
    }
    assert {said.label for said in forms.values()} == {by_path.label}
    del forms["another rate"], forms["bfloat16"]  # which has less to tell
    for form, said in forms.items():
        assert said.probabilities == pytest.approx(by_path.probabilities, abs=1e-4), form


def test_what_cannot_be_one_sound(model: lab.Model, tmp_path: Path) -> None:
    for rate in (None, 0, -1, 2**40, "16k", True):
        with pytest.raises(ConfigError, match=rf"with the rate {rate}.*predict\(samples, rate=44100\)"):
            model.predict(np.zeros(100), rate)
    for hop in (0, -1.0, np.nan, np.inf):
        with pytest.raises(ConfigError, match=f"windows cannot be {hop:g} s apart"):
            model.predict(np.zeros(8000), 8000, hop_seconds=hop)
    for nothing in ("clip.wav", [0.1, 0.2]):
        with pytest.raises(ConfigError, match=r"without samples\. Give samples as an array"):
            model.predict(nothing, 8000)
    for samples in (np.zeros(0), np.zeros((3000, 3000)), np.full(800, np.nan)):
        with pytest.raises(AudioError):
            model.predict(samples, 8000)
    for nothing in (5, None):
        with pytest.raises(ConfigError, match=f"a {type(nothing).__name__} is no sound"):
            model.predict(nothing)  # type: ignore[call-overload]
    for file in (io.BytesIO(b"RIFF"), io.BytesIO()):
        with pytest.raises(ConfigError, match=r"an open file \(BytesIO\) is no sound\. Give its path, or its bytes"):
            model.predict(file)  # type: ignore[call-overload]
    for samples in (np.zeros(800, bool), np.zeros(800, complex), torch.zeros(800, dtype=torch.bool)):
        with pytest.raises(AudioError, match=r"samples of the type (bool|complex128)"):
            model.predict(samples, 8000)
    with pytest.raises(AudioError, match=r"shape \(32, 16000\) are one sound of 32 channels. Give one sound at a time"):
        model.predict(np.zeros((32, 16000)), 16000)
    with pytest.raises(AudioError, match=r"samples of the shape \(2, 2, 2\)"):
        model.predict(np.zeros((2, 2, 2)), 8000)
    with pytest.raises(AudioError):
        model.predict(tmp_path / "none.wav")
    with pytest.raises(ConfigError, match="a float among files"):
        model.predict([0.1, 0.2])  # type: ignore[list-item]
    with pytest.raises(AudioError, match="no files"):
        model.predict([])


def test_many_files_are_a_table_and_a_bad_one_costs_itself_alone(model: lab.Model, clip: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound")
    table = model.predict([clip, bad])
    assert list(table["file"]) == [str(clip), str(bad)]
    assert list(table.columns) == ["file", "predicted", "probability", "seconds", "error", "notes", "high", "low"]
    one = model.predict(clip)
    assert table["predicted"][0] == one.label
    assert table["high"][0] == pytest.approx(one.probabilities["high"], abs=1e-5)
    assert table["error"][0] == ""
    assert "bad.wav" in table["error"][1]
    assert np.isnan(table["probability"][1])
    assert len(model.predict(clip.parent)) == 10


def test_a_folder_tells_what_cannot_be_read_and_what_is_unusual(model: lab.Model, clip: Path, tmp_path: Path) -> None:
    samples, rate = soundfile.read(clip)
    soundfile.write(tmp_path / "a.wav", np.stack([samples, -samples], 1), rate)
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere")
    table = model.predict(tmp_path)
    assert [Path(file).name for file in table["file"]] == ["gone.wav", "a.wav"]
    assert "gone.wav" in table["error"][0]
    assert "channels cancel" in table["notes"][1]
    assert list(table["predicted"].isna()) == [True, False]
    with pytest.raises(AudioError, match=r"gone\.wav"):
        model.embed(tmp_path)


def test_what_occurs_when_in_a_recording(model: lab.Model, tones: Path, tmp_path: Path) -> None:
    parts = [soundfile.read(tones / kind / f"{kind}{n}.wav")[0] for kind in ("low", "high") for n in range(5)]
    night = tmp_path / "night.wav"
    soundfile.write(night, np.concatenate(parts), 8000)
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    said = model.predict(night)
    events = model.events(said, threshold=0.4)
    assert list(events.columns) == [
        "file", "start_s", "end_s", "label", "probability", "error", "notes", "highest", "windows",
    ]  # fmt: skip
    told = [vars(each) for each in segments_of(said.to_dict(), 0.4)]
    assert len(told) > 0
    assert events[list(told[0])].to_dict("records") == told
    for what, rate in ((night, None), (np.concatenate(parts), 8000)):
        same = model.events(what, rate, threshold=0.4)
        assert list(same["end_s"]) == list(events["end_s"])
    many = model.events(tmp_path, threshold=0.4)
    assert set(many["file"]) == {str(night), str(tmp_path / "bad.wav")}
    assert list(many["error"] != "") == list(many["label"].isna())
    model.thresholds = Thresholds(values=dict.fromkeys(model.labels, 2.0))  # never
    assert len(model.events(said)) == 0


def test_what_has_no_events(model: lab.Model, data: lab.Dataset, clip: Path) -> None:
    with pytest.raises(ConfigError, match="those of recordings, and this is a data set"):
        model.events(data)  # type: ignore[arg-type]
    for beyond in (1.5, -0.1, np.nan, "0.5"):
        with pytest.raises(ConfigError, match="from 0 to 1"):
            model.events(clip, threshold=beyond)  # type: ignore[arg-type]


def test_what_is_no_list_of_files(model: lab.Model, data: lab.Dataset, clip: Path) -> None:
    for table in (data.table, {"path": str(clip)}):
        with pytest.raises(ConfigError, match=r"is no list of files.*column of paths"):
            model.predict(table)
    assert len(model.predict(data.table["path"][:2])) == 2
    for nothing in ("", " ", [str(clip), ""]):
        with pytest.raises(AudioError, match="the name of a sound file is empty"):
            model.predict(nothing)
    for ask in (model.predict, model.embed):
        with pytest.raises(ConfigError, match="a rate came without samples"):
            ask(data, 8000)
    with pytest.raises(ConfigError, match="windows cannot be '1' s apart"):
        model.predict(clip, hop_seconds="1")  # type: ignore[call-overload]


def test_integers_that_were_only_converted_to_floats_are_no_floats_of_full_scale(model: lab.Model, clip: Path) -> None:
    whole, rate = soundfile.read(clip, dtype="int16")
    with pytest.raises(
        AudioError, match=r"full scale ±1, and these samples reach [\d,]+\. .*divide: 16-bit ones by 32768"
    ):
        model.predict(whole.astype(np.float32), rate)
    assert model.predict(3 * whole / 32768, rate).label  # as from a loud recording


def test_a_class_that_is_called_as_a_column_is_told_apart(model: lab.Model, data: lab.Dataset, clip: Path) -> None:
    odd = lab.Model(model.config, ["predicted", "error"], model.network)
    for table in (odd.predict([clip]), odd.predict(data.fold(1))):
        assert {"predicted", "class predicted", "class error"} <= set(table.columns)
        assert table["predicted"][0] in ("predicted", "error")


def test_a_data_set_is_a_table_with_what_its_clips_are(model: lab.Model, data: lab.Dataset, clip: Path) -> None:
    whole, part = model.predict(data), model.predict(data.fold("1"))
    assert len(whole) == 20
    assert set(part["fold"]) == {"1"}
    assert list(whole.columns[:8]) == ["clip", "start_s", "end_s", "group", "fold", "label", "predicted", "probability"]
    row = whole[whole["clip"] == "high/high3.wav"].iloc[0]
    said = model.predict(clip)
    assert (row["predicted"], row["label"]) == (said.label, "high")
    assert row["probability"] == pytest.approx(said.probability, abs=1e-5)


def test_embeddings(model: lab.Model, data: lab.Dataset, clip: Path) -> None:
    one, two, whole = model.embed(clip), model.embed([clip, clip]), model.embed(data)
    assert one.dtype == whole.dtype == np.float32
    assert two.shape == (2, len(one))
    assert whole.shape == (20, len(one))
    place = int(np.flatnonzero(data.table["path"] == str(clip))[0])
    assert whole[place] == pytest.approx(one, rel=2e-3, abs=2e-3)  # kept as float16


def test_evaluate_gives_the_figures_of_the_run_and_a_labelled_confusion_matrix(
    run: lab.TrainingRun, model: lab.Model, data: lab.Dataset
) -> None:
    found = lab.evaluate(model, data, fold="1")
    assert found.confusion.equals(run.result.confusion)
    assert found.confusion.index.name == "true"
    assert found.confusion.columns.name == "predicted"
    assert list(found.confusion.index) == list(found.confusion.columns) == ["high", "low"]
    assert found.confusion.to_numpy().sum() == found.clips == 4
    assert np.trace(found.confusion) == round(found.accuracy * found.clips)
    assert len(found.predictions) == 4
    assert list(found.per_class.loc["high"].index) == ["precision", "recall", "f1", "clips"]
    assert lab.evaluate(run, data.fold(1)).figures.confusion == found.figures.confusion
    assert lab.evaluate(run.id).accuracy == found.accuracy
    assert lab.evaluate(model, data, fold="all").clips == 20


def test_mistakes_of_an_evaluation_leave_no_job(model: lab.Model, data: lab.Dataset) -> None:
    from labcore.evaluation.jobs import Evaluation
    from labcore.workspace import Workspace

    before = len(Evaluation.every(Workspace.default()))
    with pytest.raises(lab.LabError, match="no fold 7"):
        lab.evaluate(model, data, fold="7")
    assert len(Evaluation.every(Workspace.default())) == before


def test_a_model_that_was_changed_is_not_judged_by_its_file(
    run: lab.TrainingRun, data: lab.Dataset, tmp_path: Path
) -> None:
    changed = lab.load_model(run)
    with torch.no_grad():
        next(changed.network.parameters()).add_(1)
    with pytest.raises(RunError, match="not on the disk"):
        lab.evaluate(changed, data)
    with pytest.raises(RunError, match="not on the disk"):
        changed.export(tmp_path / "changed.zip")
    again = lab.load_model(changed.export(tmp_path / "changed.safetensors"))  # type: ignore[arg-type]
    assert (difference := again.verify()) is not None, "it has golden clips"
    assert difference < 1e-4, "the service would refuse it"
    assert lab.evaluate(again, data, fold="all").clips == 20


def test_names_of_models(run: lab.TrainingRun) -> None:
    by_name, by_run = lab.load_model(run.id), lab.load_model(run)
    assert isinstance(by_name, Classifier)
    assert by_name.labels == by_run.labels == ["high", "low"]
    assert "small_cnn" in repr(by_name)
    assert "<table" in by_name._repr_html_()
    assert len(lab.load_model("builtin").labels) == 10
    with pytest.raises(RunError):
        lab.load_model("nothing")
    assert lab.load_model(run, device=torch.device("cpu")).device == lab.load_model(run, device=None).device  # type: ignore[arg-type]


def test_what_names_no_model(model: lab.Model, data: lab.Dataset) -> None:
    for nothing in (None, 5, data):
        with pytest.raises(ConfigError, match=f"a model cannot be found by {type(nothing).__name__}"):
            lab.load_model(nothing)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match=f"a model cannot be found by {type(nothing).__name__}"):
            lab.evaluate(nothing, data)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="a data set cannot be found by DataFrame"):
        lab.evaluate(model, data.table)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="a list is no label"):
        lab.evaluate(model, data, label=["low"])  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="a file cannot be found by NoneType"):
        model.export(None)  # type: ignore[arg-type]


def test_it_is_written_by_the_ending(model: lab.Model, clip: Path, tmp_path: Path) -> None:
    for name in ("bark.safetensors", "bark.zip"):
        again = lab.load_model(str(model.export(tmp_path / name)))
        assert again.predict(clip).probabilities == model.predict(clip).probabilities
    with pytest.raises(ConfigError, match=r"cannot be written as \.pt.*\.zip, \.safetensors, \.onnx"):
        model.export(tmp_path / "bark.pt")
    with pytest.raises(RunError, match="a zip is made of a run"):
        lab.load_model(str(tmp_path / "bark.safetensors")).export(tmp_path / "two.zip")
