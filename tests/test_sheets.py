"""CSV that a spreadsheet opens runs no formulas, and is read back as it was."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest

from labcore.batch.tables import csv_text
from labcore.datasets.csvtext import read_rows
from labcore.extract.files import Entry
from labcore.extract.index import Journal
from labcore.sheets import Sheet, csv_of_frame, guarded, unguarded

FORMULAS = [
    "=1+1", "=cmd|' /C calc'!A0", "+49 30", "-dog", "@SUM(A1)", "\t=1", "\r=1", "＝1", "'=1", "''-x", '=HYPERLINK("http://x";"y")', 
    "-", "=",
]  # fmt: skip
PLAIN = ["dog", "", "a=b", "dog-bark", "'s Gravenhage", "-3.5", "+1e-5", "-.5", "12", "ä"]


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_become_texts_and_come_back(text):
    assert guarded(text) == f"'{text}"
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize("text", PLAIN)
def test_all_else_stays_as_it_is(text):
    assert guarded(text) == text
    assert unguarded(text) == text


@pytest.mark.parametrize("number", [-3, -0.5, 7, None, True])
def test_numbers_stay_numbers(number):
    assert guarded(number) is number


def cells(text: str) -> list[str]:
    return [cell for row in csv.reader(io.StringIO(text)) for cell in row]


def harmless(text: str) -> bool:
    return not any(
        cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        for cell in cells(text)
        if cell.lstrip("+-").strip("0123456789.e")
    )


def test_the_lab_reads_back_what_it_writes(tmp_path):
    words = [text for text in FORMULAS if text.strip() == text and text not in "-="]
    with (tmp_path / "list.csv").open("w", newline="") as file:
        sheet = Sheet(file, ["path", "=label"])
        sheet.rows({"path": f"{number}.wav", "=label": text, "other": "left out"} for number, text in enumerate(words))
    assert harmless((tmp_path / "list.csv").read_text())
    rows = read_rows(tmp_path / "list.csv")
    assert [row for _, row in rows] == [
        ["path", "=label"],
        *([f"{number}.wav", text] for number, text in enumerate(words)),
    ]


def test_answers_as_csv():
    share = {"=evil()": 0.75, "+dog": 0.25}
    answer = {
        "file": "@a.wav",
        "label": "=evil()",
        "probability": 0.75,
        "seconds": 1.0,
        "notes": ["-x"],
        "probabilities": share,
    }
    out = csv_text([answer, {"file": "=b", "error": "=c"}], list(share), threshold=0.5)
    assert harmless(out)
    assert "'=evil()" in cells(out)
    assert "0.75" in cells(out)


def test_a_table_of_pandas_as_csv():
    frame = pd.DataFrame({"=head": ["=1+1", "dog"], "number": [-0.5, None], "whole": [-1, 2]})
    assert csv_of_frame(frame) == "'=head,number,whole\n'=1+1,-0.5,-1\ndog,,2\n"
    assert list(frame) == ["=head", "number", "whole"]


def test_a_carriage_return_begins_no_row():
    """Nor a formula behind it."""
    rows = [["a\r=cmd()", 'b\n,"c"'], ["d", "e"]]
    file = io.StringIO()
    sheet = Sheet(file, ["path", "label"])
    for row in rows:
        sheet.row(row)
    for written in (file.getvalue(), csv_of_frame(pd.DataFrame(rows, columns=["path", "label"]))):
        assert list(csv.reader(io.StringIO(written, newline=""))) == [["path", "label"], *rows]


def test_the_index_of_extracted_files(tmp_path):
    journal = Journal(tmp_path)
    fields = {"path": "=a.wav", "output": "-a.npy", "error": "@b"}
    given = {name: fields.get(name, 0) for name in Entry.__dataclass_fields__}
    journal.entries["=a.wav"] = Entry(**given)
    assert harmless(journal.write_index(["=a.wav"], "csv").read_text())


def test_nothing_else_writes_csv():
    """One writer: what writes for itself forgets formulas."""
    from pathlib import Path

    root = Path(__file__).parents[1]
    # the demo set's list has no names from outside; a setting's text is read by flags and links alone
    allowed = {"labcore/sheets.py", "labcore/datasets/demo/build.py", "labcore/config/setting.py"}
    allowed |= {"labcore/face/names.py", "labcore/face/dataset.py"}  # what people are told to type in Python
    found = {
        str(file.relative_to(root))
        for folder in ("labcore", "ui", "pages")
        for file in (root / folder).rglob("*.py")
        if any(mark in file.read_text() for mark in ("csv.writer(", "DictWriter(", ".to_csv("))
    }
    assert found == allowed
