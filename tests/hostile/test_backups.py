"""Backups that somebody made on purpose, or that a disk spoiled: refused in words, by a check as by a restore, and nothing changes."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.backup import names, writing
from labcore.backup.restoring import restore
from labcore.backup.writing import back_up
from labcore.errors import BackupError, LabError
from labcore.events import RunStarted
from labcore.runs import Run
from labcore.workspace import Workspace
from tests.hostile.archives import DEEP, File, archive, file, inside, line, patched, tree


def pax(**records: str) -> File:
    return inside("runs/x/a", pax_headers=records)


ONE = [inside("runs/x/a")]
HEADS = {
    "deep": DEEP,
    "long-number": b'{"format": ' + b"1" * 400 + b', "units": []}',
    "longer-number": b'{"format": ' + b"1" * 9000 + b', "units": []}',
    "list": b"[1, 2]",
    "text": b'"labcore-backup-1"',
    "null": b"null",
    "no-units": json.dumps({"format": writing.FORMAT}).encode(),
    "units-text": json.dumps({"format": writing.FORMAT, "units": "runs/x"}).encode(),
    "units-number": json.dumps({"format": writing.FORMAT, "units": 7}).encode(),
    "units-of-lists": json.dumps({"format": writing.FORMAT, "units": [["runs"]]}).encode(),
    "latin-1": '{"format": "é"}'.encode("latin-1"),
    "empty": b"",
    "other-version": json.dumps({"format": "labcore-backup-9", "units": []}).encode(),
}
MANIFESTS = {
    "deep": DEEP + b"\n",
    "list": b"[]\n",
    "path-is-a-list": line(ONE[0], path=["a"]),
    "path-is-a-number": line(ONE[0], path=10**400),
    "path-is-null": line(ONE[0], path=None),
    "long-number": line(ONE[0]).replace(b'"bytes": 1', b'"bytes": ' + b"1" * 90),
    "nan": line(ONE[0]).replace(b'"bytes": 1', b'"bytes": NaN'),
    "no-path": b"{}\n",
    "sum-is-a-list": line(ONE[0], sha256=[]),
    "one-too-many": line(ONE[0]) + line(ONE[0], path="b"),
    "surrogates": line(ONE[0], path="\ud800"),
    "endless": b" " * 200_000 + line(ONE[0]),
    "latin-1": b'{"path": "\xe9"}\n',
    "empty": b"",
}
NAMES = {
    "absolute": "/etc/evil",
    "up": "workspace/runs/../../../evil",
    "up-at-the-end": "workspace/runs/..",
    "outside": "evil",
    "root-alone": "workspace/",
    "dot": "workspace/./evil",
    "double-slash": "workspace/runs//evil",
    "slash-at-the-end": "workspace/runs/x/",
    "hidden": "workspace/runs/.evil",
    "ssh": "workspace/.ssh/authorized_keys",
    "cache": "workspace/cache/clips/evil",
    "a-room-as-a-file": "workspace/runs",
    "long-part": "workspace/runs/x/" + "n" * 300,
    "long-path": "workspace/runs/" + "/".join(["n" * 200] * 20),
    "deep": "workspace/runs/" + "/".join("n" * 1500),
    "control-characters": "workspace/../\x1b[2J",
}
ARCHIVES: dict[str, bytes] = {
    **{f"head-{name}": archive(ONE, head=head) for name, head in HEADS.items()},
    **{f"manifest-{name}": archive(ONE, manifest=manifest) for name, manifest in MANIFESTS.items()},
    **{f"name-{name}": archive([file(path)]) for name, path in NAMES.items()},
    **{
        f"kind-{kind.decode()}": archive([inside("runs/x/a", b"", type=kind, linkname="/etc/passwd", devmajor=1)])
        for kind in (b"1", b"2", b"3", b"4", b"5", b"6", b"7")
    },
    "twice": archive([*ONE, *ONE]),
    "file-then-folder": archive([inside("runs/x"), inside("runs/x/a")]),
    "folder-then-file": archive([inside("runs/x/a"), inside("runs/x")]),
    "file-above": archive([inside("runs/x/a"), inside("runs/x/a/b/c/d")]),
    "room-is-a-file": archive([inside("mine"), inside("mine/b")]),
    "behind-the-end": archive(ONE, behind=[file("workspace/runs/x/b")]),
    "two-manifests": archive(ONE, behind=[file(writing.MANIFEST, line(ONE[0]))]),
    "no-manifest": archive(ONE)[: 512 * 5] + bytes(1024),
    "no-head": archive(ONE)[1024:],
    "size-negative": patched(archive(ONE), 124, b"\xff" * 12),
    "size-beyond": patched(archive(ONE), 124, b"\x80" + b"\x00" * 3 + b"\x7f" * 8),
    "size-huge-number": patched(archive(ONE), 124, b"\x80" + b"\x7f" * 11),
    "size-no-number": patched(archive(ONE), 124, b"abcdefghijk\0"),
    "size-in-pax-negative": archive([pax(size="-512")]),
    "size-in-pax-400-digits": archive([pax(size="9" * 400)]),
    "sparse": archive([pax(**{"GNU.sparse.map": "0,1,x", "GNU.sparse.size": "9" * 40})]),
    "sparse-1.0": archive([pax(**{"GNU.sparse.major": "1", "GNU.sparse.minor": "0"})]),
    "long-name-of-megabytes": patched(archive([inside("runs/x/a", bytes(3_000_000))]), 156, b"L"),
    "pax-of-megabytes": patched(archive([inside("runs/x/a", b"9" * 3_000_000)]), 156, b"x"),
    "pax-of-pax": b"".join([archive([pax(comment="c")])[1024:2048]] * 3000),
    "a-gzip": b"\x1f\x8b" + bytes(2000),
    "nothing": b"",
    "zeros": bytes(100_000),
}  # fmt: skip


@pytest.mark.parametrize("name", ARCHIVES)
def test_crafted(name: str, used: Workspace, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_bytes(ARCHIVES[name])
    before = tree(used.home)
    told = []
    for options in ({"check_only": True}, {"replace": True}, {}):
        with pytest.raises(BackupError) as caught:
            restore(tmp_path / "b.tar", used, **options)
        told.append(str(caught.value))
        assert "\x1b" not in told[-1]
        assert len(told[-1]) < 1000
    assert told[0] == told[1]
    assert tree(used.home) == before
    assert not list(tmp_path.rglob("evil*"))


ODD: dict[str, list[File]] = {
    "a-stray-file-among-runs": [*ONE, inside("runs/notes.txt")],
    "a-stray-file-alone": [inside("runs/notes.txt")],
    "a-file-at-the-top": [inside("notes.txt"), *ONE],
    "names-of-our-own": [inside("runs/new/old"), inside("runs/old/new"), inside("unpacked/lock"), inside("new"), inside("old")],
    "names-as-long-as-can-be": [inside(f"datasets/{'ä' * 127}x/{'n' * 255}")],
    "names-that-differ-in-case": [inside("datasets/d/A.wav"), inside("datasets/d/a.wav"), inside("datasets/D/a.wav")],
    "names-not-utf-8": [inside("datasets/d/\udc84\udcff.wav")],
    "names-with-control-characters": [inside("datasets/d/\x1b[2J\n.wav")],
    "a-hundred-folders": [inside("datasets/" + "/".join("d" * 98) + "/a")],
    "times-before-and-after-all-others": [
        inside("runs/x/a", pax_headers={"mtime": "1e400"}), inside("runs/x/b", pax_headers={"mtime": "nan"}),
        inside("runs/x/c", pax_headers={"mtime": "-" + "9" * 400}), inside("runs/x/d", pax_headers={"mtime": "9" * 400}),
    ],
    "a-run-without-anything": [inside("runs/x/worker.log", b"")],
    "damaged-files-inside": [inside("runs/x/config.json", DEEP), inside("runs/x/events.jsonl", b"\xff\0")],
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_and_right(name: str, tmp_path: Path) -> None:
    """What passes the check can be restored, all of it."""
    members = ODD[name]
    (tmp_path / "b.tar").write_bytes(archive(members))
    other = Workspace(tmp_path / "other")
    assert restore(tmp_path / "b.tar", other, check_only=True).files == len(members)
    assert not other.home.exists()
    for replace in (False, True):
        restore(tmp_path / "b.tar", other, replace=replace)
        for info, content in members:
            assert (other.home / info.name.removeprefix("workspace/")).read_bytes() == content
        assert not list(other.home.rglob(".restore-*"))


@pytest.mark.parametrize("seed", range(60))
def test_mutated(seed: int, used: Workspace, tmp_path: Path) -> None:
    mutated(seed, used, tmp_path)


@pytest.mark.slow
def test_many_mutated(used: Workspace, tmp_path: Path) -> None:
    for seed in range(60, 2000):
        (tmp_path / str(seed)).mkdir()
        mutated(seed, used, tmp_path / str(seed))


def mutated(seed: int, used: Workspace, tmp_path: Path) -> None:
    """The check and the restore of a spoiled backup end alike, and a restore that fails leaves nothing behind."""
    chance = random.Random(seed)
    back_up(used, tmp_path / "b.tar")
    content = bytearray((tmp_path / "b.tar").read_bytes())
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(content))
        match chance.randrange(4):
            case 0:
                content[at] = chance.randrange(256)
            case 1:
                del content[at : at + chance.choice([1, 512, 4000])]
            case 2:
                content[at:at] = content[: 512 * chance.randint(1, 6)]
            case 3:
                at -= at % 512
                other = 512 * chance.randrange(len(content) // 512)
                content[at : at + 512], content[other : other + 512] = (
                    content[other : other + 512],
                    content[at : at + 512],
                )
        if not content:
            break
    (tmp_path / "b.tar").write_bytes(content)
    ends = []
    new = Workspace(tmp_path / "new")
    for check_only in (True, False):
        try:
            ends.append(restore(tmp_path / "b.tar", new, check_only=check_only).units)
        except LabError as error:
            ends.append(str(error))
    assert ends[0] == ends[1]
    if isinstance(ends[1], str):
        assert not new.home.exists() or list(new.home.iterdir()) == []


def test_a_disk_that_takes_upper_and_lower_case_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "folds_case", lambda folder: True)
    (tmp_path / "b.tar").write_bytes(archive(ODD["names-that-differ-in-case"]))
    for check_only in (True, False):
        with pytest.raises(BackupError, match="the same name on this disk"):
            restore(tmp_path / "b.tar", Workspace(tmp_path / "new"), check_only=check_only)


# --- what is backed up can be restored


@pytest.fixture
def swept(tmp_path: Path) -> Iterator[None]:
    """Folders in folders, deeper than Python's own removal gets, are gone before anyone else has to remove them."""
    yield
    subprocess.run(["rm", "-rf", str(tmp_path)], check=True)


