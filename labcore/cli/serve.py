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
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from labcore.access.proxies import Network, trusted_proxies
from labcore.access.settings import is_loopback
from labcore.cli.inputs import weights_of
from labcore.cli.output import DONE, say, tell
from labcore.cli.parser import Parser, add_device, add_json, count, number, positive
from labcore.errors import ConfigError
from labcore.loading import collector_resting
from labcore.texts import counted

if TYPE_CHECKING:
    from labcore.serving import ServiceSettings

KEY, KEY_FILE = "LABCORE_API_KEY", "LABCORE_API_KEY_FILE"
SHORTEST_KEY = 16

_port = number(int, lambda value: 0 <= value <= 65535, "a port")
_seconds = number(float, lambda value: 0 <= value < math.inf, "0 or more")


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
    parser.add_argument(
        "--no-key", action="store_true", help="serve other machines without a key, if a proxy in front asks for one"
    )
    add_json(parser, "where it listens as a line of JSON")
    _add_limits(parser)
    return parser


def _add_limits(parser: Parser) -> None:
    limits = parser.add_argument_group("limits")
    limits.add_argument(
        "--max-mb", metavar="MIB", type=positive, help="largest request body (default: 64, at most --memory-mb)"
    )
    limits.add_argument(
        "--max-seconds", metavar="SECONDS", type=positive, default=600, help="longest clip (default: 600)"
    )
    limits.add_argument(
        "--max-files", metavar="N", type=count, help="most files per request (default: 32, at most --max-clips)"
    )
    limits.add_argument(
        "--max-clips", metavar="N", type=count, default=64, help="most clips at once; more get status 503 (default: 64)"
    )
    limits.add_argument(
        "--memory-mb", metavar="MIB", type=positive, default=1024, help="memory for all requests (default: 1024)"
    )
    limits.add_argument(
        "--timeout", metavar="SECONDS", type=positive, default=30, help="longest wait for a result (default: 30)"
    )
    limits.add_argument("--batch-size", metavar="N", type=count, help="most windows per batch (default: by the device)")
    limits.add_argument(
        "--threads", metavar="N", type=count, help="threads for CPU and decoding (default: one per core)"
    )
    end = parser.add_argument_group("shutdown")
    end.add_argument(
        "--grace", metavar="SECONDS", type=positive, default=20, help="time to finish requests (default: 20)"
    )
    end.add_argument(
        "--drain", metavar="SECONDS", type=_seconds, default=0, help="time to accept requests after SIGTERM while /readyz returns 503, for "
        "a load balancer (default: 0)",
    )  # fmt: skip


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
    from labcore.api.server import bind

    listening = bind(arguments.host, arguments.port)  # before the networks are loaded: a taken port is told at once
    with listening:
        return _serve(arguments, keys, proxies, listening)


def _serve(
    arguments: argparse.Namespace, keys: list[str], proxies: tuple[Network, ...], listening: socket.socket
) -> int:
    with collector_resting():
        from labcore.api.app import create_app
        from labcore.api.logs import log_as_json
        from labcore.api.middleware import LOOPBACK, ServiceState
        from labcore.api.server import serve
        from labcore.serving import ModelRegistry

        registry = ModelRegistry(arguments.run or ["last"], weights_of, arguments.device)
    state = ServiceState()
    hosts = None if arguments.no_key else LOOPBACK
    app = create_app(registry, _settings(arguments), keys=keys, hosts=hosts, state=state, proxies=proxies)
    host, port = listening.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def started() -> None:
        for model in registry.models:
            proof = "no golden clips to verify it by"
            if (worst := model.facts.golden_difference) is not None:
                proof = f"{counted(model.facts.golden_clips, 'golden clip')}, largest difference {worst:.1g}"
            say(
                f"{model.name}: {counted(len(model.classifier.labels), 'class', 'classes')} on {model.classifier.device}, {proof}"
            )
        facts = {"type": "serving", "url": url, "models": [model.name for model in registry.models], "key": bool(keys)}
        tell(facts, f"serving on {url}, documentation on {url}/docs", as_json=arguments.json)

    log_as_json()
    serve(
        app, registry, listening, state, grace_seconds=arguments.grace, drain_seconds=arguments.drain, on_start=started,
    )  # fmt: skip
    return DONE


def _settings(arguments: argparse.Namespace) -> ServiceSettings:
    from labcore.serving import ServiceSettings

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
