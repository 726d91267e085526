"""Answers as tables and label tracks, and kept for the next time."""

from __future__ import annotations

import csv
import json
import os

import numpy as np
import pandas as pd
import pytest

from labcore.audio.waveforms import window_bounds
from labcore.batch.journal import PredictionJournal
from labcore.batch.segments import segments_of, summary_of, threshold_in_use, with_events
from labcore.batch.tables import selection_table, track_files, track_of, write_table, write_tracks
from labcore.errors import ConfigError
from labcore.inference.prediction import is_event
from labcore.inference.thresholds import Thresholds


def answer(*windows, seconds=None, file="rec.wav"):
    """Windows of 2 s every second: (label, probability)."""
    rows = [
        {"start_s": float(n), "end_s": n + 2.0, "label": label, "probability": p, "probabilities": {"a": p, "b": 1 - p}}
        for n, (label, p) in enumerate(windows)
    ]
    first = rows[0]
    return {
        "file": file, "label": first["label"], "probability": first["probability"], "probabilities": first["probabilities"],
        "seconds": seconds or len(windows) + 1.0, "windows": rows,
    }  # fmt: skip


BAND = (50.0, 9922.5)


def spans(found):
    return [(s.start_s, s.end_s, s.label, s.windows) for s in found]


def test_windows_are_joined_where_the_label_stays():
    told = answer(("a", 0.9), ("a", 0.7), ("b", 0.8), ("a", 0.6))
    found = segments_of(told)
    assert spans(found) == [(0.0, 2.5, "a", 2), (2.5, 3.5, "b", 1), (3.5, 5.0, "a", 1)]
    assert found[0].probability == pytest.approx(0.8)
    assert found[0].highest == 0.9


def test_the_threshold_leaves_gaps():
    told = answer(("a", 0.9), ("a", 0.4), ("a", 0.9))
    assert spans(segments_of(told, 0.5)) == [(0.0, 1.5, "a", 1), (2.5, 4.0, "a", 1)]
    assert segments_of(told, 0.95) == []
    assert spans(segments_of(answer(("b", 0.5), seconds=0.3))) == [(0.0, 0.3, "b", 1)]


def test_thresholds_of_each_class():
    told = answer(("a", 0.9), ("b", 0.3), ("a", 0.6), ("c", 0.45))
    assert spans(segments_of(told, {"a": 0.7, "b": 0.2})) == [
        (0.0, 1.5, "a", 1),
        (1.5, 2.5, "b", 1),
    ]  # c: the usual one
    assert spans(segments_of(told, {"a": 2.0, "b": 2.0, "c": 0.45})) == [(3.5, 5.0, "c", 1)]
    assert track_of(told, "audacity", {"a": 2.0, "b": 0.3}, BAND) == "1.500000\t2.500000\tb\n"
    kept = Thresholds(values={"a": 0.7, "b": 0.2})
    assert threshold_in_use(None, kept) == kept.values
    assert threshold_in_use(0.1, kept) == 0.1
    assert threshold_in_use(None, kept.switched(False)) == threshold_in_use(None, None) == 0.5


def test_silent_windows_are_gaps_and_borders_stay_within_their_windows():
    told = answer(("a", 0.9), ("a", 0.9), ("a", 0.9), ("b", 0.9))
    told["windows"][1]["silent"] = True
    assert spans(segments_of(told)) == [(0.0, 1.5, "a", 1), (2.5, 3.5, "a", 1), (3.5, 5.0, "b", 1)]
    apart = answer(("a", 0.9), ("a", 0.9), seconds=12.0)
    apart["windows"][1] |= {"start_s": 10.0, "end_s": 12.0}
    assert spans(segments_of(apart)) == [(0.0, 2.0, "a", 1), (10.0, 12.0, "a", 1)]


@pytest.mark.parametrize("hop", [30_720, 30_719, 15_360])
@pytest.mark.parametrize("samples", [100 * 30_720, 100 * 30_720 + 300])  # the last window longer than the others
def test_what_goes_on_is_one_event_whatever_the_hop(samples, hop):
    windows = [
        {"start_s": first / 32_000, "end_s": end / 32_000, "label": "a", "probability": 0.9}
        for first, end in window_bounds(samples, 30_720, hop)
    ]
    told = {"seconds": samples / 32_000, "windows": windows}
    assert spans(segments_of(told)) == [(0.0, samples / 32_000, "a", len(windows))]