@pytest.mark.usefixtures("swept")
def test_a_workspace_full_of_oddities(used: Workspace, tmp_path: Path) -> None:
    run = Run(used.runs / "x")
    run.append(RunStarted(run_id="x", run_dir=str(run.path), pid=1, host="here"))
    (used.runs / "notes.txt").write_text("mine")
    os.mkfifo(used.runs / "pipe")
    os.mkfifo(run.path / "labels.json")
    deep = used.room("searches") / "s"
    deep.mkdir()
    descriptor = os.open(deep, os.O_RDONLY)
    for _ in range(1200):  # deeper than a path can be long, or a function call itself
        os.mkdir("d", dir_fd=descriptor)
        below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    written = back_up(used, tmp_path / "b.tar")
    assert written.runs == 2
    assert set(written.left_out.links) == {"runs/pipe", "runs/x/labels.json"}
    assert len(written.left_out.unreadable) == 1
    new = Workspace(tmp_path / "new")
    assert restore(tmp_path / "b.tar", new, check_only=True).files == written.files
    restored = restore(tmp_path / "b.tar", new)
    assert restored.files == written.files
    assert restored.runs == ["x", "y"]
    assert (new.runs / "notes.txt").read_text() == "mine"


# --- sources and keys


def test_sources_that_are_no_files(used: Workspace, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for source in (
        tmp_path / "pipe",
        tmp_path,
        tmp_path / "gone",
        tmp_path / ("n" * 300),
        Path("/dev/zero"),
        tmp_path / "a\0b",
    ):
        for check_only in (True, False):
            with pytest.raises(BackupError):
                restore(source, used, check_only=check_only)


AGE = {
    "head-without-a-number": b"labcore-backup-1 passphrase \n",
    "head-negative": b"labcore-backup-1 passphrase -5\n",
    "head-huge": b"labcore-backup-1 passphrase " + b"9" * 400 + b"\n",
    "head-of-another-script": "labcore-backup-1 passphrase ١٢\n".encode() + bytes(12),
    "head-cut-off": b"labcore-backup-1 passphrase 400\nage-encryption.org/v1\n",
    "head-no-age": b"labcore-backup-1 passphrase 10\n0123456789" + bytes(100),
    "work-of-years": b"labcore-backup-1 passphrase 140\nage-encryption.org/v1\n-> scrypt bBjlhJVYZeE4aqUdmtRHfw 60\nf2OBULC0DEx8Rb4w2"
    b"Y9ugTyBR8QJt1qgOgxRtRhLkcE\n--- K7Tr0T5bVWLjw9pRMt1qkAdA4bJh6Z9sLp0M1mQ8Vk4\n" + bytes(60),
    "recipients-and-nothing-else": b"age-encryption.org/v1\n",
    "passphrase-of-age": b"age-encryption.org/v1\n-> scrypt bBjlhJVYZeE4aqUdmtRHfw 10\n",
    "armoured-and-torn": b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n",
    "recipients-torn": b"age-encryption.org/v1\n-> X25519 abc\n",
}  # fmt: skip


@pytest.mark.parametrize("name", AGE)
def test_keys_and_heads(name: str, used: Workspace, tmp_path: Path) -> None:
    pyrage = pytest.importorskip("pyrage")
    (tmp_path / "b.age").write_bytes(AGE[name])
    (tmp_path / "key").write_text(str(pyrage.x25519.Identity.generate()))
    before = tree(used.home)
    for key in (
        {},
        {"passphrase": "guess"},
        {"passphrase": "\udc84"},
        {"identities": [tmp_path / "key"]},
        {"identities": [tmp_path]},
    ):
        for check_only in (True, False):
            with pytest.raises(BackupError):
                restore(tmp_path / "b.age", used, check_only=check_only, **key)
    assert tree(used.home) == before


@pytest.mark.parametrize("seed", range(20))
def test_mutated_and_encrypted(seed: int, used: Workspace, tmp_path: Path) -> None:
    pyrage = pytest.importorskip("pyrage")
    chance, identity = random.Random(seed), pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(str(identity))
    back_up(used, tmp_path / "b.age", recipients=[str(identity.to_public())])
    content = bytearray((tmp_path / "b.age").read_bytes())
    at = chance.randrange(len(content))
    if seed % 2:
        content[at] ^= 1 << chance.randrange(8)
    else:
        del content[at:]
    (tmp_path / "b.age").write_bytes(content)
    for check_only in (True, False):
        with pytest.raises(BackupError):
            restore(
                tmp_path / "b.age",
                Workspace(tmp_path / "new"),
                identities=[tmp_path / "key"],
                check_only=check_only,
            )
