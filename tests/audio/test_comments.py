"""What recorders write into WAV files: the comment of an AudioMoth, GUANO, and what is none of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from labcore.audio.comments import comments_of
from tests.audio import commented
from tests.audio.commented import chunk, moth


def with_chunks(path: Path, *chunks: bytes, before: bool = False) -> str:
    path.write_bytes(commented.with_chunks(*chunks, before=before))
    return str(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "Recorded at 01:02:03 04/05/2021 (UTC+1) by AudioMoth 24A04F085FDF2DB2 at medium gain while battery was 4.2V and temperature "
            "was -3.5C.",
            {"recorder": "24A04F085FDF2DB2", "time": "2021-05-04 01:02:03 UTC+1", "day": "2021-05-04", "night": "2021-05-03",
             "temperature": "-3.5", "battery": "4.2V", "gain": "medium gain"},
        ),
        (
            "Recorded at 19:17:30 19/02/2019 (UTC) by AudioMoth 0FE081F80FE081F0 at gain setting 2 while battery state was 4.5V",
            {"recorder": "0FE081F80FE081F0", "time": "2019-02-19 19:17:30 UTC", "day": "2019-02-19", "night": "2019-02-19",
             "battery": "4.5V", "gain": "gain setting 2"},
        ),
        ("Recorded at 19:17:30 31/02/2019 (UTC)", {}),  # no such day
        ("Made by hand", {}),
    ],
)  # fmt: skip
def test_the_comment_of_an_audiomoth(tmp_path, text, told):
    assert comments_of(with_chunks(tmp_path / "a.wav", moth(text), before=True)) == told


def test_guano_behind_the_sound(tmp_path):
    fields = (
        "GUANO|Version: 1.0\nTimestamp: 2023-05-01T22:10:00+02:00\r\nModel: SM4\nSerial: S4A01\nLoc Position: 47.1,  8.5\n"
        "no field\nTemperature Int: 12.5\nNote: wet\\nnight\n"
    )
    told = comments_of(with_chunks(tmp_path / "a.wav", chunk(b"guan", fields.encode())))
    assert list(told)[:6] == ["recorder", "time", "day", "night", "place", "temperature"]
    assert (told["recorder"], told["place"], told["night"]) == ("S4A01", "47.1 8.5", "2023-05-01")
    assert told["Model"] == "SM4"
    assert "GUANO|Version" not in told


def test_what_says_nothing(tmp_path):
    assert comments_of(with_chunks(tmp_path / "plain.wav")) == {}
    cut = Path(with_chunks(tmp_path / "cut.wav", moth("Recorded at 19:17:30 19/02/2019 (UTC)"), before=True))
    cut.write_bytes(cut.read_bytes()[:60])
    (tmp_path / "x.flac").write_bytes(b"fLaC" + bytes(60))
    for path in (cut, tmp_path / "x.flac", tmp_path / "gone.wav", tmp_path):
        assert comments_of(str(path)) == {}
