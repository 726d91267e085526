"""Signing out holds: for every server of a workspace, on a full disk, and whatever the clock says."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from labcore.access import signed_out
from labcore.access.signed_out import NOTE_BYTES, ROOM, SignedOut
from labcore.errors import WorkspaceError


@pytest.fixture
def notes(tmp_path):
    return tmp_path / "home" / ".access-signed-out"


def test_every_server_of_a_workspace_sees_it(notes):
    here, there = SignedOut(notes), SignedOut(notes)
    assert "a-sign-in" not in there
    here.add("a-sign-in")
    assert "a-sign-in" in there
    there.add("another-one")
    assert all(name in each for each in (here, there, SignedOut(notes)) for name in ("a-sign-in", "another-one"))
    assert stat.S_IMODE(notes.stat().st_mode) == 0o600


def test_a_full_disk_has_room_for_it(notes, monkeypatch):
    first = SignedOut(notes)
    size, written = notes.stat().st_size, os.pwrite

    def full(descriptor, content, place):
        if place + len(content) > size:
            raise OSError(errno.ENOSPC, "No space left on device")
        return written(descriptor, content, place)

    monkeypatch.setattr(os, "pwrite", full)
    names = [f"sign-in-{number}" for number in range(ROOM // 256)]
    for name in names:
        first.add(name)
    assert notes.stat().st_size == size
    assert notes.stat().st_blocks * 512 >= size  # the room is taken, not promised
    assert all(name in SignedOut(notes) for name in names)


def test_where_it_cannot_be_noted_that_is_told_and_it_holds_here(notes, monkeypatch):
    monkeypatch.setattr(signed_out, "ROOM", 2)
    held = SignedOut(notes)
    monkeypatch.setattr(signed_out, "_make_room", lambda descriptor: None)
    held.add("sign-in-1")
    held.add("sign-in-2")

    def full(descriptor, content, place):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(WorkspaceError, match="No space left"):
        held.add("sign-in-3")
    assert "sign-in-3" in held


def test_room_is_made_again_and_odd_content_is_passed_over(notes, monkeypatch):
    monkeypatch.setattr(signed_out, "ROOM", 4)
    notes.parent.mkdir()
    notes.write_bytes(b"an-old-sign-in 1900000000\nnot a note\n\xff\x00 x y z")
    held = SignedOut(notes)
    names = [f"sign-in-{number}" for number in range(11)]
    for name in names:
        held.add(name)
    held.add(names[0])
    again = SignedOut(notes)
    assert all(name in again for name in names)
    content = notes.read_bytes()
    assert content.startswith(b"an-old-sign-in 1900000000\n")
    assert len(content) % NOTE_BYTES == 0
    assert content.count(b"sign-in-0 ") == 1


@pytest.mark.parametrize("name", ["", "x", "a b c d e f", "a\nb-and-more", "ä" * 10, "x" * 41])
def test_only_names_of_sign_ins_are_noted(notes, name):
    with pytest.raises(ValueError, match="not the name"):
        SignedOut(notes).add(name)
