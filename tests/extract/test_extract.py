"""Folders to features: what is in the files, what is skipped, what survives."""

from __future__ import annotations

import csv
import os
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from labcore import outputs
from labcore.audio import blocks, decode, quantise
from labcore.audio.ahead import decode_ahead
from labcore.config import RunConfig
from labcore.errors import ConfigError, WorkspaceError
from labcore.extract import ExtractSettings, engine, extract, files
from labcore.extract.features import Extractor, embeddings_of
from labcore.extract.index import JOURNAL
from labcore.features import LogMel
from labcore.inference.classifier import Classifier
from labcore.workspace import whole_file

SMALL = RunConfig().replace({"audio.sample_rate": 8000, "audio.clip_seconds": 0.25, "features.n_mels": 16})


@pytest.fixture
def here(monkeypatch):
    """Files are read in this process: quick, and seen by the test."""

    class Pool:
        def __init__(self, workers, context, start, arguments):
            files._settings, files._extractor = arguments[0], None

        def submit(self, function, *arguments):
            from concurrent.futures import Future

            future = Future()
            try:
                future.set_result(function(*arguments))
            except Exception as error:
                future.set_exception(error)
            return future

        def shutdown(self, **options):
            pass

    monkeypatch.setattr(engine, "ProcessPoolExecutor", Pool)


@pytest.fixture
def sounds(tmp_path, noise, write_wav):
    folder = tmp_path / "sounds"
    for number in range(3):
        write_wav(folder / "a" / f"{number}.wav", noise(0.5, seed=number))
    write_wav(folder / "b" / "deep" / "x.flac", noise(0.3, seed=9), 8000)
    (folder / "b" / "text.wav").write_text("no sound")
    return folder


def test_log_mels_are_those_of_the_front_end(here, sounds, tmp_path):
    counts = extract(sounds, tmp_path / "out", ExtractSettings(config=SMALL))
    assert (counts.total, counts.done, [path for path, _ in counts.bad]) == (5, 5, ["b/text.wav"])
    log_mel = LogMel(SMALL)
    for path in ("a/0.wav", "b/deep/x.flac"):
        waveform, _ = decode(sounds / path, 8000)
        expected = log_mel.decibels(log_mel.power(torch.from_numpy(waveform)[None]))[0].numpy()
        np.testing.assert_allclose(np.load(tmp_path / "out" / f"{path}.npy"), expected, atol=1e-4)
    index = pd.read_csv(tmp_path / "out" / "index.csv", keep_default_na=False).set_index("path")
    assert index.loc["a/0.wav", "output"] == "a/0.wav.npy"
    assert index.loc["a/0.wav", "seconds"] == 0.5
    assert index.loc["a/0.wav", "sample_rate"] == 8000
    assert index.loc["a/0.wav", "shape"] == f"16x{index.loc['a/0.wav', 'frames']}"
    assert "text.wav" in index.loc["b/text.wav", "error"]


def test_pieces_of_a_long_recording_join_without_a_seam(monkeypatch, noise):
    waveform = noise(2.0, 8000)
    whole, starts = Extractor(ExtractSettings(config=SMALL))(waveform)
    monkeypatch.setattr("labcore.extract.features.FRAMES", 7)
    pieces, _ = Extractor(ExtractSettings(config=SMALL))(waveform)
    assert whole.shape[1] == len(starts) > 30
    np.testing.assert_allclose(pieces, whole, atol=1e-3)


@pytest.mark.parametrize("kind", ["log-mel", "mfcc", "embeddings"])
def test_a_long_recording_is_read_in_blocks_to_the_same_features(
    kind, here, noise, write_wav, tmp_path, monkeypatch, make_classifier
):
    source = tmp_path / "long"
    write_wav(source / "x.wav", noise(4.3, 11025), 11025)
    weights = tmp_path / "weights.safetensors"
    make_classifier().save(weights)
    settings = ExtractSettings(kind, config=SMALL, n_mfcc=5, weights=str(weights) if kind == "embeddings" else "")
    whole = extract(source, tmp_path / "whole", settings)
    monkeypatch.setattr("labcore.extract.features.FRAMES", 7)
    monkeypatch.setattr(blocks, "ONE_GO", 1000)
    monkeypatch.setattr(blocks, "BLOCK", 3001)
    divided = extract(source, tmp_path / "divided", settings)
    assert divided.audio_seconds == whole.audio_seconds
    wanted, got = (np.load(tmp_path / name / "x.wav.npy") for name in ("whole", "divided"))
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, atol=1e-3)


