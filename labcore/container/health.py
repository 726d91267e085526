"""Is the container well? ``python -m labcore.container.health`` asks what the container serves, and ends with status 0 or 1.

What it serves is read off the command line of process 1. ``LABCORE_HEALTH_URL`` names another address to ask.
"""

from __future__ import annotations

import os
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

SECONDS = 5.0


def address(words: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """What to ask of a container that was started with these words; None where it serves nothing.

    ``labcore serve --port 8000`` → ``http://127.0.0.1:8000/healthz``.
    """
    named = environment.get("LABCORE_HEALTH_URL")
    if named:
        return named
    match list(words):
        case [] | ["app", *_]:
            port = _option(words, "--server.port") or environment.get("STREAMLIT_SERVER_PORT") or "8501"
            base = _option(words, "--server.baseUrlPath") or environment.get("STREAMLIT_SERVER_BASE_URL_PATH", "")
            base = base.strip("/")
            return f"http://127.0.0.1:{port}/{base + '/' if base else ''}_stcore/health"
        case ["labcore", "serve", *_]:
            return f"http://127.0.0.1:{_option(words, '--port') or '8000'}/healthz"
        case ["jupyter"]:
            return "http://127.0.0.1:8888/login"
        case ["tensorboard"]:
            return "http://127.0.0.1:6006/"
        case _:
            return None


def started_with(process: Path = Path("/proc/1")) -> list[str]:
    """The words after the image's name, off the init's command line. Where process 1 is another, it is read as the app."""
    try:
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []
    return words[words.index("labcore.container") + 1 :] if "labcore.container" in words else []


def is_well(url: str) -> bool:
    """Whether the address answers with success. No proxy is asked."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=SECONDS) as answer:
            return 200 <= answer.status < 400
    except (OSError, ValueError) as error:
        print(f"{url}: {error}", file=sys.stderr)
        return False


def _option(words: Sequence[str], name: str) -> str | None:
    for place, word in enumerate(words):
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
        if word == name and place + 1 < len(words):
            return words[place + 1]
    return None


def main() -> int:
    url = address(started_with(), os.environ)
    return 0 if url is None or is_well(url) else 1


if __name__ == "__main__":
    sys.exit(main())
