"""Putting a backup into a workspace that is in use: all of it or nothing, wherever it fails."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from labcore.backup import placing, writing
from labcore.backup.restoring import restore
from labcore.errors import BackupError, RunError, WorkspaceError
from labcore.workspace import Workspace
from tests.hostile.archives import archive, inside, tree


@pytest.mark.parametrize("failing", range(20))
def test_all_or_nothing(failing: int, used: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever rename fails, everything is as it was; and the error says so."""
    (tmp_path / "b.tar").write_bytes(
        archive([inside("runs/x/a", b"new"), inside("runs/new/a"), inside("renamed.json", b"[]")])
    )
    before, real, done = tree(used.home), Path.rename, []

    def rename(self: Path, target: Path) -> Path:
        done.append(self)
        if len(done) == failing + 1:
            raise OSError(errno.EIO, "Input/output error")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    if failing >= 8:  # three units come near and into place, two of them move something away
        restore(tmp_path / "b.tar", used, replace=True)
        assert len(done) == 8
        assert (used.runs / "x" / "a").read_bytes() == b"new"
        return
    with pytest.raises(WorkspaceError, match="unchanged"):
        restore(tmp_path / "b.tar", used, replace=True)
    assert tree(used.home) == before


def test_a_disk_that_takes_no_rename_any_more(used: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be put back is neither deleted nor passed over in silence; the next restore puts it back."""
    (tmp_path / "b.tar").write_bytes(archive([inside("runs/x/a", b"new"), inside("runs/new/a")]))
    before, real, done = tree(used.home), Path.rename, []

    def rename(self: Path, target: Path) -> Path:
        done.append(self)
        if len(done) > 3:
            raise OSError(errno.EROFS, "Read-only file system")
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        with pytest.raises(WorkspaceError, match=r"runs/x lies in .*old/x"):
            restore(tmp_path / "b.tar", used, replace=True)
    assert next(used.runs.glob(".restore-*/old/x/a")).read_bytes() == b"dear x"
    with pytest.raises(BackupError, match="already"):
        restore(tmp_path / "b.tar", used)
    assert tree(used.home) == before


@pytest.mark.parametrize("renames", range(9))
def test_killed_while_it_moves_things(
    renames: int, used: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was there is in its place, or what replaced it is and the old is kept; the next restore tidies."""
    (tmp_path / "b.tar").write_bytes(
        archive([inside("runs/x/a", b"new"), inside("runs/y/a", b"new"), inside("runs/z/a", b"new")])
    )
    head = json.dumps({"format": writing.FORMAT, "units": ["reports/r"]}).encode()
    (tmp_path / "c.tar").write_bytes(archive([inside("reports/r/a", b"other")], head=head))
    real, done = Path.rename, []

    class Killed(BaseException):
        pass

    def rename(self: Path, target: Path) -> Path:
        if len(done) == renames:
            raise Killed
        done.append(self)
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        patch.setattr(placing.Places, "_roll_back", lambda self, error: None)
        patch.setattr(placing, "_tidy", lambda staging: None)
        if renames < 8:
            with pytest.raises(Killed):
                restore(tmp_path / "b.tar", used, replace=True)
        else:
            restore(tmp_path / "b.tar", used, replace=True)
    restore(tmp_path / "c.tar", used)
    for name in ("x", "y"):
        now = (used.runs / name / "a").read_bytes()
        kept = [path.read_bytes() for path in used.runs.glob(f".restore-*/old/{name}/a")]
        assert now == f"dear {name}".encode() or (now == b"new" and (renames >= 8 or kept == [f"dear {name}".encode()]))
    if renames < 4:
        assert not list(used.home.rglob(".restore-*"))


def test_a_room_on_another_disk(used: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "b.tar").write_bytes(archive([inside("runs/x/a", b"new"), inside("renamed.json", b"[]")]))
    real, moved = Path.rename, []

    def rename(self: Path, target: Path) -> Path:
        if "unpacked" in self.parts and "runs" in self.parts:
            moved.append(self)
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    restore(tmp_path / "b.tar", used, replace=True)
    assert moved
    assert tree(used.runs / "x") == {"a": b"new"}
    assert not list(used.home.rglob(".restore-*"))


def test_nothing_takes_the_place_of_another_kind_of_thing(used: Workspace, tmp_path: Path) -> None:
    """A backup with a file ``runs/x`` does not delete the run x, and none with a file ``mine`` the folder of that name."""
    (used.home / "mine").mkdir()
    (used.home / "mine" / "dear").touch()
    before = tree(used.home)
    for members in ([inside("runs/x")], [inside("mine")], [inside("datasets/mine.json/a")], [inside("renamed.json/a")]):
        (tmp_path / "b.tar").write_bytes(archive(members))
        with pytest.raises(BackupError, match="Move it away"):
            restore(tmp_path / "b.tar", used, replace=True)
        assert tree(used.home) == before


@pytest.mark.parametrize("lock", ["runs/y/lock", "searches/s/lock", "reports/r/lock"])
def test_what_is_at_work_is_not_replaced(lock: str, used: Workspace, tmp_path: Path) -> None:
    from filelock import FileLock

    unit = lock.rpartition("/")[0]
    (used.home / unit).mkdir(parents=True, exist_ok=True)
    (tmp_path / "b.tar").write_bytes(archive([inside("runs/x/a", b"new"), inside(f"{unit}/a", b"new")]))
    with FileLock(used.home / lock):
        before = tree(used.home)
        with pytest.raises(RunError, match="is running"):
            restore(tmp_path / "b.tar", used, replace=True)
        assert tree(used.home) == before
    restore(tmp_path / "b.tar", used, replace=True)


def test_what_a_killed_restore_left_is_tidied(used: Workspace, tmp_path: Path) -> None:
    """It had moved a run away and put nothing into its place yet."""
    before = tree(used.home)
    (used.home / ".restore-0badcafe" / "unpacked" / "runs").mkdir(parents=True)
    hidden = used.runs / ".restore-0badcafe"
    (hidden / "old").mkdir(parents=True)
    (hidden / "new" / "z").mkdir(parents=True)
    (used.runs / "x").rename(hidden / "old" / "x")
    (tmp_path / "b.tar").write_bytes(archive([inside("runs/x/a")]))
    with pytest.raises(BackupError, match="already"):
        restore(tmp_path / "b.tar", used)
    assert tree(used.home) == before
