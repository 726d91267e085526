"""Passwords become hashes, and a hash knows its password."""

from __future__ import annotations

import io

import argon2
import pytest
from argon2._password_hasher import PasswordHasher

from labcore.access.passwords import check_password, hash_password, trouble_with
from labcore.cli.main import main
from labcore.errors import ConfigError

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True, scope="module")
def _real_passwords():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argon2, "PasswordHasher", PasswordHasher)
        yield


@pytest.fixture(scope="module")
def hashed(_real_passwords) -> str:
    return hash_password(PASSWORD)


def test_a_hash_knows_its_password_alone(hashed):
    assert argon2.extract_parameters(hashed) == argon2.profiles.RFC_9106_LOW_MEMORY
    assert PASSWORD not in hashed
    assert check_password(hashed, PASSWORD)
    assert not check_password(hashed, PASSWORD + " ")
    assert not check_password(hashed, "")
    assert not check_password("", PASSWORD)
    assert not check_password("no hash", PASSWORD)
    assert not check_password(hashed, PASSWORD * 100)


@pytest.mark.parametrize("password", ["", "short", "aaaaaaaaaaaaaa", "x" * 300])
def test_weak_passwords_are_refused(password):
    with pytest.raises(ConfigError):
        hash_password(password)


def test_what_is_no_hash_is_told_without_showing_it(hashed):
    assert trouble_with(hashed) == ""
    assert trouble_with("secret word") == "is not an Argon2 hash"
    assert "GB" in trouble_with("$argon2id$v=19$m=99999999,t=3,p=4$MTIzNDU2Nzg$MTIzNDU2Nzg5MDEyMzQ1Ng")


def test_the_command_reads_stdin_and_prints_the_hash_alone(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    assert main(["password"]) == 0
    printed = capsys.readouterr()
    assert check_password(printed.out.strip(), PASSWORD)
    assert PASSWORD not in printed.out + printed.err


def test_the_command_refuses_a_short_one(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("abc\n"))
    assert main(["password"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "at least 10" in printed.err
