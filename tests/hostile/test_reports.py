"""Benchmark reports from elsewhere: whatever an upload holds, it is refused in a sentence, or every look at it works, for everybody."""

from __future__ import annotations

import contextlib
import json
import random
from pathlib import Path

import pytest

from labcore.benchmark.cases import Case
from labcore.benchmark.events import CpuTuned, Measurement, PeakMeasured
from labcore.benchmark.job import Benchmark, busy_reason
from labcore.benchmark.plan import quick_plan
from labcore.benchmark.report import BenchmarkReport, ReportError
from labcore.benchmark.summary import sentences
from labcore.cli.main import main
from labcore.jobs.glances import glances
from labcore.workspace import Workspace
from ui.benchmark import data

from .damage import CONTENTS, FEW, KINDS, VALUES, leaves, with_value, without

SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed >= 8 else []) for seed in range(30)]
TRIES = 40
"""So many values are put into a report for each seed."""


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    monkeypatch.setenv("LABCORE_HOME", str(tmp_path / "home"))
    return Workspace.default()


def report() -> BenchmarkReport:
    case = Case("cpu", "compact", precision="bf16", memory_format="channels_last", threads=2)
    other = Case("cuda:0", "compact", precision="fp16")
    figures = {"clips_per_second": 100.0, "median_ms": 10.0, "q1_ms": 9.0, "q3_ms": 11.0, "repeats": 5}
    tried = [{"precision": "bf16", "memory_format": "channels_last", "threads": 2, "ms": 10.0}]
    return BenchmarkReport(
        id="20261127-100000-benchmark-quick-abcd",
        created=1.79e9,
        plan=quick_plan(["cpu"]),
        machine={"devices": [{"device": "cpu", "name": "A CPU"}, {"device": "cuda:0", "name": "A GPU"}], "torch": "2"},
        measurements=(
            Measurement(case=case, **figures, parts_ms={"network": 5.0, "mel": 1.0}),
            Measurement(case=other, **figures),
        ),
        tunings=(
            CpuTuned(
                model="compact", mode="inference", batch_size=1, precision="bf16", memory_format="channels_last", threads=2,
                reason="it is the fastest", tried=tried,
            ),
        ),
        peaks=(PeakMeasured(device="cpu", precision="fp32", threads=2, flops_per_second=1e12, size=1024),),
    )  # fmt: skip


def look(workspace: Workspace, reports: list[BenchmarkReport]) -> None:
    """Everything that page and command line work out of reports."""
    rows = data.taken(reports)
    data.works(rows)
    for every_form in (False, True):
        data.curve(rows, every_form=every_form).to_csv().encode()
    for base in {row.device for row in rows}:
        data.speed_ups(rows, base)
    data.against_plain(rows)
    data.time_parts(rows)
    data.full_table(reports).to_csv().encode()
    data.article_table(reports)
    for each in reports:
        words = [each.title, *sentences(each), *(data.tuning_words("", one) for one in each.tunings)]
        "\n".join(words).encode()
        json.loads(each.to_json().encode(), parse_constant=pytest.fail)
    glances(workspace, Benchmark)
    busy_reason(workspace)


def taken_up(workspace: Workspace, content: str | bytes) -> bool:
    """Whether an upload is kept; then every look at it works, and it can be removed."""
    try:
        folder = Benchmark.keep(workspace, BenchmarkReport.from_json(content))
    except ReportError:
        return False
    look(workspace, [report(), folder.report()])
    folder.delete()
    return True


def test_a_sound_report_is_taken_up(workspace):
    assert taken_up(workspace, report().to_json())


@pytest.mark.parametrize("name", CONTENTS)
def test_what_is_no_report_is_refused(workspace, name):
    assert not taken_up(workspace, CONTENTS[name])
    assert not taken_up(workspace, b'{"format": "labcore-benchmark-1", "events": ' + CONTENTS[name] + b"}")


def test_the_name_of_a_plan_leads_nowhere_else(workspace):
    tree = json.loads(report().to_json())
    tree["plan"]["name"] = "../../../../away"
    folder = Benchmark.keep(workspace, BenchmarkReport.from_json(json.dumps(tree)))
    assert folder.path.parent == workspace.room("reports")
    assert Benchmark.every(workspace) == [folder]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_report_with_other_values(workspace, seed):
    draw = random.Random(seed)
    tree = json.loads(report().to_json())
    ways = leaves(tree)
    for _ in range(TRIES):
        way, value = draw.choice(ways), draw.choice(list(VALUES))
        content = without(tree, way) if draw.random() < 0.1 else with_value(tree, way, VALUES[value])
        try:
            taken_up(workspace, content.encode("utf-8", "surrogatepass"))
        except BaseException:
            print(f"at {way}: {value}")
            raise


@pytest.mark.slow
@pytest.mark.parametrize("value", VALUES)
def test_a_report_with_every_value_in_every_place(workspace, value):
    tree = json.loads(report().to_json())
    for way in leaves(tree):
        taken_up(workspace, with_value(tree, way, VALUES[value]).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "kinds", [FEW, pytest.param(tuple(KINDS), marks=pytest.mark.slow)], ids=["a few", "every kind"]
)
@pytest.mark.parametrize("file", ["plan.json", "machine.json", "events.jsonl", "origin.json", "owner", "lock", "stop"])
def test_any_damage_of_a_report_hides_no_other(workspace, file, kinds, capsys):
    good = Benchmark.keep(workspace, report())
    for kind in kinds:
        bad = Benchmark.keep(workspace, report())
        KINDS[kind](bad.path / file)
        assert main(["benchmark", "--list"]) == 0, kind
        told = capsys.readouterr().out
        assert good.id in told, kind
        assert bad.id in told, kind
        glances(workspace, Benchmark)
        busy_reason(workspace)
        for folder in Benchmark.every(workspace):
            if folder.id == bad.id:
                with_or_without(workspace, folder)


def with_or_without(workspace: Workspace, folder: Benchmark) -> None:
    """A damaged report is looked at or says why not, and can be removed."""
    with contextlib.suppress(ReportError):
        look(workspace, [folder.report()])
    folder.delete()
    assert not Path(folder.path).exists()
