"""When access is demanded, of whom, and that a mistake in the settings closes the lab."""

from __future__ import annotations

import pytest

from labcore.access import read_access
from labcore.access.settings import SHARED, is_loopback

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$WkIlk3bT4Q0v6iJ8mJt6qJ0aVf1b6c1Vb3yB0nq4k2Q"
AUTH = {"client_id": "lab", "client_secret": "s", "server_metadata_url": "https://id.example.org", "redirect_uri": "x"}


def read(address="localhost", secrets=None, trouble="", **environment):
    return read_access(environment, secrets or {}, address, trouble)


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("localhost", True), ("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("[::1]", True), ("::ffff:127.0.0.1", True),
        ("", False), (None, False), ("0.0.0.0", False), ("::", False), ("192.168.1.5", False), ("lab.example.org", False),
        ("unix:///run/lab", False), ("localhost.example.org", False),
    ],
)  # fmt: skip
def test_beyond_loopback_access_is_demanded(address, own):
    assert is_loopback(address) is own
    access = read(address)
    assert access.demanded is not own
    assert not access.usable


def test_a_password_is_demanded_on_localhost_too():
    assert read(LABCORE_PASSWORD_HASH=HASH).demanded
    assert read(LABCORE_PASSWORD_HASH=HASH).usable
    assert read(LABCORE_ACCESS="demand").demanded
    assert not read(LABCORE_ACCESS="demand").usable


def test_an_authenticating_proxy_is_said_deliberately():
    access = read("0.0.0.0", LABCORE_ACCESS="open")
    assert access.behind_proxy
    assert not access.demanded
    both = read("0.0.0.0", LABCORE_ACCESS="open", LABCORE_PASSWORD_HASH=HASH)
    assert both.demanded
    assert not both.usable
    assert not both.behind_proxy


def test_hashes_come_from_a_file_or_the_secrets(tmp_path):
    file = tmp_path / "hash"
    file.write_text(HASH + "\n")
    assert read(LABCORE_PASSWORD_HASH_FILE=str(file)).passwords == {SHARED: HASH}
    people = {"access": {"people": {"ada": HASH, " Grace  Hopper ": HASH}}}
    assert read(secrets=people).accounts == ["Grace Hopper", "ada"]
    assert SHARED not in read(secrets=people).passwords
    assert SHARED in read(secrets={"access": {"password_hash": HASH}}).passwords


@pytest.mark.parametrize(
    ("secrets", "environment"),
    [
        ({}, {"LABCORE_PASSWORD_HASH": "the password itself"}),
        ({}, {"LABCORE_PASSWORD_HASH_FILE": "/nowhere/hash"}),
        ({}, {"LABCORE_ACCESS": "no"}),
        ({}, {"LABCORE_TRUSTED_PROXIES": "nginx", "LABCORE_PASSWORD_HASH": HASH}),
        ({"access": "x"}, {}),
        ({"access": {"people": ["ada"]}}, {}),
        ({"access": {"people": {"ada": "lovelace"}}}, {}),
        ({"access": {"allowed_emails": "a@example.org"}, "auth": AUTH}, {}),
        ({"auth": AUTH}, {}),
    ],
)
def test_a_mistake_closes_the_lab_and_shows_no_secret(secrets, environment):
    access = read(secrets=secrets, **environment)
    assert access.demanded
    assert not access.usable
    assert access.troubles
    told = " ".join(access.troubles)
    assert "the password itself" not in told
    assert "lovelace" not in told


def test_unreadable_secrets_close_the_lab():
    assert not read(trouble="secrets.toml is not valid TOML").usable
    assert read(trouble="secrets.toml is not valid TOML").demanded


def test_no_hash_in_a_representation():
    assert HASH not in repr(read(LABCORE_PASSWORD_HASH=HASH))


def test_who_a_provider_may_let_in():
    listed = read(
        secrets={"auth": AUTH, "access": {"allowed_emails": ["Ada@Example.org"], "allowed_domains": ["@lab.org"]}}
    )
    assert listed.usable
    assert listed.providers == ("",)
    assert listed.admits({"email": "ada@example.org", "email_verified": True})
    assert listed.admits({"email": "any@LAB.org", "email_verified": True})
    for claims in (
        {"email": "ada@example.org", "email_verified": False},
        {"email": "ada@example.org"},
        {"email": "eve@example.org", "email_verified": True},
        {"email": "eve@lab.org.evil.com", "email_verified": True},
        {"email": "eve@evil.com@lab.org", "email_verified": True},
        {"email": "lab.org", "email_verified": True},
        {},
    ):
        assert not listed.admits(claims)
    anyone = read(secrets={"auth": AUTH, "access": {"anyone": True}})
    assert anyone.admits({"sub": "1"})
    assert not read(secrets={"access": {"anyone": True}}).admits({"sub": "1"})


def test_several_providers():
    auth = {"redirect_uri": "x", "cookie_secret": "y", "google": AUTH, "other": {"client_id": "z"}}
    assert read(secrets={"auth": auth, "access": {"anyone": True}}).providers == ("google", "other")
