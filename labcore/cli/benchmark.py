"""Compare the CPU, with its best settings, with every GPU.

Times are medians with quartiles. The report is kept in the workspace and shown on the Benchmark page.

Examples:
  labcore benchmark
  labcore benchmark --models resnet18 --batch-sizes 1 8 64 --modes training
  labcore benchmark --show last
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from labcore.benchmark.analysis import flat
from labcore.benchmark.article import beside
from labcore.benchmark.cases import ARTICLE, BEST, FORMATS, MODELS, MODES, PRECISIONS, SCOPES
from labcore.benchmark.events import BenchmarkProgress, CpuTuned, Measurement
from labcore.benchmark.job import Benchmark, busy_reason
from labcore.benchmark.plan import BATCH_SIZES, BenchmarkPlan, full_plan, make_plan, quick_plan
from labcore.benchmark.report import BenchmarkReport, ReportError
from labcore.benchmark.summary import sentences
from labcore.cli.foreground import exit_status, in_foreground
from labcore.cli.output import DONE, JsonLines, complain, duration, emit, emit_json, nothing_yet, say, table, tell_list
from labcore.cli.parser import Parser, add_json
from labcore.cli.progress import Bar, bars
from labcore.errors import ConfigError, LabError, RunError
from labcore.events import Event
from labcore.jobs.listing import looked_at
from labcore.outputs import output_path, require_writable, write_output
from labcore.reading import read_file
from labcore.texts import counted
from labcore.workspace import Workspace

CHOICES = ("models", "batch_sizes", "precisions", "formats", "scopes", "modes", "threads", "compile")
"""Flags that make a plan of one's own."""
COLUMNS = "device", "network", "mode", "scope", "batch", "form", "ms", "quartiles", "clips/s", "of peak", "J/clip", ""
"""Of the table of measurements."""
REASONS = 3
POLL_SECONDS = 0.5


def parser() -> Parser:
    parser = Parser(prog="labcore benchmark", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="measure the most important cases, in under 20 s (default)")
    size.add_argument(
        "--full", action="store_true", help="measure every batch size, scope, mode, precision and memory format"
    )
    own = parser.add_argument_group(
        "cases of your choice", "Each takes several values, with commas or spaces between them."
    )
    for flag, metavar, what in (
        ("--models", "NAME", f"{', '.join(MODELS)}, {ARTICLE}, timm:NAME"),
        ("--batch-sizes", "N", f"1 to {BATCH_SIZES[-1]}"),
        ("--precisions", "P", f"{', '.join(PRECISIONS)}, or {BEST}: the CPU's fastest, all of a GPU"),
        ("--formats", "F", f"memory formats: {', '.join(FORMATS)}"),
        ("--scopes", "S", f"what to include. {_listed(SCOPES)}"),
        ("--modes", "M", _listed(MODES)),
        ("--threads", "N", "measure the CPU with these numbers of threads too"),
    ):
        own.add_argument(flag, nargs="+", metavar=metavar, help=what)
    own.add_argument(
        "--compile", action="store_true", help="measure torch.compile too; compile time is reported separately"
    )
    parser.add_argument("--devices", nargs="+", metavar="D", help="cpu, cuda:0, … (default: all that work)")
    parser.add_argument("--estimate", action="store_true", help="print how long it would take, and measure nothing")
    parser.add_argument("--wait", action="store_true", help="wait until no other job is running")
    parser.add_argument(
        "--beside-training", action="store_true", help="measure even while a run trains on this machine"
    )
    parser.add_argument(
        "--output", "-o", metavar="FILE", type=output_path, help="write the report to a file too, to view on another machine"
    )  # fmt: skip
    add_json(parser, "each measurement as a line of JSON")
    other = parser.add_argument_group("existing reports")
    other.add_argument("--list", action="store_true", help="list them")
    other.add_argument("--show", metavar="REPORT", help="show one: its id, the word last, or a file")
    return parser


def _listed(values: dict[str, str]) -> str:
    return ", ".join(f"{word} ({what})" for word, what in values.items())


def run(arguments: argparse.Namespace) -> int:
    workspace = Workspace.default()
    if arguments.list:
        return _list(workspace, arguments.json)
    if arguments.show is not None:
        _tell(_shown(workspace, arguments.show), arguments.json)
        return DONE
    if arguments.output is not None:
        require_writable(arguments.output)
    if not arguments.beside_training and not arguments.estimate:
        _wait_for_machine(workspace, wait=arguments.wait)
    plan = plan_from(arguments)
    say(f"{counted(len(plan.cases), 'case')} on {', '.join(plan.devices)}, about {duration(plan.seconds)}")
    if arguments.estimate:
        return DONE
    return _measure(
        Benchmark.create(workspace, plan, beside=arguments.beside_training), arguments.output, arguments.json
    )


def _measure(benchmark: Benchmark, output: Path | None, as_json: bool) -> int:
    lines = JsonLines(as_json)

    def on_event(event: Event) -> None:
        tell_event(event)
        if isinstance(event, Measurement):
            lines.put(flat(event))

    finished = in_foreground(benchmark, on_event, "stopping after this case")
    if finished.error:
        complain(LabError(finished.error, finished.remedy))
    else:
        report = benchmark.report()
        if output is not None:
            write_output(output, report.to_json())
        if not as_json:
            _tell(report, as_json=False)
    say(f"report {benchmark.id}")
    return exit_status(finished.state, finished.details)


