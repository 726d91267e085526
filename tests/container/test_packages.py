"""What the Dockerfile installs around the torch of its base image."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tests.by_path import module_at

ROOT = Path(__file__).parents[2]


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, its environment a scratch folder, and pip a list of what it was asked for (``packages.asked``)."""
    module = module_at(ROOT / "scripts" / "container_packages.py")
    module.asked = []  # type: ignore[attr-defined]
    monkeypatch.setattr(module.sys, "prefix", str(tmp_path))
    monkeypatch.setattr(module, "RECORD", tmp_path / "base-torch.json")
    monkeypatch.setattr(module, "pip", lambda *words: module.asked.append(list(words)))
    monkeypatch.delenv("TORCH_INDEX", raising=False)
    return module


def there(packages: ModuleType, monkeypatch: pytest.MonkeyPatch, **versions: str) -> None:
    monkeypatch.setattr(packages, "version", versions.get)


@pytest.mark.parametrize(
    ("torch", "audio", "vision"),
    [
        ("2.6.0", "2.6.0", "0.21.0"),
        ("2.7.1+cu128", "2.7.1", "0.22.1"),
        ("2.10.0+cu130", "2.10.0", "0.25.0"),
        ("2.11.0", "2.11.*", "0.26.0"),
        ("2.13.0", "2.11.*", "0.28.0"),
        ("2.14.1", "2.11.*", "0.29.*"),
        ("2.15.0", "2.11.*", "0.29.*"),
    ],
)
def test_companions_go_with_the_torch(packages: ModuleType, torch: str, audio: str, vision: str) -> None:
    assert packages.companions(torch) == {"torchaudio": audio, "torchvision": vision}


@pytest.mark.parametrize("torch", ["2.5.1", "1.13.0", "nightly"])
def test_a_torch_that_the_lab_cannot_use_ends_the_build(packages: ModuleType, torch: str) -> None:
    with pytest.raises(SystemExit, match=r"2\.6 or newer"):
        packages.companions(torch)


