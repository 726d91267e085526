"""Serve classifiers over HTTP.

Clients send a key from the environment variable LABCORE_API_KEY (several keys with commas between them), or from the
file that LABCORE_API_KEY_FILE names. Without a key only this machine is served. SIGHUP reloads weights that have
changed. SIGTERM finishes the requests in progress and stops.

Examples:
  labcore serve
  labcore serve --run birds=last --run bats=weights.safetensors --port 9000
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import socket
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from labcore.access.proxies import Network, trusted_proxies
from labcore.access.settings import is_loopback
from labcore.cli.inputs import time_again, weights_of
from labcore.cli.output import DONE, say, tell
from labcore.cli.parser import Parser, add_device, add_json, add_route, add_time_again, count, number, positive
from labcore.errors import ConfigError
from labcore.loading import collector_resting
from labcore.texts import counted
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.serving.settings import ServiceSettings

KEY, KEY_FILE = "LABCORE_API_KEY", "LABCORE_API_KEY_FILE"
SHORTEST_KEY = 16

_port = number(int, lambda value: 0 <= value <= 65535, "a port")
_seconds = number(float, lambda value: 0 <= value < math.inf, "0 or more")


def _root(text: str) -> str:
    """A path without a slash at its end."""
    path = text.strip("/")
    return f"/{path}" if path else ""


LIMITS = (
    ("--max-mb", "MIB", positive, None, "largest request body (default: 64, at most --memory-mb)"),
    ("--max-seconds", "SECONDS", positive, 600, "longest clip (default: 600)"),
    ("--max-files", "N", count, None, "most files per request (default: 32, at most --max-clips)"),
    ("--max-clips", "N", count, 64, "most clips at once; more get status 503 (default: 64)"),
    ("--memory-mb", "MIB", positive, 1024, "memory for all requests (default: 1024)"),
    ("--timeout", "SECONDS", positive, 30, "longest wait for a result (default: 30)"),
    ("--batch-size", "N", count, None, "most windows per batch (default: by the device)"),
    ("--threads", "N", count, None, "threads for CPU and decoding (default: one per core)"),
    ("--grace", "SECONDS", positive, 20, "time to finish requests (default: 20)"),
    ("--drain", "SECONDS", _seconds, 0, "time to accept requests after SIGTERM while /readyz returns 503, for "
     "a load balancer (default: 0)"),
)  # fmt: skip
"""Flags with metavar, reader, default and help."""


def parser() -> Parser:
    parser = Parser(prog="labcore serve", description=__doc__)
    parser.add_argument(
        "--run", metavar="[NAME=]RUN", action="append", help="id of a run or a part of it, its folder, a weights file, the zip of a run, "
        "or the word last (default); repeatable for several models, of which the first is the default of requests",
    )  # fmt: skip
    parser.add_argument(
        "--host", metavar="ADDRESS", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)"
    )
    parser.add_argument(
        "--port", metavar="N", type=_port, default=8000, help="port to listen on; 0 picks a free one (default: 8000)"
    )
    add_device(parser)
    add_route(parser)
    add_time_again(parser)
    parser.add_argument(
        "--no-key", action="store_true", help="serve other machines without a key, if a proxy in front asks for one"
    )
    parser.add_argument(
        "--root-path",
        metavar="PATH",
        type=_root,
        default="",
        help="path that a proxy publishes the service below, such as /sounds",
    )
    add_json(parser, "where it listens as a line of JSON")
    limits, shutdown = parser.add_argument_group("limits"), parser.add_argument_group("shutdown")
    for flag, metavar, kind, default, what in LIMITS:
        group = shutdown if flag in ("--grace", "--drain") else limits
        group.add_argument(flag, metavar=metavar, type=kind, default=default, help=what)
    return parser


def run(arguments: argparse.Namespace) -> int:
    keys = keys_of(os.environ)
    if not keys and not arguments.no_key and not is_loopback(arguments.host):
        raise ConfigError(
            f"on {arguments.host} anyone who reaches this machine would be served",
            f"Set {KEY} or {KEY_FILE}, or give --no-key if a proxy in front asks for one",
        )
    proxies, troubles = trusted_proxies(os.environ)
    if troubles:
        raise ConfigError(troubles[0], "Name addresses or networks, with spaces between them")
    with collector_resting():
        from labcore.api.server import bind

    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a reload while it starts has nothing to do, and must not end it
    listening = bind(arguments.host, arguments.port)  # before the networks are loaded: a taken port is told at once
    with listening:
        time_again(arguments, Workspace.default())
        return _serve(arguments, keys, proxies, listening)


def _serve(
    arguments: argparse.Namespace, keys: list[str], proxies: tuple[Network, ...], listening: socket.socket
) -> int:
    with collector_resting():
        from labcore.api.app import create_app
        from labcore.api.logs import log_as_json
        from labcore.api.middleware import LOOPBACK, ServiceState
        from labcore.api.server import serve
        from labcore.inference.route_finder import find_now
        from labcore.serving.model_registry import ModelRegistry

        route = partial(find_now, workspace=Workspace.default(), wanted=arguments.route, threads=1)  # of each worker
        registry = ModelRegistry(arguments.run or ["last"], weights_of, arguments.device, route)
    state = ServiceState()
    hosts = None if arguments.no_key else LOOPBACK
    app = create_app(
        registry, _settings(arguments), keys=keys, hosts=hosts, state=state, proxies=proxies, root=arguments.root_path
    )
    host, port = listening.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def started() -> None:
        for model in registry.models:
            proof = "no golden clips to verify it by"
            if (worst := model.facts.golden_difference) is not None:
                proof = f"{counted(model.facts.golden_clips, 'golden clip')}, largest difference {worst:.1g}"
            classes = counted(len(model.classifier.labels), "class", "classes")
            say(f"{model.name}: {classes} on {model.classifier.device}, {proof}")
            if model.classifier.routes.choice is not None:
                say(f"{model.name}: {model.classifier.routes.choice.reason}")
        facts = {"type": "serving", "url": url, "models": [model.name for model in registry.models], "key": bool(keys)}
        tell(facts, f"serving on {url}, documentation on {url}/docs", as_json=arguments.json)

    log_as_json()
    serve(
        app, registry, listening, state, grace_seconds=arguments.grace, drain_seconds=arguments.drain, on_start=started,
    )  # fmt: skip
    return DONE


def _settings(arguments: argparse.Namespace) -> ServiceSettings:
    from labcore.serving.settings import ServiceSettings

    return ServiceSettings(
        max_bytes=int((arguments.max_mb or min(64, arguments.memory_mb)) * 2**20),
        max_seconds=arguments.max_seconds,
        max_files=arguments.max_files or min(32, arguments.max_clips),
        max_clips=arguments.max_clips,
        memory_bytes=int(arguments.memory_mb * 2**20),
        timeout_s=arguments.timeout,
        batch_size=arguments.batch_size,
        threads=arguments.threads,
    )


def keys_of(environment: os._Environ[str] | dict[str, str]) -> list[str]:
    """The keys that the environment, or the file it names, holds.

    Raises:
        ConfigError: the file cannot be read, it holds none, or one is too short to keep anybody out.
    """
    text, where = environment.get(KEY, ""), KEY
    file = environment.get(KEY_FILE, "")
    if file and not text:
        where = f"the file that {KEY_FILE} names"
        with ConfigError.on_os_error(f"{where} cannot be read", "Correct its path", ValueError):
            text = Path(file).read_text(encoding="utf-8")
        if not text.strip():
            raise ConfigError(f"{where} is empty", "Put a key into it, for example from `openssl rand -hex 24`")
    keys = text.replace(",", " ").split()
    if any(not key.isascii() for key in keys):
        raise ConfigError(f"a key in {where} holds more than ASCII characters", "Use letters and digits")
    if any(len(key) < SHORTEST_KEY for key in keys):
        raise ConfigError(
            f"a key in {where} has fewer than {SHORTEST_KEY} characters",
            "Use a longer one, for example from `openssl rand -hex 24`",
        )
    return keys
