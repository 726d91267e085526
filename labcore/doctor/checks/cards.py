"""How the cards are: memory and who holds it, MIG, memory errors, clocks and heat, the way to the CPU, cards of different kinds."""

from __future__ import annotations

from labcore.doctor.readings import Gpu, Readings
from labcore.doctor.report import GIB, STATUSES, Check, question, size
from labcore.texts import counted

GROUP = "GPU"
TIGHT_BYTES, TIGHT_SHARE = GIB, 0.1
PROHIBITED = 2
MODES = {0: "several processes", 1: "one process at a time", PROHIBITED: "none", 3: "one process at a time"}
"""NVML's compute modes → who may compute."""
GRAVE = ("warm", "hot", "hardware", "brake", "voltage")
"""Words in reasons of throttling that ask for a look at the machine; others are settings or what a full load is like."""


def checks(readings: Readings) -> list[Check]:
    gpus = readings.nvml.gpus
    if not gpus:
        devices = readings.torch.devices if readings.torch else ()
        return [] if devices else [absent()]
    found = [memory(readings), clocks(gpus), link(gpus), errors(gpus)]
    if any(gpu.compute_mode for gpu in gpus):
        found.append(compute_mode(gpus))
    if any(gpu.mig is not None for gpu in gpus):
        found.append(mig(readings))
    if len({gpu.name for gpu in gpus}) > 1:
        found.append(mixture(readings))
    return found


def absent() -> Check:
    evidence = {
        "works on the CPU": "everything: data sets, training, evaluation, classification",
        "fast enough": "the compact network on a few thousand clips, classification",
        "slow": "ResNet-18 and the large networks of timm, tens of thousands of clips, long sweeps",
        "a GPU that is added later": "found by itself",
    }
    told = question("no_gpu", GROUP, "Without a GPU", evidence)
    return told("info", "Everything works on the CPU; large networks are slow")


def memory(readings: Readings) -> Check:
    gpus, evidence, tight = readings.nvml.gpus, {}, []
    for gpu in gpus:
        if not gpu.memory_total:
            evidence[gpu.called] = "shares the CPU's memory"
            continue
        free = gpu.memory_total - gpu.memory_used
        evidence[gpu.called] = f"{size(free)} of {size(gpu.memory_total)} free"
        if free < max(TIGHT_BYTES, TIGHT_SHARE * gpu.memory_total):
            tight.append(gpu)
        for holder in gpu.holders:
            whose = holder.name or "of another user or container"
            evidence[f"process {holder.pid} on GPU {gpu.index}"] = f"{whose}, {size(holder.bytes_used)}"
    told = question("gpu_memory", GROUP, "Memory", evidence)
    if not tight:
        total = ", ".join(size(gpu.memory_total - gpu.memory_used) for gpu in gpus if gpu.memory_total)
        return told("ok", f"{total} free" if total else "Shared with the CPU")
    holders = sorted((h for gpu in tight for h in gpu.holders), key=lambda holder: -(holder.bytes_used or 0))
    by = f", used by {holders[0].name or 'a process'} ({holders[0].pid})" if holders else ", used by an unknown process"
    left = size(tight[0].memory_total - tight[0].memory_used)
    remedy = "See what uses it; end what you no longer need, or wait. Smaller batches need less.\n$ nvidia-smi"
    remedy += f"\n$ kill {holders[0].pid}" if holders else ""
    return told("warning", f"{tight[0].called} has {left} left{by}", remedy)


def compute_mode(gpus: tuple[Gpu, ...]) -> Check:
    """Only where a card does not take several processes at once."""
    evidence = {gpu.called: MODES.get(gpu.compute_mode or 0, "unknown") for gpu in gpus}
    told = question("compute_mode", GROUP, "Compute mode", evidence)
    first = next(gpu for gpu in gpus if gpu.compute_mode)
    remedy = f"Have it take several processes; on a cluster, ask who runs it.\n$ sudo nvidia-smi -i {first.index} -c 0"
    if first.compute_mode == PROHIBITED:
        return told("error", f"{first.called} is closed to computing", remedy)
    return told(
        "info", f"{first.called} takes one process at a time: the lab's pages and a training cannot share it", remedy
    )


def mig(readings: Readings) -> Check:
    gpus = readings.nvml.gpus
    divided = [gpu for gpu in gpus if gpu.mig]
    evidence = {gpu.called: ", ".join(gpu.mig_instances) or ("on, no instances" if gpu.mig else "off") for gpu in gpus}
    told = question("mig", GROUP, "MIG", evidence)
    if not divided:
        return told("ok", "Off: each card is used as a whole")
    empty = [gpu for gpu in divided if not gpu.mig_instances]
    if empty:
        return told(
            "error" if readings.no_instances else "warning",
            f"MIG is on for {empty[0].called}, but it has no instances, so CUDA cannot use it",
            "Create instances with `sudo nvidia-smi mig -cgi … -C` (`sudo nvidia-smi mig -lgip` lists how), or turn MIG off:\n"
            f"$ sudo nvidia-smi -i {empty[0].index} -mig 0",
        )
    count = sum(len(gpu.mig_instances) for gpu in divided)
    if readings.torch is not None and readings.torch.cuda and not readings.seen:
        return told(
            "error",
            f"There are {count} MIG instances, but PyTorch sees none",
            "Give one by its UUID, or pass it to the container.\n$ nvidia-smi -L\n$ export CUDA_VISIBLE_DEVICES=MIG-…",
        )
    another = "A process uses the first one; to choose another:\n$ nvidia-smi -L\n$ export CUDA_VISIBLE_DEVICES=MIG-…"
    summary = f"On: {counted(count, 'instance')}; a process uses one of them, which is a part of the card"
    return told("info", summary, another if count > 1 else "")


