"""Asks a vulnerability service about every package of this environment: a call of pip-audit with the list of docs/audit.toml.

    python scripts/audit.py [--service pypi|osv] [--where-possible]

Exit status: 0 clean, 1 something was found, 2 docs/audit.toml is wrong or an acceptance has expired, 3 the service could not be
asked, or not about every package: that is not "clean". With --where-possible the last is told and gives 0, for checks that must
also pass without a network.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

ACCEPTED = Path(__file__).parents[1] / "docs" / "audit.toml"
CLEAN, FOUND, WRONG, NOT_ASKED = 0, 1, 2, 3
LIMIT_S = 300


def accepted(path: Path, today: datetime.date) -> list[str]:
    """The identifiers of the findings that are accepted today.

    Raises:
        ValueError: the file is no TOML, an entry lacks something, or an acceptance has expired.
    """
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("accepted", [])
    for entry in entries:
        if not (
            isinstance(entry, dict)
            and entry.get("id")
            and entry.get("why")
            and type(entry.get("until")) is datetime.date
        ):
            raise ValueError(f"{path.name}: an entry needs id, until (a date) and why: {entry}")
        if today > entry["until"]:
            raise ValueError(
                f"{path.name}: EXPIRED. {entry['id']} was accepted until {entry['until']}: look at it again"
            )
    return [entry["id"] for entry in entries]


def installed() -> list[str]:
    """Every package here but the lab itself, as ``name==version``; builds such as 2.11.0+cpu as the release they are of."""
    there = {(found.metadata["Name"], found.version.partition("+")[0]) for found in importlib.metadata.distributions()}
    return sorted(f"{name}=={version}" for name, version in there if name and name != "audio-gpu-lab")


def ask(service: str, packages: Sequence[str], ignored: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run pip-audit on these packages; it prints JSON where the service answered."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("\n".join(packages) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "-r", str(listed), "--no-deps", "--disable-pip", "-s", service]
        command += ["-f", "json", "--desc", "off", "--progress-spinner", "off", "--timeout", "10"]
        command += [part for each in ignored for part in ("--ignore-vuln", each)]
        return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Ask a vulnerability service about every package that is installed here."
    )
    parser.add_argument("--service", choices=("pypi", "osv"), default="pypi", help="who is asked (default: pypi)")
    parser.add_argument("--where-possible", action="store_true", help="where nobody can be asked, say so and give 0")
    given = parser.parse_args(arguments)
    not_asked = CLEAN if given.where_possible else NOT_ASKED
    try:
        ignored = accepted(ACCEPTED, datetime.date.today())
    except (OSError, ValueError, AttributeError, TypeError) as error:
        print(f"audit: {error}", file=sys.stderr)
        return WRONG
    packages = installed()
    said = ""
    try:
        done = ask(given.service, packages, ignored)
        said = done.stderr
        answers = json.loads(done.stdout)["dependencies"]
        unknown = [each["name"] for each in answers if "skip_reason" in each]
        found = [(each, one) for each in answers for one in each.get("vulns", [])]
    except (subprocess.TimeoutExpired, ValueError, KeyError, TypeError) as error:
        # pip-audit's status is 1 for a finding as well as for a network that is away.
        last = said.strip().splitlines()[-1:] or [repr(error)]
        print(f"audit: NOT ASKED. {given.service} could not be reached: {last[0][:300]}", file=sys.stderr)
        return not_asked
    for package, one in found:
        fixed = ", ".join(one.get("fix_versions", [])) or "no version yet"
        print(f"FOUND  {package['name']} {package['version']}: {one['id']}, fixed in {fixed}")
    known = len(packages) - len(unknown)
    print(f"audit: {known} packages, {len(found)} findings, {len(ignored)} accepted, asked of {given.service}")
    if unknown or not answers:
        names = ", ".join(unknown[:10]) + (" …" if len(unknown) > 10 else "")
        print(f"audit: NOT ASKED about {len(unknown)} packages, which it does not know: {names}", file=sys.stderr)
    return FOUND if found else not_asked if unknown or not answers else CLEAN


if __name__ == "__main__":
    sys.exit(main())
