from __future__ import annotations

import json
import os

import pytest

from labcore.texts import as_bytes, counted, json_line, moment, natural_key, printable, shown, times, whole_number

BAD = os.fsdecode(b"M\x84dchen.wav")


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("Mädchen €", "utf-8", "Mädchen €"),
        (BAD, "utf-8", r"M\x84dchen.wav"),
        ("ä" + BAD, "ascii", r"\xe4M\x84dchen.wav"),
        ("10 €", "latin-1", r"10 \u20ac"),
        ("x\ud800y\udfff", "utf-8", "x\ufffdy\ufffd"),
        ("Ma\u0308".encode().decode("ascii", "surrogateescape"), "utf-8", "Ma\u0308"),  # read where the locale is ASCII
    ],
)
def test_shown(text, encoding, expected):
    assert shown(text, encoding) == expected
    shown(text, encoding).encode(encoding)


def test_whole_numbers_and_the_order_by_them():
    assert [whole_number(text) for text in ("7", "٣", "0012", "", "²", "-1", " 1", "1.0", "9" * 19)] == [
        7,
        3,
        12,
        *[None] * 6,
    ]
    names = ["fold 10", "fold 9", "Fold 1", "m²", "²", f"fold {'9' * 5000}"]
    assert sorted(names, key=natural_key) == ["Fold 1", "fold 9", "fold 10", names[5], "m²", "²"]


def test_bytes_of_different_texts_differ():
    texts = [BAD, shown(BAD), "x\ud800", "x\ufffd", "Mädchen"]
    assert len({as_bytes(text) for text in texts}) == len(texts)
    assert as_bytes("Mädchen") == "Mädchen".encode()


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
@pytest.mark.parametrize("text", [BAD, "犬 ä", "x\ud800"])
def test_json_reads_back_in_any_encoding(text, encoding):
    line = json_line({"path": text}, encoding)
    assert json.loads(line.encode(encoding)) == {"path": text}
    assert json_line({"path": "犬"}) == '{"path": "犬"}'


def test_a_number_and_its_noun():
    assert counted(1, "clip") == "1 clip"
    assert counted(0, "clip") == "0 clips"
    assert counted(12, "clip") == "12 clips"
    assert [times(number) for number in (1, 2, 3)] == ["once", "twice", "3 times"]
    assert counted(2, "class", "classes") == "2 classes"


@pytest.mark.parametrize(
    ("number", "words", "expected"),
    [
        (1, ("clip",), "1 clip"),
        (0, ("clip",), "0 clips"),
        (1200, ("class", "classes"), "1,200 classes"),
        (1, ("class", "classes"), "1 class"),
    ],
)
def test_counts(number, words, expected):
    assert counted(number, *words) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0:00.0"), (7.46, "0:07.5"), (59.96, "1:00.0"), (3847.5, "1:04:07.5"), (-1, "0:00.0")]
)
def test_moments(seconds, expected):
    assert moment(seconds) == expected


ESCAPES = [
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x9b31m",
    "\x90q\x9c",
    "\x7f",
    "\b\b",
    "\rover",
    "\u202egpj.exe",
    "\u2066x",
    "\0",
    "\x0b",
]


@pytest.mark.parametrize("text", ESCAPES, ids=repr)
def test_a_terminal_obeys_no_text_from_outside(text):
    said = printable(f"run {text} of dog\tbark\nnext")
    assert all(letter.isprintable() or letter in "\t\n" for letter in said)
    assert said.startswith("run ")
    assert said.endswith("of dog\tbark\nnext")
    line = json_line({"name": text})
    assert line.isprintable()
    assert json.loads(line) == {"name": text}


def test_proper_texts_stay_as_they_are():
    for text in ("Grünspecht", "犬の声", "שלום", "a\tb\nc", "👩‍🚒"):
        assert printable(text) == text


def test_json_knows_no_nan():
    content = {"a": float("nan"), "b": [1.5, float("-inf"), ("x", {"c": float("inf")})]}
    read = json.loads(json_line(content), parse_constant=pytest.fail)
    assert read == {"a": None, "b": [1.5, None, ["x", {"c": None}]]}
