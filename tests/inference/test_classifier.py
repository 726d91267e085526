import json
import pickle
import runpy
import sys
import zipfile

import numpy as np
import pytest
import soundfile
import torch

from labcore.config import RunConfig
from labcore.device import tf32_settings
from labcore.errors import AudioError, RunError
from labcore.events import SettingsChanged
from labcore.export import command_line, export_zip
from labcore.inference.classifier import Classifier
from labcore.models.folded import folded
from labcore.runs import Run
from labcore.workspace import Workspace
from tests.made_events import made_result

RATE = 8000


@pytest.fixture
def classifier():
    torch.manual_seed(0)
    config = RunConfig().replace({"audio.sample_rate": RATE, "audio.clip_seconds": 1.0, "model.width": 0.25})
    made = Classifier(config, ["cat", "dog", "Ärger"])
    made.log_mel.mean.normal_(-40, 5)
    made.log_mel.deviation.uniform_(5, 9)
    with torch.no_grad():
        made.network[-1].weight.mul_(20)  # far from even odds
    return made.eval()


@pytest.fixture
def run(tmp_path, classifier):
    run = Run.create(Workspace(tmp_path / "home"), classifier.config)
    classifier.save(run.weights)
    run.save("labels", classifier.labels)
    return run


def clip(seconds=1.0, rate=RATE, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, int(seconds * rate)).astype(np.float32)


def test_a_loud_moment_that_hides_a_long_recording_is_told(classifier):
    def notes(*loud, seconds=60):
        samples = np.full(seconds * RATE, 10, dtype=np.int16)
        for second in loud:
            samples[second * RATE : (second + 1) * RATE] = 10_000
        bounds = [(second * RATE, (second + 1) * RATE) for second in range(seconds)]
        return classifier.prediction(samples, bounds, np.full((seconds, 3), 1 / 3, np.float32), ["mono"]).notes

    assert [note[:120] for note in notes(20)] == [
        "mono",
        "98 % of the recording counts as silent, since it is 30 dB below the loudest moment (0:20.0 to 0:21.0), and gives no even",
    ]
    assert notes() == notes(*range(0, 60, 5)) == notes(20, seconds=59) == ["mono"]


def test_it_survives_the_disk_to_the_last_bit(classifier, run):
    again = Classifier.load(run.path)
    assert (again.labels, again.config) == (classifier.labels, classifier.config)
    waveforms = torch.randn(2, RATE)
    with torch.inference_mode():
        assert torch.equal(again(waveforms), classifier(waveforms))


def test_the_copy_for_use_is_tried_with_a_short_example_however_long_a_clip_is(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "labcore.inference.classifier.folded", lambda network, images: seen.append(tuple(images.shape)) or network
    )
    config = RunConfig().replace({"audio.sample_rate": 48_000, "audio.clip_seconds": 60.0, "features.hop_length": 16})
    Classifier(config, ["a", "b"]).for_use()
    assert seen == [(1, 1, 64, 1024)]


def test_the_copy_for_use_is_made_in_full_fp32_and_stays_where_it_was_made(classifier, monkeypatch):
    """TF32, which torch allows in convolutions, rounds more coarsely than the copy may differ: none was ever taken on a GPU."""
    seen = []
    monkeypatch.setattr(
        "labcore.inference.classifier.folded",
        lambda network, images: seen.append(tf32_settings()) or folded(network, images),
    )
    classifier.for_use()
    assert seen == [(False, False)]
    assert classifier.routes.eager(classifier).network is not classifier.network
    classifier.to("meta")  # as one that a GPU has no room for goes to the CPU
    assert classifier.routes.eager(classifier).network is classifier.network


def test_loading_draws_nothing_from_the_global_generator(run):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    Classifier.load(run.path)
    assert torch.equal(torch.rand(1), expected)


def test_an_answer_adds_up(classifier):
    answer = classifier.classify_waveform(clip(2.6))
    assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert answer.label == max(answer.probabilities, key=answer.probabilities.get)
    assert answer.probability == answer.probabilities[answer.label]
    assert answer.seconds == pytest.approx(2.6)
    assert answer.windows[0].start_s == 0
    assert answer.windows[-1].end_s == pytest.approx(2.6)
    mean = np.mean([[*window.probabilities.values()] for window in answer.windows], 0)
    np.testing.assert_allclose(mean, [*answer.probabilities.values()], atol=1e-6)
    json.dumps(answer.to_dict())


