"""What the image can be asked to do by a word: the app, a worker, notebooks, TensorBoard. Anything else is a command of its own."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labcore.app_folder import ENTRY, app_folder
from labcore.device import THREAD_ENVIRONMENT
from labcore.errors import LabError
from labcore.workspace import Workspace

STARTER = Path(__file__).resolve().parents[2] / "notebooks" / "starter.ipynb"
SHORTEST_TOKEN = 16


@dataclass(frozen=True)
class Command:
    """A command line with the folder and the environment it is started in.

    ``has_worker``: a worker runs beside it, or alone where there are no words.
    """

    words: Sequence[str]
    folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    has_worker: bool = False


def understand(words: Sequence[str], workspace: Workspace, environment: Mapping[str, str] = os.environ) -> Command:
    """The command that the words after the image's name ask for; the app where there are none.

    Raises:
        LabError: the workspace cannot be written, or a secret is missing.
    """
    match list(words):
        case [] | ["app", *_]:
            check_writable(workspace)
            folder = app_folder()
            script = str(folder / ENTRY)
            return Command([sys.executable, "-m", "streamlit", "run", script, *words[1:]], folder, has_worker=True)
        case ["worker"] | ["labcore", "worker"]:
            check_writable(workspace)
            return Command([], has_worker=True)
        case ["jupyter"]:
            check_writable(workspace)
            return _jupyter(workspace, environment)
        case ["tensorboard"]:
            place = ["--logdir", str(workspace.home / "runs"), "--host", "0.0.0.0", "--port", "6006"]
            return Command(["tensorboard", *place, "--reload_interval", "5"])
        case _:
            return Command(list(words))


def check_writable(workspace: Workspace) -> None:
    """Raises LabError where the user that the container runs as may not write to the workspace."""
    home, user = workspace.home, os.getuid()
    probe = home / f".writable-{os.getpid()}"
    with LabError.on_os_error(
        f"user {user} of the container cannot write to the workspace {home}",
        f"Mount a volume there, or a folder that belongs to user {user} (chown {user} FOLDER), or start the container as the "
        "folder's owner (--user)",
    ):
        home.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()


def read_secret(name: str, environment: Mapping[str, str]) -> str:
    """A secret from the file that ``<name>_FILE`` names, else from ``<name>``; empty where neither is set.

    Raises:
        LabError: the file cannot be read.
    """
    file = environment.get(f"{name}_FILE")
    if not file:
        return environment.get(name, "").strip()
    remedy = f"Make the file, readable for user {os.getuid()}, and mount it there"
    with LabError.on_os_error(f"the secret {name} cannot be read from {file}", remedy, UnicodeDecodeError):
        return Path(file).read_text(encoding="utf-8").strip()


def _jupyter(workspace: Workspace, environment: Mapping[str, str]) -> Command:
    token = read_secret("JUPYTER_TOKEN", environment)
    if len(token) < SHORTEST_TOKEN:
        raise LabError(
            f"Jupyter needs a token of at least {SHORTEST_TOKEN} characters: anyone who reaches it can run code here",
            "Give one as a secret (JUPYTER_TOKEN_FILE) or in JUPYTER_TOKEN; `openssl rand -hex 24` makes one",
        )
    folder = workspace.home / "notebooks"
    folder.mkdir(exist_ok=True)
    copy = folder / STARTER.name
    if STARTER.exists() and not copy.exists():  # a changed one is the user's own
        shutil.copyfile(STARTER, copy)
    settings = workspace.home / "cache" / "jupyter"
    return Command(
        ["jupyter", "lab", "--ip=0.0.0.0", "--port=8888", "--no-browser", f"--ServerApp.root_dir={folder}"],
        folder,
        # By the environment: a command line is for everybody to read.
        {
            **THREAD_ENVIRONMENT,
            "JUPYTER_TOKEN": token,
            "JUPYTER_CONFIG_DIR": str(settings),
            "JUPYTER_DATA_DIR": str(settings / "data"),
        },
    )
