"""Which files are annotations, and what becomes of damaged ones."""

from __future__ import annotations

import contextlib
import json
from random import Random

import pytest

from labcore.datasets.timed.formats import FORMATS, read_timed_file, recognised
from labcore.errors import DatasetError

from . import test_documents, test_tables
from .test_documents import LABEL_STUDIO_CSV, LONG, SHORT, aoef, region
from .test_tables import AUDACITY, BIRDNET, RAVEN


def test_whatever_a_damaged_file_holds_is_read_or_refused_in_words(tmp_path):
    """Bytes changed at random: labels, damaged rows, or an error for people, and nothing else."""
    random = Random(1)
    samples = [
        RAVEN,
        AUDACITY,
        *BIRDNET.values(),
        LONG,
        SHORT,
        json.dumps(aoef()),
        "a.wav\t0.5\t2\tDog\n",
        "0.5,0,1.5,owl\n",
        LABEL_STUDIO_CSV,
        "SPEAKER a 1 1.500 1.000 <NA> <NA> owl <NA> <NA>\n",
    ]
    samples += [
        json.dumps([{"annotations": [{"result": [region(1, 2, "owl")]}], "data": {"audio": "/data/upload/1/a.wav"}}])
    ]
    tokens = [
        b"[", b"]", b"{", b"null", b"1e999", b"-1", b'"', b"\t", b"\n", b",", b"\0", b"\xff", b"NaN", b"9" * 30, b"//[",
    ]  # fmt: skip
    path, read = tmp_path / "x.txt", 0
    for _ in range(200):
        content = bytearray(random.choice(samples).encode())
        for _ in range(random.randint(1, 4)):
            at = random.randrange(len(content) + 1)
            content[at : at + random.choice([0, 1, 3, 10])] = random.choice(tokens)
        path.write_bytes(content)
        if format := recognised(path):
            read += 1
            with contextlib.suppress(DatasetError):
                read_timed_file(path, format)
    assert read > 50


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("readme.txt", "Recorded in 2024.\n1\tof 3\n"),
        ("clips.csv", "path,label,start,end\na.wav,dog,1,2\n"),
        ("features.csv", "0.1,0.2,0.3\n0.4,0.5,0.6\n"),
        ("list.tsv", "filename\tlabel\na.wav\tdog\n"),
        ("package.json", '{"name": "x", "data": {}}'),
        ("numbers.json", "[1, 2]"),
        ("empty.txt", ""),
        ("noise.txt", bytes(range(256))),
        ("table.dat", RAVEN),
    ],
)
def test_what_is_no_file_of_annotations(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert recognised(path) == ""
    assert recognised(tmp_path / "none.txt") == ""


def test_every_format_is_tried_here():
    assert set(FORMATS) == {
        name.removeprefix("test_") for name in [*vars(test_tables), *vars(test_documents)] if name.startswith("test_")
    } & set(FORMATS)