def test_a_recording_is_summed_up_by_label():
    told = answer(("a", 0.6), ("b", 0.9), ("a", 0.8), ("a", 0.7), ("a", 0.3))
    events = segments_of(told, 0.5)
    assert [vars(each) for each in summary_of(events)] == [
        {"label": "a", "count": 2, "total_s": 3.5, "highest": 0.8},
        {"label": "b", "count": 1, "total_s": 1.0, "highest": 0.9},
    ]
    more = with_events(told, 0.5)
    assert {name: more[name] for name in told} == told
    assert more["events"] == [vars(event) for event in events]
    assert [(event["start_s"], event["end_s"]) for event in more["events"]] == [(0.0, 1.5), (1.5, 2.5), (2.5, 4.5)]
    assert with_events(told, 0.95)["events"] == with_events(told, 0.95)["summary"] == []


def test_a_clip_of_one_window_keeps_its_answer():
    for told in (answer(("a", 0.9)), {"file": "x", "error": "no"}):
        assert with_events(told) is told


def test_windows_know_whether_they_are_silent(make_classifier, noise):
    sound, nothing = noise(1.0, 8000), np.zeros(8000, dtype=np.float32)
    classifier = make_classifier()
    heard = classifier.classify_waveform(np.concatenate([sound, nothing]))
    assert [window.silent for window in heard.windows] == [False] * 4 + [True] * 3
    assert segments_of(heard.to_dict())[-1].end_s <= 1.25
    assert segments_of(classifier.classify_waveform(nothing).to_dict()) == []
    assert not classifier.classify_waveform(nothing[:4000]).windows[0].silent


def test_label_tracks():
    told = answer(("a\tx", 0.9), ("b", 0.9), file="/data/my rec.wav")
    assert track_of(told, "audacity", 0.5, BAND) == "0.000000\t1.500000\ta x\n1.500000\t3.000000\tb\n"
    head, first, _second = (line.split("\t") for line in track_of(told, "raven", 0.5, BAND).splitlines())
    assert dict(zip(head, first, strict=True)) == {
        "Selection": "1", "View": "Spectrogram 1", "Channel": "1", "Begin Time (s)": "0.000000", "End Time (s)": "1.500000",
        "Low Freq (Hz)": "50.0", "High Freq (Hz)": "9922.5", "Begin File": "my rec.wav", "Begin Path": "/data/my rec.wav",
        "File Offset (s)": "0.000000", "Annotation": "a x", "Score": "0.9000",
    }  # fmt: skip


def test_a_selection_table_over_several_recordings_counts_from_the_first_on():
    told = [
        answer(("a", 0.9), ("b", 0.9), file="/r/one.wav"),
        {"file": "/r/bad.wav", "error": "no"},
        answer(("b", 0.8), file="/r/two.wav"),
    ]
    head, *rows = (line.rstrip("\n").split("\t") for line in selection_table(told, 0.5, BAND))
    columns = [
        head.index(name)
        for name in ("Selection", "Begin Time (s)", "End Time (s)", "File Offset (s)", "Begin Path", "Annotation")
    ]
    assert [[row[column] for column in columns] for row in rows] == [
        ["1", "0.000000", "1.500000", "0.000000", "/r/one.wav", "a"],
        ["2", "1.500000", "3.000000", "1.500000", "/r/one.wav", "b"],
        ["3", "3.000000", "5.000000", "0.000000", "/r/two.wav", "b"],
    ]


