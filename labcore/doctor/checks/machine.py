"""What a run needs besides a GPU: cores, memory, shared memory, disk, the software and the audio formats."""

from __future__ import annotations

from labcore.doctor.drivers import numbers
from labcore.doctor.readings import Readings
from labcore.doctor.report import GIB, REINSTALL_TORCH, Check, question, size

GROUP, SOFTWARE = "Machine", "Software"
NEEDED = ("torch", "torchaudio", "torchvision", "numpy", "soundfile", "soxr", "pydantic", "safetensors")
ONNX = ("onnx", "onnxruntime")
LOW_DISK, NO_DISK = 5 * GIB, GIB // 2
LOW_MEMORY = GIB
SMALL_SHARED = GIB


def checks(readings: Readings) -> list[Check]:
    return [check(readings) for check in (processor, features, memory, shared_memory, disk, versions, audio, routes)]


def processor(readings: Readings) -> Check:
    system, torch = readings.system, readings.torch
    evidence = {
        "processor": system.cpu,
        "cores": str(system.cores),
        "available to this process": f"{system.usable_cores:g}",
    }
    evidence |= {"threads of PyTorch": str(torch.threads)} if torch and torch.threads else {}
    limited = system.usable_cores < system.cores
    summary = f"{system.usable_cores:g} of {system.cores} cores available" if limited else f"{system.cores} cores"
    told = question("cpu", GROUP, "Cores", evidence)
    if torch and torch.threads > system.usable_cores + 0.5:
        return told(
            "info",
            f"{summary}, but PyTorch starts {torch.threads} threads",
            f"Threads beyond the quota wait for each other. Set the setting runtime.threads, or:\n"
            f"$ export OMP_NUM_THREADS={max(1, int(system.usable_cores))}",
        )
    return told("info" if limited else "ok", summary)


def features(readings: Readings) -> Check:
    system, torch = readings.system, readings.torch
    flags = set(system.cpu_flags)
    named = {
        "AVX2": "avx2" in flags,
        "AVX-512": "avx512f" in flags,
        "bf16": bool(flags & {"avx512_bf16", "amx_bf16", "bf16"}),
        "AMX": "amx_tile" in flags,
        "NEON": "asimd" in flags,
        "SVE": "sve" in flags,
    }
    has = [name for name, there in named.items() if there]
    evidence = {"flags": ", ".join(system.cpu_flags) or "none relevant"}
    if torch and torch.version:
        evidence["PyTorch uses"] = torch.cpu_capability or "unknown"
        evidence["bf16 in PyTorch"] = {True: "native", False: "emulated", None: "unknown"}[torch.cpu_bf16]
    how = "fast on this processor" if named["bf16"] else "emulated and slow; fp32 is used"
    nothing = "No relevant vector units" if system.os == "Linux" else "The system does not list them"
    summary = f"{', '.join(has) or nothing}: bf16 is {how}"
    return Check("cpu_features", GROUP, "Features of the processor", "ok" if has else "info", summary, evidence)


def memory(readings: Readings) -> Check:
    system = readings.system
    evidence = {"memory": size(system.memory_total), "available": size(system.memory_available)}
    evidence |= {"limit of the container": size(system.memory_limit)} if system.memory_limit else {}
    allowed = system.memory_limit or system.memory_total
    told = question("memory", GROUP, "Memory", evidence)
    if system.memory_available < LOW_MEMORY:
        return told(
            "warning",
            f"Only {size(system.memory_available)} of {size(allowed)} is available",
            "Close other programs, or give the container more (--memory): a run that fills it up is killed.",
        )
    return told("ok", f"{size(system.memory_available)} of {size(allowed)} available")


def shared_memory(readings: Readings) -> Check:
    system = readings.system
    if not system.shared_total:
        return Check("shared_memory", GROUP, "Shared memory", "info", "No /dev/shm", {"/dev/shm": "none"})
    evidence = {"size": size(system.shared_total), "free": size(system.shared_free)}
    told = question("shared_memory", GROUP, "Shared memory", evidence)
    if system.shared_total < SMALL_SHARED:
        return told(
            "info",
            f"Shared memory is {size(system.shared_total)}: enough for the lab, little for data-loader processes",
            "Give the container more:\n$ docker run --shm-size=1g …"
            if system.container
            else "$ sudo mount -o remount,size=1G /dev/shm",
        )
    return told("ok", f"{size(system.shared_free)} of shared memory free")


