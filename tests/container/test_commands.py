"""What the words after the image's name mean, and what the health check asks."""

from __future__ import annotations

import http.server
import os
import threading
from pathlib import Path

import pytest

from labcore.container import health
from labcore.container.commands import STARTER, read_secret, understand
from labcore.container.main import main
from labcore.errors import LabError
from labcore.workspace import Workspace

TOKEN = "0123456789abcdef0123"


@pytest.mark.parametrize("words", [[], ["app"], ["app", "--server.port", "8600"]])
def test_the_app_is_what_is_started_by_default(workspace: Workspace, words: list[str]) -> None:
    command = understand(words, workspace, {})
    assert command.has_worker
    assert command.folder is not None
    script = Path(command.words[4])
    assert script.name == "streamlit_app.py"
    assert script.is_file()
    assert (command.folder / ".streamlit" / "config.toml").is_file()
    assert list(command.words[5:]) == words[1:]


def test_other_words_are_a_command_of_their_own(workspace: Workspace) -> None:
    command = understand(["jupyter", "lab", "--port", "1"], workspace, {})
    assert list(command.words) == ["jupyter", "lab", "--port", "1"]
    assert not command.has_worker


@pytest.mark.parametrize("words", [["worker"], ["labcore", "worker"]])
def test_a_worker_has_nothing_beside_it(workspace: Workspace, words: list[str]) -> None:
    command = understand(words, workspace, {})
    assert command.has_worker
    assert not command.words


def test_jupyter_wants_a_token_and_gets_the_starter_once(workspace: Workspace) -> None:
    with pytest.raises(LabError, match="needs a token"):
        understand(["jupyter"], workspace, {})
    with pytest.raises(LabError, match="needs a token"):
        understand(["jupyter"], workspace, {"JUPYTER_TOKEN": "short"})
    command = understand(["jupyter"], workspace, {"JUPYTER_TOKEN": TOKEN})
    copy = workspace.home / "notebooks" / "starter.ipynb"
    assert copy.read_bytes() == STARTER.read_bytes()
    assert TOKEN not in " ".join(command.words)
    assert command.environment["JUPYTER_TOKEN"] == TOKEN
    copy.write_text("mine")
    understand(["jupyter"], workspace, {"JUPYTER_TOKEN": TOKEN})
    assert copy.read_text() == "mine"


def test_a_secret_comes_from_a_file_before_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{TOKEN}\n")
    assert read_secret("S", {"S_FILE": str(file), "S": "other"}) == TOKEN
    assert read_secret("S", {"S": "other"}) == "other"
    assert read_secret("S", {}) == ""
    with pytest.raises(LabError, match="cannot be read"):
        read_secret("S", {"S_FILE": str(tmp_path / "none")})


def test_a_workspace_that_cannot_be_made_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LABCORE_HOME", str(tmp_path / "file" / "home"))
    assert main(["app"]) == 2
    told = capfd.readouterr().err
    assert "cannot write to the workspace" in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "environment", "asked"),
    [
        (["app"], {}, "http://127.0.0.1:8501/_stcore/health"),
        (["app"], {"STREAMLIT_SERVER_PORT": "8600"}, "http://127.0.0.1:8600/_stcore/health"),
        (["app", "--server.port=1"], {"STREAMLIT_SERVER_BASE_URL_PATH": "/lab/"}, "http://127.0.0.1:1/lab/_stcore/health"),
        (["app", "--server.baseUrlPath", "lab"], {}, "http://127.0.0.1:8501/lab/_stcore/health"),
        (["labcore", "serve", "--port", "9000"], {}, "http://127.0.0.1:9000/healthz"),
        (["jupyter"], {}, "http://127.0.0.1:8888/login"),
        (["tensorboard"], {}, "http://127.0.0.1:6006/"),
        (["labcore", "train"], {}, None),
        (["worker"], {}, None),
        (["bash"], {"LABCORE_HEALTH_URL": "http://x/"}, "http://x/"),
    ],
)  # fmt: skip
def test_health_asks_what_process_1_serves(words: list[str], environment: dict[str, str], asked: str | None) -> None:
    assert health.address(words, environment) == asked


def test_health_reads_the_words_off_process_1(tmp_path: Path) -> None:
    (tmp_path / "cmdline").write_bytes(b"tini\0--\0/opt/lab/bin/python\0-m\0labcore.container\0labcore\0serve\0")
    assert health.started_with(tmp_path) == ["labcore", "serve"]
    (tmp_path / "cmdline").write_bytes(b"/pause\0")
    assert health.started_with(tmp_path) == []


def test_health_is_what_the_server_says(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    class Prediction(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/well" else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Prediction)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        root = f"http://127.0.0.1:{server.server_port}"
        assert health.is_well(f"{root}/well")
        assert not health.is_well(f"{root}/ill")
        monkeypatch.setenv("LABCORE_HEALTH_URL", f"{root}/well")
        assert health.main() == 0
    finally:
        server.shutdown()
        server.server_close()
    assert health.main() == 1
    assert str(os.environ["LABCORE_HEALTH_URL"]) in capfd.readouterr().err
