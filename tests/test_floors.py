"""No floor of pyproject.toml lets in a version with a known vulnerability, and the locks of the image hold none either."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
MENDED = {
    "authlib": "1.7.2",  # CVE-2026-27962, CVE-2026-28802, CVE-2026-41425, CVE-2026-44681
    "filelock": "3.20.3",  # CVE-2025-68146, CVE-2026-22701
    "h11": "0.16",  # CVE-2025-43859
    "pillow": "12.3",  # CVE-2026-25990, CVE-2026-40192, CVE-2026-55379, CVE-2026-59197 to 59200
    "protobuf": "6.33.5",  # CVE-2025-4565, CVE-2026-0994
    "pyarrow": "23.0.1",  # CVE-2026-25087
    "pyrage": "1.2.3",  # CVE-2024-56327
    "python-multipart": "0.0.27",  # CVE-2026-24486, CVE-2026-40347, CVE-2026-42561
    "ray": "2.54.1",  # CVE-2025-62593
    "requests": "2.32.4",  # CVE-2024-47081
    "scikit-learn": "1.5",  # CVE-2024-5206
    "setuptools": "78.1.1",  # CVE-2025-47273
    "starlette": "1.3.1",  # CVE-2025-62727, CVE-2026-48710, CVE-2026-48818, CVE-2026-54282, CVE-2026-54283
    "streamlit": "1.54",  # CVE-2026-33682
    "torch": "2.6",  # CVE-2025-32434; CVE-2026-24747 is kept out by labcore/models/torch_file.py
}
"""The first version without those that are known of a package."""
MENDED_BEHIND = {
    "jinja2": "3.1.6",
    "urllib3": "2.6.3",
    "werkzeug": "3.1.5",
}
"""The same for packages that others bring along."""


def floors() -> dict[str, Version]:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    quoted = re.findall(r'"([a-z0-9-]+>=[0-9.]+)"', text)
    needs = [Requirement(each) for each in quoted]
    return {canonicalize_name(need.name): Version(str(need.specifier)[2:]) for need in needs}


@pytest.mark.parametrize("package", MENDED)
def test_floors(package: str) -> None:
    assert floors()[package] >= Version(MENDED[package])


@pytest.mark.parametrize("package", MENDED | MENDED_BEHIND)
def test_locks(package: str) -> None:
    locks = "".join((ROOT / name).read_text() for name in ("requirements.lock", "requirements-container.lock"))
    held = re.findall(rf"^{re.escape(package)}==([^\s;]+)", locks, re.M)
    assert package in ("torch", "ray", "setuptools") or held
    assert all(Version(version) >= Version((MENDED | MENDED_BEHIND)[package]) for version in held)


def test_pins_lie_above_the_floors() -> None:
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            need = Requirement(line)
            assert Version(str(need.specifier)[2:]) >= floors().get(canonicalize_name(need.name), Version("0"))
