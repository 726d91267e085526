"""``labcore benchmark``: what a GPU brings over the CPU for audio, measured."""

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
from labcore.cli.attend import exit_status, in_foreground
from labcore.cli.output import DONE, JsonLines, duration, emit, emit_json, live, say, table, tell_unreadable
from labcore.cli.parser import Parser, add_json
from labcore.errors import ConfigError, LabError, RunError
from labcore.events import Event
from labcore.jobs.listing import looked_at
from labcore.reading import read_file
from labcore.texts import counted
from labcore.workspace import Workspace, write_atomically

CHOICES = ("models", "batch_sizes", "precisions", "formats", "scopes", "modes", "threads", "compile")
"""Flags that make a plan of one's own."""
REASONS = 3
POLL_SECONDS = 0.5


def parser() -> Parser:
    parser = Parser(
        prog="labcore benchmark",
        description="Compare the CPU, in its best form, with every GPU. Devices take turns; times are medians with quartiles. "
        "The report is kept in the workspace and shown by the Speed page.",
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="the most telling cases, in under 20 s (the default)")
    size.add_argument("--full", action="store_true", help="every batch size, scope, mode, precision and memory format")
    own = parser.add_argument_group("a plan of your own (each takes several, with commas or spaces between)")
    own.add_argument("--models", nargs="+", metavar="NAME", help=f"{', '.join(MODELS)}, {ARTICLE}, timm:NAME")
    own.add_argument("--batch-sizes", nargs="+", metavar="N", help=f"1 to {BATCH_SIZES[-1]}")
    own.add_argument("--precisions", nargs="+", metavar="P", help=f"{', '.join(PRECISIONS)}; {BEST}: the CPU's best form, and "
                     "every precision of a GPU")  # fmt: skip
    own.add_argument("--formats", nargs="+", metavar="F", help=", ".join(FORMATS))
    own.add_argument("--scopes", nargs="+", metavar="S", help=f"what is included. {_listed(SCOPES)}")
    own.add_argument("--modes", nargs="+", metavar="M", help=_listed(MODES))
    own.add_argument("--threads", nargs="+", metavar="N", help="the CPU with these numbers of threads too")
    own.add_argument("--compile", action="store_true", help="with torch.compile too; its time is reported separately")
    parser.add_argument("--devices", nargs="+", metavar="D", help="cpu, cuda:0, …; all that work where not given")
    parser.add_argument("--wait", action="store_true", help="begin when no run and no other benchmark is at work")
    parser.add_argument(
        "--beside-training", action="store_true", help="measure even while a run trains on this machine"
    )
    parser.add_argument("--estimate", action="store_true", help="say how long it would take, and measure nothing")
    add_json(parser, "a line of JSON a measurement")
    parser.add_argument(
        "--output", metavar="FILE", help="the report as one file as well, to look at on another machine"
    )
    parser.add_argument("--list", action="store_true", help="list the reports of the workspace")
    parser.add_argument(
        "--show", metavar="REPORT", help="show a report of the workspace: its id, the word last, or a file"
    )
    return parser


def _listed(words: dict[str, str]) -> str:
    return ", ".join(f"{word} ({what})" for word, what in words.items())


def run(arguments: argparse.Namespace) -> int:
    workspace = Workspace.default()
    if arguments.list:
        return _list(workspace, arguments.json)
    if arguments.show is not None:
        _tell(_shown(workspace, arguments.show), arguments.json)
        return DONE
    output = Path(arguments.output).expanduser() if arguments.output else None
    if output is not None and (output.is_dir() or not output.absolute().parent.is_dir()):
        raise ConfigError(
            f"{output} cannot be written: there is no such folder", "Name a file in a folder that is there"
        )
    if not arguments.beside_training and not arguments.estimate:
        _take_turn(workspace, wait=arguments.wait)
    plan = plan_from(arguments)
    say(f"{counted(len(plan.cases), 'case')} on {', '.join(plan.devices)}, about {duration(plan.seconds)}")
    if arguments.estimate:
        return DONE
    return _measure(Benchmark.create(workspace, plan, beside=arguments.beside_training), output, arguments.json)


def _measure(benchmark: Benchmark, output: Path | None, as_json: bool) -> int:
    lines = JsonLines(as_json)

    def on_event(event: Event) -> None:
        tell_event(event)
        if isinstance(event, Measurement):
            lines.put(flat(event))

    finished = in_foreground(benchmark, on_event, "stopping after this case")
    if finished.error:
        say("labcore: " + " ".join(str(LabError(finished.error, finished.remedy)).split()))
    else:
        report = benchmark.report()
        if output is not None:
            write_atomically(output, report.to_json())
        if not as_json:
            _tell(report, as_json=False)
    say(f"report {benchmark.id}")
    return exit_status(finished.state, finished.details)


def _take_turn(workspace: Workspace, *, wait: bool) -> None:
    """Begin alone on this machine, or not at all.

    Raises:
        RunError: a job is at work or waits, and waiting was not asked for.
    """
    told = ""
    while trouble := busy_reason(workspace):
        if not wait:
            raise RunError(
                f"{trouble}: a benchmark beside it would measure both at once",
                "`--wait` begins when the machine is free; `--beside-training` measures all the same, and the figures say so",
            )
        if trouble != told:
            say(f"waiting: {trouble}")
            told = trouble
        time.sleep(POLL_SECONDS)


