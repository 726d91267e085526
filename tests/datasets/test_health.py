from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from labcore.audio import blocks
from labcore.config import RunConfig
from labcore.datasets import check_dataset, read_dataset
from labcore.datasets.checks.fingerprint import Fingerprinter
from labcore.datasets.contents import equal_files


def test_a_sound_data_set(tmp_path, tone, write_wav):
    for fold in (1, 2):
        for clip in range(6):
            for label, base in (("high", 3000), ("low", 300)):
                write_wav(tmp_path / f"fold{fold}" / label / f"{clip}.wav", tone(base + 10 * clip + 100 * fold, 0.2))
    seen = []
    health = check_dataset(read_dataset(tmp_path), lambda done, total: seen.append((done, total)))
    assert health.ok, health.warnings
    assert seen[-1] == (24, 24)
    assert health.seconds == (0.2, 0.2, 0.2)
    assert health.rates == {16000: 24}
    assert health.counts.loc["high"].to_dict() == {"1": 6, "2": 6}
    json.dumps(health.to_dict())


def test_everything_that_can_be_wrong(tmp_path, noise, write_wav):
    lines = ["path,label,fold,group"]
    for i in range(12):
        write_wav(tmp_path / f"{i}.wav", noise(0.1 + 0.1 * i, 8000 if i else 16000, seed=i), 8000 if i else 16000)
        lines.append(f"{i}.wav,{'many' if i else 'few'},{i % 2},g{i // 2 if i < 4 else i}")
    write_wav(tmp_path / "silent.wav", np.zeros(800, np.float32))
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    shutil.copy(tmp_path / "3.wav", tmp_path / "copy.wav")
    lines += ["silent.wav,many,0,s", "broken.wav,many,0,b", "missing.wav,many,0,m", "copy.wav,other,0,c"]
    (tmp_path / "clips.csv").write_text("\n".join(lines))
    health = check_dataset(read_dataset(tmp_path))
    assert [problem.path.rsplit("/", 1)[-1] for problem in health.unreadable] == ["missing.wav", "broken.wav"]
    assert [problem.path.rsplit("/", 1)[-1] for problem in health.silent] == ["silent.wav"]
    assert [len(same) for same in health.duplicates] == [len(same) for same in health.mislabelled] == [2]
    assert health.tiny_classes == {"few": 1, "other": 1}
    assert health.straddling == ["g0", "g1"]
    assert set(health.rates) == {8000, 16000}
    assert len(health.warnings) == 8
    json.dumps(health.to_dict())


def test_a_bad_file_is_told_once_with_the_number_of_its_clips(tmp_path, tone, write_wav):
    write_wav(tmp_path / "good.wav", tone(seconds=4))
    for name in ("bad.wav", "equal.wav"):
        (tmp_path / name).write_bytes(b"RIFF of nothing")
    rows = [f"good.wav,{'xy'[n % 2]},{n % 2},{n},{n + 1}" for n in range(4)]
    rows += [f"bad.wav,x,0,{n},{n + 1}" for n in range(5)] + ["equal.wav,y,1,0,1"]
    (tmp_path / "clips.csv").write_text("\n".join(["path,label,fold,start,end", *rows]))
    health = check_dataset(read_dataset(tmp_path))
    assert [(Path(problem.path).name, problem.clips) for problem in health.unreadable] == [
        ("bad.wav", 5),
        ("equal.wav", 1),
    ]
    assert health.warnings[0].startswith("6 clips of 2 files cannot be read and will be left out. ")
    # of files that cannot be read it says nothing that they are equal
    assert health.duplicates == health.mislabelled == []
    assert health.straddling == ["good.wav"]


def test_findings_are_data_from_which_warnings_and_notes_follow(tmp_path, tone, write_wav):
    for label in ("Actor_01", "Actor_02"):
        write_wav(tmp_path / label / "a.wav", tone(len(label) * 50, 0.1))
    (tmp_path / "more.csv").write_text("a,b\n1,2\n")
    facts = check_dataset(read_dataset(tmp_path)).to_dict()
    warning, note = facts["findings"][1], facts["findings"][0]
    assert (warning["kind"], warning["level"], note["kind"], note["level"]) == (
        "speakers",
        "warning",
        "list not taken",
        "note",
    )
    assert any("look like speakers" in sentence and warning["remedy"] in sentence for sentence in facts["warnings"])
    assert "more.csv was not used" in facts["notes"][0]
    assert note["files"] == (str(tmp_path / "more.csv"),)


