from __future__ import annotations

import pytest

from labcore.access.proxies import address_group, forwarded_client, is_within, trusted_proxies

TRUSTED, _ = trusted_proxies({"LABCORE_TRUSTED_PROXIES": "10.0.0.0/8 ::1"})


@pytest.mark.parametrize(
    ("peer", "hops", "client"),
    [
        ("203.0.113.1", ["6.6.6.6"], "203.0.113.1"),
        ("127.0.0.1", ["6.6.6.6"], "127.0.0.1"),  # not named here
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["6.6.6.6", "203.0.113.9, 10.2.2.2"], "203.0.113.9"),
        ("::ffff:10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("::1", ["[2001:db8::7]:443"], "2001:db8::7"),
        ("10.0.0.1", ["10.0.0.7"], "10.0.0.7"),
        ("10.0.0.1", ["unknown"], "unknown"),
        ("", ["6.6.6.6"], ""),
    ],
)
def test_a_header_counts_as_far_back_as_trusted_proxies_wrote_it(peer, hops, client):
    assert forwarded_client(peer, hops, TRUSTED) == client


def test_this_machine_is_trusted_unless_others_are_named():
    default, troubles = trusted_proxies({})
    assert troubles == []
    assert is_within("127.0.0.1", default)
    assert is_within("::1", default)
    assert not is_within("127.0.0.1", TRUSTED)
    assert trusted_proxies({"LABCORE_TRUSTED_PROXIES": "nginx"})[1]


def test_what_counts_as_one_address():
    assert address_group("2001:db8::1") == address_group("2001:db8::2") != address_group("2001:db8:0:1::1")
    assert address_group("::ffff:1.2.3.4") == "1.2.3.4"
    assert len(address_group("x" * 999)) == 60
