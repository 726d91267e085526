"""What the Dockerfile installs: everything the lab needs around the torch that the base image brought, which stays as it is.

    container_packages.py install [--locked] REQUIREMENTS…     into the environment of this Python; with --locked exactly what the
                                                               lock beside each file holds (scripts/lock.py), by its hashes
    container_packages.py check                     torch is the base's, the lab's needs are met, and all of it can be imported

The environment is a venv that sees the packages of the base: pip adds to it and cannot take anything away from the base. A constraint keeps
pip from putting another torch in front of it. Uses the standard library and pip only, since nothing else is there yet.
"""

from __future__ import annotations

import importlib
import importlib.metadata as metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path

KEPT = ("torch", "torchaudio", "torchvision", "triton")
RECORD = Path(sys.prefix) / "base-torch.json"
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
IMPORTS = (
    "torch",
    "torchvision",
    "streamlit",
    "soundfile",
    "soxr",
    "tensorboard",
    "labcore.training",
    "labcore.cli.main",
)


def version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def pip(*arguments: str) -> None:
    print("pip install", *arguments, flush=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-cache-dir", "--root-user-action=ignore", *arguments], check=True
    )


def companions(torch: str) -> dict[str, str]:
    """The torchaudio and torchvision that go with a torch: 2.6.0 → torchaudio 2.6.0, torchvision 0.21.0.

    From 2.11 and 0.29 on they keep to the part of torch that does not change: these fit later releases of torch too.
    """
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", torch)
    if found is None or found[1] != "2":
        raise SystemExit(f"torch {torch} is none that the lab knows: 2.6 or newer is needed")
    minor, patch = int(found[2]), int(found[3])
    if minor < 6:
        raise SystemExit(f"torch {torch} is too old: 2.6 or newer is needed. Choose another BASE_IMAGE")
    return {
        "torchaudio": f"2.{minor}.{patch}" if minor < 11 else "2.11.*",
        "torchvision": f"0.{minor + 15}.{patch}" if minor < 14 else "0.29.*",
    }


def wheels_for(torch: str) -> list[str]:
    """Where wheels lie that go with this build of torch: ``2.6.0+cu124`` has an index of its own, ``2.11.0`` is PyPI's."""
    index = os.environ.get("TORCH_INDEX") or (
        f"{CPU_WHEELS.rsplit('/', 1)[0]}/{torch.split('+')[1]}" if "+" in torch else ""
    )
    return ["--index-url", index] if index else []


def add(package: str, index: list[str]) -> None:
    """From the index of the torch; from pip's usual one where it has none: one of a newer CUDA may hold no torchaudio."""
    try:
        pip("--no-deps", *index, package)
    except subprocess.CalledProcessError:
        if not index:
            raise
        pip("--no-deps", package)


def pinned(requirements: Path) -> dict[str, str]:
    """The pins of torch and its companions in a requirements file."""
    return dict(re.findall(r"^(torch|torchaudio|torchvision)==([^\s;]+)", requirements.read_text(), re.M))


def install(requirements: list[Path], locked: bool = False) -> None:
    before = {package: version(package) for package in KEPT}
    torch = before["torch"]
    RECORD.write_text(json.dumps({package: there for package, there in before.items() if there}))
    if torch is None:  # a plain Python as the base: the CPU wheels of the tested set
        index = os.environ.get("TORCH_INDEX") or CPU_WHEELS
        print(f"the base image has no torch: taking it from {index}", flush=True)
        pip("--index-url", index, *(f"{name}=={pin}" for name, pin in pinned(requirements[0]).items()))
    else:
        print(f"the base image has torch {torch}, which stays", flush=True)
        for package, pin in companions(torch).items():
            if before[package] is None:
                add(f"{package}=={pin}", wheels_for(torch))

    constraints = Path(sys.prefix) / "constraints.txt"  # stays: who extends the image can use it too
    constraints.write_text("".join(f"{package}=={there}\n" for package in KEPT if (there := version(package))))
    if locked:
        files = [word for file in requirements for word in ("-r", str(file.with_suffix(".lock")))]
        pip("--require-hashes", "--no-deps", "--only-binary=:all:", *files)
        return
    wanted = Path(sys.prefix) / "requirements.txt"
    wanted.write_text(
        "".join(
            line for file in requirements for line in file.read_text().splitlines(keepends=True)
            if not re.match(r"(torch|torchaudio|torchvision)\b", line)
        )
    )  # fmt: skip
    pip("-r", str(wanted), "-c", str(constraints))
    wanted.unlink()


def check() -> None:
    for package, was in json.loads(RECORD.read_text()).items():
        if version(package) != was:
            raise SystemExit(f"{package} was {was} in the base image and is {version(package)} now")
    for name in IMPORTS:
        importlib.import_module(name)
    if "torch" in json.loads(RECORD.read_text()):
        place = Path(str(importlib.import_module("torch").__file__))
        if place.is_relative_to(sys.prefix):
            raise SystemExit(f"another torch stands before that of the base image: {place}")
    complaints = unmet("audio-gpu-lab")
    if complaints:
        raise SystemExit("\n".join(complaints))
    print(" ".join(f"{name} {version(name)}" for name in ("torch", "torchaudio", "torchvision", "audio-gpu-lab")))


def unmet(root: str) -> list[str]:
    """As ``pip check``, for what a package needs and all that those need in turn: what else the base image holds is not ours to judge."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    complaints, seen, todo = [], set(), [root]
    while todo:
        name = todo.pop()
        if canonicalize_name(name) in seen:
            continue
        seen.add(canonicalize_name(name))
        if name.startswith("nvidia-") or name in KEPT:
            continue  # the base's own business
        for text in metadata.requires(name) or []:
            need = Requirement(text)
            if need.marker is not None and not need.marker.evaluate({"extra": ""}):
                continue
            there = version(need.name)
            if there is None:
                complaints.append(f"{name} needs {need.name}, which is not there")
            elif not need.specifier.contains(there, prereleases=True):
                complaints.append(f"{name} needs {need}, and {there} is there")
            else:
                todo.append(need.name)
    return complaints


def main() -> None:
    action, *files = sys.argv[1:]
    if action == "install":
        install([Path(file) for file in files if file != "--locked"], "--locked" in files)
    else:
        check()


if __name__ == "__main__":
    main()
