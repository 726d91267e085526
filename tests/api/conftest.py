"""The service in this process, asked over ASGI."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
import soundfile
from starlette.testclient import TestClient

from labcore.api.app import create_app
from labcore.runs import Run
from labcore.serving.model_registry import ModelRegistry
from labcore.serving.settings import ServiceSettings
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.inference.classifier import Classifier

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
    """service(seeds=(0,), called="m", **options of create_app and ServiceSettings) → a client of a service of so many models, m0, m1 …"""
    opened = []

    def start(
        seeds: tuple[int, ...] = (0,), runs: list[Run] | None = None, called: str = "m", **options: Any
    ) -> TestClient:
        limits = {name: options.pop(name) for name in list(options) if name in ServiceSettings.__dataclass_fields__}
        limits.setdefault("max_files", min(32, limits.get("max_clips", 64)))
        limits.setdefault("max_bytes", min(2**26, limits.get("memory_bytes", 2**30)))
        runs = runs or [make_run(seed) for seed in seeds]
        registry = ModelRegistry([f"{called}{number}={run.path}" for number, run in enumerate(runs)], Path, "cpu")
        app = create_app(registry, ServiceSettings(threads=1, **limits), **options)
        client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
        client.__enter__()
        opened.append(client)
        return client

    yield start
    for client in opened:
        client.__exit__(None, None, None)


class Served(NamedTuple):
    """A service as a process of its own."""

    process: subprocess.Popen[str]
    port: int
    log: Path
    run: Run
    key: str = "a-key-of-some-length"


@pytest.fixture(scope="module")
def served(make_classifier: Callable[..., Classifier], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One that takes up to 2 MiB with a key, and works in one thread. All tests of a module ask it; the last one may end it."""
    home = tmp_path_factory.mktemp("served")
    classifier = make_classifier(1)
    run = Run.create(Workspace(home), classifier.config)
    classifier.save(run.weights)
    words = ["serve", "--port", "0", "--json", "--device", "cpu", "--threads", "1", "--max-mb", "2", "--grace", "60"]
    with (home / "serve.log").open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "labcore", *words],
            cwd=ROOT,
            env={**os.environ, "LABCORE_HOME": str(home), "LABCORE_API_KEY": Served._field_defaults["key"]},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    with process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (home / "serve.log").read_text()
        yield Served(process, int(json.loads(line)["url"].rpartition(":")[2]), home / "serve.log", run)
        process.kill()
