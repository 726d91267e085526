"""Pages close by themselves too, where no gate stands before them; and who is told to be looking."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
from streamlit import config
from streamlit.runtime.secrets import Secrets

from labcore.allowed_paths import ALLOWED_PATHS
from labcore.backup.snapshot import LeftOut, members, units
from labcore.jobs.background import without_secrets
from labcore.workspace import Workspace
from ui.app import server
from ui.auth import policy as policies
from ui.auth import visitor
from ui.auth.policy import Visitor, policy

from .conftest import ROOT, words

PAGES = ["streamlit_app.py", *sorted(f"pages/{page.name}" for page in (ROOT / "pages").glob("*.py"))]
NAMES = ("LABCORE_ACCESS", "LABCORE_PASSWORD_HASH", "LABCORE_PASSWORD_HASH_FILE", ALLOWED_PATHS)


@pytest.fixture(autouse=True)
def fresh_door(monkeypatch, workspace):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    policy.cache_clear()
    yield
    policy.cache_clear()


def demand(monkeypatch, **environment: str) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    policy.cache_clear()


@pytest.mark.parametrize("page", PAGES)
def test_no_page_opens_without_a_session_cookie(open_page, monkeypatch, hashed, page):
    demand(monkeypatch, LABCORE_PASSWORD_HASH=hashed)
    app = open_page(page, run="x", report="y", search="z", crossval="w")
    assert not app.exception
    assert [title.value for title in app.title] == ["Sign in"]
    assert "not signed in" in words(app)
    assert not any([app.button, app.selectbox, app.text_input, app.get("file_uploader"), app.sidebar.children])


@pytest.mark.parametrize("page", PAGES)
def test_no_page_opens_where_nothing_is_configured(open_page, monkeypatch, page):
    demand(monkeypatch, LABCORE_ACCESS="demand")
    app = open_page(page)
    assert [error.value for error in app.error] == ["The lab is closed."]
    assert not any([app.button, app.selectbox, app.sidebar.children])


@pytest.mark.parametrize("page", ["streamlit_app.py", "pages/environment.py"])
def test_a_page_opens_with_a_session_cookie_and_names_the_visitor(open_page, monkeypatch, hashed, page):
    demand(monkeypatch, LABCORE_PASSWORD_HASH=hashed)
    cookies = {policy().session_cookies.name: policy().session_cookies.make("", "Ada <b>", 60)}
    monkeypatch.setattr(visitor, "_signed_in", lambda: policy().visitor(cookies))
    app = open_page(page)
    assert not app.exception
    told = "".join(element.proto.body for element in app.sidebar.get("html"))
    assert "Signed in as <strong>Ada &lt;b&gt;</strong>" in told
    assert 'href="/logout"' in told


def test_without_access_nothing_is_said_of_it(open_page):
    app = open_page()
    assert not app.sidebar.get("html")
    assert visitor.visitor() == Visitor("Ada", verified=False)  # LABCORE_USER of these tests


def test_a_proxy_may_tell_the_name(monkeypatch):
    demand(monkeypatch, LABCORE_ACCESS="open")
    told: dict = {}
    monkeypatch.setattr(visitor.st, "user", SimpleNamespace(to_dict=lambda: told))
    assert visitor.visitor() == Visitor("", verified=False)
    told["email"] = "ada@example.org"
    assert visitor.visitor() == Visitor("ada@example.org", verified=False)


# --- the server


def test_a_server_for_others_opens_only_some_folders(monkeypatch, hashed):
    server.middleware()
    assert ALLOWED_PATHS not in os.environ
    demand(monkeypatch, LABCORE_PASSWORD_HASH=hashed)
    monkeypatch.setenv(ALLOWED_PATHS, "")  # put back afterwards
    monkeypatch.delenv(ALLOWED_PATHS)
    server.middleware()
    assert os.environ[ALLOWED_PATHS] == "/data"


def test_a_number_of_connections_that_is_none_ends_the_start(monkeypatch):
    monkeypatch.setenv("LABCORE_MAX_CONNECTIONS", "many")
    with pytest.raises(SystemExit, match="LABCORE_MAX_CONNECTIONS"):
        server.middleware()


def test_what_the_shell_is_told_holds_no_secret(monkeypatch, hashed, logged):
    assert "this machine only" in server.greeting()
    demand(monkeypatch, LABCORE_PASSWORD_HASH=hashed)
    assert "asks for a password" in server.greeting()
    assert hashed not in server.greeting() + logged.getvalue()
    demand(monkeypatch, LABCORE_PASSWORD_HASH="not a hash")
    assert "CLOSED" in server.greeting()
    assert "not a hash" not in server.greeting()
    demand(monkeypatch, LABCORE_ACCESS="open", LABCORE_PASSWORD_HASH="")
    assert "OPEN" in server.greeting()


def test_unreadable_secrets_close_the_lab(monkeypatch, tmp_path):
    file = tmp_path / "secrets.toml"
    file.write_text('[access\npassword_hash = "word of mouth"')
    monkeypatch.setattr(policies.st, "secrets", Secrets())
    real = config.get_option
    monkeypatch.setattr(config, "get_option", lambda name: [str(file)] if name == "secrets.files" else real(name))
    assert policies.policy().access.demanded
    assert policies.policy().access.troubles == ("secrets.toml is not valid TOML",)


def test_a_workspace_that_cannot_keep_the_key_closes_the_lab(monkeypatch, tmp_path, hashed):
    (tmp_path / "file").write_text("")
    demand(monkeypatch, LABCORE_PASSWORD_HASH=hashed, LABCORE_HOME=str(tmp_path / "file"))
    assert not policy().access.usable
    assert "cannot be saved" in policy().access.troubles[0]


# --- no secret in a run, a log or a backup


def test_workers_are_told_no_secret():
    kept = {"PATH": "/bin", "LABCORE_HOME": "/w", ALLOWED_PATHS: "/data", "HF_TOKEN": "h", "STREAMLIT_SERVER_PORT": "1"}
    secret = {
        "LABCORE_PASSWORD_HASH": "x",
        "STREAMLIT_SERVER_COOKIE_SECRET": "x",
        "LABCORE_BACKUP_PASSPHRASE": "x",
        "LABCORE_API_TOKEN": "x",
    }
    assert without_secrets({**kept, **secret}) == kept


def test_the_key_is_in_no_backup(monkeypatch, hashed):
    demand(monkeypatch, LABCORE_PASSWORD_HASH=hashed)
    assert policy().access.usable
    home = Workspace.default().home
    assert (home / ".access-key").is_file()
    left_out = LeftOut()
    (home / "notes.txt").write_text("x")
    names = units(home, True, left_out)
    packed = []
    for member in members(home, names, left_out):
        packed.append(member.name)
    assert "notes.txt" in packed
    assert not [name for name in packed if "access" in name]


def test_runs_carry_the_name_of_who_signed_in(monkeypatch, hashed):
    from ui.app import services

    demand(monkeypatch, LABCORE_PASSWORD_HASH=hashed)
    cookies = {policy().session_cookies.name: policy().session_cookies.make("", "Bo", 60)}
    monkeypatch.setattr(visitor, "_signed_in", lambda: policy().visitor(cookies))
    assert services.visitor_name() == "Bo"
