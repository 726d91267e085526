"""Loading modules in less time."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator

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
