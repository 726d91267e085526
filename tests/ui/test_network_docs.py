"""What docs/network.md and its examples say is so."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import asdict

import pytest

from labcore.access import read_access, settings
from labcore.access.proxies import LOOPBACK, PROXIES
from labcore.allowed_paths import ALLOWED_PATHS
from labcore.listening.descriptors import CONNECTIONS
from ui.app.limits import UploadLimits

from .conftest import ROOT

GUIDE = (ROOT / "docs" / "network.md").read_text(encoding="utf-8")
EXAMPLES = ROOT / "docs" / "examples"


def test_every_setting_is_documented():
    names = [
        settings.ACCESS,
        settings.HASH,
        settings.HASH_FILE,
        PROXIES,
        CONNECTIONS,
        ALLOWED_PATHS,
        *UploadLimits.NAMES.values(),
    ]
    assert not [name for name in names if f"`{name}`" not in GUIDE]
    assert LOOPBACK in GUIDE
    for name, value in asdict(UploadLimits()).items():
        row = next(line for line in GUIDE.splitlines() if line.startswith(f"| `{UploadLimits.NAMES[name]}`"))
        assert f"{value:g}" in row


def test_links_of_the_guide_lead_somewhere():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", GUIDE):
        assert (ROOT / "docs" / target).is_file()


@pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx")
def test_nginx_takes_the_example(tmp_path):
    certificate = tmp_path / "fullchain.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=lab.example.org", "-keyout", str(tmp_path / "privkey.pem"), "-out", str(certificate)],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("there is no openssl that makes a certificate")
    text = (EXAMPLES / "nginx.conf").read_text().replace("/etc/ssl/lab/", f"{tmp_path}/")
    (tmp_path / "lab.conf").write_text(text)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nerror_log {tmp_path}/error.log;\nevents {{}}\nhttp {{ access_log off; include {tmp_path}/lab.conf; }}\n"
    )
    told = subprocess.run(
        ["nginx", "-t", "-c", str(tmp_path / "nginx.conf")], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr


def test_the_examples_hold_what_the_lab_leaves_to_the_proxy():
    nginx, caddy = ((EXAMPLES / name).read_text() for name in ("nginx.conf", "Caddyfile"))
    for name in (
        "limit_conn ",
        "client_header_timeout ",
        "client_body_timeout ",
        "send_timeout ",
        "client_max_body_size ",
    ):
        assert f"\n    {name}" in nginx
        assert f"`{name.strip()}`" in GUIDE
    for name in ("read_header", "read_body", "request_body"):
        assert f"\t{name} " in caddy
        assert f"`{name}`" in GUIDE


@pytest.mark.skipif(shutil.which("caddy") is None, reason="there is no Caddy")
def test_caddy_takes_the_example():
    command = ["caddy", "adapt", "--adapter", "caddyfile", "--config", str(EXAMPLES / "Caddyfile")]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


def test_the_example_of_secrets_is_toml_that_sets_nothing_by_itself():
    tomllib = pytest.importorskip("tomllib")
    text = (EXAMPLES / "secrets.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text) == {"access": {}}
    opened = re.sub(r"^# (?=[\[\w]+[\]\w]* ?(=|$|\]))", "", text.split("# Or one each")[0], flags=re.MULTILINE)
    assert "password_hash" in tomllib.loads(opened)["access"]
    assert not read_access({}, tomllib.loads(text), "localhost").demanded
