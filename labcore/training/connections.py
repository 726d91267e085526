"""What an error of one process says of the connections between several, and how it is sent to the others."""

from __future__ import annotations

import pickle

from labcore.errors import LabError, RunError
from labcore.training.memory import out_of_memory_beside_steps

LOST = (
    "remoteerror",
    "connection closed",
    "connection reset",
    "connection refused",
    "broken pipe",
    "timeout",
    "timed out",
    "abort",
)
"""What NCCL says where the other end is gone. It calls much else an error of the system, or of CUDA."""


def is_lost_connection(error: Exception) -> bool:
    """Whether an error is that of a collective whose other end is gone, and not this process's own."""
    text = str(error).lower()
    if "nccl" in text:
        return isinstance(error, RuntimeError) and any(word in text for word in LOST)
    return isinstance(error, RuntimeError) and any(word in text for word in ("gloo", "connection", "peer"))


def own_trouble(error: Exception) -> Exception:
    """The error for people where memory ran out, of NCCL too, or where NCCL cannot connect this process's GPU to the others, as where a
    container has too little shared memory; any other error as it is."""
    if (told := out_of_memory_beside_steps(error)) is not None:
        return told
    text = str(error)
    if not isinstance(error, RuntimeError) or "NCCL error" not in text or is_lost_connection(error):
        return error
    last = (text.partition("Last error:")[2] or text).strip().partition("\n")[0]
    return RunError(
        f"NCCL cannot connect the GPUs: {last[:300].rstrip('. ')}",
        "In a container, give shared memory (--shm-size 2g); NCCL_DEBUG=INFO in the environment says more, and NCCL_P2P_DISABLE=1 "
        "helps where GPUs do not reach each other's memory",
    )


def portable(error: Exception | None) -> Exception | None:
    """An error that can be sent: itself, or what it says where Python cannot take it apart and put it together again."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return LabError(f"Unexpected {type(error).__name__}: {error}")
    return error