class TestHearing:
    """Whether most of the energy lies where a training hears nothing."""

    def test_bats(self, tmp_path, tone, write_wav):
        for label, hertz in (("noctule", 25_000), ("pipistrelle", 45_000)):
            for n in range(2):
                write_wav(tmp_path / label / f"{n}.wav", tone(hertz + 500 * n, 0.05, 384_000) + 0.1, 384_000)
        dataset = read_dataset(tmp_path)
        assert not check_dataset(dataset).findings  # an automatic rate takes what they need
        (finding,) = check_dataset(dataset, config=RunConfig().replace({"audio.sample_rate": 22050})).findings
        assert finding.sentence == (
            "Most of the energy lies above 9.92 kHz, which is lost at the sample rate of 22050 Hz. "
            "Train with --audio.sample_rate 384000."
        )
        assert len(finding.files) == 4
        assert not check_dataset(dataset, config=RunConfig().replace({"audio.sample_rate": 384_000})).findings

    def test_one_class_of_several_that_is_not_heard(self, tmp_path, tone, write_wav):
        for label, hertz in (("low", 400), ("mid", 4000), ("high", 18_000)):
            for n in range(2):
                write_wav(tmp_path / label / f"{n}.wav", tone(hertz + 50 * n, 0.1, 44_100), 44_100)
        config = RunConfig().replace({"audio.sample_rate": 22050})
        (finding,) = check_dataset(read_dataset(tmp_path), config=config).findings
        assert finding.what.startswith("in 2 of 6 clips most of the energy lies above")
        assert finding.remedy == "Train with --audio.sample_rate 44100 --features.f_max 19845"

    def test_a_class_that_is_too_small_to_raise_an_automatic_rate(self, tmp_path, tone, write_wav):
        for label, hertz, clips in (("low", 400, 12), ("high", 18_000, 1)):
            for n in range(clips):
                write_wav(tmp_path / label / f"{n}.wav", tone(hertz + 50 * n, 0.1, 44_100), 44_100)
        assert any(each.kind == "unheard" for each in check_dataset(read_dataset(tmp_path)).findings)

    def test_what_is_heard(self, tmp_path, tone, write_wav):
        for label, hertz in (("low", 400), ("mid", 9000)):
            write_wav(tmp_path / label / "0.wav", tone(hertz, 0.1, 48_000), 48_000)
        write_wav(tmp_path / "low" / "silent.wav", np.zeros(480, np.float32), 48_000)
        assert not check_dataset(read_dataset(tmp_path)).findings

    @pytest.mark.parametrize(("rate", "hertz"), [(48_000, 20_000), (48_000, 1000), (16_000, 7000)])
    def test_where_half_of_the_energy_lies(self, tone, rate, hertz):
        for seconds in (0.01, 0.5, 3):
            found = Fingerprinter(rate, seconds)
            found.add(tone(hertz, seconds, rate) + np.float32(0.5))  # an offset is no sound
            assert found.result().any()
            assert found.half_hz == pytest.approx(hertz, abs=60)
        assert Fingerprinter(rate, 1.0).half_hz == 0


def test_equal_files_are_told_from_files_that_agree_in_the_middle(tmp_path):
    middle = bytes(20000)
    contents = {
        "a": b"1" + middle,
        "b": b"1" + middle,
        "c": b"2" + middle,
        "d": b"1" + middle + b"x",
        "e": b"",
        "f": b"",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    paths = [str(tmp_path / name) for name in [*contents, "gone"]]
    assert equal_files(paths) == [paths[:2]]
    (tmp_path / "c").write_bytes(contents["a"])
    assert equal_files(paths) == [paths[:3]]


def test_clips_whose_channels_cancel_are_told_with_their_files(tmp_path, noise, write_wav):
    for label in ("cat", "dog"):
        for number in range(3):
            sound = noise(0.3, seed=number + len(label) * 7)
            planes = np.stack([sound, -sound if label == "dog" else sound], axis=1)
            write_wav(tmp_path / label / f"{number}.wav", planes)
    health = check_dataset(read_dataset(tmp_path))
    (told,) = [finding for finding in health.found if finding.kind == "opposite phase"]
    assert told.what.startswith("the channels of 3 clips cancel each other")
    assert [remedy.name for remedy in told.remedies] == ["left", "right", "exclude"]
    assert sorted(told.files) == sorted(map(str, (tmp_path / "dog").glob("*.wav")))
    assert told.sentence in health.warnings
    assert not health.silent


def test_long_clips_are_looked_through_block_by_block(tmp_path, noise, write_wav, monkeypatch):
    for number in range(4):
        write_wav(tmp_path / ("quiet", "loud")[number % 2] / f"{number}.wav", noise(9.0, seed=number, level=0.1))
    write_wav(tmp_path / "quiet" / "nothing.wav", np.zeros(90_000, np.float32))
    whole = check_dataset(read_dataset(tmp_path)).to_dict()
    monkeypatch.setattr(blocks, "ONE_GO", 10_000)
    monkeypatch.setattr(blocks, "BLOCK", 7000)
    assert check_dataset(read_dataset(tmp_path)).to_dict() == whole


def test_a_clip_that_a_list_names_twice(tmp_path, noise, write_wav):
    """The same row again counts once; other labels, or other folds, of one clip contradict each other."""
    lines = ["path,label,fold"]
    for n in range(40):
        write_wav(tmp_path / f"{n}.wav", noise(0.1, seed=n))
        lines.append(f"{n}.wav,{'ab'[n % 2]},{n // 20}")
    again = [*lines[1:11], lines[1]]
    (tmp_path / "clips.csv").write_text("\n".join([*lines, *again, "6.wav,b,0", "8.wav,a,1"]))
    dataset = read_dataset(tmp_path)
    assert len(dataset) == 42
    assert [Path(path).name for path in dataset.table["path"][:3]] == ["0.wav", "1.wav", "2.wav"]
    health = check_dataset(dataset)
    found = {finding.kind: finding for finding in health.found if finding.level == "warning"}
    assert found["repeated rows"].what.startswith("11 rows repeat another one")
    assert len(found["repeated rows"].files) == 10
    wrong = found["mislabelled"]
    assert [Path(clip.path).name for clip in wrong.clips] == ["6.wav", "6.wav"]
    assert [remedy.name for remedy in wrong.remedies] == ["exclude", "relabel=a", "relabel=b"]
    both = found["duplicates"]
    assert [Path(path).name for path in both.files] == ["8.wav"]
    assert both.remedies == ()  # both rows are one clip by its file and start: to exclude one would exclude both
    assert not health.ok