def test_mfcc_are_the_orthonormal_dct_of_the_log_mel(here, noise):
    waveform = noise(0.5, 8000)
    decibels, _ = Extractor(ExtractSettings(config=SMALL))(waveform)
    mfcc, _ = Extractor(ExtractSettings("mfcc", config=SMALL, n_mfcc=5))(waveform)
    import scipy.fft

    np.testing.assert_allclose(mfcc, scipy.fft.dct(decibels, axis=0, norm="ortho")[:5], rtol=1e-4, atol=1e-2)
    with pytest.raises(ConfigError, match="mel bands"):
        ExtractSettings("mfcc", config=SMALL, n_mfcc=17)


@pytest.mark.parametrize("model", ["compact", "small_cnn", "resnet18"])
def test_embeddings_are_what_the_last_layer_is_given(model, noise):
    classifier = Classifier(SMALL.replace({"model.name": model}), ["p", "q", "r"]).eval()
    waveform = noise(0.6, 8000)
    bounds = classifier.windows_of(len(waveform))
    embeddings = embeddings_of(classifier, *quantise(waveform), bounds)
    assert len(embeddings) == len(bounds) > 1
    last = [module for module in classifier.network.modules() if isinstance(module, torch.nn.Linear)][-1]
    with torch.inference_mode():
        probabilities = last(torch.from_numpy(embeddings)).softmax(1).numpy()
    np.testing.assert_allclose(probabilities, classifier.rows_of(*quantise(waveform), bounds), atol=1e-5)


@pytest.mark.parametrize("format", ["pt", "parquet"])
def test_formats_hold_the_same(here, sounds, tmp_path, format):
    extract(sounds, tmp_path / "npy", ExtractSettings(config=SMALL))
    extract(sounds, tmp_path / "out", ExtractSettings(config=SMALL, format=format), index="parquet")
    expected = np.load(tmp_path / "npy" / "a" / "1.wav.npy")
    file = tmp_path / "out" / "a" / f"1.wav.{format}"
    if format == "pt":
        got = torch.load(file, weights_only=True).numpy()
    else:
        table = pd.read_parquet(file)
        got = np.stack(table["values"]).T
        assert table["start_s"].is_monotonic_increasing
    np.testing.assert_array_equal(got, expected)
    index = pd.read_parquet(tmp_path / "out" / "index.parquet")
    assert len(index) == 5


def test_what_is_done_is_skipped_and_what_changed_is_not(here, sounds, tmp_path, noise, write_wav):
    out, settings = tmp_path / "out", ExtractSettings(config=SMALL)
    extract(sounds, out, settings)
    write_wav(sounds / "a" / "0.wav", noise(0.7, seed=5))  # another length
    (out / "a" / "1.wav.npy").write_bytes(b"cut")  # as a power cut leaves it
    (out / "a" / "2.wav.npy").unlink()
    counts = extract(sounds, out, settings)
    assert (counts.skipped, counts.done) == (1, 4)
    assert np.load(out / "a" / "1.wav.npy").shape[0] == 16
    assert len(pd.read_csv(out / "index.csv")) == 5
    with pytest.raises(ConfigError, match=r"n_mels 16 there and 24 now.*--output"):
        extract(sounds, out, ExtractSettings(config=SMALL.replace({"features.n_mels": 24})))


def test_stopped_and_gone_on_with(here, sounds, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "CHUNK", 1)
    monkeypatch.setattr(engine, "AHEAD", 1)
    seen = []
    first = extract(
        sounds,
        tmp_path / "out",
        ExtractSettings(config=SMALL),
        progress=lambda c: seen.append(c.done),
        should_stop=lambda: seen[-1] >= 2,
    )
    assert first.stopped
    assert 2 <= first.done < 5
    with (tmp_path / "out" / JOURNAL).open("a") as file:
        file.write('{"path": "a/2.w')  # as a kill leaves it
    second = extract(sounds, tmp_path / "out", ExtractSettings(config=SMALL))
    assert second.skipped == first.done
    assert not second.stopped
    assert len(list((tmp_path / "out").rglob("*.npy"))) == 4


def test_a_full_disk_is_told(here, sounds, tmp_path, monkeypatch):
    def full(path, **options):
        if path.suffix != ".npy":
            return whole_file(path, **options)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outputs, "whole_file", full)
    with pytest.raises(WorkspaceError, match=r"npy cannot be written: No space left.*Free some space.*same command"):
        extract(sounds, tmp_path / "out", ExtractSettings(config=SMALL))


