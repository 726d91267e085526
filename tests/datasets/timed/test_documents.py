"""Formats that are one document, by the bytes that programs write: those here are as praatio, textgrid, tgt, Label Studio's converter and
soundevent wrote them."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from labcore.datasets.timed.labels import WHOLE, Stretch
from labcore.errors import DatasetError

from .conftest import spans

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
        {"annotations": [], "data": {"audio": "d.wav", "words": "//[sic] no address"}},
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


LABEL_STUDIO_CSV = (
    '"annotation_id","annotator","audio","created_at","id","label","lead_time","note","weather"\n'
    '10,"a@b.c","/data/upload/1/1a2b3c4d-a.wav","2026",1,"[{""start"":1.5,""end"":2.5,""channel"":0,""labels"":[""fox, red""]}]",3.2,'
    '"two\nlines","rain"\n'
    '11,"a@b.c","/data/upload/1/1a2b3c4d-b.wav","2026",2,"",3.2,"",""\n'
)


@pytest.mark.parametrize("separator", [",", "\t"])
def test_label_studios_export_as_csv(read, separator):
    sheet = io.StringIO()
    rows = csv.reader(io.StringIO(LABEL_STUDIO_CSV))
    csv.writer(sheet, delimiter=separator, quoting=csv.QUOTE_NONNUMERIC).writerows(rows)
    text = sheet.getvalue()
    format, found = read(text, "x.csv")
    assert (format, spans(found)) == ("label_studio", [(1.5, 2.5, "fox, red")])
    assert (found.labels[0].recording, found.labels[0].annotator) == ("a.wav", "a@b.c")
    assert [each.recording for each in found.about] == ["a.wav", "b.wav"]  # in the second one there is nothing
    assert spans(read(text, "x.csv", "weather")[1]) == [(0, WHOLE, "rain")]


def test_a_cell_of_label_studio_holds_all_events_of_a_long_recording(read):
    events = json.dumps([{"start": n, "end": n + 0.5, "channel": 0, "labels": ["fox"]} for n in range(3000)])
    head, first, *_ = csv.reader(io.StringIO(LABEL_STUDIO_CSV))
    sheet = io.StringIO()
    csv.writer(sheet).writerows([head, [events if cell.startswith("[") else cell for cell in first]])
    found = read(sheet.getvalue(), "x.csv")[1]
    assert len(events) > 131_072  # what Python's reader takes by itself
    assert (len(found.labels), found.labels[-1].start_s) == (3000, 2999)


def test_what_a_detector_predicted_as_aoef(read):
    """Predictions have scores, and their tags too."""
    made = aoef()
    data = made["data"]
    data["collection_type"] = "prediction_set"
    events = data.pop("sound_event_annotations")
    data["sound_event_predictions"] = [
        {"uuid": each["uuid"], "sound_event": each["sound_event"], "score": 0.8, "tags": [[1, 0.8]]}
        for each in events[:2]
    ]
    _, found = read(json.dumps(made), "x.json")
    assert [(label.start_s, label.label, label.confidence) for label in found.labels] == [
        (1, "Myotis", 0.8),
        (3, "Myotis", 0.8),
    ]
