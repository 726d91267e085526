"""Archives of data sets that nobody should unpack, or that cannot be: each is refused in words, before anything of it lies anywhere."""

from __future__ import annotations

import contextlib
import errno
import gzip
import io
import random
import resource
import shutil
import stat
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from labcore.datasets.look import look
from labcore.datasets.packing import members, sketch
from labcore.datasets.packing.samples import from_bytes
from labcore.errors import LabError, WorkspaceError
from labcore.importing import work as importing
from labcore.importing.job import Import, ImportPlan
from labcore.jobs.process import work
from labcore.workspace import Workspace
from tests.datasets.made import EVERY, Files, each_file, folders, laid_out, tarred, wav, zipped
from tests.hostile.damage import CONTENTS

GOOD: Files = folders().files
EVIL_NAMES = (
    "../evil.wav",
    "dog/../../evil.wav",
    "/tmp/evil.wav",
    "C:/evil.wav",
    "..\\..\\evil.wav",
    "\\\\host\\evil.wav",
)


def imported(workspace: Workspace, path: Path, name: str = "set") -> Import:
    """An import that was worked on to its end."""
    job = Import.create(workspace, ImportPlan(path=str(path), name=name))
    work(job)
    return job


def check_refused(workspace: Workspace, path: Path, told: str) -> None:
    """Neither a look nor an import takes it, each says why, and nothing is left of it, in the workspace or beside it."""
    before = sorted(each_file(workspace.home.parent)), path.read_bytes() if path.is_file() else b""
    with pytest.raises(LabError, match=told) as error:
        look(workspace, path)
    assert error.value.remedy
    job = imported(workspace, path)
    end = job.events()[-1]
    assert end.state == "failed"
    assert told in end.error
    assert "Unexpected" not in end.error
    assert list(workspace.datasets.iterdir()) == []
    shutil.rmtree(job.path)
    after = [name for name in each_file(workspace.home.parent) if not name.endswith(".manager.lock")]
    assert (after, path.read_bytes() if path.is_file() else b"") == before


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", EVIL_NAMES)
def test_names_that_lead_out(pack: Callable[..., Path], name: str, tmp_path: Path, workspace: Workspace) -> None:
    path = pack(tmp_path / f"set.{'zip' if pack is zipped else 'tar'}", GOOD | {name: wav(1)})
    check_refused(workspace, path, "leads out of it")


@pytest.mark.parametrize(
    ("kind", "told", "remedy"),
    [
        (tarfile.SYMTYPE, "is a link", "--dereference"),
        (tarfile.LNKTYPE, "is a link", "--hard-dereference"),
        (tarfile.CHRTYPE, "is a device", "Do not trust"),
        (tarfile.FIFOTYPE, "is a device", "Do not trust"),
    ],
)
def test_links_and_devices_in_a_tar(kind: bytes, told: str, remedy: str, tmp_path: Path, workspace: Workspace) -> None:
    path = tarred(tmp_path / "set.tar.gz", {"dog/1.wav": b""}, type=kind, linkname="/etc/passwd")
    check_refused(workspace, path, told)
    with pytest.raises(LabError) as error:
        look(workspace, path)
    assert remedy in error.value.remedy


def test_links_in_a_zip(tmp_path: Path, workspace: Workspace) -> None:
    files = {"dog/1.wav": b"/etc/passwd"}
    path = zipped(tmp_path / "set.zip", files, external_attr=(stat.S_IFLNK | 0o777) << 16, create_system=3)
    check_refused(workspace, path, "is a link")


@pytest.mark.parametrize("ending", ["zip", "tar.gz"])
def test_bombs(ending: str, tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "SMALL_BYTES", 1 << 20)
    pack = zipped if ending == "zip" else tarred
    check_refused(
        workspace, pack(tmp_path / f"set.{ending}", GOOD | {"dog/zeros.wav": bytes(4 << 20)}), "times its size"
    )


