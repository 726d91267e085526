"""Asks a vulnerability service about every package of this environment, through pip-audit, and judges what it says.

    python scripts/audit.py [--service pypi|osv] [--where-possible]

What is accepted for the time being stands in docs/audit.toml, each finding with a reason and a date on which the acceptance ends.
Exit status: 0 clean (or all findings accepted), 1 something was found, 2 docs/audit.toml is wrong or an acceptance has expired,
3 the service could not be asked, or not about every package: that is not "clean". With --where-possible the last is told loudly
and gives 0, for checks that must also pass without a network.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

try:
    import tomllib
except ImportError:  # Python 3.10; pip-audit brings it along
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
ACCEPTED = ROOT / "docs" / "audit.toml"
CLEAN, FOUND, WRONG, NOT_ASKED = 0, 1, 2, 3
PATIENCE_S = 10
LIMIT_S = 300


class AuditError(Exception):
    """The list of what is accepted cannot be used as it stands."""


class NotAsked(Exception):
    """The service could not be reached, or did not answer."""


@dataclass(frozen=True)
class Acceptance:
    """A finding that is accepted from one day until another, and why."""

    id: str
    package: str
    accepted: datetime.date
    until: datetime.date
    why: str


@dataclass(frozen=True)
class Finding:
    """A known vulnerability of a package that is required."""

    package: str
    version: str
    ids: tuple[str, ...]
    fixed_in: tuple[str, ...]

    def __str__(self) -> str:
        mended = f"mended in {', '.join(self.fixed_in)}" if self.fixed_in else "not mended yet"
        also = f" ({', '.join(self.ids[1:])})" if len(self.ids) > 1 else ""
        return f"{self.package} {self.version}: {self.ids[0]}{also}, {mended}"


def read_accepted(path: Path) -> list[Acceptance]:
    """The accepted findings of a TOML file with a table ``[[accepted]]`` each.

    Raises:
        AuditError: it is missing, no TOML, or an entry lacks something.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("accepted", [])
    except (OSError, ValueError) as error:
        raise AuditError(f"{path.name} cannot be read: {error}") from error
    accepted = []
    for number, table in enumerate(tables if isinstance(tables, list) else [tables], 1):
        if not isinstance(table, dict) or set(table) != {"id", "package", "accepted", "until", "why"}:
            raise AuditError(
                f"entry {number} of {path.name} needs id, package, accepted, until and why, and nothing else"
            )
        one = Acceptance(**table)
        texts, days = (one.id, one.package, one.why), (one.accepted, one.until)
        if not all(isinstance(text, str) and text.strip() for text in texts):
            raise AuditError(f"entry {number} of {path.name}: id, package and why are texts")
        if not all(type(day) is datetime.date for day in days) or one.until <= one.accepted:
            raise AuditError(f"entry {number} of {path.name}: accepted and until are dates, the second after the first")
        accepted.append(one)
    return accepted


def installed(own: str = "audio-gpu-lab") -> list[str]:
    """Every package of this environment but the lab itself, as ``name==version``; builds such as 2.11.0+cpu as the release they are of."""
    there = {
        re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower(): found.version.partition("+")[0]
        for found in importlib.metadata.distributions()
        if found.metadata["Name"]
    }
    return sorted(f"{name}=={version}" for name, version in there.items() if name != own)


def ask(service: str, packages: Sequence[str]) -> dict[str, Any]:
    """What pip-audit says of these packages, as its JSON.

    Raises:
        NotAsked: the service could not be reached, or its answer is none.
    """
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("\n".join(packages) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "-r", str(listed), "--no-deps", "--disable-pip", "-s", service]
        command += ["-f", "json", "--desc", "off", "--aliases", "on", "--progress-spinner", "off"]
        command += ["--timeout", str(PATIENCE_S)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise NotAsked(f"no answer in {LIMIT_S} s") from error
    try:
        answer = json.loads(done.stdout)
        return answer if isinstance(answer["dependencies"], list) else {}
    except (ValueError, KeyError, TypeError) as error:
        # Its status is 1 for a finding as well as for a network that is away: what it printed tells them apart.
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "it said nothing")
        raise NotAsked(f"the service {service!r} could not be reached: {last.strip()[:300]}") from error


