"""Signing in by OpenID Connect, with a provider on this machine: who is on the list gets in, where they wanted to go."""

from __future__ import annotations

import pytest

from .conftest import PATIENCE_MS, free_port, running
from .provider import SECRET, secrets_file, serving
from .test_access import HANDSHAKE, ask, only_the_form

pytest.importorskip("authlib")
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_who_is_on_the_list_gets_in(browser, tmp_path):
    port, file, log = free_port(), tmp_path / "secrets.toml", tmp_path / "server.log"
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    with serving() as provider:
        file.write_text(
            secrets_file(provider, f"http://localhost:{port}/oauth2callback", 'allowed_domains = ["lab.example.org"]')
        )
        with running(tmp_path / "home", log, port, "--secrets.files", str(file)) as server:
            page.goto(f"{server.url}/train?run=nothing-of-that-name")
            only_the_form(page)
            assert page.locator("input[type=password]").count() == 0
            assert ask(server, "GET", "/_stcore/stream", HANDSHAKE) == 403
            assert ask(server, "GET", "/media/0.wav", {}) == 401

            # An address that the provider has not verified, and one that is not on the list.
            for person in (
                {"email": "ada@lab.example.org", "email_verified": False},
                {"email": "eve@elsewhere.org", "email_verified": True},
            ):
                provider.person = person
                page.goto(f"{server.url}/login")
                page.get_by_role("link", name="Sign in with your organisation").click()
                page.get_by_role("heading", name="Not on the list").wait_for()
                page.get_by_text(person["email"]).wait_for()
                page.goto(f"{server.url}/train")
                page.get_by_role("heading", name="Not on the list").wait_for()
                page.get_by_role("link", name="Sign in as somebody else").click()
                only_the_form(page)

            provider.person = {"email": "ada@lab.example.org", "email_verified": True, "name": "Ada"}
            page.goto(f"{server.url}/train?run=nothing-of-that-name")
            page.get_by_role("link", name="Sign in with your organisation").click()
            page.get_by_text("There is no run 'nothing-of-that-name'").wait_for()
            assert page.url.endswith("/train?run=nothing-of-that-name")
            page.get_by_text("Signed in as").get_by_text("ada@lab.example.org").wait_for()
            page.get_by_role("link", name="Sign out").click()
            only_the_form(page)
            page.goto("about:blank")
    told = log.read_text()
    assert "asks for OpenID Connect" in told
    assert SECRET not in told
    assert "Traceback" not in told