def errors(gpus: tuple[Gpu, ...]) -> Check:
    evidence, status, summary, remedy = {}, "ok", "No uncorrected memory errors", ""
    if all(gpu.ecc is None for gpu in gpus):
        status, summary = "info", "These cards do not check their memory (no ECC)"
    for gpu in gpus:
        state = {None: "no ECC", True: "ECC on", False: "ECC off"}[gpu.ecc]
        if gpu.ecc_uncorrected is not None:
            state += f", {gpu.ecc_uncorrected} uncorrected, {gpu.ecc_corrected or 0} corrected"
        evidence[gpu.called] = state + (", repair pending" if gpu.remap_pending else "")
        if gpu.remap_failed:
            status, summary = "error", f"Faulty memory of {gpu.called} could not be replaced"
            remedy = "Results of this card are unreliable: have it replaced."
        elif status != "error" and (gpu.ecc_uncorrected or gpu.remap_pending):
            had = "has had uncorrected memory errors"
            needs = "needs a reset to replace faulty memory"
            status, summary = "warning", f"{gpu.called} {had if gpu.ecc_uncorrected else needs}"
            remedy = "Reset the card while it is idle, or restart the machine. If errors return, have it replaced.\n"
            remedy += f"$ sudo nvidia-smi --gpu-reset -i {gpu.index}"
    return Check("ecc", GROUP, "Memory errors", status, summary, evidence, remedy)


def clocks(gpus: tuple[Gpu, ...]) -> Check:
    evidence, statuses, lines = {}, [], []
    for gpu in gpus:
        limit = f" of {gpu.power_limit_w:.0f} W" if gpu.power_limit_w else ""
        parts = [
            "" if gpu.temperature_c is None else f"{gpu.temperature_c:.0f} °C",
            "" if gpu.temperature_limit_c is None else f"slows down at {gpu.temperature_limit_c:.0f} °C",
            "" if gpu.power_w is None else f"{gpu.power_w:.0f} W{limit}",
            "" if gpu.sm_clock_mhz is None else f"{gpu.sm_clock_mhz} of {gpu.max_sm_clock_mhz or '?'} MHz",
            f"slowed down: {', '.join(gpu.throttle_reasons)}" if gpu.throttle_reasons else "not slowed down",
        ]
        evidence[gpu.called] = ", ".join(filter(None, parts))
        grave = any(word in reason for reason in gpu.throttle_reasons for word in GRAVE)
        statuses.append("warning" if grave else "info" if gpu.throttle_reasons else "ok")
        if gpu.throttle_reasons:
            lines.append(f"{gpu.called}: {', '.join(gpu.throttle_reasons)}")
    status = max(statuses, key=STATUSES.index)
    remedy = "Check fans, dust, air flow and power cables. A lower power limit keeps the clocks steady."
    told = question("clocks", GROUP, "Clocks, heat and power", evidence)
    return told(status, "; ".join(lines) or "Nothing slows the GPU down", remedy if status == "warning" else "")


def link(gpus: tuple[Gpu, ...]) -> Check:
    evidence, slow = {}, []
    for gpu in gpus:
        if not gpu.pcie_width or not gpu.pcie_max_width:
            evidence[gpu.called] = "unknown"
            continue
        generations = f", generation {gpu.pcie_generation} of {gpu.pcie_max_generation}" if gpu.pcie_generation else ""
        evidence[gpu.called] = f"{gpu.pcie_width} of {gpu.pcie_max_width} lanes{generations}"
        if gpu.pcie_width < gpu.pcie_max_width:
            slow.append(gpu)
    told = question("pcie", GROUP, "PCIe", evidence)
    if not slow:
        known = any(gpu.pcie_width for gpu in gpus)
        return told("ok", "All lanes in use") if known else told("info", "Unknown")
    first = slow[0]
    # half of the lanes cost little here: waveforms are small. Idle cards lower the generation, which is no fault.
    status = "warning" if any((gpu.pcie_width or 0) * 2 < (gpu.pcie_max_width or 0) for gpu in slow) else "info"
    summary = f"{first.called} uses {first.pcie_width} of {first.pcie_max_width} PCIe lanes: transfers are slower"
    remedy = (
        "Seat the card firmly, in the slot with the most lanes and without a riser. Some cards save lanes while idle: look again "
        "under load."
    )
    return told(status, summary, remedy)


def mixture(readings: Readings) -> Check:
    gpus, torch = readings.nvml.gpus, readings.torch
    evidence = {gpu.called: f"PCI {gpu.pci_bus_id}" for gpu in gpus}
    by_bus = {gpu.pci_bus_id.lower(): gpu for gpu in gpus}
    crossed = False
    for device in torch.devices if torch else ():
        gpu = by_bus.get(device.pci_bus_id.lower())
        evidence[device.device] = device.name + (f", which nvidia-smi calls GPU {gpu.index}" if gpu else "")
        crossed = crossed or (gpu is not None and device.device != f"cuda:{gpu.index}")
    told = question("gpu_mixture", GROUP, "Different GPUs", evidence)
    if not crossed:
        return told("info", "The GPUs differ; a run uses one of them")
    return told(
        "info",
        "The GPUs differ, and PyTorch numbers them differently from nvidia-smi",
        "cuda:0 is the fastest card; GPU 0 of nvidia-smi is the first on the bus. To number them alike:\n"
        "$ export CUDA_DEVICE_ORDER=PCI_BUS_ID",
    )