def test_a_recording_is_the_same_however_its_name_is_typed(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    night, output = tmp_path / "rec" / "deep" / "night.wav", tmp_path / "out"
    night.parent.mkdir(parents=True)
    night.touch()
    assert track_files(["~/rec/deep/night.wav"], [night], output, "audacity") == {night: output}
    assert track_files(["~/rec"], [night], output, "raven") == {night: output / "deep" / "night.wav.selections.txt"}


BAD = os.fsdecode(b"/data/M\x84dchen.wav")


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet", "raven"])
def test_a_name_that_is_not_utf8_is_written_in_valid_utf8(tmp_path, format):
    told = [answer(("a", 0.9), file=BAD), {"file": BAD, "error": f"{BAD} is empty"}]
    path = tmp_path / "t"
    if format == "raven":
        write_tracks([(path, told[0])], format, 0.5, BAND)
    else:
        write_table(path, format, told, ["a", "b"])
    if format == "parquet":
        table = pd.read_parquet(path)
        assert list(table["file"]) == [r"/data/M\x84dchen.wav"] * 2
        assert table["error"].iloc[1] == r"/data/M\x84dchen.wav is empty"
        return
    text = path.read_bytes().decode()
    if format == "jsonl":  # reads back as the name that opens the file
        assert [json.loads(line)["file"] for line in text.splitlines()] == [BAD, BAD]
        assert os.fsencode(json.loads(text.splitlines()[0])["file"]) == b"/data/M\x84dchen.wav"
    else:
        assert r"M\x84dchen.wav" in text


def test_the_journal_keeps_names_that_are_not_utf8(tmp_path):
    file = tmp_path / os.fsdecode(b"M\x84dchen.wav")
    file.write_text("sound")
    PredictionJournal(tmp_path / "j", tmp_path / "t.csv", "key").add(file, answer(("a", 0.9), file=str(file)))
    again = PredictionJournal(tmp_path / "j", tmp_path / "t.csv", "key")
    assert again.has(file)
    assert again.get(file)["file"] == str(file)
    (tmp_path / "j").read_bytes().decode()


@pytest.mark.parametrize(("per", "rows"), [("file", 2), ("window", 4), ("segment", 3)])
def test_csv_and_parquet_say_the_same(tmp_path, per, rows):
    told = [answer(("a", 0.9), ("a", 0.9), ("b", 0.8), file="x, y.wav"), {"file": "bad.wav", "error": 'is "empty"'}]
    write_table(tmp_path / "t.csv", "csv", told, ["a", "b"], per, 0.5)
    write_table(tmp_path / "t.parquet", "parquet", told, ["a", "b"], per, 0.5)
    with (tmp_path / "t.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    table = pd.read_parquet(tmp_path / "t.parquet")
    assert len(lines) == len(table) == rows
    assert lines[0]["file"] == table["file"].iloc[0] == "x, y.wav"
    assert lines[-1]["error"] == table["error"].iloc[-1] == 'is "empty"'
    assert list(lines[0]) == list(table.columns)
    if per != "segment":
        assert float(lines[0]["p_b"]) == table["p_b"].iloc[0] == pytest.approx(0.1)


def test_jsonl_and_a_target_that_cannot_be_written(tmp_path):
    told = [answer(("a", 0.9)), {"file": "bad.wav", "error": "no"}]
    write_table(tmp_path / "t.jsonl", "jsonl", told, ["a", "b"])
    assert [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()] == told
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="Choose another place"):
        write_table(tmp_path / "file" / "t.csv", "csv", told, ["a", "b"])


def test_the_journal_knows_what_was_answered(tmp_path):
    files = [tmp_path / f"{name}.wav" for name in "abc"]
    for file in files:
        file.write_text("sound")
    journal = PredictionJournal(tmp_path / "j", tmp_path / "t.csv", "key")
    for file in files[:2]:
        journal.add(file, answer(("a", 0.9), file=str(file)))
    journal.add(files[2], {"file": "c", "error": "no"})
    with (tmp_path / "j").open("a") as lines:
        lines.write('{"where": "x", "ke')
    files[1].write_text("other sound")
    again = PredictionJournal(tmp_path / "j", tmp_path / "t.csv", "key")
    assert [again.has(file) for file in files] == [True, False, False]
    again.add(files[1], answer(("b", 0.7), file="b"))
    for one in (again, PredictionJournal(tmp_path / "j", tmp_path / "t.csv", "key")):
        assert one.get(files[0]) == answer(("a", 0.9), file=str(files[0]))
        assert one.get(files[1])["label"] == "b"
        assert one.get(tmp_path / "none") is None
    assert not PredictionJournal(tmp_path / "j", tmp_path / "t.csv", "other weights").has(files[0])


def test_what_grew_while_it_was_read_is_read_again(tmp_path):
    night = tmp_path / "night.wav"
    night.write_text("sound")
    journal = PredictionJournal(tmp_path / "j", tmp_path / "t.csv", "key")
    assert not journal.has(night)
    night.write_text("sound and more of it, of which the prediction does not know")
    journal.add(night, answer(("a", 0.9), file=str(night)))
    assert journal.get(night)["label"] == "a"
    assert not PredictionJournal(tmp_path / "j", tmp_path / "t.csv", "key").has(night)


def test_what_is_no_event_leaves_a_gap_and_what_is_unknown_a_segment_of_its_own():
    def window(start_s, label, probability, **more):
        return {"start_s": start_s, "end_s": start_s + 1.0, "label": label, "probability": probability, **more}

    windows = [
        window(0.0, "dog", 0.9),
        window(1.0, "Background", 0.9),
        window(2.0, "none of these", 0.2, unknown=True),
        window(3.0, "none of these", 0.9, unknown=True, silent=True),
        window(4.0, "dog", 0.2),
    ]
    found = segments_of({"seconds": 5.0, "windows": windows}, 0.5)
    assert [(each.label, each.start_s, each.end_s) for each in found] == [
        ("dog", 0.0, 1.0),
        ("none of these", 2.0, 3.0),
    ]
    no_events = ("noise", "OTHER", " silence ", "background", "Normal", "healthy")
    assert not any(map(is_event, no_events))
    assert all(map(is_event, ("noises", "dog", "abnormal")))
