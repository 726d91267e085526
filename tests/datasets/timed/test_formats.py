"""Each format by the bytes that programs write: those here are as crowsetta, BirdNET-Analyzer, the Python package birdnet, Label Studio's
converter, soundevent, praatio and textgrid wrote them."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from labcore.datasets.timed.formats import FORMATS, read_timed_file, recognised
from labcore.datasets.timed.labels import WHOLE, Stretch, TimedFile
from labcore.errors import DatasetError


@pytest.fixture
def read(tmp_path: Path):
    """read(content, name="x.txt", column=None, encoding="utf-8") → the format's name and what was read."""

    def file(
        content: str | bytes, name: str = "x.txt", column: str | None = None, encoding: str = "utf-8"
    ) -> tuple[str, TimedFile]:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        format = recognised(path)
        assert format, "no format was recognised"
        return format, read_timed_file(path, format, column)

    return file


def spans(found: TimedFile) -> list[tuple[float, float, str]]:
    return [(label.start_s, label.end_s, label.label) for label in found.labels]


RAVEN = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tBegin Path\tFile Offset (s)\tSpecies\n"
    "1\tWaveform 1\t1\t1.5\t2.5\t0.0\t4000.0\tC:\\rec\\a.wav\t1.5\towl\n"
    "1\tSpectrogram 1\t1\t1.5\t2.5\t300.0\t4000.0\tC:\\rec\\a.wav\t1.5\towl\n"
    "2\tSpectrogram 1\t1\t61.0\t61.5\t400.0\t2000.0\tC:\\rec\\b.wav\t1.0\tfox\n"
)


def test_raven(read):
    format, found = read(RAVEN)
    assert format == "raven"
    assert spans(found) == [(1.5, 2.5, "owl"), (1.0, 1.5, "fox")]  # one of two views, and the time in its own file
    assert [label.recording for label in found.labels] == ["C:\\rec\\a.wav", "C:\\rec\\b.wav"]
    assert (found.labels[1].low_hz, found.labels[1].high_hz, found.labels[1].line) == (400.0, 2000.0, 4)
    assert found.column == "Species"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize(
    "change", [str, lambda text: text.replace("\n", "\r\n\r\n"), lambda text: text.replace(".", ",")]
)
def test_raven_as_other_machines_write_it(read, encoding, change):
    text = RAVEN.replace("a.wav", "a").replace("b.wav", "b")
    assert spans(read(change(text), encoding=encoding)[1]) == [(1.5, 2.5, "owl"), (1.0, 1.5, "fox")]


def test_ravens_column_with_the_label(read):
    head, row = "Selection\tBegin Time (s)\tEnd Time (s)\tPeak Freq (Hz)\tQuality\tWer", "1\t1\t2\t900\tgood\tUhu"
    assert spans(read(f"{head}\n{row}\n")[1]) == [(1, 2, "good")]  # the first with words
    assert read(f"{head}\n{row}\n")[1].others == ("Wer",)
    assert spans(read(f"{head}\n{row}\n", column="wer")[1]) == [(1, 2, "Uhu")]
    with pytest.raises(DatasetError, match=r"no 'Art' for the labels; it has: Selection.*Wer"):
        read(f"{head}\n{row}\n", column="Art")
    with pytest.raises(DatasetError, match=r"no column .* holds labels.*Name|no column .* holds labels"):
        read("Selection\tBegin Time (s)\tEnd Time (s)\n1\t1\t2\n")


def test_damaged_rows_are_told_with_their_line(read):
    _, found = read(
        "Selection\tBegin Time (s)\tEnd Time (s)\tAnnotation\n1\tone\t2\ta\n\n2\t1\n3\t1\t2\tb\n4\t1\t2\tc\td\n"
    )
    assert spans(found) == [(1, 2, "b")]
    assert [(row.line, row.what.split(":")[0]) for row in found.damaged] == [
        (2, "'one' in the column Begin Time (s) is not a time"),
        (4, "there is no time in the column End Time (s)"),
        (6, "it has 5 cells and the header 4"),
    ]