def test_entries_over_each_other(tmp_path: Path, workspace: Workspace) -> None:
    path = zipped(tmp_path / "set.zip", GOOD)
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
    content = path.read_bytes()
    directory = content.index(b"PK\1\2")
    first = content[directory : directory + 46 + len(infos[0].filename)]
    more = b"".join(first[:46] + first[46:].replace(b"dog/0", b"dog/%c" % (65 + number)) for number in range(20))
    end = bytearray(content[content.rindex(b"PK\5\6") :])
    end[8:12] = (len(infos) + 20).to_bytes(2, "little") * 2
    end[12:16] = (int.from_bytes(end[12:16], "little") + len(more)).to_bytes(4, "little")
    path.write_bytes(content[: content.rindex(b"PK\5\6")] + more + bytes(end))
    check_refused(workspace, path, "over each other")


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_more_files_than_a_data_set_has(
    pack: Callable[..., Path], tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "MOST_MEMBERS", 20)
    files = {f"dog/{number}.wav": b"" for number in range(30)}
    check_refused(workspace, pack(tmp_path / f"set.{'zip' if pack is zipped else 'tar'}", files), "more than 20 files")


def test_a_million_files_are_refused_by_the_directory_of_a_zip_alone(tmp_path: Path, workspace: Workspace) -> None:
    path = zipped(tmp_path / "set.zip", GOOD)
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\5\6")
    large = b"PK\6\6" + (44).to_bytes(8, "little") + bytes(12) + (1_000_000).to_bytes(8, "little") * 2 + bytes(16)
    content[at + 8 : at + 12] = b"\xff" * 4
    path.write_bytes(content[:at] + large + content[at:])
    check_refused(workspace, path, "1000000 entries")


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_file_that_is_a_folder_too(pack: Callable[..., Path], tmp_path: Path, workspace: Workspace) -> None:
    path = pack(tmp_path / f"set.{'zip' if pack is zipped else 'tar'}", {"dog.wav": wav(1), "dog.wav/a.wav": wav(2)})
    check_refused(workspace, path, "as a file and as a folder")


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize("damage", ["cut", "empty", "text", "head"])
def test_damaged_ones(ending: str, damage: str, tmp_path: Path, workspace: Workspace) -> None:
    path = (zipped if ending == "zip" else tarred)(tmp_path / f"set.{ending}", GOOD)
    content = path.read_bytes()
    path.write_bytes(
        {
            "cut": content[: len(content) // 2],
            "head": content[:3],
            "empty": b"",
            "text": b"<html>Not found</html>\n" * 40,
        }[damage]
    )
    check_refused(workspace, path, "cannot be unpacked")


@pytest.mark.parametrize(
    ("left", "why"), [(0, "its end is missing"), (100, "its end is missing"), (None, "bad checksum")]
)
def test_headers_of_a_tar_that_are_cut_or_damaged_are_not_its_end(
    left: int | None, why: str, tmp_path: Path, workspace: Workspace
) -> None:
    """After some whole files: tarfile takes such a header for the end of the archive."""
    path = tarred(tmp_path / "set.tar", GOOD)
    content = bytearray(path.read_bytes())
    header = content.index(b"cat/1.wav")
    if left is None:
        content[header + 150] ^= 1
    else:
        del content[header + left :]
    path.unlink()
    packed = tmp_path / "set.tar.gz"
    packed.write_bytes(gzip.compress(bytes(content)))
    check_refused(workspace, packed, why)


def test_a_disk_that_is_full_at_the_end_of_a_small_file(tmp_path: Path) -> None:
    member = from_bytes(("clips.csv",), b"path,label\n" * 40)
    told = r"clips\.csv cannot be written: File too large\. Free some space"
    most, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(WorkspaceError, match=told), sketch.placed(tmp_path, member) as target:
            sketch.copy(io.BytesIO(b"path,label\n" * 40), target, member)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))


def test_a_sound_whose_checksum_is_wrong(tmp_path: Path, workspace: Workspace) -> None:
    path = zipped(tmp_path / "set.zip", GOOD)
    content = bytearray(path.read_bytes())
    at = content.index(b"RIFF")
    content[at + 60] ^= 0xFF
    path.write_bytes(content)
    job = imported(workspace, path)
    assert "dog/0.wav cannot be unpacked" in job.events()[-1].error
    assert list(workspace.datasets.iterdir()) == []


