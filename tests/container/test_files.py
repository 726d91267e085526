"""Dockerfile, .dockerignore and compose.yaml: clean, and without secrets."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")
PROFILES = sorted(set(re.findall(r"profiles: \[([\w-]+)\]", COMPOSE)))


def tool(name: str) -> str:
    found = str(BIN / name) if (BIN / name).exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not here")
    return found


def test_the_dockerfile_is_clean() -> None:
    lint = [tool("hadolint"), "--config", str(ROOT / ".hadolint.yaml"), str(ROOT / "Dockerfile")]
    done = subprocess.run(lint, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert not done.stdout


def config(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder or ROOT)}
    command = [tool("docker-compose"), "-f", str(ROOT / "compose.yaml"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder or ROOT)


def test_every_profile_of_compose_is_clean(tmp_path: Path) -> None:
    assert PROFILES == ["api", "api-cpu", "cpu", "gpu", "jupyter", "jupyter-cpu", "tensorboard"]
    file = tmp_path / ".env"
    # The example with everything that is commented out, so that a wrong name or value shows. Without settings: the next test.
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    file.write_text(re.sub(r"(?m)^#(?=[A-Z_]+=)", "", text))
    for profile in PROFILES:
        done = config("--env-file", str(file), "--profile", profile, "config", "-q", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert not done.stderr


def test_services_are_hardened_and_only_those_for_gpus_ask_for_one(tmp_path: Path) -> None:
    import json

    (tmp_path / ".env").touch()
    everything = [word for profile in PROFILES for word in ("--profile", profile)]
    done = config("--env-file", str(tmp_path / ".env"), *everything, "config", "--format", "json", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    services = json.loads(done.stdout)["services"]
    both = {f"{name}{where}" for name in ("app", "worker", "api", "jupyter") for where in ("", "-cpu")}
    assert set(services) == {*both, "tensorboard"}
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"] == "1000:1000", name
        assert int(service["mem_limit"]) > 0, name
        assert service["stop_grace_period"] == "1m0s", name
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", [])), name
        # Jobs are started by the worker alone, so that app and notebooks can be restarted beside them.
        leaves_jobs = name.startswith(("app", "jupyter"))
        assert (service["environment"].get("LABCORE_WORKER") == "external") == leaves_jobs, name
        asks = "devices" in service.get("deploy", {}).get("resources", {}).get("reservations", {})
        assert asks == (name in ("app", "worker", "api", "jupyter")), name


def test_every_setting_of_compose_is_in_the_example_and_the_documentation() -> None:
    handed_on = re.findall(r"(?m)^ +([A-Z_0-9]+):$", COMPOSE)
    used = {*re.findall(r"\$\{(\w+)", COMPOSE), *handed_on}
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    offered = set(re.findall(r"(?m)^#?([A-Z_0-9]+)=", example)) - {"COMPOSE_PROFILES"}
    page = (ROOT / "docs" / "container.md").read_text(encoding="utf-8")
    assert offered == used
    assert [name for name in used if name not in page] == []


def sent(path: str) -> bool:
    """Whether a file is sent to the builder, going by .dockerignore: the last pattern that fits it, or a folder above it, decides."""
    answer = True
    above = [path, *map(str, Path(path).parents)][:-1]
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        keep, pattern = pattern.startswith("!"), pattern.lstrip("!")
        expression = fnmatch.translate(pattern.removeprefix("**/"))
        names = [Path(each).name for each in above] if pattern.startswith("**/") else above
        if any(re.match(expression, each) and ("/" not in each or "/" in pattern) for each in names):
            answer = keep
    return answer


@pytest.mark.parametrize(
    "path",
    [
        ".env", ".git/config", ".streamlit/secrets.toml", ".venv/bin/python", "secrets/password_hash", "workspace/runs/x/config.json",
        "tests/conftest.py", "labcore/__pycache__/x.pyc", "labcore/.env", "backup.tar", "docs/LOG.md",
    ],
)  # fmt: skip
def test_secrets_workspaces_and_environments_are_not_sent_to_the_builder(path: str) -> None:
    assert not sent(path)


@pytest.mark.parametrize(
    "path", ["labcore/jobs/queue.py", "pages/train.py", "requirements.txt", ".streamlit/config.toml"]
)
def test_what_the_image_needs_is_sent(path: str) -> None:
    assert sent(path)


def test_all_that_the_dockerfile_copies_is_sent() -> None:
    for line in re.findall(r"(?m)^COPY (.+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8")):
        for source in line.split()[:-1]:
            files = (
                [source]
                if (ROOT / source).is_file()
                else [f"{source}/{'config.toml' if source == '.streamlit' else 'x.py'}"]
            )
            assert all(sent(file) for file in files), source