AUDACITY = "1.0\t2.5\towl\n\\\t300.0\t3000.0\n4,5\t4,5\tclick, loud\n0:01:00.5\t0:01:02\t\n\\\t-1.0\t-1.0\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le"])
def test_audacity(read, encoding):
    format, found = read(AUDACITY, encoding=encoding)
    assert format == "audacity"
    assert spans(found) == [(1.0, 2.5, "owl"), (4.5, 4.5, "click, loud"), (60.5, 62.0, "")]
    assert (found.labels[0].low_hz, found.labels[0].high_hz) == (300.0, 3000.0)
    assert found.labels[2].low_hz != found.labels[2].low_hz
    _, found = read("1.0\t2.5\tBubo bubo, Eagle-Owl\t0.8123\nx\t2\tb\n\\\t1\t2\n")  # as BirdNET writes its confidence
    assert found.labels[0].confidence == 0.8123
    assert [row.line for row in found.damaged] == [2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5,0,1.5,owl\n 3.000000000,0,0.25,fox\n", [(0.5, 2.0, "owl"), (3, 3.25, "fox")]),  # regions
        ("TIME,VALUE,DURATION,LABEL\n0.5,0,1.5,owl\n", [(0.5, 2.0, "owl")]),
        ("FRAME,VALUE,DURATION,LABEL\n4000,0,8000,owl\n", [(4000, 12000, "owl")]),
        ("0.5,a\n3,b\n", [(0.5, 0.5, "a"), (3, 3, "b")]),  # moments
        ("0.5,60,1.5,0.8,C4\n", [(0.5, 2.0, "C4")]),  # notes
        (" 0.500000000, 2.000000000,300,4000,owl\n", [(0.5, 2.0, "owl")]),  # boxes
        ("0.5,1.5,owl\n", [(0.5, 1.5, "owl")]),
    ],
)
def test_sonic_visualiser(read, text, expected):
    format, found = read(text, "x.csv")
    assert (format, spans(found)) == ("sonic_visualiser", expected)
    assert found.labels[0].in_samples == text.startswith("FRAME")
    assert (found.labels[0].high_hz == 4000) == ("4000,owl" in text)


BIRDNET = {
    "csv": "Start (s),End (s),Scientific name,Common name,Confidence,File\n0,3.0,Bubo bubo,Eagle-Owl,0.9,/rec/a.wav\n",
    "r": "filepath,start,end,scientific_name,common_name,confidence,lat,lon,week,overlap,sensitivity,min_conf,species_list,model\n"
    "/rec/a.wav,0,3.0,Bubo bubo,Eagle-Owl,0.9,-1,-1,-1,0.0,1.0,0.1,,M.tflite\n",
    "package": 'input,start_time,end_time,species_name,confidence\n/rec/a.wav,"00:00:00.00","00:00:03.00","Eagle-Owl",0.900000\n',
    "semicolons": "Start (s);End (s);Scientific name;Common name;Confidence;File\n0;3,0;Bubo bubo;Eagle-Owl;0,9;/rec/a.wav\n",
}


@pytest.mark.parametrize("kind", BIRDNET)
def test_birdnet(read, kind):
    format, found = read(BIRDNET[kind], "x.csv")
    assert (format, spans(found)) == ("birdnet", [(0.0, 3.0, "Eagle-Owl")])
    assert (found.labels[0].recording, found.labels[0].confidence) == ("/rec/a.wav", 0.9)


def test_a_recording_in_which_birdnet_found_nothing(read):
    head = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tCommon Name\tSpecies Code\tConfidence\t"
    head += "Begin Path\tFile Offset (s)\n"
    _, found = read(head + "1\tSpectrogram 1\t1\t0\t3\t0\t15000\tnocall\tnocall\t1.0\t/rec/a.wav\t0\n")
    assert (found.labels, found.about) == ([], [Stretch("/rec/a.wav")])
    with_label, column = (
        head + "1\tSpectrogram 1\t1\t0\t3\t0\t15000\tEagle-Owl\teagowl\t0.7\t/rec/a.wav\t0\n",
        "Species Code",
    )
    assert spans(read(with_label)[1]) == [(0, 3, "Eagle-Owl")]
    assert spans(read(with_label, column=column)[1]) == [(0, 3, "eagowl")]


def test_kaleidoscope(read):
    head = "INDIR,FOLDER,IN FILE,OFFSET,DURATION,Fmin,Fmax,TOP1MATCH,MANUAL ID"
    format, found = read(
        f"{head}\nD:\\in,site1,a.wav,1.5,2,20.5,80.1,c1,MYOMYO\nD:\\in,site1,a.wav,7,1,30,60,c2,\n", "x.csv"
    )
    assert (format, spans(found)) == ("kaleidoscope", [(1.5, 3.5, "MYOMYO"), (7, 8, "c2")])
    assert (found.labels[0].recording, found.labels[0].low_hz, found.labels[0].high_hz) == ("site1/a.wav", 20500, 80100)
    _, found = read(
        "INDIR,FOLDER,IN FILE,AUTO ID,MANUAL ID\nD:\\in,,a.wav,PIPPIP,\nD:\\in,,b.wav,NoID,NYCLEI\n", "x.csv"
    )
    assert spans(found) == [(0, WHOLE, "PIPPIP"), (0, WHOLE, "NYCLEI")]
    head = (
        "INDIR,FOLDER,IN FILE,OFFSET,DURATION,scientific_name,common_name,confidence,lat,lon,week,overlap,sensitivity\n"
    )
    format, found = read(head + "/rec,s,a.wav,0,3.0,Bubo bubo,Eagle-Owl,0.9,1,1,1,0,1\n", "x.csv")
    assert (format, spans(found)) == ("kaleidoscope", [(0, 3, "Eagle-Owl")])


