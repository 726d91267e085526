"""Machines replayed: each must get the right verdict, a sentence that says why, and the remedy."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from labcore.doctor.readings import Readings, TorchDevice
from labcore.doctor.report import GIB, GROUPS, STATUSES, DoctorReport, Proof
from labcore.doctor.verdict import conclude

READINGS = TypeAdapter(Readings)

MACHINES = Path(__file__).parent / "machines"

# machine → verdict, words of the sentence, the check that tells it with its status, words of its remedy
EXPECTED: dict[str, tuple[str, tuple[str, ...], str, str, tuple[str, ...]]] = {
    "healthy": ("green", ("RTX 4090", "all kernels agree"), "kernels-cuda-0", "ok", ()),
    "driver_too_old": (
        "red", ("RTX 4090", "535.183.01", "older", "580.65.06"), "driver_version", "error", ("ubuntu-drivers", "whl/cu128"),
    ),
    "compatibility_package": ("green", ("H100",), "driver_version", "info", ()),
    "container_without_gpus": ("amber", ("container", "works on the CPU"), "container", "warning", ("--gpus all",)),
    "cpu_only_torch": ("red", ("RTX 4090", "CPU-only"), "torch_build", "error", ("pip install", "whl/cu130")),
    "card_newer_than_build": ("red", ("RTX 5090", "newer", "12.0"), "architectures", "error", ("--upgrade", "whl/cu130")),
    "card_older_than_build": ("red", ("1080 Ti", "older", "6.1"), "architectures", "error", ("whl/cu126",)),
    "hidden": ("amber", ("CUDA_VISIBLE_DEVICES", "hides", "4090"), "visible_devices", "warning", ("unset CUDA_VISIBLE_DEVICES",)),
    "hidden_by_a_number": ("amber", ("CUDA_VISIBLE_DEVICES=1",), "visible_devices", "warning", ("unset CUDA_VISIBLE_DEVICES",)),
    "memory_full": ("red", ("164 MiB left", "python3 (48213)"), "gpu_memory", "warning", ("nvidia-smi", "kill 48213")),
    "memory_tight": ("amber", ("can be used", "but: GPU 0", "1.0 GiB left"), "gpu_memory", "warning", ("Smaller batches",)),
    "one_process_at_a_time": (
        "red", ("takes one process at a time", "pages and a training"), "compute_mode", "info", ("nvidia-smi -i 0 -c 0",),
    ),
    "mig": ("green", ("MIG 1g.10gb",), "mig", "info", ("CUDA_VISIBLE_DEVICES=MIG-",)),
    "mig_without_instances": ("red", ("MIG is on", "no instances"), "mig", "error", ("-mig 0", "-cgi")),
    "driver_library_mismatch": ("red", ("different versions", "570.133.20"), "driver", "error", ("reboot",)),
    "wsl": ("green", ("RTX 4070",), "device_nodes", "ok", ()),
    "wsl_old_driver": ("red", ("551.86",), "driver_version", "error", ("in Windows", "nvidia.com/drivers")),
    "two_different_gpus": ("green", ("A6000 (cuda:0)", "T400 (cuda:1)"), "gpu_mixture", "info", ("CUDA_DEVICE_ORDER=PCI_BUS_ID",)),
    "one_of_two_unusable": ("amber", ("4090 (cuda:0) can", "(cuda:1) cannot"), "architectures", "warning", ("hide the card",)),
    "kernel_hangs": ("red", ("matrix product", "no answer"), "kernels-cuda-0", "error", ("reboot",)),
    "too_hot": ("amber", ("can be used", "too hot"), "clocks", "warning", ("fans",)),
    "no_driver": ("red", ("driver is not installed", "nouveau"), "driver", "error", ("ubuntu-drivers install",)),
    "no_gpu": ("amber", ("No GPU", "works on the CPU"), "no_gpu", "info", ()),
    "uvm_missing": ("red", ("/dev/nvidia-uvm",), "device_nodes", "error", ("nvidia-modprobe",)),
    "torch_does_not_load": ("red", ("PyTorch cannot be loaded", "libcudnn"), "torch_build", "error", ("--force-reinstall",)),
}  # fmt: skip


def replay(name: str) -> tuple[Readings, list[Proof]]:
    content: dict[str, Any] = json.loads((MACHINES / f"{name}.json").read_text(encoding="utf-8"))
    return READINGS.validate_python(content["readings"]), [Proof(**proof) for proof in content["proofs"]]


def report_of(name: str) -> DoctorReport:
    return conclude(*replay(name))


def test_every_machine_is_expected_and_every_expectation_is_there() -> None:
    assert {path.stem for path in MACHINES.glob("*.json")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_verdict_sentence_and_remedy(name: str) -> None:
    verdict, words, check_id, status, remedy = EXPECTED[name]
    report = report_of(name)
    assert report.verdict == verdict, report.sentence
    assert all(word in report.sentence for word in words), report.sentence
    check = report.check(check_id)
    assert check is not None
    assert check.status == status, check.summary
    assert all(word in check.remedy for word in remedy), check.remedy


@pytest.mark.parametrize("name", EXPECTED)
def test_reports_keep_their_form(name: str) -> None:
    report = report_of(name)
    assert report.complete
    assert report.verdict in ("green", "amber", "red")
    assert not report.sentence.endswith(".")
    ids = [check.id for check in report.checks]
    assert len(ids) == len(set(ids))
    for check in report.checks:
        assert check.status in STATUSES
        assert check.group in GROUPS
        assert check.summary
        assert not check.summary.endswith(".")
        assert all(isinstance(value, str) and value for value in check.evidence.values()), check
        explained = check.remedy or check.id in ("availability", "kernels-cuda-0")
        assert explained or check.status in ("ok", "info"), f"{check.id} says what is wrong and not what to do"


@pytest.mark.parametrize("name", EXPECTED)
def test_a_machine_survives_json(name: str) -> None:
    readings, _ = replay(name)
    assert READINGS.validate_python(json.loads(json.dumps(asdict(readings)))) == readings


def test_the_device_is_the_one_that_proved_itself() -> None:
    assert report_of("healthy").device == "cuda:0"
    assert report_of("card_newer_than_build").device == "cpu"
    assert report_of("no_gpu").device == "cpu"
    readings, _ = replay("healthy")
    assert conclude(replace(readings, torch=None)).device == ""


def test_available_but_unable_is_red_in_the_proofs_too() -> None:
    report = report_of("card_newer_than_build")
    torch = replay("card_newer_than_build")[0].torch
    assert torch is not None
    assert torch.available
    assert {proof.status for proof in report.proofs if proof.device == "cuda:0"} == {"error"}


def test_a_gpu_that_was_never_proved_is_not_green() -> None:
    readings, proofs = replay("healthy")
    report = conclude(readings, [proof for proof in proofs if proof.device == "cpu"])
    assert report.verdict == "red"


def test_a_wrong_result_on_the_cpu_is_red_whatever_the_gpu_does() -> None:
    readings, proofs = replay("healthy")
    proofs[2] = replace(proofs[2], status="error", error="the result differs from the CPU's")
    report = conclude(readings, proofs)
    assert report.verdict == "red"
    assert "cpu fails at STFT" in report.sentence


def test_preliminary_reports_say_so() -> None:
    readings, proofs = replay("healthy")
    before = conclude(replace(readings, torch=None), (), ("PyTorch", "proofs"))
    assert (before.verdict, before.complete) == ("amber", False)
    assert not any(check.group in ("PyTorch", "Kernels") for check in before.checks)
    midway = conclude(readings, proofs[:8], ("STFT on cuda:0",))
    assert (midway.verdict, midway.complete) == ("amber", False)
    assert "1 check is pending" in midway.sentence
    failing = conclude(readings, [*proofs[:6], replace(proofs[6], status="error", error="x")], ("STFT on cuda:0",))
    assert failing.verdict == "red"


def test_without_gpus_in_a_container_the_remedy_is_that_of_its_kind() -> None:
    readings, proofs = replay("container_without_gpus")
    for kind, word in (("podman", "nvidia.com/gpu=all"), ("kubernetes", "nvidia.com/gpu: 1"), ("other", "--nv")):
        there = conclude(replace(readings, system=replace(readings.system, container=kind)), proofs).check("container")
        assert there is not None
        assert word in there.remedy


def test_a_full_or_foreign_workspace_is_red_and_a_small_one_amber() -> None:
    readings, proofs = replay("healthy")
    for changes, verdict in (
        ({"disk_free": 10**8}, "red"),
        ({"workspace_writable": False}, "red"),
        ({"disk_free": 3 * 10**9}, "amber"),
    ):
        assert conclude(replace(readings, system=replace(readings.system, **changes)), proofs).verdict == verdict


def test_ecc_errors_and_failed_repairs() -> None:
    readings, proofs = replay("mig")
    gpu = readings.nvml.gpus[0]
    for changes, status in (
        ({"ecc_uncorrected": 3}, "warning"),
        ({"remap_pending": True}, "warning"),
        ({"remap_failed": True}, "error"),
    ):
        ill = replace(readings, nvml=replace(readings.nvml, gpus=(replace(gpu, **changes),)))
        report = conclude(ill, proofs)
        check = report.check("ecc")
        assert check is not None
        assert check.status == status
        assert report.verdict == "amber"


def test_foreign_libraries_and_unfit_companions_are_named() -> None:
    readings, proofs = replay("healthy")
    assert readings.torch is not None
    foreign = conclude(
        replace(readings, torch=replace(readings.torch, cudnn_error="RuntimeError: cuDNN version incompatibility")),
        proofs,
    )
    check = foreign.check("cuda_libraries")
    assert check is not None
    assert "LD_LIBRARY_PATH" in check.remedy
    unfit = conclude(
        replace(readings, torch=replace(readings.torch, torchaudio_error="OSError: libc10_cuda.so")), proofs
    )
    assert unfit.verdict == "red"
    assert "torchaudio" in unfit.sentence
    partly = conclude(
        replace(readings, torch=replace(readings.torch, torchvision_error="RuntimeError: operator torchvision::nms")),
        proofs,
    )
    assert partly.verdict == "amber"
    assert "ResNet-18" in partly.sentence


def test_closed_nodes_tell_of_groups_unless_the_gpu_works_all_the_same() -> None:
    readings, proofs = replay("uvm_missing")
    closed = replace(
        readings.system, nodes=("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia0"), closed_nodes=("/dev/nvidia0",)
    )
    check = conclude(replace(readings, system=closed), proofs).check("device_nodes")
    assert check is not None
    assert check.status == "error"
    assert "usermod" in check.remedy
    fine, its = replay("healthy")
    working = conclude(replace(fine, system=replace(fine.system, nodes=())), its)
    assert working.verdict == "green"


def test_a_card_that_does_not_answer_is_missed() -> None:
    readings, proofs = replay("healthy")
    report = conclude(replace(readings, nvml=replace(readings.nvml, count=2)), proofs)
    assert report.verdict == "amber"
    assert "1 of 2 GPUs do not respond" in report.sentence


def test_a_machine_without_a_gpu_tells_it_once_where_nothing_can_be_done() -> None:
    assert "no_gpu" not in [check.id for check in report_of("no_gpu").to_do()]


def test_the_gpu_of_an_apple_processor_is_told_and_not_said_to_be_used() -> None:
    readings, proofs = replay("no_gpu")
    assert readings.torch is not None
    report = conclude(replace(readings, torch=replace(readings.torch, mps=True)), proofs)
    assert (report.verdict, report.device) == ("amber", "cpu")
    assert report.sentence.startswith("The lab does not use the GPU of this Apple processor")


def test_an_amd_gpu_can_be_green() -> None:
    readings, proofs = replay("no_gpu")
    assert readings.torch is not None
    card = TorchDevice("cuda:0", "AMD Instinct MI300X", memory_free=GIB, memory_total=GIB)
    torch = replace(readings.torch, hip="7.0", available=True, count=1, devices=(card,))
    report = conclude(replace(readings, torch=torch), [*proofs, *(replace(each, device="cuda:0") for each in proofs)])
    assert (report.verdict, report.device) == ("green", "cuda:0")
    assert "AMD Instinct MI300X" in report.sentence


def test_unknown_readings_are_refused() -> None:
    with pytest.raises(ValueError, match="surprise"):
        READINGS.validate_python({"system": {"surprise": 1}})


@pytest.mark.parametrize("variable", ["NVIDIA_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"])
def test_the_identifier_of_a_card_in_a_variable_stays_here(variable: str) -> None:
    readings, proofs = replay("healthy")
    identifier = "GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f"
    system = replace(readings.system, environment={**readings.system.environment, variable: identifier})
    report = conclude(replace(readings, system=system), proofs)
    assert "5c89852c" not in report.to_markdown() + json.dumps(report.to_json())