def disk(readings: Readings) -> Check:
    system = readings.system
    evidence = {"free": size(system.disk_free), "size": size(system.disk_total)}
    told = question("disk", GROUP, "Workspace", evidence)
    if not system.workspace_writable:
        return told(
            "error",
            "The workspace is not writable",
            "Set LABCORE_HOME to a folder of your own:\n$ export LABCORE_HOME=~/labcore",
        )
    if not system.disk_total:
        return told("info", "The free space is unknown")
    if system.disk_free < LOW_DISK:
        return told(
            "error" if system.disk_free < NO_DISK else "warning",
            f"Only {size(system.disk_free)} is free on the disk of the workspace",
            "Delete runs for good, or the folder cache of the workspace, which is made again; or set LABCORE_HOME to a larger disk.\n"
            "$ labcore runs list",
        )
    return told("ok", f"{size(system.disk_free)} free on the disk of the workspace")


def versions(readings: Readings) -> Check:
    found = readings.system.versions
    evidence = {name: version or "not installed" for name, version in found.items()}
    torch = readings.torch
    told = question("versions", SOFTWARE, "Versions", evidence)
    missing = [name for name in NEEDED if name in found and not found[name]]
    if missing:
        return told("error", f"{', '.join(missing)} is not installed", f"$ pip install {' '.join(missing)}")
    if torch and torch.torchaudio_error:
        evidence["torchaudio error"] = torch.torchaudio_error
        return told(
            "error",
            "torchaudio cannot be loaded: it was probably built for another PyTorch",
            f"Install the two together, from the same index:\n{REINSTALL_TORCH}",
        )
    if torch and torch.torchvision_error:
        evidence["torchvision error"] = torch.torchvision_error
        return told(
            "warning",
            "ResNet-18 and the networks of timm cannot be used, since torchvision cannot be loaded",
            f"It was probably built for another PyTorch. Install the two together, from the same index:\n{REINSTALL_TORCH}",
        )
    pair = [numbers(found.get(name, "").partition("+")[0])[:2] for name in ("torch", "torchaudio")]
    # from 2.11 on torchaudio goes its own way: the last release fits later ones of PyTorch too
    if all(pair) and pair[0] != pair[1] and pair[0] < (2, 11):
        return told(
            "warning",
            f"torchaudio {found['torchaudio']} does not match PyTorch {found['torch']}",
            f"$ pip install torchaudio=={'.'.join(map(str, pair[0]))}.*",
        )
    return told(
        "ok",
        f"Python {found.get('python', '?')}, PyTorch {found.get('torch', '?')}, all required packages are installed",
    )


def audio(readings: Readings) -> Check:
    found = readings.system.audio
    evidence = {name: wrong or "decodes" for name, wrong in found.items()}
    broken = [name for name, wrong in found.items() if wrong]
    told = question("audio_formats", SOFTWARE, "Audio formats", evidence)
    if not found:
        return told("info", "No format was tested")
    if not broken:
        return told("ok", f"{', '.join(found)} can be decoded")
    return told(
        "error" if len(broken) == len(found) else "warning",
        f"{', '.join(broken)} cannot be decoded",
        "Install the soundfile package from PyPI, which brings its own libsndfile:\n$ pip install --upgrade --force-reinstall soundfile",
    )


def routes(readings: Readings) -> Check:
    """By what predictions are computed on a CPU, and whether there is something faster to install."""
    found, route = readings.system.versions, readings.system.route
    evidence = {name: found[name] or "not installed" for name in ONNX if name in found}
    evidence["built-in network"] = route or "not measured yet: it is after 2 s of work of the network"
    told = question("routes", SOFTWARE, "Predictions on a CPU", evidence)
    used = f"; built-in network: {route}" if route else ""
    if all(found.get(name) for name in ONNX):
        return told("ok", f"ONNX Runtime {found['onnxruntime']} is installed{used}")
    return told(
        "info",
        f"ONNX Runtime is not installed, which is often faster than PyTorch{used}",
        "It is used by itself where it is faster and right:\n"
        '$ pip install "audio-gpu-lab[onnxruntime]"\n$ labcore classify --time-again FILE',
    )
