"""The CPU in its best form: which precision, memory format and number of threads are fastest, timed and told."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from labcore.benchmark.cases import FORMATS, PLAIN, Case
from labcore.benchmark.events import CpuTuned, Tried
from labcore.benchmark.inputs import BenchmarkInputs
from labcore.benchmark.stepper import Stepper
from labcore.benchmark.timing import CaseTimes, interleave
from labcore.device import usable_cores
from labcore.errors import LabError
from labcore.inference.onnx_route import loaded_runtime

PRECISIONS = ("fp32", "bf16")
HOPELESS = 4.0
"""A form this many times slower than the quickest is looked at once: a processor without bf16 emulates it."""

OVERTIME = 3.0
"""How many times its seconds a tuning may take where calls are slow, because of the network or of other work."""


def tune_cpu(
    model: str,
    mode: str,
    batch_size: int,
    seconds: float,
    should_stop: Callable[[], bool] = lambda: False,
) -> CpuTuned:
    """Time precisions and memory formats, and for inference ONNX Runtime where it is installed, on all cores; then the quickest on fewer.

    Where time runs out, what has not been looked at is left out, and does not stand in ``tried``.

    Raises:
        RuntimeError, MemoryError: not even the plain form, fp32 contiguous, runs.
    """
    cores = usable_cores()
    inputs = BenchmarkInputs(model, batch_size)
    plain = Case("cpu", model, mode, "network", batch_size, *PLAIN, threads=cores)
    forms = _forms(plain)
    deadline = time.perf_counter() + OVERTIME * seconds
    share = 0.7 if cores > 1 else 1.0
    found = _time(forms, plain, inputs, seconds * share, should_stop, deadline)
    best = min(found, key=lambda case: found[case])
    fewer = [count for count in (2**power for power in range(10)) if count < cores]
    if fewer and not should_stop():
        on_fewer = [replace(best, threads=count) for count in fewer]
        again = _time([best, *on_fewer], best, inputs, seconds * (1 - share), should_stop, deadline)
        found.update(again)  # the best one too: it was interleaved with these
    return _told(found, plain)


def _forms(plain: Case) -> list[Case]:
    """On as many threads. ONNX Runtime, where it is installed, is loaded before the clock runs."""
    forms = [replace(plain, precision=p, memory_format=f) for p in PRECISIONS for f in FORMATS]
    if plain.mode == "inference":
        with contextlib.suppress(LabError):
            loaded_runtime()
            forms.insert(1, replace(plain, onnx=True))
    return forms


def _told(found: dict[Case, float], plain: Case) -> CpuTuned:
    """The quickest of some cases, which differ in form alone. ``found``: case → milliseconds of a batch."""
    quickest_first = sorted(found, key=lambda case: found[case])
    best = quickest_first[0]
    assert best.threads is not None
    which = "the only configuration timed within the limit"
    if len(found) > 1:
        which = f"the fastest of {len(found)} configurations timed"
    reason = f"{which}: {found[best]:.3g} ms for a batch of {best.batch_size}"
    if best != plain and plain in found:
        reason += f", against {found[plain]:.3g} ms in {plain.form}"
    return CpuTuned(
        model=best.model,
        mode=best.mode,
        batch_size=best.batch_size,
        precision=best.precision,
        memory_format=best.memory_format,
        threads=best.threads,
        onnx=best.onnx,
        reason=reason,
        tried=[
            Tried(
                precision=case.precision,
                memory_format=case.memory_format,
                threads=case.threads or 1,
                onnx=case.onnx,
                ms=round(found[case], 4),
            )
            for case in quickest_first
        ],
    )


def _time(
    cases: Sequence[Case],
    plain: Case,
    inputs: BenchmarkInputs,
    seconds: float,
    should_stop: Callable[[], bool],
    deadline: float,
) -> dict[Case, float]:
    """Median milliseconds of a batch for each case that runs and is not hopeless, and for the plain one; the cases are interleaved."""
    steppers: dict[Case, Stepper] = {}
    first: dict[Case, float] = {}
    for case in cases:
        if first and time.perf_counter() > deadline:
            break
        try:
            stepper = Stepper(case, inputs)
            taken = stepper.seconds(1)
            # a first call makes what later ones use; where it was long anyway, a second one is enough to judge by
            first[case] = min(taken, stepper.seconds(1))
            steppers[case] = stepper
        except (RuntimeError, MemoryError):
            if case == plain:
                raise
    quickest = min(first.values())
    works = {
        case: (stepper, CaseTimes(calls=1))
        for case, stepper in steppers.items()
        if case == plain or first[case] <= HOPELESS * quickest
    }
    interleave(list(works.values()), seconds / max(1, len(works)), 3, 30, should_stop, deadline)
    medians = {case: times.quartiles_ms()[1] for case, (_, times) in works.items() if times.taken and not times.error}
    for stepper in steppers.values():
        stepper.close()
    return medians or {plain: 1000 * first[plain]}
