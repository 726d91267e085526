"""What a crowd of silent connections does to the pages and to the service, at the usual soft limit of 1,024 descriptors.

    python benchmarks/silent_connections.py [--connections 1100] [--seconds 20]

Each server is a process of its own with an empty workspace (the service answers with the network that travels with the lab). The crowd
comes from one address of this machine (127.0.0.2), a visitor from another. The visitor asks for the health of the server once a second.
Prints how many of those asked were answered, the slowest answer, and how much the server logged meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOFT = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connections", type=int, default=1100)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    print(
        f"{options.connections} silent connections of one address for {options.seconds:g} s; soft limit {SOFT}, hard limit {hard}\n"
    )
    for name, path in (("pages", "/_stcore/health"), ("service", "/healthz")):
        with tempfile.TemporaryDirectory() as home:
            port, log = _free_port(), Path(home) / "log"
            process = _start(name, port, home, log)
            try:
                _until_up(port, path, process)
                asked, answered, slowest, megabytes, held = _beset(port, path, log, options)
            finally:
                process.terminate()
                process.wait(30)
        print(
            f"{name:8} answered {answered} of {asked}, the slowest after {slowest:.2f} s; {held} of the crowd still connected; "
            f"log {megabytes:.3f} MB, {60 * megabytes / options.seconds:.1f} MB a minute"
        )


def _start(name: str, port: int, home: str, log: Path) -> subprocess.Popen[bytes]:
    pages = ["-m", "streamlit", "run", "streamlit_app.py", "--server.headless", "true", "--server.port", str(port)]
    service = ["-m", "labcore", "serve", "--run", "builtin", "--port", str(port), "--device", "cpu"]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, *(pages if name == "pages" else service)],
            cwd=ROOT,
            env={**os.environ, "LABCORE_HOME": home, "PYTHONPATH": str(ROOT)},
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=limit,
        )


def _beset(port: int, path: str, log: Path, options: argparse.Namespace) -> tuple[int, int, float, float, int]:
    """How often was asked and answered, the slowest answer in seconds, MB of log, and how many of the crowd are still connected."""
    before, crowd = log.stat().st_size, []
    for _ in range(options.connections):
        with contextlib.suppress(OSError):
            made = socket.create_connection(("127.0.0.1", port), timeout=5, source_address=("127.0.0.2", 0))
            made.setblocking(False)
            crowd.append(made)
    asked, answered, slowest, end = 0, 0, 0.0, time.monotonic() + options.seconds
    while time.monotonic() < end:
        began = time.monotonic()
        asked += 1
        answered += _answers(port, path)
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(max(0.0, 1 - (time.monotonic() - began)))
    held = sum(_is_open(each) for each in crowd)
    for each in crowd:
        each.close()
    return asked, answered, slowest, (log.stat().st_size - before) / 1e6, held


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _is_open(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def _until_up(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 180
    while not _answers(port, path):
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit("the server did not come up")
        time.sleep(0.3)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


if __name__ == "__main__":
    main()
