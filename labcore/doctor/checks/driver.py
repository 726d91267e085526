"""Is there a driver, is it whole, can it be reached, is it new enough, was a GPU handed into this container?"""

from __future__ import annotations

from collections.abc import Callable

from labcore.doctor.drivers import SOURCE, minimum_driver, too_old
from labcore.doctor.privacy import scrub
from labcore.doctor.readings import Readings
from labcore.doctor.report import LOG_AND_RESTART, Check, question
from labcore.texts import counted

GROUP = "NVIDIA driver"
HAND_IN = {
    "docker": "Pass the host's GPUs to the container when it is started; the host needs its driver and the NVIDIA Container Toolkit.\n"
    "$ docker run --gpus all …\n"
    "With Compose, reserve a device of the driver nvidia under deploy.resources.reservations.devices.",
    "podman": "Pass the host's GPUs to the container when it is started; the host needs its driver and the NVIDIA Container Toolkit.\n"
    "$ podman run --device nvidia.com/gpu=all …",
    "kubernetes": "Ask for a GPU in the pod's specification, and have the NVIDIA device plugin run in the cluster:\n"
    "resources: {limits: {nvidia.com/gpu: 1}}",
    "other": "Pass the host's GPUs to the container when it is started: `--gpus all` with Docker, `--device nvidia.com/gpu=all` with "
    "Podman, `--nv` with Apptainer.",
}
UPDATE_DRIVER = "$ sudo ubuntu-drivers install\n$ sudo reboot"


def checks(readings: Readings) -> list[Check]:
    found = [driver(readings), device_nodes(readings), container(readings)]
    if readings.torch is not None and readings.torch.cuda:
        found.insert(2, driver_version(readings))
    return found


def driver(readings: Readings) -> Check:
    system, nvml = readings.system, readings.nvml
    evidence = {"NVML": nvml.error or f"answers for {len(nvml.gpus)} of {nvml.count}"}
    evidence |= {"driver": nvml.driver} if nvml.driver else {}
    evidence |= {"newest CUDA supported": nvml.cuda} if nvml.cuda else {}
    evidence["kernel module"] = system.kernel_driver or "none loaded"
    evidence["libraries"] = system.library_driver or "none found"
    evidence["NVIDIA devices on PCI"] = str(system.pci_nvidia)
    told = question("driver", GROUP, "Driver", evidence)
    if not nvml.error:
        return _answering(readings, told)
    if "mismatch" in nvml.error.lower():
        parts = f": {system.kernel_driver} against {system.library_driver}" if system.library_driver else ""
        return told(
            "error",
            f"The driver's kernel module and its libraries are of different versions{parts}",
            "The driver was updated while the old one was loaded. Restart the machine, then any container.\n"
            "$ sudo reboot",
        )
    if readings.withheld:
        return told("info", "The host has a driver, but it is not passed to this container")
    if "not installed" in nvml.error:
        return told(
            "warning", "The driver cannot be queried: nvidia-ml-py is not installed", "$ pip install nvidia-ml-py"
        )
    if not readings.has_nvidia:
        if system.wsl:
            return told(
                "info",
                "WSL shows no NVIDIA GPU",
                "If there is one, install NVIDIA's driver in Windows (none inside WSL), then:\n$ wsl --shutdown",
            )
        return told("info", "No NVIDIA driver and no NVIDIA GPU")
    return _silent(readings, told)


def _silent(readings: Readings, told: Callable[..., Check]) -> Check:
    """There is an NVIDIA GPU, and no word of its driver."""
    system, trouble = readings.system, readings.nvml.error
    not_loaded = "not loaded" in trouble.lower()
    if readings.gpu_nodes and system.container:
        return told(
            "error",
            "The GPU's device nodes are in this container, but the driver's libraries are not",
            "Start the container with --gpus all rather than --device, and with the driver capabilities compute and utility.\n"
            "$ docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility …",
        )
    if not_loaded or "not found" in trouble.lower():
        free = " (the driver nouveau uses the card)" if system.nouveau else ""
        lacks = "is installed but not loaded" if not_loaded else "is not installed"
        again = "$ sudo modprobe nvidia\nIf that fails: the module was not built for this kernel, or Secure Boot refused it.\n"
        return told(
            "error",
            f"There is an NVIDIA GPU, but its driver {lacks}{free}",
            (again if not_loaded else "Install the driver, then restart.\n") + UPDATE_DRIVER,
        )
    return told(
        "error",
        f"The driver does not answer: {trouble}",
        f"Read the kernel log, then restart the machine.\n{LOG_AND_RESTART}",
    )


def _answering(readings: Readings, told: Callable[..., Check]) -> Check:
    nvml = readings.nvml
    if (missing := nvml.count - len(nvml.gpus)) > 0:
        return told(
            "warning" if nvml.gpus else "error",
            f"{missing} of {nvml.count} GPUs do not respond to the driver",
            f"A restart may bring back a card that fell off the bus. Read the kernel log.\n{LOG_AND_RESTART}",
        )
    if not nvml.gpus:
        status = "error" if readings.system.pci_nvidia and not readings.system.container else "info"
        return told(status, f"Driver {nvml.driver} is loaded but finds no GPU")
    where = " of Windows" if readings.windows else ""
    return told("ok", f"Driver {nvml.driver}{where} finds {counted(len(nvml.gpus), 'GPU')}")


