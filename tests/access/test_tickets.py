"""Tickets cannot be made by others, end, are handed back, and fall with the password."""

from __future__ import annotations

import base64
import json
import stat

import pytest

from labcore.access import Tickets
from labcore.access.tickets import KEY_FILE, LONGEST_SECONDS, signing_key
from labcore.errors import WorkspaceError

KEY = b"k" * 32


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tickets(clock) -> Tickets:
    return Tickets(KEY, {"": "hash", "ada": "other"}, clock)


def test_a_ticket_is_read_until_it_ends(tickets, clock):
    text = tickets.make("", "Grace Höpper", 60)
    assert tickets.read(text).name == "Grace Höpper"
    clock.now += 61
    assert tickets.read(text) is None


def test_a_ticket_that_was_handed_back_counts_no_more(tickets):
    text, other = tickets.make("", "Grace", 60), tickets.make("", "Grace", 60)
    held = tickets.read(text)
    tickets.signed_out.add(held.id)
    assert tickets.read(text) is None
    assert not tickets.holds(held)
    assert tickets.read(other) is not None


def test_signing_out_outlives_a_restart(tmp_path, clock):
    notes = tmp_path / ".access-signed-out"
    first, beside = Tickets(KEY, {"": "hash"}, clock, notes), Tickets(KEY, {"": "hash"}, clock, notes)
    text, other = first.make("", "Grace", 60), first.make("", "Grace", 60)
    first.signed_out.add(first.read(text).id)
    assert beside.read(text) is None
    again = Tickets(KEY, {"": "hash"}, clock, notes)
    assert again.read(text) is None
    assert again.read(other) is not None


def test_signing_out_holds_over_a_clock_that_jumps(tmp_path, clock):
    notes = tmp_path / ".access-signed-out"
    first = Tickets(KEY, {"": "hash"}, clock, notes)
    text = first.make("", "Grace", 3600)
    first.signed_out.add(first.read(text).id)
    clock.now += 1e8  # ahead, where other tickets are handed back and a server starts anew
    ahead = Tickets(KEY, {"": "hash"}, clock, notes)
    of_the_future = ahead.make("", "Ada", 3600)
    ahead.signed_out.add(ahead.read(ahead.make("", "Ada", 3600)).id)
    clock.now -= 1e8
    for tickets in (first, ahead, Tickets(KEY, {"": "hash"}, clock, notes)):
        assert tickets.read(text) is None
        assert tickets.read(of_the_future) is None


def test_no_ticket_lives_longer_than_the_longest(tickets, clock):
    text = tickets.make("", "Grace", 1e9)
    clock.now += LONGEST_SECONDS - 1
    assert tickets.read(text) is not None
    clock.now += 2
    assert tickets.read(text) is None


def test_nothing_of_a_ticket_is_read_before_its_signature(tickets, monkeypatch):
    def never(*_arguments, **_options):
        raise AssertionError("read")

    signature = tickets.make("", "Grace", 60).partition(".")[2]
    monkeypatch.setattr("labcore.access.tickets.json.loads", never)
    contents = ('{"w":"","n":"x","b":0,"e":' + "9" * 400 + ',"i":"x","p":""}', "[" * 700, '{"w":{}}', "NaN")
    for content in contents:
        body = base64.urlsafe_b64encode(content.encode()).rstrip(b"=").decode()
        assert tickets.read(f"{body}.{signature}") is None
        assert tickets.read_device(f"{body}.{signature}") == ""


def test_a_device_is_known_by_its_cookie_and_by_nothing_else(tickets, clock):
    text = tickets.make_device()
    name = tickets.read_device(text)
    assert len(name) == 16
    assert tickets.read(text) is None
    assert tickets.read_device(tickets.make("", "Grace", 60)) == ""
    assert Tickets(b"x" * 32, {}, clock).read_device(text) == ""
    assert Tickets(KEY, {"": "a new password"}, clock).read_device(text) == name


def test_a_changed_password_signs_out_those_who_came_in_by_it(tickets, clock):
    grace, ada = tickets.make("", "Grace", 60), tickets.make("ada", "ada", 60)
    changed = Tickets(KEY, {"": "new hash", "ada": "other"}, clock)
    assert changed.read(grace) is None
    assert changed.read(ada) is not None
    assert Tickets(KEY, {"": "hash"}, clock).read(ada) is None


def test_nobody_else_makes_a_ticket(tickets, clock):
    text = tickets.make("", "Grace", 60)
    body, _, signature = text.partition(".")
    content = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps({**content, "n": "root"}).encode()).rstrip(b"=").decode()
    garbage = (
        None,
        "",
        ".",
        "a.b",
        body,
        f"{body}.",
        f"{body}.AAAA",
        f"{forged}.{signature}",
        "é.é",
        "x" * 5000 + ".y",
        "W10.AA",
    )
    for wrong in garbage:
        assert tickets.read(wrong) is None
    assert Tickets(b"other" * 8, {"": "hash"}, clock).read(text) is None


def test_the_key_stays_over_a_restart_and_is_private(tmp_path):
    home = tmp_path / "home"
    key = signing_key(home)
    assert signing_key(home) == key
    assert len(key) == 32
    assert stat.S_IMODE((home / KEY_FILE).stat().st_mode) == 0o600
    assert [file.name for file in home.iterdir()] == [KEY_FILE]
    assert signing_key(home, "given") != key
    assert signing_key(home, "given") == signing_key(tmp_path / "nowhere", "given")
    (home / KEY_FILE).write_bytes(b"cut")
    assert len(signing_key(home)) == 32


def test_a_workspace_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="cannot be kept"):
        signing_key(tmp_path / "file" / "home")


def test_two_labs_on_a_host_have_two_cookies(clock):
    assert Tickets(KEY, {}, clock).cookie != Tickets(b"x" * 32, {}, clock).cookie