def test_an_encrypted_one(tmp_path: Path, workspace: Workspace) -> None:
    path = zipped(tmp_path / "set.zip", GOOD)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    check_refused(workspace, path, "encrypted")


def test_names_that_no_disk_takes_are_left_out_and_told(tmp_path: Path, workspace: Workspace) -> None:
    longest, too_long = f"dog/{'ü' * 125}.wav", f"dog/{'ü' * 128}.wav"
    path = zipped(
        tmp_path / "set.zip", GOOD | {longest: wav(1), too_long: wav(2), "dog/\u0451 \u72ac\U0001f415.wav": wav(3)}
    )
    found = look(workspace, path)
    assert (found.clips, [what for _, what in found.left_out]) == (8, ["has too long a name for a file"])
    assert imported(workspace, path).result.clips == 8
    assert (workspace.datasets / "set" / longest).read_bytes() == wav(1)


def test_one_name_in_two_normal_forms_is_two_files_of_one_class(tmp_path: Path, workspace: Workspace) -> None:
    twins = {f"{unicodedata.normalize(form, 'Käuzchen')}/{form}.wav": wav(form) for form in ("NFC", "NFD")}
    path = zipped(tmp_path / "set.zip", GOOD | twins)
    made = imported(workspace, path).result
    assert (made.clips, made.classes) == (len(GOOD) + 2, 3)
    assert {name: (workspace.datasets / "set" / name).read_bytes() for name in twins} == twins


def test_a_zip64_is_read(tmp_path: Path, workspace: Workspace) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in GOOD.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(content)
    assert imported(workspace, path).result.clips == len(GOOD)


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("inside", [{}, {"inner.zip": b"PK"}], ids=["empty", "nested"])
def test_an_archive_of_nothing_or_of_archives(
    pack: Callable[..., Path], inside: Files, tmp_path: Path, workspace: Workspace
) -> None:
    path = pack(tmp_path / f"set.{'zip' if pack is zipped else 'tar'}", inside)
    assert "no data set was recognised" in look(workspace, path).error
    assert imported(workspace, path).events()[-1].state == "failed"
    assert list(workspace.datasets.iterdir()) == []


@pytest.mark.parametrize("ending", [".7z", ".rar", ".tar.zst", ".wav.gz"])
def test_what_is_packed_otherwise_says_what_to_do(ending: str, tmp_path: Path, workspace: Workspace) -> None:
    path = tmp_path / f"set{ending}"
    path.write_bytes(bytes(100))
    about = look(workspace, path)
    assert "packed in a way that is not read here" in about.error
    assert "Unpack it" in about.remedy


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("set.zip.001", "is a part of an archive"),
        ("set.z01", "is a part of"),
        ("set.zip.crdownload", "has not finished"),
    ],
)
def test_parts_of_archives_and_of_downloads(name: str, told: str, tmp_path: Path, workspace: Workspace) -> None:
    (tmp_path / name).write_bytes(bytes(100))
    assert told in look(workspace, tmp_path / name).error


def test_an_archive_of_another_kind_beside_others_is_told(tmp_path: Path, workspace: Workspace) -> None:
    (place := tmp_path / "downloads").mkdir()
    zipped(place / "a.zip", GOOD)
    tarred(place / "b.tar.gz", {"bird/1.wav": wav("bird")})
    (place / "c.rar").write_bytes(b"Rar!")
    (told,) = imported(workspace, place).result.warnings
    assert "is not copied (c.rar)" in told


def test_the_first_of_two_files_of_one_name_is_taken(tmp_path: Path, workspace: Workspace) -> None:
    path = zipped(tmp_path / "set.zip", GOOD)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("dog/0.wav", wav("other"))
    found = look(workspace, path)
    assert found.left_out == (("dog/0.wav", "comes twice; the first one is taken"),)
    imported(workspace, path)
    assert (workspace.datasets / "set" / "dog" / "0.wav").read_bytes() == GOOD["dog/0.wav"]


