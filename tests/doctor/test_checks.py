"""The small rules that the checks rest on: drivers, architectures, privacy."""

from __future__ import annotations

from pathlib import Path

import pytest

from labcore.doctor.checks.cards import compute_mode
from labcore.doctor.checks.driver import device_nodes
from labcore.doctor.checks.machine import features, routes
from labcore.doctor.checks.pytorch import fit
from labcore.doctor.drivers import MINIMUM, minimum_driver, numbers, too_old, wheel_for
from labcore.doctor.privacy import scrub
from labcore.doctor.readings import Gpu, Nvml, Readings, System

CU130 = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120")


@pytest.mark.parametrize(
    ("driver", "cuda", "windows", "old"),
    [
        ("580.65.06", "13.0", False, False),
        ("580.65.05", "13.0", False, True),
        ("575.57.08", "13.0", False, True),
        ("590.10", "13.4", False, False),
        ("525.60.13", "12.8", False, False),
        ("525.60.12", "12.1", False, True),
        ("470.223.02", "12.1", False, True),
        ("450.80.02", "11.8", False, False),
        ("528.33", "12.6", True, False),
        ("528.32", "12.6", True, True),
        ("", "13.0", False, False),  # what is not known is not called old
        ("580.65.06", "99.0", False, False),
        ("r580", "13.0", False, False),
    ],
)
def test_minimum_drivers(driver: str, cuda: str, windows: bool, old: bool) -> None:
    assert too_old(driver, cuda, windows) is old


def test_the_table_is_whole() -> None:
    assert all(numbers(version) for pair in MINIMUM.values() for version in pair)
    assert minimum_driver("12.8") == "525.60.13"
    assert minimum_driver("") == ""
    assert [wheel_for(d) for d in ("580.95.05", "570.1", "460.1", "390.1", "")] == ["cu130", "cu128", "cu118", "", ""]


@pytest.mark.parametrize(
    ("capability", "compiled", "how"),
    [
        ("9.0", CU130, "compiled"),
        ("8.9", CU130, "compiled"),  # a binary runs on later minor versions of its major one
        ("12.1", CU130, "compiled"),
        ("6.1", CU130, "older"),
        ("7.0", CU130, "older"),
        ("13.0", CU130, "translated"),
        ("13.0", CU130[:-1], "newer"),
        ("11.0", CU130[:-1], "foreign"),  # between two: no binary of its major version, and no PTX below it
        ("12.0", ("sm_80", "sm_90"), "newer"),
        ("9.0", ("sm_80", "sm_90a"), "compiled"),
        ("9.0", ("sm_86", "compute_86"), "translated"),
        ("10.3", ("sm_100f",), "compiled"),
        ("10.3", ("sm_100a",), "compiled"),  # nothing else is known of such a build: no claim
        ("9.0", ("gfx942",), "compiled"),
        (None, CU130, "compiled"),
    ],
)
def test_cards_and_architectures(capability: str | None, compiled: tuple[str, ...], how: str) -> None:
    assert fit(capability, compiled) == how


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("libc10_cuda.so: cannot open", "libc10_cuda.so: cannot open"),
        ("OSError: /home/ada/.venv/lib/libcudnn.so.9: broken", "OSError: …/libcudnn.so.9: broken"),
        (r"in C:\Users\ada\torch\lib\c10.dll here", "in …/c10.dll here"),
        ("see ~/secret/notes", "see …/notes"),
        ("open /dev/nvidia0 and /proc/driver", "open /dev/nvidia0 and /proc/driver"),
        ("https://pytorch.org/get-started", "https://pytorch.org/get-started"),
        ("GPU-5a1b2c3d-0000-1111-2222-333344445555 lost", "GPU-… lost"),
        ("MIG-8f6c2d3e-1111-2222-3333-444455556666", "MIG-…"),
        ("two\n  lines", "two lines"),
        ("convolution/backward 3/4 works", "convolution/backward 3/4 works"),
    ],
)
def test_scrubbing(text: str, kept: str) -> None:
    assert scrub(text) == kept


def test_names_of_user_and_machine_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "lovelace-pc")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/adalove"))
    assert scrub("adalove on lovelace-pc") == "… on …"
    assert len(scrub("word " * 200)) == 300


@pytest.mark.parametrize(
    ("versions", "route", "status", "summary"),
    [
        ({"onnx": "1.18", "onnxruntime": "1.20"}, "", "ok", "ONNX Runtime 1.20 is installed"),
        ({"onnx": "1.18", "onnxruntime": ""}, "", "info", "ONNX Runtime is not installed"),
        (
            {"onnx": "", "onnxruntime": "1.20"},
            "PyTorch: the rest is slower",
            "info",
            "built-in network: PyTorch: the rest",
        ),
    ],
)
def test_the_route_of_predictions_is_told_and_how_to_get_a_faster_one(
    versions: dict[str, str], route: str, status: str, summary: str
) -> None:
    check = routes(Readings(System(versions=versions, route=route), Nvml(), None))
    assert check.status == status
    assert summary in check.summary
    assert ("audio-gpu-lab[onnxruntime]" in check.remedy) == (status == "info")
    assert check.evidence["built-in network"].startswith(route or "not measured yet")


def test_a_card_that_is_closed_to_computing_is_an_error() -> None:
    told = compute_mode((Gpu(index=0, name="T4", compute_mode=0), Gpu(index=1, name="T4", compute_mode=2)))
    assert (told.status, told.summary) == ("error", "GPU 1 (T4) is closed to computing")
    assert told.evidence == {"GPU 0 (T4)": "several processes", "GPU 1 (T4)": "none"}


@pytest.mark.parametrize(
    ("system", "summary"),
    [
        (System(os="Linux", cpu_flags=("avx2", "amx_bf16")), "AVX2, bf16: bf16 is fast on this processor"),
        (System(os="Linux", cpu_flags=("asimd",)), "NEON: bf16 is emulated and slow; fp32 is used"),
        (System(os="Linux"), "No relevant vector units: bf16 is emulated and slow; fp32 is used"),
        (System(os="Darwin"), "The system does not list them: bf16 is emulated and slow; fp32 is used"),
    ],
)
def test_what_the_processor_can_do(system: System, summary: str) -> None:
    assert features(Readings(system)).summary == summary


@pytest.mark.parametrize(
    ("container", "status", "begins"), [("", "warning", "WSL 1"), ("docker", "info", "The GPU of Windows")]
)
def test_a_container_of_docker_desktop_is_not_called_wsl_1(container: str, status: str, begins: str) -> None:
    check = device_nodes(Readings(System(os="Linux", wsl=True, container=container)))
    assert (check.status, check.summary[: len(begins)]) == (status, begins)
