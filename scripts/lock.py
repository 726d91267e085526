"""Writes the lock files of the image: every package that requirements.txt and requirements-container.txt need, with its hashes.

    python scripts/lock.py python3.11 python3.12 python3.13
    python scripts/lock.py --check

pip resolves for each Python that is named, each of which has to be there, and for each machine; nothing is installed. torch and what only
torch needs are left out: the image keeps those of its base, for which an empty wheel stands in here. Only wheels are taken. The files name
no place: whoever installs from them decides where packages come from, and the hashes decide which are taken. With --check nothing is
resolved: it says whether the locks hold what the requirements pin.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = {"requirements.txt": "requirements.lock", "requirements-container.txt": "requirements-container.lock"}
KEPT = ("torch", "torchaudio", "torchvision", "triton")
"""What the base image brings."""
PYTHONS = ("3.11", "3.12", "3.13")
MACHINES = ("x86_64", "aarch64")
PLATFORMS = ("manylinux2014", "manylinux_2_17", "manylinux_2_24", "manylinux_2_26", "manylinux_2_27", "manylinux_2_28")
HEAD = """# Written by scripts/lock.py; not to be changed by hand. What {source} needs beside torch, for wheels of Linux on {machines}.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pythons", nargs="*", metavar="PYTHON", help="interpreters to resolve for")
    parser.add_argument("--check", action="store_true", help="see whether the locks are those of the requirements")
    arguments = parser.parse_args()
    if not arguments.check:
        if not arguments.pythons:
            parser.error("name the interpreters, as python3.11")
        reports = [resolved(python, machine) for python in arguments.pythons for machine in MACHINES]
        for source, text in locks(reports).items():
            (ROOT / LOCKS[source]).write_text(text)
    faults = [fault for source, lock in LOCKS.items() for fault in differences(ROOT / source, ROOT / lock)]
    print("\n".join(faults) or "the locks hold what the requirements pin")
    return 1 if faults else 0


def resolved(python: str, machine: str) -> dict[str, Any]:
    """What pip would install for an interpreter on a machine, as its report tells."""
    print(f"{python} on {machine}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, pin in torch_pins().items():
            stand_in(Path(folder), name, pin)
        wanted = Path(folder) / "requirements.in"
        wanted.write_text("".join((ROOT / source).read_text() for source in LOCKS))
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("".join(f"{name}=={pin}+base\n" for name, pin in torch_pins().items()))
        command = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            python,
            "install",
            "--dry-run",
            "--ignore-installed",
            "--quiet",
        ]
        command += [
            "--python-version",
            f"{version_of(python)}.0",
        ]  # its first release: distributions stay with early ones
        command += ["--report", "-", "--only-binary=:all:", "--target", f"{folder}/none", "--find-links", folder]
        command += [word for platform in PLATFORMS for word in ("--platform", f"{platform}_{machine}")]
        done = subprocess.run([*command, "-r", str(wanted), "-c", str(constraints)], stdout=subprocess.PIPE, check=True)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def version_of(python: str) -> str:
    """Of an interpreter: 3.11."""
    tell = "import sys; print('{}.{}'.format(*sys.version_info))"
    return subprocess.run([python, "-c", tell], capture_output=True, text=True, check=True).stdout.strip()


def torch_pins() -> dict[str, str]:
    return dict(
        re.findall(r"^(torch|torchaudio|torchvision)==([^\s;]+)", (ROOT / "requirements.txt").read_text(), re.M)
    )


def stand_in(folder: Path, name: str, version: str) -> None:
    """An empty wheel that needs nothing."""
    info = f"{name}-{version}+base.dist-info"
    files = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}+base\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: lock\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(folder / f"{name}-{version}+base-py3-none-any.whl", "w") as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)


def locks(reports: list[dict[str, Any]]) -> dict[str, str]:
    """The texts of the locks by the requirements that they are of. What the first one holds is not in the second."""
    texts, held = {}, [set() for _ in reports]  # type: list[set[str]]
    for source in LOCKS:
        found: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for report, before in zip(reports, held, strict=True):
            for name in needed(report, ROOT / source) - before:
                item = packages(report)[name]
                digest = item["download_info"]["archive_info"]["hashes"]["sha256"]
                found[name, item["metadata"]["version"]][report["environment"]["python_version"]].add(digest)
                before.add(name)
        pythons = {report["environment"]["python_version"] for report in reports}
        lines = [entry(name, version, each, pythons) for (name, version), each in sorted(found.items())]
        texts[source] = HEAD.format(source=source, machines=" and ".join(MACHINES)) + "".join(lines)
    return texts


def packages(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {canonicalize_name(item["metadata"]["name"]): item for item in report["install"]}


def needed(report: dict[str, Any], source: Path) -> set[str]:
    """The packages that a file of requirements needs by a report, without torch and what is needed by torch alone."""
    there, environment = packages(report), report["environment"]
    todo = [(name, extra) for need in requirements(source, environment) for name, extra in parts(need)]
    seen: set[tuple[str, str]] = set()
    while todo:
        name, extra = todo.pop()
        if name in KEPT or (name, extra) in seen or name not in there:
            continue
        seen.add((name, extra))
        for text in there[name]["metadata"].get("requires_dist", []):
            need = Requirement(text)
            if need.marker is None or need.marker.evaluate({**environment, "extra": extra}):
                todo += parts(need)
    return {name for name, _ in seen}


def parts(need: Requirement) -> list[tuple[str, str]]:
    return [(canonicalize_name(need.name), extra) for extra in ("", *need.extras)]


def requirements(source: Path, environment: dict[str, str]) -> list[Requirement]:
    """Those in a file that count in an environment."""
    lines = [line.partition("#")[0].strip() for line in source.read_text().splitlines()]
    found = [Requirement(line) for line in lines if line]
    return [each for each in found if each.marker is None or each.marker.evaluate(environment)]


def entry(name: str, version: str, hashes: dict[str, set[str]], pythons: set[str]) -> str:
    """A requirement with the hashes of all its files, for those Pythons for which it was resolved."""
    own = sorted(hashes, key=lambda python: [int(part) for part in python.split(".")])
    words = " or ".join(f'python_version == "{python}"' for python in own)
    marker = "" if set(hashes) == pythons else f"; {words}"
    digests = sorted(set().union(*hashes.values()))
    return " \\\n    ".join([f"{name}=={version}{marker}", *(f"--hash=sha256:{digest}" for digest in digests)]) + "\n"


def differences(source: Path, lock: Path) -> list[str]:
    """What of a file of requirements is not in its lock as it is pinned."""
    held = set(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", lock.read_text(), re.M)) if lock.is_file() else set()
    pinned = [each for python in PYTHONS for each in requirements(source, {"python_version": python})]
    wanted = {(canonicalize_name(each.name), str(each.specifier)[2:]) for each in pinned}
    return [f"{lock.name} lacks {name}=={pin}" for name, pin in sorted(wanted - held) if name not in KEPT]


if __name__ == "__main__":
    sys.exit(main())
