"""Headers are read when a data set is added."""

from __future__ import annotations

import pytest

from labcore.datasets import check_dataset, find_dataset, list_datasets, register
from labcore.datasets.mending import mend, unmend
from labcore.datasets.remedies import ClipAt
from labcore.errors import DatasetError


def test_a_text_named_wav_is_told_when_the_set_is_added(workspace, class_folders):
    (class_folders / "high" / "notes.wav").write_text("a text, and no sound")
    (class_folders / "high" / "page.wav").write_text("<!doctype html>")
    told: list[tuple[int, int]] = []
    info = register(workspace, class_folders, "tones", lambda done, total: told.append((done, total)))
    assert info.clips == 14
    assert info.warnings[0].startswith(
        "2 of 14 files cannot be read as audio and will be skipped: notes.wav, page.wav."
    )
    assert list_datasets(workspace)[0].warnings == info.warnings
    assert told[-1] == (14, 14)


def test_what_is_told_lasts_no_longer_than_what_it_is_told_of(workspace, class_folders):
    (class_folders / "high" / "notes.wav").write_text("a text, and no sound")
    (class_folders / "low tones" / "page.wav").write_text("<!doctype html>")
    register(workspace, class_folders, "tones")
    check_dataset(find_dataset(workspace, "tones"))
    bad = ClipAt(str(class_folders / "low tones" / "page.wav"), 0.0)
    mend(workspace, "tones", "unreadable", clips=[bad])
    (info,) = list_datasets(workspace)
    assert (info.clips, info.left_out) == (13, 1)
    assert info.told[0].startswith(
        "1 of 13 files cannot be read as audio and will be skipped: notes.wav is a text file"
    )
    (class_folders / "high" / "more.wav").write_bytes((class_folders / "high" / "0.wav").read_bytes())
    assert list_datasets(workspace)[0].told[0].startswith("1 of 14 files")  # also after another one was added
    (class_folders / "high" / "notes.wav").write_bytes((class_folders / "high" / "0.wav").read_bytes())
    (info,) = list_datasets(workspace)
    assert (info.clips, info.left_out, info.told) == (14, 1, [])
    unmend(workspace, "tones", "unreadable")
    assert list_datasets(workspace)[0].told == list_datasets(workspace)[0].warnings[:1] != []


def test_many_are_counted_and_the_first_named(workspace, class_folders):
    for number in range(9):
        (class_folders / "high" / f"n{number}.wav").write_text("text " * number + "text")
    (warning, *_) = register(workspace, class_folders).warnings
    assert "9 of 21 files" in warning
    assert "n0.wav, n1.wav, n2.wav and 6 more. Each: it is a text file, not audio" in warning


def test_a_class_that_is_lost_is_named(workspace, class_folders):
    (class_folders / "talk").mkdir()
    (class_folders / "talk" / "a.wav").write_text("text")
    (warning, *_) = register(workspace, class_folders).warnings
    assert "That leaves nothing of talk" in warning


def test_a_set_without_any_audio_is_refused(workspace, tmp_path):
    for label in ("a", "b"):
        (tmp_path / "set" / label).mkdir(parents=True)
        (tmp_path / "set" / label / "x.wav").write_text("text " + label)
    with pytest.raises(DatasetError, match=r"not one of the 2 files .* can be read as audio"):
        register(workspace, tmp_path / "set")
    assert list_datasets(workspace) == []


def test_a_sound_set_is_not_blamed(workspace, class_folders):
    assert register(workspace, class_folders).warnings == []


def test_adding_can_be_called_off(workspace, class_folders):
    def stop(done: int, total: int) -> None:
        if total:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        register(workspace, class_folders, "tones", stop)
    assert list_datasets(workspace) == []


def test_rows_and_files_that_are_left_out_are_told(workspace, class_folders):
    rows = "".join(f"{label}/{n}.wav,{label}\n" for label in ("high", "low tones") for n in range(8))
    (class_folders / "l.csv").write_text(f"path,label\n{rows}")
    info = register(workspace, class_folders)
    assert info.clips == 12
    assert info.warnings == [
        "4 files or rows left out, as 6.wav, which is missing (l.csv, line 8). `labcore datasets look` lists them all."
    ]
    assert list_datasets(workspace) == [info]


def test_a_recording_that_is_too_long_for_a_clip_is_told_and_one_that_is_cut_is_none(
    workspace, class_folders, write_wav, tone, monkeypatch
):
    write_wav(class_folders / "high" / "night.wav", tone(440, 1.0))
    (class_folders / "l.csv").write_text("path,label,end\nhigh/night.wav,a,0.2\nhigh/0.wav,b,\n")
    monkeypatch.setenv("LABCORE_AUDIO_MAX_SECONDS", "0.5")
    assert register(workspace, class_folders / "l.csv", "cut").told == []
    (class_folders / "l.csv").unlink()
    (told,) = register(workspace, class_folders, "whole").told
    assert "night.wav claims to be 1 s long, more than the 0.5 s" in told
