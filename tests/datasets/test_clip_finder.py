"""From a row of predictions back to file and span: where it lies as before, was moved, or is gone."""

import shutil

import pandas as pd
import pytest

from labcore.allowed_paths import ALLOWED_PATHS
from labcore.datasets import read_dataset, table
from labcore.datasets.clip_finder import ClipFinder
from labcore.datasets.folds import drawn_in
from labcore.datasets.resuming import as_known
from labcore.errors import AudioError, DatasetError


def finder(root) -> ClipFinder:
    return ClipFinder(read_dataset(root))


def test_a_clip_that_lies_as_before(class_folders):
    found = finder(class_folders).find("low tones/3.wav", 0.0, 0.25)
    assert found.row.path == str(class_folders / "low tones" / "3.wav")
    assert (found.row.label, found.row.start_s, found.row.end_s, found.moved) == ("low tones", 0.0, 0.25, "")
    assert found.row.beginning(10.0)[:4] == b"RIFF"


def test_a_clip_that_was_moved_and_one_that_is_gone(class_folders, write_wav, tone):
    write_wav(class_folders / "high" / "only.wav", tone(900, 0.3))
    (class_folders / "high" / "only.wav").rename(class_folders / "low tones" / "only.wav")
    (class_folders / "high" / "2.wav").unlink()
    (class_folders / "high" / "3.wav").unlink()
    (class_folders / "third").mkdir()
    shutil.copy(class_folders / "low tones" / "3.wav", class_folders / "third" / "3.wav")
    there = finder(class_folders)
    found = there.find("high/only.wav", 0.0, 0.3)
    assert found.moved == "low tones/only.wav"
    assert found.row.label == "low tones"
    assert there.find("high/2.wav", 0.0, 0.25).moved == "low tones/2.wav"
    with pytest.raises(DatasetError, match="2 files of this name"):
        there.find("high/3.wav", 0.0, 0.25)
    with pytest.raises(DatasetError, match="no longer in data set tones"):
        there.find("high/9.wav", 0.0, 0.25)


@pytest.fixture
def spans(tmp_path, write_wav, tone):
    write_wav(tmp_path / "set" / "long.wav", tone(500, 4.0))
    rows = [("long.wav", "a", 0.0, 1.0), ("long.wav", "b", 0.5, 2.0), ("long.wav", "c", 2.0, 4.0)]
    pd.DataFrame(rows, columns=["path", "label", "start_s", "end_s"]).to_csv(
        tmp_path / "set" / "clips.csv", index=False
    )
    return tmp_path / "set" / "clips.csv"


def test_spans_of_one_file(spans):
    there = finder(spans)
    assert there.find("long.wav", 0.5, 2.0).row.label == "b"  # not the clip before, which overlaps it
    assert there.find("long.wav", 0.0, 1.00004).row.label == "a"  # counted in samples of another rate
    window = there.find("long.wav", 2.5, 3.5).row  # a window of a clip keeps its span
    assert (window.label, window.start_s, window.end_s) == ("c", 2.5, 3.5)
    with pytest.raises(DatasetError, match="has no clip from 1 to 3 s"):
        there.find("long.wav", 1.0, 3.0)


def test_a_clip_outside_the_allowed_paths_is_not_opened(class_folders, tmp_path, monkeypatch):
    known = finder(class_folders).find("high/1.wav", 0.0, 0.25)
    monkeypatch.setenv(ALLOWED_PATHS, str(tmp_path / "elsewhere"))
    with pytest.raises(AudioError, match=r"1\.wav"):
        known.row.beginning(1.0)


def test_what_looks_at_all_clips_is_done_once_not_once_a_clip(class_folders, monkeypatch):
    dataset, real, calls = read_dataset(class_folders), table.folder_of, []

    def folder_of(*given):
        calls.append(given)
        return real(*given)

    monkeypatch.setattr(table, "folder_of", folder_of)
    ClipFinder(dataset).find("high/1.wav", 0.0, 0.25)
    drawn_in(dataset, "/elsewhere")
    as_known(dataset, None)
    assert len(calls) == 3
