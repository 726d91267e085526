"""Which cases are measured, and how long each may take. Needs no torch; the estimate is rough and told before the start."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from labcore.benchmark.cases import ARTICLE, BEST, FORMATS, MAX_BATCH, MODELS, MODES, PRECISIONS, SCOPES, Case
from labcore.device import usable_cores
from labcore.errors import ConfigError
from labcore.texts import shown

BATCH_SIZES = tuple(2**power for power in range(11))
MOST_CASES = 20_000

# Milliseconds a clip on one core in fp32, forward only: for the estimate alone.
_CLIP_MS = {"compact": 3.0, "resnet18": 22.0, "small_cnn": 7.0, ARTICLE: 2.0}
_OTHER_CLIP_MS = 30.0
_TRAINING = 3.0  # a training step in forward passes
_MEL_MS, _DECODE_MS = 1.0, 2.5
_GPU_CALL_MS, _GPU_CLIP_MS = 3.0, 0.03


Seconds = Annotated[float, Field(strict=True, ge=0, le=1e9)]
Repeats = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]


@dataclass(frozen=True)
class Budget:
    """How long things may take.

    Args:
        case_seconds: of timing for a case, unless ``min_repeats`` take longer.
        min_repeats, max_repeats: how often the time of a case is taken.
        max_call_seconds: a batch that would take longer is left out, and says so.
        tune_seconds: for finding the CPU's best form, for each network, mode and batch size of ``tune_batches``.
        tune_batches: the batch sizes at which the CPU's best form is sought; the nearest one counts for the others.
        peak_seconds: for the matrix product, for each device and precision.
        energy_seconds: how long a GPU works at a stretch to read its energy counter, for the network alone; 0 leaves it out.
        total_seconds: after this, what is left is left out, and says so; None is no end.
    """

    case_seconds: Seconds = 0.5
    min_repeats: Repeats = 5
    max_repeats: Repeats = 100
    max_call_seconds: Seconds = 4.0
    tune_seconds: Seconds = 2.0
    tune_batches: Annotated[tuple[Annotated[int, Field(ge=1, le=MAX_BATCH)], ...], Field(min_length=1)] = (1, 8, 64)
    peak_seconds: Seconds = 0.5
    energy_seconds: Seconds = 0.6
    total_seconds: Seconds | None = None


QUICK = Budget(
    case_seconds=0.2,
    min_repeats=3,
    max_repeats=30,
    max_call_seconds=0.4,
    tune_seconds=0.3,
    tune_batches=(1, 16),
    peak_seconds=0.15,
    energy_seconds=0.2,
    total_seconds=16.0,
)
FULL = Budget()


@dataclass(frozen=True)
class BenchmarkPlan:
    """What is to be measured. Cases of the same work stand together and are interleaved."""

    name: Annotated[str, Field(max_length=200), AfterValidator(shown)]
    cases: Annotated[tuple[Case, ...], Field(max_length=MOST_CASES)]
    budget: Budget = field(default_factory=Budget)

    @property
    def devices(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(case.device for case in self.cases))

    @property
    def groups(self) -> list[tuple[Case, ...]]:
        """The cases by their work, in the order of their first appearance."""
        found: dict[tuple[Any, ...], list[Case]] = {}
        for case in self.cases:
            found.setdefault(case.work, []).append(case)
        return [tuple(dict.fromkeys(cases)) for cases in found.values()]

    @property
    def tunings(self) -> list[tuple[str, str, int]]:
        """(model, mode, batch size) for which the CPU's best form is to be found."""
        wanted: dict[tuple[str, str, int], None] = {}
        for case in self.cases:
            if case.on_cpu and BEST in (case.precision, case.memory_format):
                wanted[(case.model, case.mode, self.tuned_at(case))] = None
        return list(wanted)

    def tuned_at(self, case: Case) -> int:
        """The batch size at which the CPU's best form for a case is sought: the nearest of the budget's."""
        if case.model == ARTICLE:
            return case.batch_size
        return min(self.budget.tune_batches, key=lambda batch: abs(math.log(batch / case.batch_size)))

    @property
    def seconds(self) -> float:
        """An estimate of how long it takes, without the start of Python and torch."""
        tuning = (1.5 * self.budget.tune_seconds + 0.3) * len(self.tunings)  # the first look at each form included
        peaks = self.budget.peak_seconds * len({(case.device, case.precision) for case in self.cases})
        return min(
            tuning + peaks + sum(self.seconds_of(case) for case in self.cases), self.budget.total_seconds or math.inf
        )

    def seconds_of(self, case: Case) -> float:
        """An estimate for one case."""
        call = estimated_call_seconds(case)
        if call > self.budget.max_call_seconds:
            return 0.0
        energy = self.budget.energy_seconds if not case.on_cpu and case.scope == "network" else 0.0
        compiling = 30.0 if case.compiled else 0.0
        parts = 2 * call if case.scope != "network" else 0.0
        return max(self.budget.case_seconds, (1 + self.budget.min_repeats) * call) + parts + energy + compiling + 0.08

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "cases": [case.to_dict() for case in self.cases], "budget": asdict(self.budget)}

    @classmethod
    def from_dict(cls, tree: Any) -> BenchmarkPlan:
        """A plan from what :meth:`to_dict` made.

        Raises:
            ConfigError: it is none.
        """
        try:
            return _PLANS.validate_python(tree)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            told = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise ConfigError(f"this is not a benchmark plan: {told}", "Use a report of this lab") from error


