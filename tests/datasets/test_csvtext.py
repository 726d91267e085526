from __future__ import annotations

from pathlib import Path

import pytest

from labcore.datasets import read_dataset
from labcore.datasets.csvtext import decode_text, read_rows
from labcore.errors import DatasetError

ROWS = [["path", "label"], ["a.wav", "dog"], ["b.wav", "cat"]]


def rows_of(folder: Path, text: str | bytes) -> list[tuple[int, list[str]]]:
    path = folder / "list.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [(line, [cell.strip() for cell in row]) for line, row in read_rows(path)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("path,label\na.wav,dog\nb.wav,cat\n", [1, 2, 3]),
        ("sep=;\r\npath;label\r\na.wav;dog\r\nb.wav;cat\r\n", [2, 3, 4]),
        ('"sep=|"\npath|label\na.wav|dog\nb.wav|cat', [2, 3, 4]),
        ("SEP=\\t\npath\tlabel\na.wav\tdog\nb.wav\tcat", [2, 3, 4]),
        ("path,label\ra.wav,dog\rb.wav,cat\r", [1, 2, 3]),
        ('path, label\na.wav, "dog"\nb.wav,  "cat" \n', [1, 2, 3]),
        ('path,label\n"a.wav" ,dog\n\n  ,\n"b.wav", cat\n', [1, 2, 5]),
        ("path,label\na.wav,dog\n# b.txt, no clip\n#\nb.wav,cat\n", [1, 2, 5]),
        ("path,label\na.wav,dog\nb.wav,cat\n".encode("utf-16-le"), [1, 2, 3]),
        ("path,label\na.wav,dog\nb.wav,cat\n".encode("utf-16-be"), [1, 2, 3]),
        ("path,label\na.wav,dog\nb.wav,cat\n".encode("utf-16"), [1, 2, 3]),
    ],
)
def test_rows_and_their_lines(tmp_path, text, lines):
    found = rows_of(tmp_path, text)
    assert [row for _, row in found] == ROWS
    assert [line for line, _ in found] == lines


def test_line_breaks_in_quotes(tmp_path):
    found = rows_of(tmp_path, 'path,label\na.wav,"dog\nbarks"\r\nb.wav,"a ""cat"",\n\nasleep"\nc.wav,x\n')
    assert found[1:] == [(2, ["a.wav", "dog\nbarks"]), (4, ["b.wav", 'a "cat",\n\nasleep']), (7, ["c.wav", "x"])]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('path,label\na.wav,dog\nb.wav,"cat\nc.wav,dog\nd.wav,cat\n', 3),
        ('path,label\na.wav,"dog\nb.wav,"cat\nc.wav,dog\n', 2),
        ('path,label\na.wav,"dog\nb.wav,cat"\nc.wav,dog\n', 2),  # closes, but swallows a row
        ('path,label\n"a.wav,dog\nb.wav,cat\n', 2),
        ('"path,label\na.wav,dog\n', 1),
        ('path,label\n\n"a\nb",x\nb.wav, "cat\nc.wav,dog\n', 5),
        ('path;label\r\na.wav;"dog\r\nb.wav;cat\r\n', 2),
        ('path\tlabel\na.wav\t"dog\nb.wav\tcat\n', 2),
        ('path,label\na.wav,"' + "dog\n" * 60_000, 2),  # more than a cell may hold
    ],
)
def test_a_quote_that_does_not_close_is_an_error_with_its_line(tmp_path, text, line):
    with pytest.raises(
        DatasetError, match=f"the quote that opens in line {line} of .*list.csv is not closed"
    ) as caught:
        rows_of(tmp_path, text)
    assert caught.value.remedy


def test_a_quote_within_a_cell_is_text(tmp_path):
    assert rows_of(tmp_path, 'path,label\na.wav,7" single\nb.wav,say "hi"\n')[1:] == [
        (2, ["a.wav", '7" single']),
        (3, ["b.wav", 'say "hi"']),
    ]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Mädchen €".encode(), "Mädchen €"),
        ("Mädchen € “x”".encode("cp1252"), "Mädchen € “x”"),
        (b"\x81\xe4", "\x81ä"),  # not even in cp1252
        ("犬\n".encode() + "Bär\n".encode("cp1252"), "犬\nBär\n"),  # put together from two sources
        ("﻿Bär".encode(), "Bär"),
    ],
)
def test_encodings(content, text):
    assert decode_text(content) == text


def test_the_separator_may_be_named_behind_comments(tmp_path):
    assert rows_of(tmp_path, "# made by hand\nsep=;\npath;label\na.wav;dog\n")[1:] == [(3, ROWS[0]), (4, ROWS[1])]
    for nothing in ('sep="\r\n', "sep=\r\n"):
        assert rows_of(tmp_path, f"{nothing}path,label\na.wav,dog\n") == [(2, ROWS[0]), (3, ROWS[1])]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"PK\x03\x04\x14\0", "a spreadsheet or an archive"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html>", "a web page"),
    ],
)
def test_what_has_the_name_of_a_csv_file_alone_is_told(lay_out, told, content, kind):
    root = lay_out("a/0.wav", "b/1.wav", lists={"l.csv": ""})
    (root / "l.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=f"is {kind}, not a CSV file"):
        read_rows(root / "l.csv")
    (warning,) = told(read_dataset(root))
    assert kind in warning


def test_a_spreadsheet_is_to_be_saved_as_csv(lay_out):
    with pytest.raises(DatasetError, match="is a spreadsheet") as caught:
        read_dataset(lay_out(lists={"labels.xlsx": "x"}) / "labels.xlsx")
    assert "Save it as CSV" in caught.value.remedy
