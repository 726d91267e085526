"""A standard data set by its name: what it becomes, which archives are taken, and what is refused."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from collections import namedtuple
from pathlib import Path

import pytest

from labcore.backup.names import trouble
from labcore.datasets import find_dataset
from labcore.downloads import checksums, origin
from labcore.downloads import work as downloads
from labcore.downloads.checksums import read_checksum
from labcore.downloads.job import Download, DownloadPlan
from labcore.downloads.places import ArchivePlace
from labcore.errors import ConfigError, DatasetError
from labcore.events import Log, each_of
from labcore.importing.job import DRAFTS
from labcore.jobs.manager import JobManager
from labcore.standard_sets import SETS, known_set, standard_set
from labcore.workspace import Workspace
from tests.datasets import made
from tests.datasets.made import tarred, zipped
from tests.downloads.conftest import Publish, Served, downloaded, ending
from tests.jobs.inline import InlineChild


@pytest.mark.parametrize(
    ("name", "file", "folds"),
    [
        ("esc50", "ESC-50.zip", ["1", "2"]),
        ("urbansound8k", "UrbanSound8K.tar.gz", ["1", "2"]),
        ("speech_commands", "speech_commands_v0.02.tar.gz", ["train", "val", "test"]),
        ("fsdd", "free-spoken-digit-dataset-1.0.10.zip", ["1", "2"]),
    ],
)
def test_each_set_is_read_with_its_own_folds(
    name: str, file: str, folds: list[str], publish: Publish, tmp_path: Path, workspace: Workspace
) -> None:
    files = {f"top/{path}": content for path, content in getattr(made, name)().files.items()}
    content = (zipped if file.endswith("zip") else tarred)(tmp_path / file, files).read_bytes()
    about = publish(content, name=name, file=file, checksum=name != "fsdd")
    job = downloaded(workspace, about)
    assert ending(job).state == "finished", ending(job).error
    dataset = find_dataset(workspace, name)
    assert (dataset.layout, dataset.folds) == (SETS[name].layout, folds)
    assert job.result.warnings == []
    facts = origin.downloaded_sets(workspace)[name]
    assert (facts["dataset"], facts["from"], facts["licence"]) == (name, about.url, about.licence)
    assert trouble(["datasets", name, origin.FILE]) == ""  # a backup takes it along
    assert job.asked().title == f"{about.title} as {name}"


def test_the_job_manager_works_on_one_and_resumes_it(publish: Publish, served: Served, workspace: Workspace) -> None:
    about = publish()
    job = Download.create(
        workspace, DownloadPlan(dataset="esc50", name="mine", licence=about.licence), queued=True, by="ada"
    )
    manager = JobManager(workspace, InlineChild, background=False)
    served.codes = [404]
    manager.look()
    assert "404" in ending(job).error
    manager.look()
    manager.resume(job)
    manager.look()
    manager.close()
    assert ending(job).state == "finished", ending(job).error
    assert (job.owner, find_dataset(workspace, "mine").labels) == ("ada", ["dog", "cat"])


@pytest.mark.parametrize("licence", ["", "CC BY 4.0"])
def test_a_licence_has_to_be_accepted(licence: str, publish: Publish, served: Served, workspace: Workspace) -> None:
    publish()
    with pytest.raises(DatasetError, match=r"under the licence CC BY-NC 3\.0, which was not accepted"):
        downloaded(workspace, SETS["esc50"], licence=licence)
    assert served.asked == []
    assert Download.every(workspace) == []


def test_names_are_known_however_they_are_spelled() -> None:
    for name in ("ESC-50", "esc_50", "ESC50"):
        assert known_set(name) is SETS["esc50"]
    assert known_set("Speech Commands v2") is known_set("speech-commands") is SETS["speech_commands"]
    assert known_set("esc10") is None
    with pytest.raises(DatasetError, match=r"no standard data set 'urbansound'.*Did you mean 'urbansound8k'"):
        standard_set("urbansound")


def test_who_asks_for_one_that_is_not_there_is_told_how_to_get_it(workspace: Workspace) -> None:
    told = "`labcore datasets get urbansound8k --name UrbanSound8K` downloads UrbanSound8K"
    with pytest.raises(DatasetError, match=told):
        find_dataset(workspace, "UrbanSound8K")
    with pytest.raises(DatasetError, match="`labcore datasets get esc50` downloads ESC-50"):
        find_dataset(workspace, "esc50")


def test_each_set_tells_what_has_to_be_known_of_it() -> None:
    for name, about in SETS.items():
        assert about.name == name
        assert about.url.startswith("https://")
        assert about.file.endswith((".zip", ".tar.gz"))
        assert about.unpacked > about.bytes > 0
        assert about.licence
        assert about.terms
        if about.checksum:
            assert read_checksum(about.checksum) == about.checksum


# --- archives by hand


def put(workspace: Workspace, content: bytes, file: str = "ESC-50.zip") -> Path:
    (workspace.cache / "archives").mkdir(exist_ok=True)
    path = workspace.cache / "archives" / file
    path.write_bytes(content)
    return path


def test_an_archive_that_was_put_there_is_taken_and_stays(
    publish: Publish, served: Served, archive: bytes, workspace: Workspace
) -> None:
    about, path = publish(), put(workspace, archive)
    job = downloaded(workspace, about)
    assert ending(job).state == "finished", ending(job).error
    assert served.asked == []
    assert path.read_bytes() == archive
    assert origin.downloaded_sets(workspace)["esc50"]["from"] == str(path)


def test_an_archive_that_is_named_is_taken_and_stays(
    publish: Publish, served: Served, archive: bytes, tmp_path: Path, workspace: Workspace
) -> None:
    path = tmp_path / "ESC-50-master (1).zip"
    path.write_bytes(archive)
    job = downloaded(workspace, publish(), file=str(path))
    assert ending(job).state == "finished", ending(job).error
    assert (served.asked, path.read_bytes()) == ([], archive)
    gone = downloaded(workspace, publish(), name="two", file=str(tmp_path / "gone.zip"))
    assert "there is no file" in ending(gone).error


def test_one_put_there_that_is_cut_off_is_refused_and_stays(
    publish: Publish, served: Served, archive: bytes, workspace: Workspace
) -> None:
    about, path = publish(), put(workspace, archive[:1000])
    end = ending(downloaded(workspace, about))
    assert f"it has 1,000 bytes of {len(archive):,} and is cut off" in end.error
    assert (served.asked, path.stat().st_size) == ([], 1000)


def test_one_put_there_with_another_checksum_is_refused_and_stays(
    publish: Publish, archive: bytes, workspace: Workspace
) -> None:
    about, path = publish(), put(workspace, archive[:-1] + b"x")
    end = ending(downloaded(workspace, about))
    assert (
        f"its checksum is sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}, it should be {about.checksum}"
        in end.error
    )
    assert path.exists()
    assert not list(workspace.datasets.iterdir())


def test_the_folder_of_a_mirror(
    publish: Publish,
    served: Served,
    archive: bytes,
    tmp_path: Path,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    about, folder = publish(), tmp_path / "mirror"
    folder.mkdir()
    (folder / "ESC-50.zip").write_bytes(archive)
    monkeypatch.setenv("LABCORE_MIRROR", str(folder))
    assert ending(downloaded(workspace, about)).state == "finished"
    assert served.asked == []
    assert (folder / "ESC-50.zip").exists()
    (folder / "ESC-50.zip").unlink()  # one that it lacks comes from where it is published
    assert ending(downloaded(workspace, about, name="two")).state == "finished"
    assert served.asked == [("/ESC-50.zip", "")]
    monkeypatch.setenv("LABCORE_MIRROR", str(tmp_path / "gone"))
    assert "LABCORE_MIRROR is" in ending(downloaded(workspace, about, name="three")).error


@pytest.mark.parametrize(
    ("mirror", "path"), [("{url}/sets/", "/sets/ESC-50.zip"), ("{url}/get?f={file}", "/get?f=ESC-50.zip")]
)
def test_the_address_of_a_mirror(
    mirror: str,
    path: str,
    publish: Publish,
    served: Served,
    archive: bytes,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    about = publish()
    served.files[path] = archive
    monkeypatch.setenv("LABCORE_MIRROR", mirror.replace("{url}", served.url))
    assert ending(downloaded(workspace, about)).state == "finished"
    assert served.asked == [(path, "")]


# --- checksums


def test_a_download_with_another_checksum_is_refused_and_goes(
    publish: Publish, served: Served, archive: bytes, workspace: Workspace
) -> None:
    about = publish()
    served.files["/ESC-50.zip"] = archive[:-1] + b"x"
    end = ending(downloaded(workspace, about))
    assert f"it should be {about.checksum}" in end.error
    assert not ArchivePlace.of(workspace, about).path.exists()
    assert not list(workspace.datasets.iterdir())
    served.files["/ESC-50.zip"] = archive
    assert ending(downloaded(workspace, about)).state == "finished"


def test_another_edition_is_taken_with_its_own_checksum(
    publish: Publish, served: Served, archive: bytes, workspace: Workspace
) -> None:
    about = publish()
    served.files["/ESC-50.zip"] = other = archive + b"\0" * 10
    md5 = f"md5:{hashlib.md5(other).hexdigest()}"
    job = downloaded(workspace, about, checksum=md5)
    assert ending(job).state == "finished", ending(job).error
    assert origin.downloaded_sets(workspace)["esc50"]["checksum"] == md5


def test_where_no_checksum_is_published_that_of_the_first_download_counts(
    publish: Publish, served: Served, archive: bytes, workspace: Workspace
) -> None:
    about = publish(checksum=False)
    job = downloaded(workspace, about)
    first = f"sha256:{hashlib.sha256(archive).hexdigest()}"
    assert f"nobody publishes the checksum of ESC-50.zip; from now on it has to be {first}" in [
        log.message for log in each_of(job.events(), Log)
    ]
    assert checksums.remembered(workspace, about) == first
    assert ending(downloaded(workspace, about, name="same")).state == "finished"
    served.files["/ESC-50.zip"] = archive + b"\0"
    end = ending(downloaded(workspace, about, name="other"))
    assert f"is another archive of {about.title} than came first" in end.error
    assert not ArchivePlace.of(workspace, about).path.exists()


def test_the_checksum_of_a_damaged_archive_is_not_remembered(
    publish: Publish, archive: bytes, workspace: Workspace
) -> None:
    about = publish(archive[: len(archive) // 2], checksum=False)
    assert "cannot be unpacked" in ending(downloaded(workspace, about)).error
    assert checksums.remembered(workspace, about) == ""
    assert not ArchivePlace.of(workspace, about).path.exists()


def test_a_checksum_as_it_is_typed() -> None:
    assert read_checksum(" SHA256:" + "A" * 64) == read_checksum("a" * 64) == f"sha256:{'a' * 64}"
    assert read_checksum("0" * 32) == f"md5:{'0' * 32}"
    for text in ("", "sha1:" + "0" * 40, "md5:" + "0" * 64, "g" * 32):
        with pytest.raises(ConfigError, match="is no checksum"):
            read_checksum(text)


# --- what is refused


def hostile(archive_path: Path, kind: str) -> bytes:
    """An archive of ESC-50 with something in it that no data set has."""
    files = made.esc50().files
    if kind == "out of a zip":
        return zipped(archive_path, files | {"../../../out.wav": b"RIFF"}).read_bytes()
    if kind == "absolute":
        return tarred(archive_path, files | {"/tmp/out.wav": b"RIFF"}).read_bytes()
    if kind == "out of a tar":
        return tarred(archive_path, files | {"audio/../../out.wav": b"RIFF"}).read_bytes()
    tarred(archive_path, files)
    with tarfile.open(archive_path) as old, tarfile.open(archive_path.with_name("link.tar"), "w") as new:
        for info in old:
            new.addfile(info, old.extractfile(info))
        link = tarfile.TarInfo("audio/link.wav")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        new.addfile(link)
    return archive_path.with_name("link.tar").read_bytes()


@pytest.mark.parametrize(
    ("kind", "file"),
    [("out of a zip", "a.zip"), ("out of a tar", "a.tar"), ("absolute", "a.tar"), ("link", "a.tar")],
)
def test_an_archive_that_climbs_out(
    kind: str, file: str, publish: Publish, tmp_path: Path, workspace: Workspace
) -> None:
    before = set(tmp_path.rglob("*"))
    about = publish(hostile(tmp_path / file, kind), file=file)
    end = ending(downloaded(workspace, about))
    assert end.state == "failed"
    assert "do not trust this file" in end.remedy.lower()
    assert not list(workspace.datasets.iterdir())
    assert not [path for path in set(tmp_path.rglob("*")) - before if path.name == "out.wav"]


def test_an_archive_of_something_else(publish: Publish, tmp_path: Path, workspace: Workspace) -> None:
    about = publish(zipped(tmp_path / "a.zip", made.folders().files).read_bytes(), checksum=False)
    end = ending(downloaded(workspace, about))
    assert "is another archive: it is read as" in end.error
    assert not list(workspace.datasets.iterdir())


def test_what_is_no_archive(publish: Publish, workspace: Workspace) -> None:
    end = ending(downloaded(workspace, publish(b"nothing at all", checksum=False)))
    assert "it is not a zip file" in end.error


def test_a_name_that_is_taken(publish: Publish, served: Served, workspace: Workspace) -> None:
    (workspace.datasets / "esc50").mkdir()
    end = ending(downloaded(workspace, publish()))
    assert "the name 'esc50' is used" in end.error
    assert served.asked == []


def test_a_name_that_is_taken_meanwhile(
    publish: Publish, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = publish()
    real = downloads.unpacked

    def late(job: Download, *args: object, **options: object) -> object:
        (workspace.datasets / "esc50").mkdir()
        return real(job, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(downloads, "unpacked", late)
    end = ending(downloaded(workspace, about))
    assert "the name 'esc50' is used" in end.error
    assert ArchivePlace.of(workspace, about).path.exists()  # it was downloaded, and is what it should be
    monkeypatch.setattr(downloads, "unpacked", real)
    assert ending(downloaded(workspace, about, name="another")).state == "finished"
    assert not ArchivePlace.of(workspace, about).path.exists()


def test_too_little_room_is_told_before_anything_comes(
    publish: Publish, served: Served, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = publish()
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 0, 10**8))
    end = ending(downloaded(workspace, about))
    assert end.details["kind"] == "WorkspaceError"
    assert "needs 105 MB (archive and sounds)" in end.error
    assert served.asked == []


def test_two_at_once(publish: Publish, served: Served, workspace: Workspace) -> None:
    about = publish()
    with ArchivePlace.of(workspace, about).held("ESC-50"):
        end = ending(downloaded(workspace, about))
    assert "ESC-50 is being downloaded already" in end.error
    assert served.asked == []


def test_an_archive_is_kept_on_request(publish: Publish, served: Served, archive: bytes, workspace: Workspace) -> None:
    about = publish()
    downloaded(workspace, about, keep=True)
    assert ArchivePlace.of(workspace, about).path.read_bytes() == archive
    assert ending(downloaded(workspace, about, name="two")).state == "finished"
    assert served.asked == [("/ESC-50.zip", "")]
    assert not ArchivePlace.of(workspace, about).path.exists()


def test_what_a_killed_one_left_behind_goes(publish: Publish, workspace: Workspace) -> None:
    (workspace.datasets / f"{DRAFTS}20261128-000000-esc50-0000" / "audio").mkdir(parents=True)
    downloaded(workspace, publish())
    assert [each.name for each in workspace.datasets.iterdir()] == ["esc50"]