def test_a_clip_a_little_longer_than_a_window_is_one_window_from_its_begin_to_its_end(classifier):
    waveform = clip(1.0002)
    answer = classifier.classify_waveform(waveform)
    assert [(window.start_s, window.end_s) for window in answer.windows] == [(0, len(waveform) / RATE)]
    assert len(waveform) > RATE
    middle = classifier.classify_waveform(waveform[(len(waveform) - RATE) // 2 :][:RATE])
    assert answer.probabilities == pytest.approx(middle.probabilities, abs=1e-4)


def test_windows_of_a_long_recording_are_what_the_pieces_are(classifier):
    waveform = clip(3.0)
    answer = classifier.classify_waveform(waveform, hop_seconds=1.0)
    assert [(window.start_s, window.end_s) for window in answer.windows] == [(0, 1), (1, 2), (2, 3)]
    for number, window in enumerate(answer.windows):
        alone = classifier.classify_waveform(waveform[number * RATE : (number + 1) * RATE])
        np.testing.assert_allclose([*window.probabilities.values()], [*alone.probabilities.values()], atol=1e-5)


def test_the_batch_size_changes_nothing(classifier):
    a, b = (classifier.classify_waveform(clip(6.0), batch_size=size) for size in (1, 64))
    np.testing.assert_allclose([*a.probabilities.values()], [*b.probabilities.values()], atol=1e-5)


def test_a_short_clip_is_padded_on_both_sides(classifier):
    short = clip(0.4)
    padded = np.zeros(RATE, np.float32)
    padded[(RATE - len(short)) // 2 :][: len(short)] = short
    a, b = classifier.classify_waveform(short), classifier.classify_waveform(padded)
    assert len(a.windows) == 1
    np.testing.assert_allclose([*a.probabilities.values()], [*b.probabilities.values()], atol=1e-6)


def test_file_bytes_and_other_rates_give_one_answer(classifier, tmp_path):
    path = tmp_path / "clip.wav"
    stereo = np.stack([clip(1.0, 44100)] * 2, 1)
    soundfile.write(path, stereo, 44100)
    from_file, from_bytes = classifier.classify(path), classifier.classify(path.read_bytes(), name="clip.wav")
    assert from_file == from_bytes


def test_a_file_that_is_no_sound_is_named(classifier, tmp_path):
    path = tmp_path / "letter.wav"
    path.write_text("Dear Sir")
    with pytest.raises(AudioError, match=r"letter\.wav"):
        classifier.classify(path)


def test_an_empty_waveform_is_an_error(classifier):
    with pytest.raises(AudioError, match="no samples"):
        classifier.classify_waveform(np.zeros(0, np.float32))


def test_a_pickle_or_a_foreign_file_is_refused(tmp_path):
    bad = tmp_path / "weights.safetensors"
    for content in (pickle.dumps({"a": 1}), b"", b"\x00" * 100, b'{"__metadata__": {}}'):
        bad.write_bytes(content)
        with pytest.raises(RunError, match=r"not a classifier|is a pickle"):
            Classifier.load(bad)
    with pytest.raises(RunError, match="no weights"):
        Classifier.load(tmp_path / "missing.safetensors")


def test_the_script_in_the_zip_gives_the_same_probabilities(run, classifier, tmp_path, monkeypatch, capsys):
    run.append(made_result(0.9, accuracy_low=0.8, macro_f1=0.9, clips=80))
    run.append(SettingsChanged(epoch=2, number=0, changes={"model.dropout": 0.5}))
    path, sound = tmp_path / "home.zip", tmp_path / "clip.wav"
    path.write_bytes(export_zip(run))
    soundfile.write(sound, clip(2.2), RATE)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "out")
    folder = tmp_path / "out" / run.id
    assert "90.0 % of the 80 held-out clips of fold 1" in (folder / "README.txt").read_text(encoding="utf-8")
    note, script = ((folder / name).read_text(encoding="utf-8") for name in ("README.txt", "classify.py"))
    assert "Settings were changed once while" in note
    assert "--set 2:model.dropout=0.5" in note
    assert "pip install /path/to/audio-gpu-lab" in note
    assert "pip install audio-gpu-lab" not in note + script
    monkeypatch.setattr(sys, "argv", ["classify.py", str(sound), str(tmp_path / "none.wav")])
    with pytest.raises(SystemExit, match="1"):
        runpy.run_path(str(folder / "classify.py"), run_name="__main__")
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    expected = classifier.classify(sound)
    assert first["label"] == expected.label
    np.testing.assert_allclose([*first["probabilities"].values()], [*expected.probabilities.values()], atol=1e-5)
    assert "none.wav" in second["error"]
    assert Classifier.load(path).labels == classifier.labels


def test_a_run_without_weights_cannot_be_taken_home(tmp_path):
    run = Run.create(Workspace(tmp_path), RunConfig())
    with pytest.raises(RunError, match="no weights yet"):
        export_zip(run)


def test_the_command_line_says_what_differs():
    config = RunConfig().replace(
        {"data.dataset": "my sounds", "optim.epochs": 7, "augment.gain_db": 3.0, "data.fold": "2"}
    )
    assert command_line(config) == "labcore train --dataset 'my sounds' --fold 2 --augment.gain_db 3.0 --epochs 7"
    told = command_line(config, command="crossval", folds=["1", "2"])
    assert told == "labcore crossval --folds 1 2 --dataset 'my sounds' --augment.gain_db 3.0 --epochs 7"


def test_scripts_in_zips_of_before_find_it():
    from labcore import classifier as as_it_was

    assert as_it_was.Classifier is Classifier