def device_nodes(readings: Readings) -> Check:
    system, works = readings.system, readings.seen > 0
    evidence = {"there": ", ".join(system.nodes) or "none"}
    evidence |= {"no permission": ", ".join(system.closed_nodes)} if system.closed_nodes else {}

    def told(status: str, summary: str, remedy: str = "") -> Check:
        status = "info" if works and status in ("error", "warning") else status  # they are reached all the same
        return Check("device_nodes", GROUP, "Device nodes", status, summary, evidence, remedy)

    if system.os != "Linux":
        return told("info", f"{system.os} has none")
    if system.wsl:
        if "/dev/dxg" in system.nodes:
            return told("ok", "WSL reaches the GPU through /dev/dxg")
        if system.container:  # of Docker Desktop, which passes it on when it is asked to
            return told("info", "The GPU of Windows is not passed to this container")
        return told("warning", "WSL 1 has no GPU: /dev/dxg is not there", "$ wsl --set-version DISTRIBUTION 2")
    closed = [node for node in system.closed_nodes if "modeset" not in node]
    if closed:
        return told(
            "error",
            f"This process has no permission to open {', '.join(closed)}",
            "Join the group that owns the device nodes, then log in again; in a container, run as a user of that group.\n"
            "$ ls -l /dev/nvidia*\n$ sudo usermod -aG video,render $USER",
        )
    if readings.gpu_nodes:
        missing = [node for node in ("/dev/nvidiactl", "/dev/nvidia-uvm") if node not in system.nodes]
        if missing:
            return told(
                "error",
                f"{' and '.join(missing)} is missing, without which CUDA cannot start",
                "Create the nodes (on the host, if this is a container), then restart the container.\n$ sudo nvidia-modprobe -u -c=0",
            )
        return told("ok", f"{len(system.nodes)} device nodes are accessible")
    if readings.nvml.gpus:
        return told("error", "The driver answers, but there are no device nodes", "$ sudo nvidia-modprobe -u -c=0")
    return told("info", "There are no NVIDIA device nodes")


def driver_version(readings: Readings) -> Check:
    """Only for a torch that was built with CUDA."""
    assert readings.torch is not None
    cuda, there, win = readings.torch.cuda, readings.driver, readings.windows
    needed = minimum_driver(cuda, win)
    evidence = {"driver": there or "none", "CUDA of this torch": cuda, "oldest driver for it": needed or "unknown"}
    evidence |= {"newest CUDA of the driver": readings.nvml.cuda} if readings.nvml.cuda else {}
    evidence["source"] = SOURCE
    told = question("driver_version", GROUP, "Driver version", evidence)
    if not there or not needed:
        return told("info", f"CUDA {cuda} of this PyTorch needs driver {needed or '?'} or newer; none is visible here")
    if not too_old(there, cuda, win):
        return told("ok", f"Driver {there} is new enough for CUDA {cuda} (needs {needed})")
    if not readings.driver_too_old:
        return told(
            "info", f"Driver {there} is older than {needed}, but CUDA {cuda} starts: a compatibility package is in use"
        )
    if readings.withheld:
        return told("warning", f"The host's driver {there} is older than CUDA {cuda} of this PyTorch needs ({needed})")
    where = " on the host" if readings.system.container else f":\n{UPDATE_DRIVER}"
    return told(
        "error",
        f"Driver {there} is older than CUDA {cuda} of this PyTorch needs ({needed})",
        f"Update the driver{' in Windows: https://www.nvidia.com/drivers' if win else where}\n"
        f"Or install a PyTorch that works with this driver:\n{readings.install_torch()}",
    )


def container(readings: Readings) -> Check:
    system = readings.system
    evidence = {"container": system.container or "none"}
    value = system.environment.get("NVIDIA_VISIBLE_DEVICES")
    evidence |= {} if value is None else {"NVIDIA_VISIBLE_DEVICES": scrub(value)}
    remedy = HAND_IN.get(system.container, HAND_IN["other"])
    told = question("container", GROUP, "Container", evidence)
    if not system.container:
        return told("ok", "Not in a container")
    kind = "a container" if system.container == "other" else f"a container ({system.container})"
    if readings.nvml.gpus or readings.seen:
        return told("ok", f"In {kind}, with access to GPUs")
    if readings.withheld:
        return told("warning", f"In {kind} without access to the NVIDIA GPU of the host", remedy)
    if readings.gpu_nodes:
        return told("info", f"In {kind} with the device nodes of the GPU; see the driver")
    return told(
        "info",
        f"In {kind} without a GPU; none is visible on the host",
        "If the host has a GPU: " + remedy[:1].lower() + remedy[1:],
    )