def test_a_full_disk_is_told_beforehand(tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing.shutil, "disk_usage", lambda path: SimpleNamespace(free=1_000_000))
    monkeypatch.setattr(importing, "_unpack", lambda *_: pytest.fail("it began to unpack"))
    end = imported(workspace, zipped(tmp_path / "set.zip", GOOD)).events()[-1]
    assert end.state == "failed"
    assert "has 1 MB free" in end.error
    assert "Free 104 MB" in end.remedy


def test_a_disk_that_becomes_full_leaves_nothing(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sketch.copy

    def full(content: object, target: object, member: object, *more: object) -> None:
        if member.parts[-1] == "1.wav":

            def refuse(piece: bytes) -> int:
                raise OSError(errno.ENOSPC, "No space left on device")

            target = SimpleNamespace(write=refuse)
        real(content, target, member, *more)

    monkeypatch.setattr(importing, "copy", full)
    end = imported(workspace, zipped(tmp_path / "set.zip", GOOD)).events()[-1]
    assert "No space left on device" in end.error
    assert list(workspace.datasets.iterdir()) == []


def test_what_lies_outside_of_the_folders_for_visitors(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "open").mkdir()
    monkeypatch.setenv("LABCORE_HOME", str(workspace.home))
    monkeypatch.setenv("LABCORE_DATA_ROOTS", str(tmp_path / "open"))
    inside, outside = (zipped(folder / "set.zip", GOOD) for folder in (tmp_path / "open", tmp_path))
    assert look(workspace, inside).clips == 6
    assert imported(workspace, inside).result.clips == 6
    with pytest.raises(LabError, match="outside the folders"):
        look(workspace, outside)
    assert "outside the folders" in imported(workspace, outside, "other").events()[-1].error


def mutated(seed: int, folder: Path, workspace: Workspace) -> None:
    """An archive with bytes changed, cut out and put in: a look at it tells what is there, or why nobody can."""
    chance = random.Random(seed)
    made = EVERY[chance.choice(("fsd50k", "audioset", "birdclef", "audiofolder", "speech_commands"))]().files
    ending = chance.choice(("zip", "tar", "tar.gz"))
    path = (zipped if ending == "zip" else tarred)(folder / f"set.{ending}", made)
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 2, 5, 20))):
        at = chance.randrange(len(content))
        match chance.choice(("change", "change", "cut", "add")):
            case "change":
                content[at] = chance.randrange(256)
            case "cut":
                del content[at : at + chance.randrange(600)]
            case "add":
                content[at:at] = chance.randbytes(chance.randrange(40))
        content = content or bytearray(b"x")
    path.write_bytes(content)
    with contextlib.suppress(LabError):
        look(workspace, path)
    assert list(workspace.datasets.iterdir()) == []


@pytest.mark.parametrize("seed", range(40))
def test_mutated(seed: int, tmp_path: Path, workspace: Workspace) -> None:
    mutated(seed, tmp_path, workspace)


@pytest.mark.slow
def test_many_mutated(tmp_path: Path, workspace: Workspace) -> None:
    for seed in range(40, 3000):
        mutated(seed, tmp_path, workspace)


@pytest.mark.parametrize("content", CONTENTS)
def test_lists_of_json_lines_that_hold_anything(content: str, tmp_path: Path, workspace: Workspace) -> None:
    lines = b'{"file_name": "a.wav", "label": "dog"}\n{"file_name": "b.wav", "label": %s}\n'
    value = b"".join(CONTENTS[content].splitlines())
    for name, text in (("set.jsonl", CONTENTS[content]), ("metadata.jsonl", lines % (value or b'""'))):
        laid_out(tmp_path, {"a.wav": wav(1), "b.wav": wav(2), name: text})
        found = look(workspace, tmp_path / name)
        assert found.error or found.clips == 2


def test_samples_whose_names_are_no_utf8(tmp_path: Path, workspace: Workspace) -> None:
    odd = "M\udc84dchen"
    files = {
        f"{number}-{odd}.{end}": content
        for number in range(2)
        for end, content in (("cls", b"%d" % number), ("wav", wav(number)))
    }
    job = imported(workspace, tarred(tmp_path / "set.tar", files))
    assert (job.result.clips, job.result.classes) == (2, 2)