def test_dcase(read):
    format, found = read("filename\tonset\toffset\tevent_label\na.wav\t0.5\t2\tDog\nb.wav\t\t\t\n", "x.tsv")
    assert (format, spans(found)) == ("dcase", [(0.5, 2.0, "Dog")])
    assert found.about == [Stretch("a.wav"), Stretch("b.wav")]
    format, found = read("a.wav\t0.5\t2\tDog\nb.wav\tx\t2\tDog\n", "x.txt")
    assert (format, spans(found), found.labels[0].line) == ("dcase", [(0.5, 2.0, "Dog")], 1)
    assert [row.line for row in found.damaged] == [2]
    assert spans(read("a.wav\tstreet\t0.5\t2\tcar\n")[1]) == [(0.5, 2.0, "car")]
    shots = "Audiofilename,Starttime,Endtime,A,B\na.wav,1,2,POS,NEG\na.wav,3,4,NEG,UNK\n"
    format, found = read(shots, "x.csv")
    assert (format, spans(found)) == ("dcase", [(1, 2, "A"), (3, 4, "")])


LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 20
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "words 2"
        xmin = 0
        xmax = 20
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 1.5
            text = ""
        intervals [2]:
            xmin = 1.5
            xmax = 2.5e0
            text = "say ""7""
or 8"
        intervals [3]:
            xmin = 2.5
            xmax = 20
            text = "ü"
    item [2]:
        class = "TextTier"
        name = "peaks"
        xmin = 0
        xmax = 20
        points: size = 1
        points [1]:
            number = 3
            mark = "p"
