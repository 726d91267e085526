"""The doctor's child process as its parent sees it: lines of JSON, each within a patience, and a reason where they end too soon."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from labcore.doctor.privacy import scrub

COMMAND = (sys.executable, "-X", "faulthandler", "-m", "labcore.doctor.child")
PATIENCE_SECONDS = 90.0
"""How long the child may be silent: torch off a cold disk, a first context, kernels that the driver has to translate take their time."""

_MEANING = {
    "SIGSEGV": "a crash in compiled code",
    "SIGABRT": "a crash in compiled code",
    "SIGBUS": "a crash in compiled code",
    "SIGILL": "an instruction that this processor lacks",
    "SIGKILL": "killed, most likely out of memory",
}


class ProofProcess:
    """A child process. It starts at once and works on while nobody listens.

    Args:
        devices: those to prove; none for all that are there.
        environment: variables to set on top of this process's own.
    """

    def __init__(
        self,
        devices: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = COMMAND,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.patience = patience
        package = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115, closed by close()
        self.process = subprocess.Popen(
            [*command, *devices],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **(environment or {})},
            start_new_session=True,  # Ctrl-C is for who started it, and ends it through close()
        )
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        threading.Thread(target=self._read, name="labcore-doctor", daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(OSError, ValueError):  # closed under our feet
            for line in self.process.stdout:
                self._lines.put(line)
        self._lines.put(None)

    def messages(self) -> Iterator[dict[str, Any]]:
        """What the child tells. The last one is always its own last word or ``{"death": why}``."""
        last: dict[str, Any] = {}
        while True:
            try:
                line = self._lines.get(timeout=self.patience)
            except queue.Empty:
                self.close()
                yield {"death": f"no answer within {self.patience:g} s"}
                return
            if line is None:
                if not {"done", "poisoned"} & set(last) and not last.get("torch", {}).get("error"):
                    yield {"death": self._reason()}
                return
            with contextlib.suppress(ValueError):  # a line cut off by a crash
                last = json.loads(line)
                yield last

    def _reason(self) -> str:
        try:
            status = self.process.wait(timeout=self.patience)
        except subprocess.TimeoutExpired:
            self.close()
            return f"no answer within {self.patience:g} s"
        if status < 0:
            try:
                name = signal.Signals(-status).name
            except ValueError:  # a real-time signal has no name
                name = f"signal {-status}"
            return ", ".join(filter(None, [f"the process was ended by {name}", _MEANING.get(name, "")]))
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").rstrip().rpartition("\n")[2]
        return scrub(f"the process ended with status {status}" + (f": {last}" if last else ""))

    def close(self) -> None:
        """End the process, whatever it is doing. One that hangs in the driver may outlive this; nobody waits for it."""
        if self.process.poll() is None:
            self.process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=2)
        if self.process.poll() is None:
            # stuck in the kernel: Popen would warn of it when it is collected
            self.process.returncode = -signal.SIGKILL
        elif self.process.stdout is not None:
            with contextlib.suppress(OSError):
                self.process.stdout.close()
        self._errors.close()
