"""A report in its parts: figures that stand alone, and tables."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from labcore.report import parts
from labcore.report.blocks import Chart, Facts, Matrix, Paragraph, Report, Section, Series, Share, Table
from labcore.report.figure_files import figure_file

NAMES = ["a <b> & c", "50 %_of"]
MATRIX = Matrix("Clips; empty cells hold none", NAMES, {NAMES[0]: {NAMES[0]: 3, NAMES[1]: 1}, NAMES[1]: {NAMES[1]: 4}})
CHART = Chart("Accuracy", "Epoch", [Series(name, [(1, 0.25), (2, 0.75)]) for name in NAMES], share=True)
TABLE = Table("Change", ["Class", "Points"], [[NAMES[1], Share(-0.5, "−5.0", difference=True)]])


@pytest.mark.parametrize("block", [MATRIX, CHART])
def test_a_figure_stands_alone(block: Chart | Matrix) -> None:
    content = figure_file(block)
    root = ElementTree.fromstring(content)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    told = ["".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")]
    axes = {"Predicted class", "True class"} if isinstance(block, Matrix) else {"Accuracy", "Epoch"}
    assert {*axes, *NAMES} <= set(told)
    assert "var(" not in content, "many programs know no variables of CSS"
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for each in root.iter("{http://www.w3.org/2000/svg}rect"):
        if "x" in each.attrib:
            assert float(each.get("x", 0)) + float(each.get("width", 0)) <= width
            assert float(each.get("y", 0)) + float(each.get("height", 0)) <= height


def test_colours_of_a_matrix_are_shares_of_the_row() -> None:
    fills = [
        each.get("fill")
        for each in ElementTree.fromstring(figure_file(MATRIX)).iter("{http://www.w3.org/2000/svg}rect")
    ][1:]
    darkness = [sum(255 - int(str(fill)[at : at + 2], 16) for at in (1, 3, 5)) for fill in fills]
    assert darkness[2] == 0
    assert 0 < darkness[1] < darkness[0] < darkness[3]


def test_nothing_to_draw_is_no_file() -> None:
    empty = Chart("Loss", "Epoch", [Series("x", [(1.0, np.nan)])])
    report = Report("x", "x", [Paragraph("It is.")], [Section("s", [empty, MATRIX, TABLE])], "Made.")
    with zipfile.ZipFile(io.BytesIO(parts.written(report))) as archive:
        assert [name for name in archive.namelist() if name.endswith(".svg")] == ["figures/03-confusion-matrix.svg"]
        table = pd.read_csv(archive.open("tables/03-confusion-matrix.csv"), index_col="true")
        assert table.loc[NAMES[0]].to_dict() == {NAMES[0]: 3, NAMES[1]: 1}
        tex = archive.read("tables/04-change.tex").decode()
        assert {"report.html", "report.md"} <= set(archive.namelist())
    assert r"50 \%\_of & $-$5.0 \\" in tex


def test_a_row_of_latex_that_begins_with_a_bracket_is_no_length() -> None:
    """``\\\\`` and ``\\midrule`` take what stands in brackets behind them."""
    lines = parts.latex(pd.DataFrame([["[dog]", "[1]"]], columns=["[a]", "b"]), "caption").splitlines()
    assert [line for line in lines if "]" in line] == ["{[}a] & b \\\\", "{[}dog] & [1] \\\\"]


def test_columns_of_numbers_are_set_to_the_right_and_signs_as_mathematics() -> None:
    frame = pd.DataFrame(
        [["dog", 3, "−1.50 %", "0.2 to 0.9", "≥ 1"], ["cat", 1234, "–", "", "≤ 2"]], columns=["a", "b", "c", "d", "e"]
    )
    lines = parts.latex(frame, "caption").splitlines()
    assert lines[1] == r"\begin{tabular}{lrrll}"
    assert r"dog & 3 & $-$1.50 \% & 0.2 to 0.9 & $\ge$ 1 \\" in lines
    assert r"cat & 1234 & – &  & $\le$ 2 \\" in lines


def test_names_that_are_not_utf8_are_told_in_tables() -> None:
    facts = Facts("Data", [("Data set", "V\udcf6gel")])
    report = Report("x", "x", [], [Section("s", [facts, Table("t", ["file"], [["\udcf6.wav"]])])], "Made.")
    with zipfile.ZipFile(io.BytesIO(parts.written(report))) as archive:
        assert "V\\xf6gel" in archive.read("tables/01-data.csv").decode()
        assert "\\xf6.wav" in archive.read("tables/02-t.csv").decode()