"""
SHORT = (
    'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n20\n<exists>\n2\n"IntervalTier"\n"words 2"\n0\n20\n3\n0\n1.5\n""\n'
    '1.5\n2.5\n"say ""7""\nor 8"\n2.5\n20\n"ü"\n"TextTier"\n"peaks"\n0\n20\n1\n3\n"p"\n'
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
@pytest.mark.parametrize("text", [LONG, SHORT, LONG.replace("\n", "\r\n")], ids=["long", "short", "crlf"])
def test_textgrid(read, text, encoding):
    format, found = read(text, "x.TextGrid", encoding=encoding)
    assert format == "textgrid"
    assert [(a, b, label.replace("\r", "")) for a, b, label in spans(found)] == [
        (1.5, 2.5, 'say "7"\nor 8'),
        (2.5, 20, "ü"),
    ]
    assert (found.column, found.others) == ("words 2", ("peaks",))
    assert spans(read(text, "x.TextGrid", "Peaks", encoding)[1]) == [(3, 3, "p")]
    with pytest.raises(DatasetError, match="it has: words 2, peaks"):
        read(text, "x.TextGrid", "phones", encoding)


def test_a_textgrid_that_was_cut_off(read):
    with pytest.raises(DatasetError, match="not a whole TextGrid: it ends too early"):
        read(LONG[:600], "x.TextGrid")
    with pytest.raises(DatasetError, match="in line 12 is not a figure"):
        read(LONG.replace("xmin = 0\n        xmax", 'xmin = "no"\n        xmax', 1), "x.TextGrid")


def region(start: float, end: float, *labels: str, kind: str = "labels") -> dict[str, Any]:
    return {"value": {"start": start, "end": end, "channel": 0, kind: list(labels)}, "from_name": kind, "type": kind}


def test_label_studio(read):
    texts = {"value": {"start": 1, "end": 2, "text": ["x"]}, "from_name": "t", "type": "textarea"}
    tasks = [
        {
            "annotations": [
                {"completed_by": {"email": "a@b.c"}, "was_cancelled": False, "result": [region(1, 2.5, "owl", "fox"), texts]},
                {"completed_by": 2, "was_cancelled": True, "result": [region(3, 4, "no")]},
            ],
            "data": {"audio": "/data/upload/3/1a2b3c4d-rec%20one.wav"},
        },
        {"annotations": [{"completed_by": 1, "result": []}], "data": {"sound": "/data/local-files/?d=sub/b.wav"}},
        {"annotations": [{"result": [{"value": {"choices": ["rain"]}}, region("x", 2, "bad")]}], "data": {"audio": "s3://b/c.wav"}},
        {"annotations": [], "data": {"audio": "d.wav"}},
    ]  # fmt: skip
    format, found = read(json.dumps(tasks), "x.json")
    assert format == "label_studio"
    assert spans(found) == [(1, 2.5, "owl"), (1, 2.5, "fox"), (0, WHOLE, "rain")]
    assert [label.recording for label in found.labels] == ["rec one.wav", "rec one.wav", "c.wav"]
    assert found.labels[0].annotator == "a@b.c"
    assert [each.recording for each in found.about] == ["rec one.wav", "sub/b.wav", "c.wav"]  # d was not looked at
    assert [row.recording for row in found.damaged] == ["c.wav"]


def test_label_studios_short_export(read):
    tasks = [
        {"audio": "/data/upload/1/1a2b3c4d-a.wav", "id": 1, "labels": [{"start": 1, "end": 2, "channel": 0, "labels": ["owl"]}],
         "annotator": "a@b.c", "annotation_id": 1},
        {"audio": "b.wav", "id": 2, "choice": "rain", "annotator": 1, "annotation_id": 2},
    ]  # fmt: skip
    format, found = read(json.dumps(tasks, indent=2), "x.json")
    assert (format, spans(found)) == ("label_studio", [(1, 2, "owl"), (0, WHOLE, "rain")])
    assert [label.recording for label in found.labels] == ["a.wav", "b.wav"]


def aoef() -> dict[str, Any]:
    geometries = [
        {"type": "BoundingBox", "coordinates": [1, 500, 2, 3000]},
        {"type": "TimeInterval", "coordinates": [3, 4.5]},
        {"type": "TimeStamp", "coordinates": 6},
        {"type": "Polygon", "coordinates": [[[7, 100], [8, 900], [7.5, 2000]]]},
    ]
    recordings = [{"uuid": "r0", "path": "audio/a.wav", "duration": 10}]
    recordings += [{"uuid": "r1", "path": "b.wav", "duration": 1, "time_expansion": 10}]
    events = [{"uuid": f"e{n}", "recording": "r0", "geometry": geometry} for n, geometry in enumerate(geometries)]
    events += [
        {"uuid": "e4", "recording": "r1", "geometry": {"type": "BoundingBox", "coordinates": [0.1, 20000, 0.2, 50000]}}
    ]
    return {
        "version": "1.1.0", "created_on": "2026-01-01T00:00:00",
        "data": {
            "uuid": "s", "collection_type": "annotation_set", "users": [{"uuid": "u", "username": "ann", "name": "Ann"}],
            "tags": [{"id": 0, "key": "call_type", "value": "social"}, {"id": 1, "key": "dwc:scientificName", "value": "Myotis"}],
            "recordings": recordings, "sound_events": events, "clips": [{"uuid": "c", "recording": "r0", "start_time": 0, "end_time": 9}],
            "sound_event_annotations": [
                {"uuid": f"a{n}", "sound_event": f"e{n}", "tags": [0, 1], "created_by": "u"} for n in range(5)
            ],
            "clip_annotations": [{"uuid": "ca", "clip": "c", "sound_events": ["a0"]}],
        },
    }  # fmt: skip


def test_aoef(read):
    format, found = read(json.dumps(aoef()), "x.json")
    assert (format, found.column, found.others) == ("aoef", "dwc:scientificName", ("call_type",))
    assert [span[:2] for span in spans(found)] == [
        (1, 2),
        (3, 4.5),
        (6, 6),
        (7, 8),
        (1, 2),
    ]  # the last plays ten times slower
    assert [(label.low_hz, label.high_hz) for label in (found.labels[0], found.labels[3], found.labels[4])] == [
        (500, 3000), (100, 2000), (2000, 5000),
    ]  # fmt: skip
    assert (found.labels[0].annotator, found.about) == ("Ann", [Stretch("audio/a.wav", 0, 9)])
    assert {label.label for label in read(json.dumps(aoef()), "x.json", "call_type")[1].labels} == {"social"}


def test_files_that_are_not_whole(read):
    with pytest.raises(DatasetError, match="is not whole: it is not JSON"):
        read(json.dumps(aoef())[:-40], "x.json")
    broken = aoef()
    del broken["data"]["recordings"]
    with pytest.raises(DatasetError, match=r"not a whole AOEF \(Whombat\)"):
        read(json.dumps(broken), "x.json")


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
    assert set(FORMATS) == {name.removeprefix("test_") for name in globals() if name.startswith("test_")} & set(FORMATS)