def test_the_torch_of_the_base_stays_and_what_is_missing_is_added(
    packages: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    there(packages, monkeypatch, torch="2.6.0+cu124", torchvision="0.21.0+cu124")
    packages.install([ROOT / "requirements.txt"])
    added, rest = packages.asked
    assert added == ["--no-deps", "--index-url", "https://download.pytorch.org/whl/cu124", "torchaudio==2.6.0"]
    assert rest[:2] == ["-r", str(tmp_path / "requirements.txt")]
    assert (tmp_path / "constraints.txt").read_text() == "torch==2.6.0+cu124\ntorchvision==0.21.0+cu124\n"
    assert json.loads((tmp_path / "base-torch.json").read_text()) == {
        "torch": "2.6.0+cu124",
        "torchvision": "0.21.0+cu124",
    }


def test_what_the_index_of_the_torch_lacks_comes_from_the_usual_one(
    packages: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pip(*words: str) -> None:
        packages.asked.append(list(words))
        if words[0] == "--no-deps" and ("--index-url" in words or len(packages.asked) > 2):
            raise subprocess.CalledProcessError(1, words)

    monkeypatch.setattr(packages, "pip", pip)
    there(packages, monkeypatch, torch="2.15.0+cu132", torchvision="0.29.2+cu132")
    packages.install([ROOT / "requirements.txt"])
    cuda, usual, _ = packages.asked
    assert cuda == ["--no-deps", "--index-url", "https://download.pytorch.org/whl/cu132", "torchaudio==2.11.*"]
    assert usual == ["--no-deps", "torchaudio==2.11.*"]
    there(packages, monkeypatch, torch="2.15.0", torchvision="0.29.2")
    with pytest.raises(subprocess.CalledProcessError):  # there is no other place to ask
        packages.install([ROOT / "requirements.txt"])


def test_a_base_without_torch_gets_the_pinned_set_for_the_cpu(
    packages: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    there(packages, monkeypatch)
    packages.install([ROOT / "requirements.txt"])
    index, where, *pins = packages.asked[0]
    assert (index, where) == ("--index-url", "https://download.pytorch.org/whl/cpu")
    assert {pin.partition("==")[0] for pin in pins} == {"torch", "torchaudio", "torchvision"}
    monkeypatch.setenv("TORCH_INDEX", "https://mirror.example.org/cpu")
    packages.install([ROOT / "requirements.txt"])
    assert packages.asked[2][1] == "https://mirror.example.org/cpu"


def test_needs_that_are_not_met_are_told(packages: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    needs = {"lab": ["a>=2", "b; python_version < '3'", "c", "torch>=2.6"], "a": ["d"], "torch": ["gone"]}
    monkeypatch.setattr(packages.metadata, "requires", lambda name: needs.get(name))
    there(packages, monkeypatch, a="1.0", c="1", torch="2.6.0")
    assert packages.unmet("lab") == ["lab needs a>=2, and 1.0 is there"]
    there(packages, monkeypatch, a="2.1", torch="2.6.0")
    assert sorted(packages.unmet("lab")) == ["a needs d, which is not there", "lab needs c, which is not there"]


def test_locked_packages_are_taken_by_their_hashes(packages: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    there(packages, monkeypatch, torch="2.6.0", torchaudio="2.6.0", torchvision="0.21.0")
    packages.install([ROOT / "requirements.txt", ROOT / "requirements-container.txt"], locked=True)
    (asked,) = packages.asked
    assert asked[:2] == ["--require-hashes", "--no-deps"]
    assert [Path(word).name for word in asked if word.endswith(".lock")] == [
        "requirements.lock",
        "requirements-container.lock",
    ]


def script(name: str) -> ModuleType:
    return module_at(ROOT / "scripts" / f"{name}.py")


def test_the_locks_hold_what_is_pinned_and_name_no_place() -> None:
    lock = script("lock")
    for source, name in lock.LOCKS.items():
        assert lock.differences(ROOT / source, ROOT / name) == []
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert "@" not in text
        for entry in re.split(r"\n(?=\S)", text.strip())[1:]:
            assert re.fullmatch(
                r"[a-z0-9._-]+==[^\s;]+(; python_version[^\\]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+", entry
            ), entry
            assert entry.partition("==")[0] not in lock.KEPT


def test_a_lock_is_made_of_what_pip_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = script("lock")

    def item(name: str, version: str, digest: str, *needs: str) -> dict[str, object]:
        told = {"name": name, "version": version, "requires_dist": list(needs)}
        return {"metadata": told, "download_info": {"url": "https://x", "archive_info": {"hashes": {"sha256": digest}}}}

    def report(python: str, *items: dict[str, object]) -> dict[str, object]:
        return {"environment": {"python_version": python}, "install": items}

    (tmp_path / "requirements.txt").write_text("torch==2\nA==1\n")
    (tmp_path / "requirements-container.txt").write_text("c==3\n")
    monkeypatch.setattr(lock, "ROOT", tmp_path)
    a = item("A", "1", "aa", "b>1", "torch", "d; extra == 'more'", "old; python_version < '3.12'")
    torch = item("torch", "2+base", "00", "sympy")
    rest = [item("b", "2", "bb"), torch, item("sympy", "1", "55"), item("d", "1", "dd"), item("c", "3", "cc", "b")]
    texts = lock.locks([report("3.11", a, *rest, item("old", "1", "0f")), report("3.12", a, *rest)])
    entries = {source: text.splitlines()[1:] for source, text in texts.items()}
    assert entries["requirements.txt"] == [
        "a==1 \\", "    --hash=sha256:aa", "b==2 \\", "    --hash=sha256:bb",
        'old==1; python_version == "3.11" \\', "    --hash=sha256:0f",
    ]  # fmt: skip
    assert entries["requirements-container.txt"] == ["c==3 \\", "    --hash=sha256:cc"]
