"""What a report means, in sentences."""

from __future__ import annotations

from labcore.benchmark import article
from labcore.benchmark.analysis import EVEN, SpeedUp, crossover, fastest_of, speed_up
from labcore.benchmark.cases import ARTICLE, SCOPES
from labcore.benchmark.events import Measurement
from labcore.benchmark.report import BenchmarkReport
from labcore.texts import percent

COUNTED = {
    "network": "with the network alone",
    "transfer": "with transfers",
    "waveform": "from waveforms",
    "file": "from files",
}
WORK = {"inference": "Inference", "training": "Training"}


def sentences(report: BenchmarkReport) -> list[str]:
    """The report in words, the most telling first: each a sentence with its full stop."""
    if not any(one.ok for one in report.measurements):
        return []
    told = _against_gpus(report) if speed_up(fastest_of(report)) else _cpu_alone(report)
    return [*told, *_article(report), *_doubts(report)]


def number(value: float) -> str:
    """Two or three digits that count: 1.43, 25, 1,480."""
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.2g}" if value >= 10 else f"{value:.3g}"


def times(factor: float) -> str:
    """How many times: 1.3, 15, 120."""
    return f"{factor:.1f}" if factor < 10 else number(factor)


def _against_gpus(report: BenchmarkReport) -> list[str]:
    rows: dict[tuple[str, str, str], list[SpeedUp]] = {}
    for one in speed_up(fastest_of(report)):
        if one.model != ARTICLE:
            rows.setdefault((one.device, one.model, one.mode), []).append(one)
    told = []
    for (device, model, mode), found in rows.items():
        name = _name(report, device)
        by_scope = {scope: [s for s in found if s.scope == scope] for scope in SCOPES}
        words = [_of_scope(report, scope, row) for scope, row in by_scope.items() if row]
        told.append(f"{WORK[mode]} of {model} on {name}: {'; '.join(words)}.")
    return told


def _of_scope(report: BenchmarkReport, scope: str, row: list[SpeedUp]) -> str:
    """One scope in words: who is faster where, and by how much at most."""
    first, last = row[0], row[-1]
    top = max(row, key=lambda one: one.factor)
    start = crossover(report, first.device, first.model, first.mode, scope)
    counted = COUNTED[scope]
    most = f"{times(top.factor)} times as fast at batch {top.batch_size}"
    if start is None:
        if top.factor > EVEN:  # faster somewhere, but not from there on
            return f"{counted} neither is faster throughout, the GPU is at most {most}"
        slower = [one for one in row if one.factor < 1 / EVEN]
        upto = slower[-1] if slower else last
        where = f"{'at' if upto is first else 'up to'} batch {upto.batch_size}"
        if not slower:
            return f"{counted} your CPU is as fast {where}"
        low = min(slower, key=lambda one: one.factor)
        at = "" if upto is first else f" at batch {low.batch_size}"
        return f"{counted} your CPU is faster {where}, {times(1 / low.factor)} times{at}"
    if start == first.batch_size:
        low = min(row, key=lambda one: one.factor)
        if len(row) == 1 or low is top:
            return f"{counted} the GPU is {most}"
        return f"{counted} the GPU is {times(low.factor)} (batch {low.batch_size}) to {most}"
    below = [one for one in row if one.batch_size < start]
    if all(one.factor < 1 / EVEN for one in below):
        return f"below batch {start} your CPU is faster {counted}, above it the GPU, {most}"
    return f"{counted} the GPU is ahead from batch {start} on, {most}; below that neither is faster throughout"


def _cpu_alone(report: BenchmarkReport) -> list[str]:
    best = fastest_of(report)
    rows: dict[tuple[str, str, str, str], list[Measurement]] = {}
    for (device, (model, mode, scope, _)), one in best.items():
        if model != ARTICLE:
            rows.setdefault((device, model, mode, scope), []).append(one)
    told = []
    for (device, model, mode, scope), found in rows.items():
        if scope != "network":
            continue
        top = max(found, key=lambda one: one.clips_per_second or 0.0)
        speed = f"{number(top.clips_per_second or 0.0)} clips/s at batch {top.case.batch_size}"
        sentence = f"{WORK[mode]} of {model} on {_name(report, device)}: {speed} ({top.case.form})"
        plain = [
            one
            for one in report.measurements
            if one.ok and (one.case.device, one.case.work) == (device, top.case.work) and one.case.plain
        ]
        if plain and top not in plain:
            factor = (top.clips_per_second or 0.0) / max(one.clips_per_second or 0.0 for one in plain)
            if factor > EVEN:
                sentence += f", {times(factor)} times as fast as plain fp32"
        wider = rows.get((device, model, mode, "file")) or rows.get((device, model, mode, "waveform"))
        if wider:
            whole = max(wider, key=lambda one: one.clips_per_second or 0.0)
            counted = COUNTED[whole.case.scope]
            sentence += f"; {counted} {number(whole.clips_per_second or 0.0)} at batch {whole.case.batch_size}"
            if whole.parts_ms:
                part, taken = max(whole.parts_ms.items(), key=lambda item: item[1])
                share = taken / sum(whole.parts_ms.values())
                sentence += f", where {_PARTS[part]} takes {percent(share, 0)} of the time"
        told.append(sentence + ".")
    return told


_PARTS = {"decode": "decoding", "transfer": "the transfer", "mel": "the log-mel", "network": "the network"}


def _article(report: BenchmarkReport) -> list[str]:
    lines = [line for line in article.beside(report) if not line.quoted]
    if not lines:
        return []
    cpus = {report.device_name("cpu")}
    cpu = [line.ms for line in lines if line.who in cpus]
    gpu = [line.ms for line in lines if line.who not in cpus]
    here = [f"{number(min(cpu))} ms on this CPU"] if cpu else []
    here += [f"{number(min(gpu))} ms on this GPU"] if gpu else []
    words = " and ".join(here)
    if cpu and gpu:
        words += f", {times(min(cpu) / min(gpu))} times" if min(gpu) < min(cpu) else ", so the CPU is the faster one"
    return [
        f"Small CNN, 4 × 1 × 64 × 64: published figures are {article.GPU_MS:g} ms on an RTX 3090 and more than {article.CPU_MS:g} ms "
        f"on a CPU, “{article.FACTOR:g} times”; here {words}."
    ]


def _doubts(report: BenchmarkReport) -> list[str]:
    figures = [one for one in report.measurements if one.ok]
    doubted = sum(bool(one.disturbed) for one in figures)
    if doubted <= len(figures) / 4:
        return []
    which = "The one figure was" if len(figures) == 1 else f"{doubted} of {len(figures)} figures were"
    return [f"{which} disturbed: measure again on an idle machine."]


def _name(report: BenchmarkReport, device: str) -> str:
    if device == "cpu":
        return "the CPU"
    gpus = [known for known in report.plan.devices if known != "cpu"]
    return report.device_name(device) + (f" ({device})" if len(gpus) > 1 else "")
