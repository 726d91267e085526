"""What the proofs say, a check a device. ``is_available`` is a claim; this is the evidence."""

from __future__ import annotations

from collections.abc import Sequence

from labcore.doctor.report import LOG_AND_RESTART, REINSTALL_TORCH, Check, Proof, question

GROUP = "Kernels"
AGAIN = (
    "Run the doctor again. If the error stays, the hardware is at fault more often than the software: take overclocking back, look at "
    "memory errors and heat, restart the machine."
)
REMEDIES = {
    "no kernel image": "This PyTorch was not compiled for the card: see Compute capability.",
    "out of memory": "The device is out of memory: see GPU memory.\n$ nvidia-smi",
    "differs": AGAIN,
    "not finite": AGAIN,
    "no answer": f"The device hangs: end its processes, then restart the machine.\n$ nvidia-smi\n{LOG_AND_RESTART}",
    "torchaudio": f"Install torch and torchaudio together, from the same index:\n{REINSTALL_TORCH}",
}
"""What an error holds → what to do about it."""


def checks(proofs: Sequence[Proof], pending: Sequence[str]) -> list[Check]:
    devices = dict.fromkeys(proof.device for proof in proofs)
    return [device_check(name, [proof for proof in proofs if proof.device == name], pending) for name in devices]


def device_check(device: str, proofs: list[Proof], pending: Sequence[str]) -> Check:
    evidence = {}
    for proof in proofs:
        if proof.status == "ok" and proof.difference is not None and proof.milliseconds is not None:
            evidence[proof.work] = f"{proof.took} ms, difference {proof.difference:.1e} (allowed {proof.tolerance:.0e})"
        else:
            evidence[proof.work] = proof.error or proof.status
    title = "CPU" if device == "cpu" else f"{device}: {proofs[0].device_name}"
    wrong = [proof for proof in proofs if proof.status != "ok"]
    told = question("kernels-" + device.replace(":", "-"), GROUP, title, evidence)
    if wrong:
        first = wrong[0]
        summary = f"{device} fails at {first.work}: {first.error}"
        ran = len(proofs) - len(wrong)
        summary += f" ({ran} of {len(proofs)} checks agree)" if ran else ""
        return told("error", summary, remedy_for(device, first.error))
    waiting = sum(entry.endswith(f" on {device}") for entry in pending)
    if waiting:
        return told("ok", f"{len(proofs)} of {len(proofs) + waiting} checks so far agree")
    how = "with double precision" if device == "cpu" else "with the CPU"
    return told("ok", f"All {len(proofs)} checks agree {how}")


def remedy_for(device: str, error: str) -> str:
    if "SIGILL" in error:
        return "This PyTorch was compiled for newer processors: install an older build."
    found = next((remedy for mark, remedy in REMEDIES.items() if mark in error), "")
    if device == "cpu" and (not found or "nvidia-smi" in found):
        return f"Run the doctor again; if the error stays, reinstall PyTorch.\n{REINSTALL_TORCH}"
    return found or f"Read the kernel log, then restart the machine.\n{LOG_AND_RESTART}"
