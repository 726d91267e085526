"""What is measured of clips: right values, nothing twice, and files of every name."""

from __future__ import annotations

import math
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from labcore.audio import encode_wav
from labcore.datasets import find_dataset, register
from labcore.datasets.keeping import remove
from labcore.explore.clips import facts
from labcore.explore.clips.facts import facts_file, known_facts, measure
from labcore.explore.clips.table import ClipFilter, clip_table
from labcore.jobs.following import Stopped
from tests.audio.commented import moth, with_chunks


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tone of half of full scale at 8 kHz, silence, stereo at 16 kHz, and a file that is no sound."""
    root = tmp_path / "sounds"
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    made = {
        "tone/a.wav": encode_wav(tone.astype(np.float32), 8000),
        "tone/b.wav": encode_wav(np.zeros(4000, np.float32), 8000),
        "other/c.wav": encode_wav(np.full((8000, 2), 0.25, np.float32), 16000),
        "other/d.wav": b"RIFF and nothing else",
    }
    for name, content in made.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def test_levels_lengths_and_rates_are_those_of_the_sound(workspace, folder):
    register(workspace, folder, "set")
    found, mel = measure(workspace, find_dataset(workspace, "set"))
    by_name = found.set_index("clip")
    tone, silence, stereo, broken = (
        by_name.loc[name] for name in ("tone/a.wav", "tone/b.wav", "other/c.wav", "other/d.wav")
    )
    assert (tone.seconds, tone.rate, tone.channels, tone.trouble) == (1.0, 8000, 1, "")
    assert tone.level_db == pytest.approx(20 * math.log10(0.5 / math.sqrt(2)), abs=0.02)
    assert tone.peak_db == pytest.approx(20 * math.log10(0.5), abs=0.02)
    assert (silence.level_db, silence.seconds) == (facts.SILENCE_DB, 0.5)
    assert (stereo.rate, stereo.channels, stereo.seconds) == (16000, 2, 0.5)
    assert stereo.level_db == pytest.approx(20 * math.log10(0.25), abs=0.02)
    assert "damaged or cut off" in broken.trouble
    assert math.isnan(broken.seconds)
    assert [bool(np.isfinite(row).all()) for row in mel] == [name != "other/d.wav" for name in found["clip"]]


def test_only_what_is_new_or_changed_is_read_again(workspace, folder, monkeypatch):
    register(workspace, folder, "set")
    dataset = find_dataset(workspace, "set")
    first, mel = measure(workspace, dataset)
    read = []
    real = facts._measured
    monkeypatch.setattr(facts, "_measured", lambda row: read.append(Path(row.path).name) or real(row))
    again, mel_again = measure(workspace, dataset)
    assert read == []
    assert again.equals(first)
    np.testing.assert_array_equal(mel, mel_again)
    (folder / "tone" / "b.wav").write_bytes(encode_wav(np.full(6000, 0.1, np.float32), 8000))
    shutil.copy(folder / "tone" / "a.wav", folder / "other" / "new.wav")
    dataset = find_dataset(workspace, "set")
    assert len(known_facts(workspace, dataset)) == 4
    found, _ = measure(workspace, dataset)
    assert sorted(read) == ["b.wav", "new.wav"]
    assert found.set_index("clip").loc["tone/b.wav"].seconds == 0.75


def test_what_was_measured_before_a_stop_is_kept(workspace, folder):
    register(workspace, folder, "set")
    dataset = find_dataset(workspace, "set")

    def stop(done: int, total: int) -> None:
        assert total == 4
        if done == 2:
            raise Stopped

    with pytest.raises(Stopped):
        measure(workspace, dataset, stop)
    assert len(known_facts(workspace, dataset)) == 2


def test_a_damaged_cache_is_made_again_and_goes_with_the_data_set(workspace, folder):
    register(workspace, folder, "set")
    dataset = find_dataset(workspace, "set")
    measure(workspace, dataset)
    file = facts_file(workspace, dataset)
    file.write_bytes(file.read_bytes()[:200])
    assert known_facts(workspace, dataset).empty
    assert len(measure(workspace, dataset)[0]) == len(known_facts(workspace, dataset)) == 4
    remove(workspace, "set")
    assert not file.parent.exists()
    assert (folder / "tone" / "a.wav").exists()


def test_names_of_every_kind_and_parts_of_a_file(workspace, tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    root = tmp_path / "odd"
    for label in (root / "ä & b", root / os.fsdecode(b"\xffc")):
        label.mkdir(parents=True)
        for name in (b"bad\xff.wav", "naïve 声.wav".encode(), b"a*b$.wav"):
            (label / os.fsdecode(name)).write_bytes(encode_wav(noise, 8000))
    register(workspace, root, "odd")
    found, _ = measure(workspace, find_dataset(workspace, "odd"))
    assert (found["seconds"] == 2.0).all()
    table = tmp_path / "parts.csv"
    wav = tmp_path / "long.wav"
    wav.write_bytes(encode_wav(noise, 8000))
    table.write_text(f"path,label,start_s,end_s\n{wav},a,0,0.5\n{wav},b,0.5,2\n")
    register(workspace, table, "parts")
    found, _ = measure(workspace, find_dataset(workspace, "parts"))
    assert found[["start_s", "end_s", "seconds"]].to_numpy().tolist() == [[0.0, 0.5, 0.5], [0.5, 2.0, 1.5]]


def test_what_recorders_wrote_is_kept_searched_and_filtered(workspace, tmp_path):
    folder = tmp_path / "wood"
    for number, (day, name) in enumerate([("18", "24A0"), ("19", "24A0"), ("19", "24B1")]):
        comment = f"Recorded at 19:17:30 {day}/02/2019 (UTC) by AudioMoth {name} at medium gain while battery was 4.2V"
        file = folder / ("hen" if number < 2 else "owl") / f"{number}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(with_chunks(moth(comment)))
    register(workspace, folder, "wood")
    dataset = find_dataset(workspace, "wood")
    measure(workspace, dataset)
    frame = clip_table(dataset, known_facts(workspace, dataset))
    assert frame["recorder"].tolist() == ["24A0", "24A0", "24B1"]
    assert frame["day"].tolist() == ["2019-02-18", "2019-02-19", "2019-02-19"]
    assert ClipFilter(recorders=("24A0",), days=("2019-02-19",)).rows(frame).tolist() == [1]
    assert ClipFilter(words="24b1").rows(frame).tolist() == [2]
    unmeasured = clip_table(dataset, known_facts(workspace, dataset).head(0))
    assert unmeasured["recorder"].tolist() == ["", "", ""]
