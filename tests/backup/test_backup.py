"""Backups: what is in them, while runs are live; what a restore refuses; and that a restored run goes on."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from labcore.backup import reading, writing
from labcore.backup.restoring import restore
from labcore.backup.writing import back_up
from labcore.config import RunConfig
from labcore.errors import BackupError, ConfigError, LabError, RunError
from labcore.events import Evaluated, RunStarted
from labcore.runs import Run, list_runs
from labcore.training.loop import train
from labcore.workspace import Workspace


@pytest.fixture
def other(tmp_path):
    return Workspace(tmp_path / "other")


@pytest.fixture
def full(workspace):
    """A workspace with something in each room, without training."""
    run = Run.create(workspace, RunConfig())
    run.append(RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="here"))
    run.save("labels", ["a", "b"])
    (run.path / "lock").touch()
    (run.path / ".draft.tmp").write_text("x")
    with (run.path / "events.jsonl").open("a") as file:
        file.write('{"type": "epo')  # at work
    (workspace.datasets / "mine.json").write_text('{"path": "/data"}')
    (workspace.datasets / "demo").mkdir()
    (workspace.datasets / "demo" / "a.wav").write_bytes(b"sound" * 1000)
    (workspace.cache / "clips").mkdir()
    (workspace.cache / "clips" / "samples.i16").write_bytes(bytes(9000))
    for room, name in (
        ("evaluations", "evaluation.json"),
        ("noise", "noise.json"),
        ("alarms", "alarms.json"),
        ("estimates", "config.json"),
    ):
        (workspace.room(room) / "j1").mkdir()
        (workspace.room(room) / "j1" / name).write_text("{}")
    search = workspace.room("searches") / "s1"
    search.mkdir()
    (search / "journal.jsonl").write_text('{"trial": 1}\n{"tri')
    (search / "journal.lock").touch()
    (workspace.room("reports") / "linked").symlink_to("/etc")
    return workspace


def files_of(workspace):
    return {
        path.relative_to(workspace.home).as_posix(): path.read_bytes()
        for path in workspace.home.rglob("*")
        if path.is_file() and path.relative_to(workspace.home).parts[0] != "cache"
    }


def test_what_is_in_and_what_is_not(full, other, tmp_path):
    (run,) = list_runs(full)
    written = back_up(full, tmp_path / "b.tar")
    assert written.left_out.datasets == ["demo"]
    assert written.left_out.links == ["reports/linked"]
    assert (tmp_path / "b.tar").stat().st_mode & 0o077 == 0
    assert (tmp_path / "b.tar").stat().st_size == written.size
    restored = restore(tmp_path / "b.tar", other)
    assert restored.runs == [run.id]
    back = files_of(other)
    assert set(back) == {
        "datasets/mine.json", "searches/s1/journal.jsonl", "evaluations/j1/evaluation.json", "noise/j1/noise.json", "alarms/j1/alarms.json",
        *(f"runs/{run.id}/{name}" for name in ("config.json", "labels.json", "events.jsonl")),
    }  # fmt: skip
    assert back["searches/s1/journal.jsonl"] == b'{"trial": 1}\n'
    again = Run.open(other, run.id)
    assert again.status().state == "interrupted"
    assert again.config == run.config
    assert back[f"runs/{run.id}/events.jsonl"].endswith(b"\n")
    assert (again.path / "checkpoints").is_dir()
    back_up(full, tmp_path / "with.tar", datasets=True)
    assert "datasets/demo" in restore(tmp_path / "with.tar", Workspace(tmp_path / "third")).units


def test_a_restored_run_goes_on_to_the_same_weights(workspace, begun, other, tmp_path):
    run, events = begun
    back_up(workspace, tmp_path / "b.tar")
    for event in events:
        run.append(event)
    restore(tmp_path / "b.tar", other)
    again = Run.open(other, run.id)
    assert [event.epoch for event in again.epochs()] == [1, 2]
    assert not again.weights.exists()
    for event in train(again.config, again, other):
        again.append(event)
    assert [event.epoch for event in again.epochs()] == [1, 2, 3, 4]
    assert again.last_event(Evaluated).accuracy == run.last_event(Evaluated).accuracy
    assert again.weights.read_bytes() == run.weights.read_bytes()


def test_a_checkpoint_that_is_replaced_while_it_is_read(workspace, begun, other, tmp_path):
    """The backup has checkpoint and events of one moment, however far the run has gone when they are read."""
    run, events = begun
    checkpoint, told = run.checkpoint.read_bytes(), len(run.events())
    went_on = []

    def progress(files, size):
        while not went_on or went_on[-1].type != "epoch":
            went_on.append(next(events))
            run.append(went_on[-1])

    back_up(workspace, tmp_path / "b.tar", progress=progress)
    assert run.checkpoint.read_bytes() != checkpoint
    restore(tmp_path / "b.tar", other)
    again = Run.open(other, run.id)
    assert again.checkpoint.read_bytes() == checkpoint
    assert len(again.events()) == told


def test_nothing_is_overwritten_unless_told(full, tmp_path):
    (run,) = list_runs(full)
    back_up(full, tmp_path / "b.tar")
    run.save("labels", ["changed"])
    before = files_of(full)
    with pytest.raises(BackupError, match=rf"{run.id}.*--replace"):
        restore(tmp_path / "b.tar", full)
    assert files_of(full) == before
    with run.hold(), pytest.raises(RunError, match="is running"):
        restore(tmp_path / "b.tar", full, replace=True)
    run.save("extra", 1)
    restored = restore(tmp_path / "b.tar", full, replace=True)
    assert f"runs/{run.id}" in restored.replaced
    assert run.load("labels") == ["a", "b"]
    assert run.load("extra") is None
    assert (full.datasets / "demo" / "a.wav").exists()
    assert not [path for path in full.home.rglob(".*") if "trash" in path.name or "restore" in path.name]


def test_check_writes_nothing(full, other, tmp_path):
    back_up(full, tmp_path / "b.tar")
    assert restore(tmp_path / "b.tar", other, check_only=True).files == 8
    assert not other.home.exists()


@pytest.mark.parametrize("part", [0.02, 0.5, 0.9, 0.999])
def test_a_cut_off_or_damaged_backup_changes_nothing(full, other, tmp_path, part):
    back_up(full, tmp_path / "b.tar", datasets=True)
    content = (tmp_path / "b.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(content[: int(len(content) * part)])
    if part < 0.99:  # the last thousandth is padding
        with pytest.raises(BackupError):
            restore(tmp_path / "cut.tar", other)
        assert files_of(other) == {}
    at = content.index(b"sound" * 1000) + 100
    (tmp_path / "bad.tar").write_bytes(content[:at] + b"\1" + content[at + 1 :])
    with pytest.raises(BackupError, match=r"checksum of datasets/demo/a.wav"):
        restore(tmp_path / "bad.tar", other)
    assert files_of(other) == {}


@pytest.mark.parametrize(
    "name",
    [
        "workspace/../evil", "workspace//etc/evil", "/etc/evil", "evil", "workspace/runs/../../evil", "workspace/.ssh/evil",
        "workspace/cache/x", "workspace/runs/./x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("judged_by_tarfile", [True, False])
def test_names_that_lead_elsewhere(other, tmp_path, monkeypatch, name, judged_by_tarfile):
    if not judged_by_tarfile:  # Debian 12's Python 3.11.2 has no filter
        monkeypatch.setattr(reading, "FILTER", lambda member, folder: member)
    forge(tmp_path / "b.tar", [(tarfile.TarInfo(name), b"evil")])
    with pytest.raises(BackupError, match="belong"):
        restore(tmp_path / "b.tar", other)
    assert not list(tmp_path.rglob("evil*"))
    assert files_of(other) == {}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(other, tmp_path, kind):
    info = tarfile.TarInfo("workspace/runs/x")
    info.type, info.linkname = kind, "/etc"
    forge(tmp_path / "b.tar", [(info, b"")])
    with pytest.raises(BackupError, match="not a regular file"):
        restore(tmp_path / "b.tar", other)


def test_doubles_and_files_without_checksum(other, tmp_path):
    twice = [(tarfile.TarInfo("workspace/a"), b"1"), (tarfile.TarInfo("workspace/a"), b"2")]
    forge(tmp_path / "b.tar", twice)
    with pytest.raises(BackupError, match="twice"):
        restore(tmp_path / "b.tar", other)
    forge(tmp_path / "c.tar", twice[:1])
    with pytest.raises(BackupError, match="no checksum"):
        restore(tmp_path / "c.tar", other)
    assert files_of(other) == {}


@pytest.mark.parametrize("content", [b"", b"no archive", b"RIFF" + bytes(4000)])
def test_what_is_no_backup(other, tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(BackupError, match="not a backup"):
        restore(tmp_path / "x", other)
    with pytest.raises(BackupError, match="no backup"):
        restore(tmp_path / "gone", other)


def forge(path: Path, members):
    """An archive with any members, and an empty list of checksums."""
    head = json.dumps({"format": writing.FORMAT, "units": ["runs/x"]}).encode()
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for info, content in [
            (tarfile.TarInfo(writing.HEAD), head),
            *members,
            (tarfile.TarInfo(writing.MANIFEST), b""),
        ]:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def test_targets_that_are_refused(full, tmp_path):
    with pytest.raises(BackupError, match="outside"):
        back_up(full, full.home / "b.tar")
    (tmp_path / "b.tar").write_text("dear")
    with pytest.raises(BackupError, match="already"):
        back_up(full, tmp_path / "b.tar")
    assert (tmp_path / "b.tar").read_text() == "dear"
    with pytest.raises(BackupError, match="nothing"):
        back_up(Workspace(tmp_path / "none"), tmp_path / "c.tar")
    with pytest.raises(ConfigError, match="written"):
        back_up(full, tmp_path / "b.tar" / "c.tar")  # within a file
    back_up(full, tmp_path / "no" / "such" / "c.tar")
    assert (tmp_path / "no" / "such" / "c.tar").stat().st_size


def test_an_interrupted_backup_or_restore_leaves_nothing(full, other, tmp_path):
    def stop(files, size):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(full, tmp_path / "b.tar", progress=stop)
    assert not list(tmp_path.glob("*b.tar*"))
    back_up(full, tmp_path / "b.tar")
    with pytest.raises(KeyboardInterrupt):
        restore(tmp_path / "b.tar", other, progress=stop)
    assert list(other.home.iterdir()) == []


def pair(folder):
    """A fresh pair of keys of age: the public one, and the file of the secret one."""
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    (folder / "key.txt").write_text(f"# created: today\n{identity}\n")
    return [str(identity.to_public())], [folder / "key.txt"]


class TestEncryption:
    @pytest.fixture(autouse=True)
    def needs_pyrage(self):
        pytest.importorskip("pyrage")

    def test_a_former_backup_with_a_passphrase_can_be_read(self, other):
        """The file is one of version 0.1's; its key was encrypted with the least work, so that it opens at once."""
        file = Path(__file__).with_name("passphrase.age")
        for passphrase, message in (("", "LABCORE_BACKUP_PASSPHRASE"), ("wrong", "does not open")):
            with pytest.raises(BackupError, match=message):
                restore(file, other, passphrase=passphrase)
        assert restore(file, other, passphrase="open sesame").encrypted
        assert (other.datasets / "mine.json").read_text() == '{"path": "/data"}'

    @pytest.mark.parametrize("at", [0.3, 0.8])
    def test_damaged(self, full, other, tmp_path, at):
        public, secret = pair(tmp_path)
        (full.datasets / "demo" / "large.wav").write_bytes(bytes(500_000))
        back_up(full, tmp_path / "b.age", recipients=public, datasets=True)
        content = bytearray((tmp_path / "b.age").read_bytes())
        (tmp_path / "cut.age").write_bytes(content[: int(len(content) * at)])
        content[int(len(content) * at)] ^= 1
        (tmp_path / "bad.age").write_bytes(content)
        for name in ("bad.age", "cut.age"):
            with pytest.raises(BackupError, match="decrypted"):
                restore(tmp_path / name, other, identities=secret)
        assert files_of(other) == {}

    def test_an_archive_that_is_bad_inside(self, other, tmp_path):
        import pyrage

        public, secret = pair(tmp_path)
        forge(tmp_path / "b.tar", [(tarfile.TarInfo("workspace/../evil"), bytes(3_000_000))])
        recipient = pyrage.x25519.Recipient.from_str(public[0])
        (tmp_path / "b.age").write_bytes(pyrage.encrypt((tmp_path / "b.tar").read_bytes(), [recipient]))
        with pytest.raises(BackupError, match="belong"):
            restore(tmp_path / "b.age", other, identities=secret)

    def test_interrupted(self, full, other, tmp_path):
        def stop(files, size):
            raise KeyboardInterrupt

        public, secret = pair(tmp_path)
        with pytest.raises(KeyboardInterrupt):
            back_up(full, tmp_path / "b.age", recipients=public, progress=stop)
        assert not list(tmp_path.glob("*b.age*"))
        back_up(full, tmp_path / "b.age", recipients=public)
        with pytest.raises(KeyboardInterrupt):
            restore(tmp_path / "b.age", other, identities=secret, progress=stop)
        assert list(other.home.iterdir()) == []

    def test_recipients(self, full, other, tmp_path):
        import pyrage

        key, stranger = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
        for name, identity in (("key", key), ("stranger", stranger)):
            (tmp_path / name).write_text(f"# created: today\n{identity}\n")
        back_up(full, tmp_path / "b.age", recipients=[str(key.to_public())])
        assert pyrage.decrypt((tmp_path / "b.age").read_bytes(), [key])[:19] == writing.HEAD.encode()[:19]
        for identities, message in (
            ((), "--identity"),
            ((tmp_path / "stranger",), "decrypted"),
            ((tmp_path / "gone",), "cannot be read"),
        ):
            with pytest.raises(BackupError, match=message):
                restore(tmp_path / "b.age", other, identities=identities)
        assert restore(tmp_path / "b.age", other, identities=[tmp_path / "stranger", tmp_path / "key"]).files
        with pytest.raises(BackupError, match="no recipient"):
            back_up(full, tmp_path / "c.age", recipients=["age1nonsense"])

    def test_without_the_library(self, full, tmp_path, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "pyrage", None)
        with pytest.raises(LabError, match=r"audio-gpu-lab\[age\]"):
            back_up(full, tmp_path / "b.age", recipients=["age1p"])
        assert not list(tmp_path.glob("*b.age*"))


def test_what_cannot_be_read_is_named_and_the_rest_is_there(full, other, tmp_path, monkeypatch):
    (run,) = list_runs(full)
    odd = full.runs / os.fsdecode(b"M\x84dchen")
    (odd / "checkpoints").mkdir(parents=True)
    (odd / "config.json").write_text("{}")
    (full.runs / "dangling").symlink_to(full.runs / "nowhere")
    (full.home / "loop").symlink_to(full.home / "loop")
    (full.runs / "shut").mkdir()
    real = os.scandir

    def scandir(path):
        if not isinstance(path, int) and Path(path).name == "shut":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    written = back_up(full, tmp_path / "b.tar")
    assert written.left_out.unreadable == ["runs/shut"]
    assert {"runs/dangling", "loop"} <= set(written.left_out.links)
    restored = restore(tmp_path / "b.tar", other)
    assert {f"runs/{run.id}", f"runs/{odd.name}"} <= set(restored.units)
    assert (other.runs / odd.name / "config.json").read_text() == "{}"