def read_answer(answer: dict[str, Any]) -> tuple[list[Finding], list[str]]:
    """What was found, and the packages that the service said nothing of.

    Raises:
        NotAsked: it said nothing of any, or its answer is none.
    """
    findings, unknown, known = [], [], 0
    try:
        for package in answer["dependencies"]:
            if "skip_reason" in package:
                unknown.append(str(package["name"]))
                continue
            known += 1
            for vulnerability in package["vulns"]:
                ids = tuple(dict.fromkeys([vulnerability["id"], *vulnerability.get("aliases", [])]))
                fixed = tuple(vulnerability.get("fix_versions", []))
                findings.append(Finding(package["name"], package["version"], ids, fixed))
    except (KeyError, TypeError) as error:
        raise NotAsked(f"pip-audit's answer cannot be read: {error!r}") from error
    if not known:
        raise NotAsked(f"the service could not be reached: whatever answered knows none of {len(unknown)} packages")
    return findings, unknown


def judge(findings: Sequence[Finding], accepted: Sequence[Acceptance], today: datetime.date) -> tuple[int, list[str]]:
    """Exit status and what to say, from what was found and what is accepted."""
    lines, used, refused, late = [], set[Acceptance](), 0, 0
    for finding in findings:
        fitting = [each for each in accepted if each.id in finding.ids and _same(each.package, finding.package)]
        used.update(fitting)
        if any(today <= each.until for each in fitting):
            lines += [f"accepted  {finding}; until {each.until}: {each.why}" for each in fitting if today <= each.until]
        else:
            refused += 1
            lines.append(f"FOUND     {finding}")
    for each in accepted:
        if today > each.until:
            late += 1
            lines.append(f"EXPIRED   {each.id} of {each.package} was accepted until {each.until}: look at it again")
        elif each not in used:
            lines.append(f"unused    {each.id} of {each.package} is not found any more: take it out of the list")
    return FOUND if refused else WRONG if late else CLEAN, lines


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Ask a vulnerability service about every package that is installed here."
    )
    parser.add_argument("--service", choices=("pypi", "osv"), default="pypi", help="who is asked (default: pypi)")
    parser.add_argument("--where-possible", action="store_true", help="where nobody can be asked, say so and give 0")
    given = parser.parse_args(arguments)
    packages = installed()
    try:
        accepted = read_accepted(ACCEPTED)
        findings, unknown = read_answer(ask(given.service, packages))
    except AuditError as error:
        print(f"audit: {error}", file=sys.stderr)
        return WRONG
    except NotAsked as error:
        status, lines = judge([], accepted, datetime.date.today())  # what has expired has done so without a network too
        print(
            "\n".join(line for line in lines if line.startswith("EXPIRED")), end="\n" if status else "", file=sys.stderr
        )
        print(f"audit: NOT ASKED. {error}. Nothing is known about {len(packages)} packages.", file=sys.stderr)
        return status or (CLEAN if given.where_possible else NOT_ASKED)
    status, lines = judge(findings, accepted, datetime.date.today())
    for line in lines:
        print(line)
    print(f"audit: {len(packages) - len(unknown)} packages, {len(findings)} findings, asked of {given.service}")
    if unknown:
        print(
            f"audit: NOT ASKED about {len(unknown)} packages, which it does not know: {', '.join(unknown)}",
            file=sys.stderr,
        )
        return status or (CLEAN if given.where_possible else NOT_ASKED)
    return status


def _same(one: str, other: str) -> bool:
    """Whether two spellings name one package."""
    return re.sub(r"[-_.]+", "-", one).lower() == re.sub(r"[-_.]+", "-", other).lower()


if __name__ == "__main__":
    sys.exit(main())
