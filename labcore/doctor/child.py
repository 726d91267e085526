"""The process in which the doctor asks torch and runs its proofs: ``python -m labcore.doctor.child [DEVICE…]``.

It may crash or hang without harm to who started it. On stdout it tells, a line of JSON each: ``{"starting": what}`` before anything
that may not come back, ``{"torch": readings}``, ``{"proof": …}``, ``{"poisoned": device}`` where a GPU failed in a way that spoils the
process, and ``{"done": true}``. With devices named it proves those only.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict
from importlib import metadata
from typing import Any

from labcore import nvml
from labcore.device import allow_tf32
from labcore.doctor.privacy import scrub
from labcore.doctor.readings import Torch, TorchDevice
from labcore.loading import collector_resting, load_torchaudio

Tell = Callable[[dict[str, Any]], None]


def main(wanted: list[str]) -> None:
    tell = _reporter()
    tell({"starting": ["torch"]})
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            with collector_resting():
                import torch
        except Exception as error:  # ImportError, or OSError for a library that is missing or does not fit
            tell({"torch": asdict(Torch(error=_words(error)))})
            return
        tell({"starting": ["looking for GPUs"]})
        found = read_torch(torch, warned)
    tell({"torch": asdict(found)})
    _prove_all(tell, wanted or found.to_prove, found)


def _prove_all(tell: Tell, devices: list[str], found: Torch) -> None:
    import torch

    from labcore.doctor import proofs

    allow_tf32(False)
    prover = proofs.Prover()
    names = {device.device: device.name for device in found.devices}
    for device in devices:
        for work in proofs.works():
            tell({"starting": [device, work.name]})
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                proof, spoiled = prover.prove(work, torch.device(device), names.get(device, device.upper()))
            tell({"proof": asdict(proof)})
            if spoiled:
                tell({"poisoned": device})
                return
    tell({"done": True})


def read_torch(torch: Any, warned: list[warnings.WarningMessage]) -> Torch:
    """What torch tells of itself and of the devices it sees."""
    cuda = torch.version.cuda or ""
    gpus = bool(cuda or torch.version.hip)
    cudnn_error = _failed(torch.backends.cudnn.version) if gpus else ""  # another cuDNN may lie in the way
    available = bool(torch.cuda.is_available())
    count = torch.cuda.device_count() if available else 0
    mps = getattr(torch.backends, "mps", None)
    return Torch(
        version=str(torch.__version__),
        cuda=cuda,
        hip=torch.version.hip or "",
        mps=bool(mps and mps.is_available()),
        cudnn=_cudnn_version(torch.backends.cudnn.version() or 0) if gpus and not cudnn_error else "",
        cudnn_error=cudnn_error,
        nccl=_attempt(lambda: ".".join(map(str, torch.cuda.nccl.version()))) if gpus else "",
        runtime=_package("nvidia-cuda-runtime") or _package(f"nvidia-cuda-runtime-cu{cuda.split('.')[0]}")
        if cuda
        else "",
        # torch.cuda.get_arch_list() is empty without a working GPU, when it is most wanted
        architectures=tuple((_attempt(lambda: torch._C._cuda_getArchFlags()) or "").split()) if gpus else (),
        available=available,
        count=count,
        current=f"cuda:{torch.cuda.current_device()}" if count and not _failed(torch.cuda.current_device) else "",
        warning=scrub(
            " ".join(dict.fromkeys(str(each.message) for each in warned if "CUDA" in str(each.message))), 700
        ),
        cpu_capability=_attempt(torch.backends.cpu.get_cpu_capability),
        cpu_bf16=_attempt(lambda: bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()), None),
        threads=torch.get_num_threads(),
        torchaudio_error=_failed(load_torchaudio),
        torchvision_error=_failed(lambda: __import__("torchvision")),
        devices=tuple(_device(torch, index) for index in range(count)),
    )


def _device(torch: Any, index: int) -> TorchDevice:
    name = f"cuda:{index}"
    try:
        properties = torch.cuda.get_device_properties(index)
    except (RuntimeError, AssertionError) as failure:
        return TorchDevice(name, "GPU", error=_words(failure))
    free, error = None, ""
    try:
        free = int(torch.cuda.mem_get_info(index)[0])  # makes a context: what every computation needs first
    except RuntimeError as failure:
        error = _words(failure)
    return TorchDevice(
        device=name,
        name=properties.name,
        capability=f"{properties.major}.{properties.minor}",
        pci_bus_id=nvml.pci_address(properties),
        memory_total=int(properties.total_memory),
        memory_free=free,
        error=error,
    )


def _cudnn_version(number: int) -> str:
    """91900 → 9.19.0; before version 9 the steps were other: 8902 → 8.9.2."""
    step = 10000 if number >= 90000 else 1000
    return f"{number // step}.{number % step // 100}.{number % 100}" if number else ""


def _package(name: str) -> Any:
    return _attempt(lambda: metadata.version(name))


def _attempt(ask: Callable[[], Any], nothing: str | None = "") -> Any:
    try:
        return ask()
    except Exception:  # a build without it: then there is nothing to tell
        return nothing


def _failed(attempt: Callable[[], Any]) -> str:
    try:
        attempt()
    except Exception as error:  # told in the report
        return _words(error)
    return ""


def _words(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return scrub(f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__)


def _reporter() -> Tell:
    """Writes lines on what was stdout; what libraries print goes to stderr from now on."""
    sys.stdout.flush()
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(content: dict[str, Any]) -> None:
        print(json.dumps(content), file=lines, flush=True)

    return tell


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(0)  # at once: a driver in trouble can hang in its own clean-up