def test_features_do_not_go_among_the_recordings(here, sounds):
    before = sorted(sounds.rglob("*"))
    for output in (sounds, sounds / ".." / sounds.name, next(path.parent for path in sounds.rglob("*/*.*"))):
        with pytest.raises(ConfigError, match="is a folder of the sound files themselves"):
            extract(sounds, output, ExtractSettings(config=SMALL))
    assert sorted(sounds.rglob("*")) == before


def test_the_way_with_the_network_here_gives_the_same(here, sounds, tmp_path):
    extract(sounds, tmp_path / "cores", ExtractSettings(config=SMALL))
    work = engine._Work(sounds, tmp_path / "device", ExtractSettings(config=SMALL), 2, lambda: False)
    answers = work.on_device(["a/0.wav", "b/text.wav"], "cpu")
    good, bad = [entries[0] for entries in answers]
    assert "text.wav" in bad.error
    assert (tmp_path / "device" / good.output).read_bytes() == (tmp_path / "cores" / good.output).read_bytes()


def test_what_changes_behind_its_decoding_is_not_taken_as_done(here, sounds, tmp_path, monkeypatch):
    before = (sounds / "a" / "0.wav").stat()

    def decoding(files, *given):
        for each in decode_ahead(files, *given):
            each[0].write_bytes(b"another recording")
            yield each

    monkeypatch.setattr(engine, "decode_ahead", decoding)
    work = engine._Work(sounds, tmp_path / "device", ExtractSettings(config=SMALL), 2, lambda: False)
    (((entry,),)) = work.on_device(["a/0.wav"], "cpu")
    assert (entry.error, entry.size, entry.mtime_ns) == ("", before.st_size, before.st_mtime_ns)


def test_how_a_file_was_read_stands_in_the_index(here, sounds, tmp_path, noise):
    sound = noise(0.5)
    soundfile.write(sounds / "phase.wav", np.stack([sound, -sound], axis=1), 16000)
    counts = extract(sounds, tmp_path / "out", ExtractSettings(config=SMALL))
    assert [path for path, note in counts.notes if "cancel" in note] == ["phase.wav"]
    rows = list(csv.DictReader((tmp_path / "out" / "index.csv").read_text().splitlines()))
    assert ["cancel" in row["note"] for row in rows] == [row["path"] == "phase.wav" for row in rows]


def test_processes_and_a_file_that_ends_its_process(sounds, tmp_path, monkeypatch):
    """Real processes; ``a/1.wav`` kills whoever reads it, as a crashing decoder or a full memory would."""
    pipe = sounds / "a" / "1.wav"
    settings = ExtractSettings(config=SMALL)
    monkeypatch.setattr(engine, "work", deadly)
    monkeypatch.setattr(engine, "CHUNK", 2)
    counts = extract(sounds, tmp_path / "out", settings, workers=1)
    reasons = dict(counts.bad)
    assert set(reasons) == {"a/1.wav", "b/text.wav"}, reasons
    assert "crashed the process" in reasons["a/1.wav"]
    assert pipe.exists()
    assert len(list((tmp_path / "out").rglob("*.npy"))) == 3


def deadly(source, paths, output):
    if "a/1.wav" in paths:
        os._exit(9)
    return files.work(source, paths, output)


def test_what_is_not_read_is_in_the_index_and_noises_are_read(here, sounds, tmp_path, write_wav, noise, monkeypatch):
    monkeypatch.setattr("labcore.audio.foreign.find_spec", lambda name: None)
    bad = os.fsdecode(b"M\x84dchen.wav")
    (sounds / "memo.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(100))
    (sounds / "card").symlink_to(tmp_path / "nowhere")
    (sounds / bad).write_text("no sound")
    write_wav(sounds / "_background_noise_" / "tap.wav", noise(0.3, seed=3), 8000)
    for kind in ("csv", "parquet"):
        counts = extract(sounds, tmp_path / "out", ExtractSettings(config=SMALL), index=kind)
        table = pd.read_csv(counts.index) if kind == "csv" else pd.read_parquet(counts.index)
        errors = dict(zip(table["path"], table["error"].fillna(""), strict=True))
        assert "torchcodec" in errors["memo.m4a"]
        assert "is a broken link" in errors["card"]
        assert errors["_background_noise_/tap.wav"] == ""
        assert r"M\x84dchen.wav" in errors
    assert len(counts.bad) == 4


@pytest.mark.parametrize(("system", "method"), [("linux", "forkserver"), ("darwin", "spawn")])
def test_macos_forks_no_process_that_has_loaded_torch(tmp_path, monkeypatch, system, method):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(engine, "ProcessPoolExecutor", lambda workers, context, *start: context.get_start_method())
    assert engine._Work(tmp_path, tmp_path, ExtractSettings(), 1, bool)._pool(1) == method
