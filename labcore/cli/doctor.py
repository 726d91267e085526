"""``labcore doctor``: is this machine's GPU usable, and if not, why not and what to do."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from labcore.cli.output import DONE, FAILED, emit, live, table
from labcore.cli.parser import Parser, add_json
from labcore.doctor.examination import examine
from labcore.doctor.report import SIGN, DoctorReport, proof_cells
from labcore.errors import LabError
from labcore.texts import json_line
from labcore.workspace import Workspace

INDENT = "      "


def parser() -> Parser:
    parser = Parser(
        prog="labcore doctor",
        description="Check driver, PyTorch, GPUs and machine, prove by computing that each device works, and say what to do where "
        "something is wrong. The report holds no user names, paths or serial numbers.",
        epilog="Exit status: 0 for a green or amber verdict, 1 for a red one. Without a GPU the verdict is amber: the lab works.",
    )
    form = parser.add_mutually_exclusive_group()
    add_json(form, "one line of JSON")
    form.add_argument("--markdown", action="store_true", help="Markdown, to paste into an issue")
    parser.add_argument(
        "--output", metavar="FILE", help="write there; a name that ends in .json or .md chooses that form"
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    target = Path(arguments.output) if arguments.output else None
    if target is not None and not target.parent.is_dir():
        raise LabError(f"the folder {target.parent} is not there", "Choose another --output")
    report = _watched()
    text = _text(report, arguments, target)
    if target is None:
        emit(text)
    else:
        with LabError.on_os_error(f"{target} cannot be written", "Choose another --output"):
            target.write_text(text + "\n", encoding="utf-8")
        live("")
    return FAILED if report.verdict == "red" else DONE


def _watched() -> DoctorReport:
    """The complete report; what is still looked at stands on a live line."""
    last: DoctorReport | None = None
    with contextlib.closing(examine(Workspace.default())) as reports:
        for last in reports:
            live(f"looking at {last.pending[0]} …" if last.pending else "")
    live("")
    assert last is not None
    return last


def _text(report: DoctorReport, arguments: argparse.Namespace, target: Path | None) -> str:
    ending = target.suffix.lower() if target and not (arguments.json or arguments.markdown) else ""
    if arguments.json or ending == ".json":
        return json_line(report.to_json())
    if arguments.markdown or ending in (".md", ".markdown"):
        return report.to_markdown().rstrip("\n")
    return "\n".join(lines(report))


def lines(report: DoctorReport) -> list[str]:
    """The report for people: verdict first, then the checks by group, each remedy indented below its check."""
    told = [f"{report.verdict.upper()}: {report.sentence}."]
    for group, checks in report.groups():
        told += ["", group]
        for check in checks:
            told.append(f"  {SIGN[check.status]} {check.title}: {check.summary}")
            if check.status in ("warning", "error"):
                told += [f"{INDENT}{name}: {value}" for name, value in check.evidence.items()]
            told += [INDENT + line for line in check.remedy.splitlines()]
    if report.proofs:
        rows = [proof_cells(proof) for proof in report.proofs]
        head = ["device", "work", "result", "ms", "difference", "tolerance"]
        told += ["", "Proofs", *("  " + line for line in table(head, rows))]
    return told
