"""Loading modules in less time, and leaving them."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

MANY = 200
"""So many modules are worth to be left alone for good."""


@contextlib.contextmanager
def collector_resting() -> Iterator[None]:
    """The collector of garbage rests meanwhile; where many modules were loaded, it leaves alone for good what is there by then.

    Else it walks through torch again and again while torch is loaded, and at each full collection after that: a fifth of the processor
    time of a short training. Where the collector is off already, or another thread is loading, nothing is changed.
    """
    if not gc.isenabled():
        yield
        return
    before = len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) >= before + MANY:
            gc.freeze()
        gc.enable()


def load_torchaudio() -> ModuleType:
    """torchaudio, which by itself refuses a torch that was built for another release of CUDA.

    The last torchaudio fits every later torch, but there is none for CUDA 13.2 (pytorch/pytorch#193651), and torch 2.15 of
    PyPI is built for that. Only its CUDA kernels could differ, and the lab uses none of them. It does not ask where torch
    names no CUDA.

    Raises:
        ImportError, OSError, RuntimeError: it is not there, or was built for a torch that is too different.
    """
    try:
        return importlib.import_module("torchaudio")
    except RuntimeError as refused:
        if "different CUDA versions" not in str(refused):
            raise
    version: Any = importlib.import_module("torch.version")
    cuda, version.cuda = version.cuda, None
    try:
        return importlib.import_module("torchaudio")
    finally:
        version.cuda = cuda


def quick_exit(main: Callable[[], int]) -> int:
    """Call the main function of a process, and let the process end at once after it.

    Python takes apart what it has loaded before it ends, which takes a second once torch is there. Threads are waited for, exit functions
    run and streams are flushed as always; only the rest is left to the system. To be called before other modules are loaded, since exit
    functions from before it do not run.

    Returns the status of ``main``. One that raised something else than SystemExit ends as Python ends it.
    """
    statuses: list[int] = []
    atexit.register(_leave, statuses)  # what is registered first runs last
    try:
        statuses.append(main())
    except SystemExit as left:
        if isinstance(left.code, int):
            statuses.append(left.code)
        raise
    return statuses[-1]


def _leave(statuses: list[int]) -> None:
    if not statuses or "torch" not in sys.modules:
        return
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # closed, or nobody reads: Python says so by its status
        return
    os._exit(statuses[-1])