_PLANS = TypeAdapter(BenchmarkPlan)


def estimated_call_seconds(case: Case) -> float:
    """Roughly how long a batch takes: for the estimate that is told before the start."""
    clips = case.batch_size
    cores = min(case.threads or usable_cores(), usable_cores())
    network = _CLIP_MS.get(case.model, _OTHER_CLIP_MS) * (_TRAINING if case.mode == "training" else 1.0) / cores
    if not case.on_cpu:
        network = _GPU_CLIP_MS * (_TRAINING if case.mode == "training" else 1.0)
    front = 0.0
    if case.scope in ("waveform", "file"):
        front += _MEL_MS / cores if case.on_cpu else 0.01
    if case.scope == "file":
        front += _DECODE_MS / usable_cores()
    start = 0.2 if case.on_cpu else _GPU_CALL_MS
    return (start + clips * (network + front)) / 1000


def make_plan(
    devices: Sequence[str],
    models: Sequence[str] = ("compact",),
    modes: Sequence[str] = ("inference",),
    scopes: Sequence[str] = tuple(SCOPES),
    batch_sizes: Sequence[int] = BATCH_SIZES,
    precisions: Sequence[str] = (BEST,),
    formats: Sequence[str] = FORMATS,
    *,
    threads: Sequence[int] = (),
    compiled: bool = False,
    budget: Budget = FULL,
    name: str = "custom",
) -> BenchmarkPlan:
    """Every combination of what is given.

    Args:
        devices: ``cpu``, ``cuda:N``.
        precisions: ``best`` means the best form that is found for the CPU, and every precision for a GPU.
        formats: memory formats of what is not ``best``.
        threads: the CPU also with these numbers of threads; none given: with the best number only.
        compiled: with ``torch.compile``, besides without.

    Raises:
        ConfigError: something that cannot be measured, or nothing at all.
    """
    for what, given, allowed in (
        ("mode", modes, tuple(MODES)),
        ("scope", scopes, tuple(SCOPES)),
        ("precision", precisions, (*PRECISIONS, BEST)),
        ("memory format", formats, FORMATS),
    ):
        for word in given:
            if word not in allowed:
                raise ConfigError(f"there is no {what} {word!r}", f"Choose {', '.join(allowed)}")
    scopes = [scope for scope in SCOPES if scope in scopes]  # in the order of what is included
    cases: list[Case] = []
    for model in models:
        for mode in modes:
            for scope in scopes if model != ARTICLE else [s for s in scopes if s in ("network", "transfer")]:
                for batch in sorted(set(batch_sizes)):
                    for device in devices:
                        work = {"device": device, "model": model, "mode": mode, "scope": scope, "batch_size": batch}
                        cases += _forms(work, precisions, formats, threads, compiled)
    if not cases:
        raise ConfigError("there is nothing to measure", "Choose at least one of each: device, network, scope, …")
    if len(cases) > MOST_CASES:
        raise ConfigError(f"{len(cases)} cases are too many", f"Choose fewer: at most {MOST_CASES}")
    return BenchmarkPlan(name, tuple(dict.fromkeys(cases)), budget)


