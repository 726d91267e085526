"""Benchmark reports as the frames that the Speed page draws and offers as CSV. Reports laid beside each other carry letters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labcore.benchmark import article
from labcore.benchmark.analysis import Work, fastest, speed_up
from labcore.benchmark.cases import PARTS, SCOPES
from labcore.benchmark.events import CpuTuned, Measurement
from labcore.benchmark.report import BenchmarkReport

if TYPE_CHECKING:
    import pandas as pd

LETTERS = "ABCDEFGH"
SCOPE_NAMES = {
    "network": "Network alone",
    "transfer": "With transfers",
    "waveform": "From waveforms",
    "file": "From files",
}
MODE_NAMES = {"inference": "Inference", "training": "Training step"}
MODEL_NAMES = {"article": "small CNN, 4 × 1 × 64 × 64"}


def device_word(device: str) -> str:
    return "CPU" if device == "cpu" else device.replace("cuda:", "GPU ")


@dataclass(frozen=True)
class Taken:
    """A measurement that gave a figure, and whose it is."""

    side: str
    measured: Measurement

    @property
    def device(self) -> str:
        """The device in a word or two, with the letter of its report where there are several."""
        word = device_word(self.measured.case.device)
        return f"{self.side} · {word}" if self.side else word

    @property
    def form(self) -> str:
        return self.measured.case.form

    @property
    def rate(self) -> float:
        return self.measured.clips_per_second or 0.0


def sides(reports: list[BenchmarkReport]) -> list[tuple[str, BenchmarkReport]]:
    """The reports with their letters; a single one needs none."""
    return [("" if len(reports) == 1 else LETTERS[number], report) for number, report in enumerate(reports)]


def taken(reports: list[BenchmarkReport]) -> list[Taken]:
    """All measurements with a figure. A case that was measured twice counts as the last time says."""
    found: dict[tuple, Taken] = {}
    for side, report in sides(reports):
        for measured in report.measurements:
            if measured.ok and measured.clips_per_second:
                found[side, measured.case] = Taken(side, measured)
    return list(found.values())


def works(rows: list[Taken]) -> dict[str, dict[str, list[str]]]:
    """What there is to look at: model → mode → scopes, in the order of what is included."""
    found: dict[str, dict[str, set[str]]] = {}
    for row in rows:
        case = row.measured.case
        found.setdefault(case.model, {}).setdefault(case.mode, set()).add(case.scope)
    return {
        model: {mode: [scope for scope in SCOPES if scope in scopes] for mode, scopes in modes.items()}
        for model, modes in found.items()
    }


def best(rows: list[Taken]) -> list[Taken]:
    """Of each device and work the quickest form."""
    quickest = _fastest(rows)
    return [row for row in rows if quickest[row.device, row.measured.case.work] is row.measured]


def _fastest(rows: list[Taken]) -> dict[tuple[str, Work], Measurement]:
    return fastest((row.device, row.measured) for row in rows)


def of(rows: list[Taken], model: str, mode: str, scope: str | None = None) -> list[Taken]:
    """Those of one network and mode, and of one scope where it is given."""
    return [
        row
        for row in rows
        if (row.measured.case.model, row.measured.case.mode) == (model, mode)
        and scope in (None, row.measured.case.scope)
    ]


def curve(rows: list[Taken], *, every_form: bool) -> pd.DataFrame:
    """Clips a second over the batch size with the quartiles, and what else is known, under the names that people read."""
    import pandas as pd

    entries = [
        {
            "Device": f"{row.device} · {row.form}" if every_form else row.device,
            "Batch": row.measured.case.batch_size,
            "Clips/s": row.rate,
            "Quartile low": _rate(row.measured, row.measured.q3_ms),
            "Quartile high": _rate(row.measured, row.measured.q1_ms),
            "ms per batch": row.measured.median_ms,
            "Share of peak": row.measured.peak_share,
            "J per clip": row.measured.energy_j_per_clip,
            "Configuration": row.form,
            "Note": row.measured.disturbed or "–",
        }
        for row in (rows if every_form else best(rows))
    ]
    entries.sort(key=lambda entry: (entry["Device"], entry["Batch"]))
    return pd.DataFrame(entries)


def speed_ups(rows: list[Taken], base: str) -> dict[str, float]:
    """How many times as fast as ``base`` each other device is at the same work, each in its quickest form."""
    found = sorted(
        speed_up(_fastest(rows), base), key=lambda each: (list(SCOPES).index(each.scope), each.batch_size, each.device)
    )
    several = len({row.device for row in rows} - {base}) > 1
    return {
        f"{f'{each.device}, ' if several else ''}{SCOPE_NAMES[each.scope].lower()}, batch {each.batch_size}": each.factor
        for each in found
    }


def against_plain(rows: list[Taken]) -> dict[str, float]:
    """How many times as fast as plain fp32 each device's quickest form is, batch size by batch size."""
    plain: dict[tuple, float] = {}
    for row in rows:
        case = row.measured.case
        if case.plain:
            key = (row.device, case.work)
            plain[key] = max(plain.get(key, 0.0), row.rate)
    found = {}
    for row in sorted(best(rows), key=lambda row: (row.device, row.measured.case.batch_size)):
        key = (row.device, row.measured.case.work)
        if plain.get(key):
            found[f"{row.device}, batch {row.measured.case.batch_size}: {row.form}"] = row.rate / plain[key]
    return found


