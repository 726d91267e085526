"""Names in zip archives that do not say how they are written, as Windows and old programs pack them."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import pytest

from labcore.datasets.look import look
from labcore.datasets.packing.zip_names import UNICODE_PATH, fitting
from labcore.importing.job import Import, ImportPlan
from labcore.jobs.process import work
from labcore.workspace import Workspace
from tests.datasets.made import wav


class RawInfo(zipfile.ZipInfo):
    """An entry whose name is written as it is, without a word on how."""

    raw = b""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.raw, self.flag_bits & ~0x800


def packed(path: Path, encoding: str, *names: str, said: bool = False) -> Path:
    """A zip of sounds whose names are in an encoding. ``said``: with the field that has them in UTF-8, as Info-ZIP and WinRAR add it."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate(names):
            info = RawInfo(name)
            info.raw = name.encode(encoding)
            if said:
                field = b"\1" + zlib.crc32(info.raw).to_bytes(4, "little") + name.encode()
                info.extra = UNICODE_PATH.to_bytes(2, "little") + len(field).to_bytes(2, "little") + field
            archive.writestr(info, wav(number))
    return path


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp437", "Vögel Süd été småfugl"),
        ("cp850", "møl coração"),
        ("cp852", "wróbel żuraw śpiew bocian"),
        ("cp1252", "Vögel Süd été niño"),
        ("cp866", "собака кошка"),
        ("cp866", "МойЗвук №5 лес"),
        ("cp1251", "щегол кошка"),
        ("cp932", "鳥の声 犬"),
        ("cp932", "犬 猫"),
        ("cp932", "ソング 表"),  # with bytes of a backslash
        ("cp932", "CDの音 （雄）"),
        ("gb2312", "鸟鸣 录音 麻雀 喜鹊 猫头鹰 布谷鸟 雨声 雷声"),
        ("big5", "狗 貓"),
        ("euc_kr", "새소리 녹음 참새 까치 올빼미 뻐꾸기 빗소리 천둥 강아지"),
    ],
)
def test_one_encoding_makes_words(encoding: str, words: str) -> None:
    names = {f"{word}/1.wav".encode(encoding) for word in words.split()}
    (found,) = fitting(names)
    assert {found.reads(name) for name in names} == {name.decode(encoding) for name in names}


@pytest.mark.parametrize(
    ("encoding", "words", "possible"),
    [
        ("cp1251", "лиса собака", ["cp866", "cp1251"]),
        ("gb2312", "狗 猫", ["euc_kr", "gb2312", "big5"]),
        ("cp737", "σκύλος γάτα", []),
        ("cp874", "หมา แมว", []),
    ],
)
def test_where_it_is_not_clear_none_is_chosen(encoding: str, words: str, possible: list[str]) -> None:
    assert [each.name for each in fitting({word.encode(encoding) for word in words.split()})] == possible


def imported(workspace: Workspace, path: Path) -> Import:
    job = Import.create(workspace, ImportPlan(path=str(path), name="set"))
    work(job)
    return job


CLIPS = [f"{label}/{number}.wav" for label in ("собака", "кошка") for number in (1, 2, 3)]


def test_a_set_that_windows_packed_has_its_names(tmp_path: Path, workspace: Workspace) -> None:
    path = packed(tmp_path / "звери.zip", "cp866", *CLIPS, "readme.txt")
    about = look(workspace, path)
    assert dict(about.labels) == {"собака": 3, "кошка": 3}
    (told,) = (each for each in about.findings if each.kind == "names")
    assert (told.level, "read as cp866 (Cyrillic), as in 'кошка/1.wav'" in told.what) == ("note", True)
    made = imported(workspace, path).result
    assert [warning for warning in made.warnings if "cp866" in warning]
    assert sorted(each.name for each in (workspace.datasets / "set").iterdir() if each.is_dir()) == ["кошка", "собака"]


def test_names_that_may_be_several_are_told_and_nothing_is_lost(tmp_path: Path, workspace: Workspace) -> None:
    path = packed(tmp_path / "set.zip", "cp737", *(f"{label}/{n}.wav" for label in ("σκύλος", "γάτα") for n in (1, 2)))
    about = look(workspace, path)
    (told,) = (each for each in about.findings if each.kind == "names")
    assert (told.level, "no encoding makes words of them; they are read as cp437" in told.what) == ("warning", True)
    assert "UTF-8" in told.remedy
    assert imported(workspace, path).result.clips == 4


@pytest.mark.parametrize(("encoding", "said"), [("utf-8", False), ("cp1251", True), ("cp437", False)])
def test_names_that_are_beyond_doubt_are_not_told_of(
    tmp_path: Path, workspace: Workspace, encoding: str, said: bool
) -> None:
    labels = ("Vögel", "Süd") if encoding == "cp437" else ("лиса", "собака")
    path = packed(tmp_path / "set.zip", encoding, *(f"{label}/{n}.wav" for label in labels for n in (1, 2)), said=said)
    about = look(workspace, path)
    assert dict(about.labels) == dict.fromkeys(labels, 2)
    assert [each for each in about.findings if each.kind == "names"] == []


def test_the_field_of_another_name_does_not_count(tmp_path: Path, workspace: Workspace) -> None:
    """A program that knows nothing of it renamed the entry: the format has a checksum for that."""
    path = packed(tmp_path / "set.zip", "cp866", *CLIPS, said=True)
    old, new = "собака".encode("cp866"), "дракон".encode("cp866")
    path.write_bytes(path.read_bytes().replace(old, new))
    assert dict(look(workspace, path).labels) == {"дракон": 3, "кошка": 3}
