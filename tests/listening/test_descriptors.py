from __future__ import annotations

import pytest

from labcore.errors import ConfigError
from labcore.listening import descriptors
from labcore.listening.descriptors import (
    CONNECTIONS,
    MOST_CONNECTIONS,
    MOST_DESCRIPTORS,
    most_connections,
    raise_descriptor_limit,
)

resource = pytest.importorskip("resource")


@pytest.mark.parametrize(
    ("soft", "hard", "after"),
    [
        (1024, 4096, 4096),
        (1024, 10**6, MOST_DESCRIPTORS),
        (1024, resource.RLIM_INFINITY, MOST_DESCRIPTORS),
        (500, 500, 500),
        (10**5, 10**6, 10**5),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, MOST_DESCRIPTORS),
    ],
)
def test_the_soft_limit_is_raised_as_far_as_it_may(monkeypatch, soft, hard, after):
    asked = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    assert raise_descriptor_limit() == after
    assert asked in ([], [(after, hard)])


def test_a_system_that_allows_less_than_it_says(monkeypatch):
    def refuse(_, limits):
        if limits[0] > 10_240:
            raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_descriptor_limit() == 10_240


def test_connections_are_half_of_the_descriptors_at_most():
    assert most_connections(1024, {}) == 512
    assert most_connections(10**6, {}) == MOST_CONNECTIONS
    assert most_connections(1024, {CONNECTIONS: "100"}) == 100
    assert most_connections(1024, {CONNECTIONS: "5000"}) == 512
    assert most_connections(8, {}) == descriptors.LEAST_CONNECTIONS


@pytest.mark.parametrize("text", ["many", "-3", "3", "1e3", "²00", "9" * 400])
def test_a_number_of_connections_that_is_none_is_told(text):
    with pytest.raises(ConfigError, match=CONNECTIONS):
        most_connections(1024, {CONNECTIONS: text})
