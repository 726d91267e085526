"""Proofs on the CPU, and works that go wrong in each way that is told apart."""

from __future__ import annotations

import importlib
import json
from dataclasses import asdict
from typing import Any

import pytest
import torch
from torch import Tensor

from labcore.doctor.proofs import CPU, Prover, Work, works


def work(wrong: Tensor | None = None, raises: Exception | None = None) -> Work:
    """A work whose reference is ones, and whose result in float32 is ``wrong``."""

    def make(device: torch.device, dtype: torch.dtype) -> object:
        def run() -> Tensor:
            if dtype == torch.float32 and raises is not None:
                raise raises
            return torch.ones(4, dtype=dtype) if dtype == torch.float64 or wrong is None else wrong

        return run

    return Work("test", 1e-3, make)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [each.name for each in works()])
def test_the_cpu_agrees_with_itself_in_double_precision(name: str) -> None:
    chosen = next(each for each in works() if each.name == name)
    proof, spoiled = Prover().prove(chosen, CPU, "CPU")
    assert (proof.status, proof.error, spoiled) == ("ok", "", False)
    assert proof.difference is not None
    assert (
        0 < proof.difference < proof.tolerance
    )  # fp32 is not exact: a difference of none would compare a thing with itself
    assert proof.milliseconds is not None
    assert proof.milliseconds > 0


def test_the_small_cnn_is_the_articles_on_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []
    module = importlib.import_module("labcore.models.small_cnn")  # the package has a function of that name

    original = module.small_cnn

    def watched(*arguments: Any, **options: Any) -> torch.nn.Module:
        network: torch.nn.Module = original(*arguments, **options)
        network.register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[0].shape)))
        return network

    monkeypatch.setattr(module, "small_cnn", watched)
    proof, _ = Prover().prove(works()[-1], CPU, "CPU")
    assert proof.status == "ok", proof
    assert set(seen) == {(4, 1, 64, 64)}


def test_a_wrong_result_is_an_error_with_its_difference() -> None:
    proof, spoiled = Prover().prove(work(torch.tensor([1.0, 1.0, 1.0, 1.5])), CPU, "CPU")
    assert (proof.status, spoiled) == ("error", False)
    assert proof.difference == pytest.approx(0.5)
    assert "differs" in proof.error


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_an_error_and_still_json(value: float) -> None:
    proof, _ = Prover().prove(work(torch.tensor([1.0, 1.0, 1.0, value])), CPU, "CPU")
    assert proof.status == "error"
    json.dumps(asdict(proof), allow_nan=False)


def test_raised_errors_are_told_in_a_line_without_paths() -> None:
    proof, spoiled = Prover().prove(work(raises=RuntimeError("no luck in /home/ada/lib.so\nmore")), CPU, "CPU")
    assert (proof.error, spoiled) == ("RuntimeError: no luck in …/lib.so", False)


def test_out_of_memory_spoils_nothing_and_an_error_of_cuda_does() -> None:
    gpu = torch.device("cuda:0")  # the device is only named: the works here compute on the CPU
    full, spoiled = Prover().prove(work(raises=torch.OutOfMemoryError("CUDA out of memory. Tried …")), gpu, "GPU")
    assert (full.error, spoiled) == ("out of memory", False)
    context, spoiled = Prover().prove(work(raises=RuntimeError("CUDA error: out of memory")), gpu, "GPU")
    assert (context.error, spoiled) == ("out of memory", False)
    broken, spoiled = Prover().prove(work(raises=RuntimeError("CUDA error: an illegal memory access")), gpu, "GPU")
    assert "illegal memory access" in broken.error
    assert spoiled
    other, spoiled = Prover().prove(work(raises=ImportError("no torchaudio")), gpu, "GPU")
    assert (other.status, spoiled) == ("error", False)


@pytest.mark.gpu
@pytest.mark.parametrize("name", [each.name for each in works()])
def test_the_gpu_agrees_with_the_cpu(name: str) -> None:
    chosen = next(each for each in works() if each.name == name)
    proof, _ = Prover().prove(chosen, torch.device("cuda:0"), torch.cuda.get_device_name(0))
    assert proof.status == "ok", proof