def plan_from(arguments: argparse.Namespace) -> BenchmarkPlan:
    """The plan that the flags describe.

    Raises:
        ConfigError: a word that means nothing here, or flags that exclude each other.
        DeviceError: a device that cannot be used.
    """
    from labcore.benchmark.machine import usable_devices
    from labcore.benchmark.plan import FULL
    from labcore.device import choose_device

    devices = words(arguments.devices)
    devices = [choose_device(device).device for device in devices] if devices else usable_devices()
    given = [name for name in CHOICES if getattr(arguments, name)]
    if given and (arguments.quick or arguments.full):
        flag = "--" + given[0].replace("_", "-")
        raise ConfigError(
            f"--{'quick' if arguments.quick else 'full'} and {flag} exclude each other", "Leave one of them out"
        )
    if arguments.full:
        return full_plan(devices)
    if not given:
        return quick_plan(devices)
    scopes = tuple(SCOPES) if any(device != "cpu" for device in devices) else ("network", "waveform", "file")
    return make_plan(
        devices,
        words(arguments.models) or ["compact"],
        words(arguments.modes) or ["inference"],
        words(arguments.scopes) or scopes,
        numbers(arguments.batch_sizes, "--batch-sizes") or BATCH_SIZES,
        words(arguments.precisions) or [BEST],
        words(arguments.formats) or FORMATS,
        threads=numbers(arguments.threads, "--threads"),
        compiled=arguments.compile,
        budget=FULL,
    )


def words(given: list[str] | None) -> list[str]:
    """Values of a flag, with commas or spaces between, each once."""
    return list(dict.fromkeys(word for text in given or [] for word in text.split(",") if word))


def numbers(given: list[str] | None, flag: str) -> list[int]:
    """The same as whole numbers.

    Raises:
        ConfigError: one is none.
    """
    try:
        return [int(word) for word in words(given)]
    except ValueError as error:
        raise ConfigError(f"{flag} takes whole numbers: {error}", "Write for instance 1 8 64") from error


def tell_event(event: Event) -> None:
    """Tell people of an event that only benchmarks have."""
    if isinstance(event, BenchmarkProgress):
        live(f"{event.done}/{event.total}  {event.what}  {duration(event.seconds_left)} left")
    elif isinstance(event, CpuTuned):
        form = f"{event.precision} {event.memory_format}, {event.threads} thread{'' if event.threads == 1 else 's'}"
        say(f"CPU for {event.model}, {event.mode}, batch {event.batch_size}: {form}; {event.reason}")
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
        emit("")
        for line in table(list(rows[0]), [list(row.values()) for row in rows]):
            emit(line)
    lines = beside(report)
    if lines:
        emit("")
        shown = [[line.who, line.form, f"{'> ' if line.at_least else ''}{line.ms:.3g}"] for line in lines]
        for text in table(["published figures, small CNN on (4, 1, 64, 64)", "form", "ms"], shown):
            emit(text)
    reasons = list(dict.fromkeys(one.disturbed for one in report.measurements if one.disturbed))
    for reason in reasons[:REASONS]:
        emit(f"* disturbed: {reason}")
    if len(reasons) > REASONS:
        emit(f"* and {counted(len(reasons) - REASONS, 'reason')} more; --json tells each")


def _row(one: Measurement) -> dict[str, str]:
    """A measurement in the table, by the heads of its columns."""
    case = one.case
    assert one.median_ms is not None
    share = "-" if one.peak_share is None else f"{100 * one.peak_share:.2g} %"
    energy = "-" if one.energy_j_per_clip is None else f"{one.energy_j_per_clip:.3g}"
    return {
        "device": case.device,
        "network": case.model,
        "mode": case.mode,
        "scope": case.scope,
        "batch": str(case.batch_size),
        "form": case.form,
        "ms": f"{one.median_ms:.3f}",
        "quartiles": f"{one.q1_ms:.3f} - {one.q3_ms:.3f}",
        "clips/s": f"{one.clips_per_second:.1f}",
        "of peak": share,
        "J/clip": energy,
        "": "*" if one.disturbed else "",
    }


def _shown(workspace: Workspace, name: str) -> BenchmarkReport:
    path = Path(name).expanduser()
    if not path.is_file():
        return Benchmark.open(workspace, name).report()
    try:
        return BenchmarkReport.from_json(read_file(path))
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror or error}", "Check its permissions") from error


def _list(workspace: Workspace, as_json: bool) -> int:
    reports, broken = looked_at(Benchmark.every(workspace), Benchmark.report, lambda benchmark: benchmark.id)
    for report in reports:
        figures = sum(one.ok for one in report.measurements)
        if as_json:
            emit_json(
                {"id": report.id, "by": report.by, "state": report.state, "title": report.title, "figures": figures}
            )
        else:
            emit(f"{report.id}  {report.state}  {counted(figures, 'figure')}  {report.title}")
    tell_unreadable([*broken, *Benchmark.unreadable(workspace)], "id", as_json=as_json)
    return DONE
