"""Check GPU, driver, PyTorch and machine, test each device by computing on it, and say what to do about problems.

The report contains no user names, paths or serial numbers. Exit status: 0 for a green or amber verdict, 1 for a red
one. Without a GPU the verdict is amber: the lab works.

Examples:
  labcore doctor
  labcore doctor --markdown --output report.md
"""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from labcore.cli.output import DONE, FAILED, Content, emit, rendered, styled, table
from labcore.cli.parser import Parser, add_json
from labcore.cli.progress import Bar, bars
from labcore.doctor.examination import examine
from labcore.doctor.report import SIGN, DoctorReport, proof_cells
from labcore.outputs import output_or_stdout, require_writable, write_output
from labcore.texts import json_line
from labcore.workspace import Workspace

INDENT = "      "
COLOURS = {"green": "green", "amber": "yellow", "red": "red", "warning": "yellow", "error": "red"}
"""Of verdicts and of checks."""


def parser() -> Parser:
    parser = Parser(prog="labcore doctor", description=__doc__)
    form = parser.add_mutually_exclusive_group()
    add_json(form, "the report as a line of JSON")
    form.add_argument("--markdown", action="store_true", help="print Markdown, for an issue")
    parser.add_argument(
        "--output", "-o", metavar="FILE", type=output_or_stdout, help="file to write; the ending .json or .md chooses that format"
    )  # fmt: skip
    return parser


def run(arguments: argparse.Namespace) -> int:
    target: Path | None = arguments.output
    if target is not None:
        require_writable(target)
    report = _watched()
    content = _content(report, arguments, target)
    if target is None:
        emit(*content)
    else:
        text = "\n".join(rendered(each, "file") for each in content)
        write_output(target, text + "\n")
    return FAILED if report.verdict == "red" else DONE


def _watched() -> DoctorReport:
    """The complete report; what is looked at now stands beside a bar."""
    last: DoctorReport | None = None
    with contextlib.closing(examine(Workspace.default())) as reports:
        for last in reports:
            if last.pending:
                bars.show(Bar(f"looking at {last.pending[0]}"))
    bars.clear()
    assert last is not None
    return last


def _content(report: DoctorReport, arguments: argparse.Namespace, target: Path | None) -> list[Content]:
    ending = target.suffix.lower() if target and not (arguments.json or arguments.markdown) else ""
    if arguments.json or ending == ".json":
        return [json_line(report.to_json())]
    if arguments.markdown or ending in (".md", ".markdown"):
        return [report.to_markdown().rstrip("\n")]
    return lines(report)


def lines(report: DoctorReport) -> list[Content]:
    """The report for people: verdict first, then the checks by group, each remedy indented below its check."""
    told: list[Content] = [styled(f"{report.verdict.upper()}: {report.sentence}.", COLOURS[report.verdict])]
    for group, checks in report.groups():
        told += ["", styled(group, "bold")]
        for check in checks:
            line = f"  {SIGN[check.status]} {check.title}: {check.summary}"
            told.append(styled(line, COLOURS.get(check.status, "")))
            if check.status in ("warning", "error"):
                told += [f"{INDENT}{name}: {value}" for name, value in check.evidence.items()]
            told += [INDENT + line for line in check.remedy.splitlines()]
    if report.proofs:
        head = ["device", "check", "result", "ms", "difference", "tolerance"]
        told += ["", styled("Self-test", "bold"), table(head, [*map(proof_cells, report.proofs)])]
    return told
