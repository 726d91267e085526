from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.config import RunConfig
from labcore.workspace import Workspace

GIGABYTE = 2**30


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Whatever would take a gigabyte more than there is by now fails at once, and does not bring the machine down."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * os.sysconf("SC_PAGE_SIZE") + GIGABYTE, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.fixture
def used(workspace: Workspace) -> Workspace:
    """A workspace with a run, and things with the names that the crafted archives use."""
    for name in ("x", "y"):
        (workspace.runs / name).mkdir()
        (workspace.runs / name / "config.json").write_text(RunConfig().to_json())
        (workspace.runs / name / "a").write_text(f"dear {name}")
    (workspace.datasets / "mine.json").write_text('{"path": "/data"}')
    (workspace.home / "renamed.json").write_text("{}")
    return workspace
