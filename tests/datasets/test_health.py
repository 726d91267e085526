from __future__ import annotations

import json
import shutil

import numpy as np

from labcore.datasets import check_dataset, read_dataset
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


def test_everything_that_can_be_wrong(tmp_path, tone, noise, write_wav):
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
    assert len(health.warnings) == 7
    json.dumps(health.to_dict())


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
    (told,) = [finding for finding in health.findings if finding.kind == "reading"]
    assert told.what.startswith("3 clips read with care")
    assert "cancel" in told.what
    assert sorted(told.files) == sorted(map(str, (tmp_path / "dog").glob("*.wav")))
    assert told.sentence in health.warnings
    assert not health.silent
