"""The wheel holds the package and the pages, and works in an environment without the repository."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest

from labcore import __version__

pytest.importorskip("build")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PACKED = ("labcore", "pages", "ui", "static", ".streamlit", "streamlit_app.py")
BUILT_FROM = (*PACKED, "setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md")
NOT_PACKED = {"__pycache__", "secrets.toml"}
TINY = ("--epochs", "1", "--batch-size", "8", "--model", "small_cnn", "--precision", "fp32", "--audio.sample_rate", "8000",
        "--features.n_mels", "16", "--runtime.memory_format", "contiguous")  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `python -m build` does it: an archive of the sources, and the wheel from that."""
    source = tmp_path_factory.mktemp("source")
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns(*NOT_PACKED))
        else:
            shutil.copyfile(ROOT / name, source / name)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(source / "dist"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (made,) = (source / "dist").glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment that holds the wheel. What it depends on comes from the environment of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel],
        check=True,
        env=clean_environment(),
    )
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin"


def clean_environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | more


def test_the_wheel_holds_package_and_pages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = message_from_bytes(archive.read(f"audio_gpu_lab-{__version__}.dist-info/METADATA"))
    files = [
        path.relative_to(ROOT)
        for name in BUILT_FROM[:6]
        for path in [ROOT / name, *(ROOT / name).rglob("*")]
        if path.is_file()
    ]
    there = [path for path in files if not NOT_PACKED & set(path.parts)]
    wanted = {path.as_posix() if path.parts[0] == "labcore" else f"labcore/_app/{path.as_posix()}" for path in there}
    assert held == wanted
    assert metadata["Version"] == __version__
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert (ROOT / "README.md").read_text(encoding="utf-8").strip() == metadata.get_payload(
        decode=True
    ).decode().strip()


def test_it_trains_in_a_fresh_environment(installed: Path, class_folders: Path, tmp_path: Path) -> None:
    command = [installed / "labcore", "train", "--dataset", class_folders, *TINY]
    done = subprocess.run(command, cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "workspace" / "runs" / done.stdout.strip() / "weights.safetensors").is_file()


@pytest.fixture
def address(installed: Path, tmp_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    command = [installed / "labcore", "app", "--port", port, "--no-browser"]
    with subprocess.Popen(command, cwd=tmp_path, env=clean_environment(), stdout=subprocess.DEVNULL) as server:
        yield f"http://localhost:{port}"
        server.terminate()


def test_it_shows_the_pages_in_a_fresh_environment(address: str) -> None:
    for way in ("_stcore/health", "train", "app/static/lab-serif.woff2"):
        assert len(answer(f"{address}/{way}")) > 0
    assert b"Audio GPU Lab" in answer(address)  # the first page is dressed by ui/, so that was found


def answer(url: str) -> bytes:
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:
                return reply.read()
        except OSError:  # it does not listen yet
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
