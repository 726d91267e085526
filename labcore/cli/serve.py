"""``labcore serve``: trained classifiers as a REST service."""

from __future__ import annotations

import argparse
import math
import os
import socket
from pathlib import Path

from labcore.access.proxies import Network, trusted_proxies
from labcore.access.settings import is_loopback
from labcore.cli.inputs import weights_of
from labcore.cli.output import DONE, emit, emit_json, say
from labcore.cli.parser import Parser, add_device, count, number, positive
from labcore.errors import ConfigError
from labcore.texts import counted

KEY, KEY_FILE = "LABCORE_API_KEY", "LABCORE_API_KEY_FILE"
SHORTEST_KEY = 16

_port = number(int, lambda value: 0 <= value <= 65535, "a port")
_seconds = number(float, lambda value: 0 <= value < math.inf, "0 or more")


def parser() -> Parser:
    parser = Parser(
        prog="labcore serve",
        description=f"Answer over HTTP what is heard in clips. {KEY} holds the key that every request has to bring, or several with commas "
        f"between them; {KEY_FILE} names a file of them. Without a key it answers this machine only. SIGHUP loads weights that have "
        "changed, SIGTERM ends it when the requests in hand are answered.",
    )  # fmt: skip
    parser.add_argument(
        "--run", metavar="[NAME=]RUN", action="append", help="a run's id or a part of it, its folder, the word last (the default: the "
        "newest that has weights), a weights file or the zip of a run; several times for several models, the first one answers where a "
        "request names none",
    )  # fmt: skip
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on [default 127.0.0.1, this machine only]"
    )
    parser.add_argument("--port", type=_port, default=8000, help="0 takes a free one [default 8000]")
    add_device(parser)
    parser.add_argument(
        "--no-key",
        action="store_true",
        help="answer other machines without a key: where something before it asks for one",
    )
    limits = parser.add_argument_group("limits")
    limits.add_argument("--max-mb", type=positive, help="of a request's body, in MiB [default 64, or --memory-mb]")
    limits.add_argument("--max-seconds", type=positive, default=600, help="of a clip [default 600]")
    limits.add_argument("--max-files", type=count, help="of a request [default 32, or --max-clips]")
    limits.add_argument(
        "--max-clips", type=count, default=64, help="in hand at once; beyond that a request gets 503 [default 64]"
    )
    limits.add_argument(
        "--memory-mb", type=positive, default=1024, help="for all requests in hand, in MiB [default 1024]"
    )
    limits.add_argument(
        "--timeout", type=positive, default=30, help="seconds that a clip may wait for its answer [default 30]"
    )
    limits.add_argument(
        "--batch-size", type=count, help="most windows in the network at once; by the device where not given"
    )
    limits.add_argument(
        "--threads", type=count, help="of the network on a CPU, and for decoding; one a core where not given"
    )
    end = parser.add_argument_group("the end")
    end.add_argument(
        "--grace", type=positive, default=20, help="seconds for the requests in hand after SIGTERM [default 20]"
    )
    end.add_argument(
        "--drain", type=_seconds, default=0, help="seconds after SIGTERM in which it still takes requests, while /readyz says 503: for a "
        "load balancer to notice [default 0]",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="say on stdout as a line of JSON where it listens")
    return parser


def run(arguments: argparse.Namespace) -> int:
    keys = keys_of(os.environ)
    if not keys and not arguments.no_key and not is_loopback(arguments.host):
        raise ConfigError(
            f"on {arguments.host} anyone who reaches this machine would be answered",
            f"Set {KEY} or {KEY_FILE}, or give --no-key where something before it asks for one",
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
    from labcore.api.app import create_app
    from labcore.api.logs import log_as_json
    from labcore.api.middleware import LOOPBACK, ServiceState
    from labcore.api.server import serve
    from labcore.serving import ModelRegistry, ServiceSettings

    registry = ModelRegistry(arguments.run or ["last"], weights_of, arguments.device)
    settings = ServiceSettings(
        max_bytes=int((arguments.max_mb or min(64, arguments.memory_mb)) * 2**20),
        max_seconds=arguments.max_seconds,
        max_files=arguments.max_files or min(32, arguments.max_clips),
        max_clips=arguments.max_clips,
        memory_bytes=int(arguments.memory_mb * 2**20),
        timeout_s=arguments.timeout,
        batch_size=arguments.batch_size,
        threads=arguments.threads,
    )
    state = ServiceState()
    hosts = None if arguments.no_key else LOOPBACK
    app = create_app(registry, settings, keys=keys, hosts=hosts, state=state, proxies=proxies)
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
        if arguments.json:
            emit_json(
                {"type": "serving", "url": url, "models": [model.name for model in registry.models], "key": bool(keys)}
            )
        else:
            emit(f"serving on {url}, documentation on {url}/docs")

    log_as_json()
    serve(
        app, registry, listening, state, grace_seconds=arguments.grace, drain_seconds=arguments.drain, on_start=started,
    )  # fmt: skip
    return DONE


def keys_of(environment: os._Environ[str] | dict[str, str]) -> list[str]:
    """The keys that the environment, or the file it names, holds.

    Raises:
        ConfigError: the file cannot be read, it holds none, or one is too short to keep anybody out.
    """
    text, where = environment.get(KEY, ""), KEY
    file = environment.get(KEY_FILE, "")
    if file and not text:
        where = f"the file that {KEY_FILE} names"
        with ConfigError.on_os_error(f"{where} cannot be read", "Mend its path", ValueError):
            text = Path(file).read_text(encoding="utf-8")
        if not text.strip():
            raise ConfigError(f"{where} is empty", "Put a key into it, for instance from `openssl rand -hex 24`")
    keys = text.replace(",", " ").split()
    if any(not key.isascii() for key in keys):
        raise ConfigError(f"a key in {where} holds more than ASCII characters", "Take letters and figures")
    if any(len(key) < SHORTEST_KEY for key in keys):
        raise ConfigError(
            f"a key in {where} has fewer than {SHORTEST_KEY} characters",
            "Take a longer one, for instance from `openssl rand -hex 24`",
        )
    return keys