def _wait_for_machine(workspace: Workspace, *, wait: bool) -> None:
    """See that no other job is running on this machine.

    Raises:
        RunError: a job is running or waits, and waiting was not asked for.
    """
    last = ""
    while trouble := busy_reason(workspace):
        if not wait:
            raise RunError(
                f"{trouble}: a benchmark beside it would measure both at once",
                "`--wait` waits until the machine is free; `--beside-training` measures anyway and marks the figures",
            )
        if trouble != last:
            say(f"waiting: {trouble}")
            last = trouble
        time.sleep(POLL_SECONDS)


def plan_from(arguments: argparse.Namespace) -> BenchmarkPlan:
    """The plan that the flags describe.

    Raises:
        ConfigError: a word that means nothing here, or flags that cannot be combined.
        DeviceError: a device that cannot be used.
    """
    from labcore.benchmark.machine import usable_devices
    from labcore.benchmark.plan import FULL
    from labcore.device import choose_device

    devices = values(arguments.devices)
    devices = [choose_device(device).device for device in devices] if devices else usable_devices()
    given = [name for name in CHOICES if getattr(arguments, name)]
    if given and (arguments.quick or arguments.full):
        both = f"--{'quick' if arguments.quick else 'full'} and --{given[0].replace('_', '-')}"
        raise ConfigError(f"{both} cannot be combined", "Leave one of them out")
    if arguments.full:
        return full_plan(devices)
    if not given:
        return quick_plan(devices)
    scopes = tuple(SCOPES) if any(device != "cpu" for device in devices) else ("network", "waveform", "file")
    return make_plan(
        devices,
        values(arguments.models) or ["compact"],
        values(arguments.modes) or ["inference"],
        values(arguments.scopes) or scopes,
        numbers(arguments.batch_sizes, "--batch-sizes") or BATCH_SIZES,
        values(arguments.precisions) or [BEST],
        values(arguments.formats) or FORMATS,
        threads=numbers(arguments.threads, "--threads"),
        compiled=arguments.compile,
        budget=FULL,
    )


def values(given: list[str] | None) -> list[str]:
    """Values of a flag, with commas or spaces between, each once."""
    return list(dict.fromkeys(word for text in given or [] for word in text.split(",") if word))


def numbers(given: list[str] | None, flag: str) -> list[int]:
    """The same as whole numbers.

    Raises:
        ConfigError: one is none.
    """
    try:
        return [int(word) for word in values(given)]
    except ValueError as error:
        raise ConfigError(f"{flag} takes whole numbers: {error}", "Write for example 1 8 64") from error


def tell_event(event: Event) -> None:
    """Tell people of an event that only benchmarks have."""
    if isinstance(event, BenchmarkProgress):
        left = f"{event.done}/{event.total}  {duration(event.seconds_left)} left"
        bars.show(Bar(event.what, event.done, event.total, left))
    elif isinstance(event, CpuTuned):
        say(f"CPU for {event.model}, {event.mode}, batch {event.batch_size}: {event.form}; {event.reason}")
    elif isinstance(event, Measurement) and not event.ok:
        say(f"{' '.join(map(str, event.case.work))} on {event.case.device}, {event.case.form}: {event.error}")


def _tell(report: BenchmarkReport, as_json: bool) -> None:
    """A report for people: the sentences, then the figures."""
    if as_json:
        for one in report.measurements:
            emit_json(flat(one))
        return
    emit(report.title)
    for sentence in sentences(report):
        emit(f"- {sentence}")
    rows = [_row(one) for one in report.measurements if one.ok]
    if rows:
        emit("", table(COLUMNS, rows))
    if lines := beside(report):
        head = ["published figures, small CNN on (4, 1, 64, 64)", "form", "ms"]
        figures = [[each.who, each.form, f"{'> ' if each.at_least else ''}{each.ms:.3g}"] for each in lines]
        emit("", table(head, figures))
    reasons = list(dict.fromkeys(one.disturbed for one in report.measurements if one.disturbed))
    for reason in reasons[:REASONS]:
        emit(f"* disturbed: {reason}")
    if len(reasons) > REASONS:
        emit(f"* and {counted(len(reasons) - REASONS, 'reason')} more; --json tells each")


def _row(one: Measurement) -> list[object]:
    case = one.case
    assert one.median_ms is not None
    share = None if one.peak_share is None else f"{100 * one.peak_share:.2g} %"
    energy = None if one.energy_j_per_clip is None else f"{one.energy_j_per_clip:.3g}"
    quartiles, disturbed = f"{one.q1_ms:.3f} - {one.q3_ms:.3f}", "*" if one.disturbed else ""
    figures = [f"{one.median_ms:.3f}", quartiles, f"{one.clips_per_second:.1f}", share, energy, disturbed]
    return [case.device, case.model, case.mode, case.scope, case.batch_size, case.form, *figures]


def _shown(workspace: Workspace, name: str) -> BenchmarkReport:
    path = Path(name).expanduser()
    if not path.is_file():
        return Benchmark.open(workspace, name).report()
    with ReportError.on_os_error(f"{path} cannot be read", "Check its permissions"):
        return BenchmarkReport.from_json(read_file(path))


def _list(workspace: Workspace, as_json: bool) -> int:
    reports, broken = looked_at(Benchmark.every(workspace), Benchmark.report, lambda benchmark: benchmark.id)
    facts = [
        {name: getattr(report, name) for name in ("id", "by", "state", "title")}
        | {"figures": sum(one.ok for one in report.measurements)}
        for report in reports
    ]
    head = ["id", "state", "figures", "title"]
    rows = [[each[name] for name in head] for each in facts]
    none = nothing_yet(workspace, "reports", "benchmark")
    broken += Benchmark.unreadable(workspace)
    return tell_list(facts, head, rows, broken, none=none, as_json=as_json)
