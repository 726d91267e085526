"""The service in this process, asked over ASGI."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from starlette.testclient import TestClient

from labcore.api.app import create_app
from labcore.runs import Run
from labcore.serving.model_registry import ModelRegistry
from labcore.serving.settings import ServiceSettings
from labcore.workspace import Workspace

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def wav() -> Callable[..., bytes]:
    """wav(seconds=0.5, seed=0, rate=8000) → a file of noise."""

    def make(seconds: float = 0.5, seed: int = 0, rate: int = 8000) -> bytes:
        buffer = io.BytesIO()
        drawn = np.random.default_rng(seed).normal(0, 0.1, int(rate * seconds))
        soundfile.write(buffer, np.clip(drawn, -1, 1), rate, format="WAV")
        return buffer.getvalue()

    return make


@pytest.fixture
def service(make_run: Callable[..., Run]) -> Iterator[Callable[..., TestClient]]:
    """service(seeds=(0,), **options of create_app and ServiceSettings) → a client of a service of so many models."""
    opened = []

    def start(seeds: tuple[int, ...] = (0,), runs: list[Run] | None = None, **options: Any) -> TestClient:
        limits = {name: options.pop(name) for name in list(options) if name in ServiceSettings.__dataclass_fields__}
        limits.setdefault("max_files", min(32, limits.get("max_clips", 64)))
        limits.setdefault("max_bytes", min(2**26, limits.get("memory_bytes", 2**30)))
        runs = runs or [make_run(seed) for seed in seeds]
        registry = ModelRegistry([f"m{number}={run.path}" for number, run in enumerate(runs)], Path, "cpu")
        app = create_app(registry, ServiceSettings(threads=1, **limits), **options)
        client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
        client.__enter__()
        opened.append(client)
        return client

    yield start
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def start(workspace: Workspace, tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], int, Path]]]:
    """start("--run", …, env={…}) → the process, its port and its log, once it serves."""
    started = []
    log = tmp_path / "serve.log"

    def begin(*words: object, env: dict[str, str] | None = None) -> tuple[subprocess.Popen[str], int, Path]:
        with log.open("w") as stderr:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "labcore",
                    "serve",
                    "--port",
                    "0",
                    "--json",
                    "--device",
                    "cpu",
                    *map(str, words),
                ],
                cwd=ROOT,
                env={**os.environ, "LABCORE_HOME": str(workspace.home), **(env or {})},
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        started.append(process)
        line = process.stdout.readline()
        assert line, log.read_text()
        return process, int(json.loads(line)["url"].rpartition(":")[2]), log

    yield begin
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()
        process.stdout.close()
