"""Session cookies cannot be made by others, end, are handed back, and fall with the password."""

from __future__ import annotations

import stat

import pytest

from labcore.access import SessionCookies
from labcore.access.session_cookies import KEY_FILE, LONGEST_SECONDS, SKEW_SECONDS, signing_key
from labcore.errors import WorkspaceError

KEY = b"k" * 32


class Clock:
    now = 1000.0

    def time(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch) -> Clock:
    clock = Clock()
    for module in ("itsdangerous.timed", "labcore.access.session_cookies"):
        monkeypatch.setattr(f"{module}.time", clock)
    return clock


@pytest.fixture
def cookies() -> SessionCookies:
    return SessionCookies(KEY, {"": "hash", "ada": "other"})


def test_one_is_read_until_it_ends(cookies, clock):
    text = cookies.make("", "Grace Höpper", 60)
    assert cookies.read(text).name == "Grace Höpper"
    clock.now += 61
    assert cookies.read(text) is None


def test_one_that_was_handed_back_counts_no_more(cookies):
    text, other = cookies.make("", "Grace", 60), cookies.make("", "Grace", 60)
    cookies.signed_out.add(cookies.read(text).id)
    assert cookies.read(text) is None
    assert cookies.read(other) is not None


def test_signing_out_outlives_a_restart_and_a_clock_that_jumps(tmp_path, clock):
    notes = tmp_path / ".access-signed-out"
    first, beside = SessionCookies(KEY, {"": "hash"}, notes), SessionCookies(KEY, {"": "hash"}, notes)
    text, other = first.make("", "Grace", 3600), first.make("", "Grace", 3600)
    first.signed_out.add(first.read(text).id)
    assert beside.read(text) is None
    clock.now += 1e8
    ahead = SessionCookies(KEY, {"": "hash"}, notes)
    of_the_future = ahead.make("", "Ada", 3600)
    clock.now -= 1e8
    for each in (first, ahead, SessionCookies(KEY, {"": "hash"}, notes)):
        assert each.read(text) is None
        assert each.read(of_the_future) is None
        assert each.read(other) is not None
    clock.now -= SKEW_SECONDS - 1  # of another server
    assert first.read(other) is not None


def test_none_lives_longer_than_the_longest(cookies, clock):
    text = cookies.make("", "Grace", 1e9)
    clock.now += LONGEST_SECONDS - 1
    assert cookies.read(text) is not None
    clock.now += 2
    assert cookies.read(text) is None


def test_a_device_is_known_by_its_cookie_and_by_nothing_else(cookies):
    text = cookies.make_device()
    name = cookies.read_device(text)
    assert len(name) == 16
    assert cookies.read(text) is None
    assert cookies.read_device(cookies.make("", "Grace", 60)) == ""
    assert SessionCookies(b"x" * 32, {}).read_device(text) == ""
    assert SessionCookies(KEY, {"": "a new password"}).read_device(text) == name


def test_a_changed_password_signs_out_those_who_came_in_by_it(cookies):
    grace, ada = cookies.make("", "Grace", 60), cookies.make("ada", "ada", 60)
    changed = SessionCookies(KEY, {"": "new hash", "ada": "other"})
    assert changed.read(grace) is None
    assert changed.read(ada) is not None
    assert SessionCookies(KEY, {"": "hash"}).read(ada) is None


def test_nobody_else_makes_one(cookies):
    text = cookies.make("", "Grace", 60)
    body, rest = text.split(".", 1)
    changed = ("A" if body[9] != "A" else "B").join((body[:9], body[10:]))
    garbage = (
        None,
        "",
        ".",
        "a.b",
        "a.b.c",
        body,
        f"{body}.",
        f"{changed}.{rest}",
        "é.é",
        "\ud800.a.b",
        "x" * 5000 + ".y.z",
    )
    for wrong in garbage:
        assert cookies.read(wrong) is None
        assert cookies.read_device(wrong) == ""
    assert SessionCookies(b"other" * 8, {"": "hash"}).read(text) is None


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
    with pytest.raises(WorkspaceError, match="cannot be saved"):
        signing_key(tmp_path / "file" / "home")


def test_two_labs_on_a_host_have_two_cookies():
    assert SessionCookies(KEY, {}).name != SessionCookies(b"x" * 32, {}).name