def _forms(
    work: dict[str, Any], precisions: Sequence[str], formats: Sequence[str], threads: Sequence[int], compiled: bool
) -> Iterable[Case]:
    if work["device"] == "cpu":
        pairs = [(BEST, BEST)] if BEST in precisions else []
        pairs += [(p, f) for p in precisions if p not in (BEST, "tf32") for f in formats]
        counts: tuple[int | None, ...] = (None, *threads)
    else:
        chosen = PRECISIONS if BEST in precisions else tuple(p for p in PRECISIONS if p in precisions)
        pairs, counts = [(p, f) for p in chosen for f in formats], (None,)
    for precision, memory_format in pairs:
        for count in counts:
            for compile_too in (False, True) if compiled else (False,):
                yield Case(
                    **work, precision=precision, memory_format=memory_format, threads=count, compiled=compile_too
                )


def quick_plan(devices: Sequence[str]) -> BenchmarkPlan:
    """Under 20 s: the article's work, the lab's own network through all scopes, ResNet-18 and a training step.

    The most telling first: what is left out where time runs out is the rest.
    """
    gpus = [device for device in devices if device != "cpu"]
    scopes = tuple(SCOPES) if gpus else ("network", "waveform", "file")
    cases: list[Case] = []

    def add(
        batch_sizes: Sequence[int], on: Sequence[str] = devices, gpu: Sequence[str] = PRECISIONS, **rest: Any
    ) -> None:
        for device in on:
            forms: dict[str, Any] = {"precisions": (BEST,)}
            if device != "cpu":
                forms = {"precisions": gpu, "formats": ("channels_last",)}
            cases.extend(make_plan([device], batch_sizes=batch_sizes, **{**forms, **rest}).cases)

    add([4], models=[ARTICLE], scopes=["network"], precisions=["fp32"], formats=["contiguous"])
    add([4], gpu=["fp16"], models=[ARTICLE], scopes=["network", "transfer"] if gpus else ["network"])
    several = [1, 16, 64] if gpus else [1, 4, 16, 64]
    add(several, gpu=["fp32", "tf32", "fp16"], models=["compact"], scopes=["network"])
    add([32], gpu=["tf32", "bf16"], models=["compact"], modes=["training"], scopes=["network"])
    add([1, 16] if gpus else [16], gpu=["tf32", "fp16"], models=["resnet18"], scopes=["network"])
    cpu = [device for device in devices if device == "cpu"]
    add([1, 16, 64], on=cpu, models=["compact"], scopes=["network"], precisions=["fp32"], formats=["contiguous"])
    if usable_cores() > 1:
        add([64], on=cpu, models=["compact"], scopes=["network"], threads=[1])
    add([1, 64] if gpus else [1, 16], gpu=["fp16"], models=["compact"], scopes=[s for s in scopes if s != "network"])
    add([256], on=gpus, gpu=["bf16"], models=["compact"], modes=["training"], scopes=["network"])
    add([256], on=gpus, gpu=["fp16"], models=["compact"], scopes=scopes)
    return BenchmarkPlan("quick", tuple(dict.fromkeys(cases)), QUICK)


def full_plan(devices: Sequence[str]) -> BenchmarkPlan:
    """Everything: all batch sizes, scopes, modes, precisions and memory formats, the CPU in its best form beside them.

    The CPU's other forms and its thread counts are measured with the network alone, since what is around it is the same.
    """
    gpus = [device for device in devices if device != "cpu"]
    cpu = [device for device in devices if device == "cpu"]
    scopes = tuple(scope for scope in SCOPES if gpus or scope != "transfer")
    cases = list(make_plan(devices, [ARTICLE], ["inference"], scopes, [4]).cases)
    cases += make_plan(devices, [ARTICLE], ["inference"], ["network"], [4], ["fp32"], ["contiguous"]).cases
    cases += make_plan(devices, MODELS, tuple(MODES), scopes).cases
    if cpu:
        fixed = [precision for precision in PRECISIONS if precision in ("fp32", "bf16")]
        cases += make_plan(cpu, MODELS, tuple(MODES), ["network"], [1, 8, 64], fixed).cases
        counts = sorted({2**power for power in range(10) if 2**power < usable_cores()} | {usable_cores()})
        cases += make_plan(cpu, MODELS, tuple(MODES), ["network"], [32], threads=counts).cases
    return BenchmarkPlan("full", tuple(dict.fromkeys(cases)), FULL)
