"""The report as JSON and Markdown."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from labcore.doctor.report import Check, DoctorReport, Proof, proof_cells

REPORT = DoctorReport(
    "red",
    "The card cannot be used",
    "cpu",
    (
        Check("memory", "Machine", "Memory", "ok", "Enough"),
        Check(
            "driver", "NVIDIA driver", "Driver", "error", "Too | old", {"driver": "1.0"}, "Update it:\n$ sudo update"
        ),
    ),
    (
        Proof("cuda:0", "Card", "STFT", "error", tolerance=1e-4, error="a | b"),
        Proof("cpu", "CPU", "STFT", "ok", 1.5, 2e-7, 1e-4),
    ),
    created=0.0,
)


def test_json_has_the_keys_that_were_promised() -> None:
    content = json.loads(json.dumps(REPORT.to_json(), allow_nan=False))
    assert {"verdict", "device", "checks"} <= set(content)
    assert {"id", "status", "summary", "evidence", "remedy"} <= set(content["checks"][1])
    assert content["created"] == "1970-01-01T00:00:00Z"
    assert content["proofs"][0]["milliseconds"] is None


def test_groups_keep_their_order_and_leave_out_empty_ones() -> None:
    assert [group for group, _ in REPORT.groups()] == ["NVIDIA driver", "Machine"]


def test_markdown_tells_all_and_keeps_its_table_whole() -> None:
    text = REPORT.to_markdown()
    assert text.startswith("# Environment: red\n\n**The card cannot be used.**")
    assert "- **Driver** (error): Too | old\n  - driver: 1.0\n  > Update it:  \n  > `sudo update`" in text
    rows = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {7}
    assert "Not finished" not in text


def test_markdown_of_an_unfinished_report_says_so() -> None:
    assert "Unfinished: x is missing" in DoctorReport("amber", "s", "", (), (), False, ("x",)).to_markdown()


def test_cells_and_worst() -> None:
    assert proof_cells(REPORT.proofs[1]) == ["cpu", "STFT", "agrees", "1.5", "2.0e-07", "1e-04"]
    assert proof_cells(REPORT.proofs[0])[2:5] == ["a | b", "-", "-"]


@pytest.mark.parametrize(("took", "told"), [(0.07123, "0.0712"), (7.318, "7.32"), (132.54, "133"), (1234.5, "1234")])
def test_times_are_told_in_the_digits_that_count(took: float, told: str) -> None:
    assert replace(REPORT.proofs[1], milliseconds=took).took == told