def time_parts(rows: list[Taken]) -> tuple[str, list[tuple[str, dict[str, float]]]]:
    """Milliseconds a clip of each part of the work, for the widest scope that was taken apart, batch size by batch size."""
    apart = [row for row in best(rows) if row.measured.parts_ms]
    widest = next((scope for scope in reversed(SCOPES) if any(r.measured.case.scope == scope for r in apart)), "")
    chosen = [row for row in apart if row.measured.case.scope == widest]
    chosen.sort(key=lambda row: (row.device, row.measured.case.batch_size))
    return widest, [
        (
            f"{row.device}, batch {row.measured.case.batch_size}",
            {part: ms / row.measured.case.batch_size for part, ms in row.measured.parts_ms.items()},
        )
        for row in chosen
    ]


def work_words(model: str, mode: str, scope: str) -> str:
    """What is measured, in a line."""
    return f"{MODEL_NAMES.get(model, model)} · {MODE_NAMES[mode].lower()} · {SCOPE_NAMES[scope].lower()}"


def tuning_words(side: str, tuning: CpuTuned) -> str:
    """For what the CPU's best form was sought."""
    words = (
        f"{MODEL_NAMES.get(tuning.model, tuning.model)}, {MODE_NAMES[tuning.mode].lower()}, batch {tuning.batch_size}"
    )
    return f"{side} · {words}" if side else words


def full_table(reports: list[BenchmarkReport]) -> pd.DataFrame:
    """Every measurement, those without a figure too, with what was found out about it."""
    import pandas as pd

    return pd.DataFrame([entry for side, report in sides(reports) for entry in _entries(side, report)])


def _entries(side: str, report: BenchmarkReport) -> Iterator[dict[str, object]]:
    for measured in report.measurements:
        case = measured.case
        yield {
            **({"Report": side} if side else {}),
            "Device": case.device,
            "Network": MODEL_NAMES.get(case.model, case.model),
            "Mode": case.mode,
            "Included": case.scope,
            "Batch": case.batch_size,
            "Precision": case.precision,
            "Format": case.memory_format,
            "Compiled": case.compiled,
            "ONNX Runtime": case.onnx,
            "Threads": measured.threads or None,
            "Clips/s": measured.clips_per_second,
            "Median ms": measured.median_ms,
            "Quartile 1 ms": measured.q1_ms,
            "Quartile 3 ms": measured.q3_ms,
            "Share of peak": measured.peak_share,
            "FLOPs per clip": measured.flops_per_clip,
            "J per clip": measured.energy_j_per_clip,
            "Compile s": measured.compile_seconds,
            **{f"{part.capitalize()} ms": measured.parts_ms.get(part) for part in PARTS},
            "Repeats": measured.repeats,
            "Note": measured.error or measured.disturbed,
        }


def _rate(measured: Measurement, ms: float | None) -> float | None:
    return None if not ms else 1000 * measured.case.batch_size / ms


def article_table(reports: list[BenchmarkReport]) -> pd.DataFrame | None:
    """The article's figures and those measured on the same work; None where no report measured it."""
    import pandas as pd

    entries, quoted = [], []
    for side, report in sides(reports):
        for line in article.beside(report):
            entry = {
                "Device": f"{side} · {line.who}" if side and not line.quoted else line.who,
                "Configuration": line.form,
                "ms": f"{'> ' if line.at_least else ''}{line.ms:.3g}",
                "Source": "quoted" if line.quoted else "measured" + (", disturbed" if line.disturbed else ""),
            }
            (quoted if line.quoted else entries).append(entry)
    once = list({entry["Device"]: entry for entry in quoted}.values())
    return pd.DataFrame([*once, *entries]) if entries else None
