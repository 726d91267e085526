"""Formats of rows, by the bytes that programs write: those here are as crowsetta, BirdNET-Analyzer, the Python package birdnet,
OpenSoundscape, dcase_util and pyannote wrote them."""

from __future__ import annotations

import pytest

from labcore.datasets.timed.labels import WHOLE, Stretch
from labcore.errors import DatasetError

from .conftest import spans

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


def test_boxed(read):
    boxes = 'audio_file,annotation_file,annotation,start_time,end_time,low_f,high_f\n/rec/a.wav,,"fox, red",7.25,8.0,400.0,2000.0\n'
    format, found = read(boxes, "x.csv")
    assert (format, spans(found), found.labels[0].recording) == ("boxed", [(7.25, 8.0, "fox, red")], "/rec/a.wav")
    assert (found.labels[0].low_hz, found.labels[0].high_hz) == (400.0, 2000.0)
    generic = "label,onset_s,offset_s,notated_path,annot_path,sequence,annotation\nowl,1.5,2.5,a.wav,x,0,0\n"
    format, found = read(generic, "x.csv")
    assert (format, spans(found), found.labels[0].recording) == ("boxed", [(1.5, 2.5, "owl")], "a.wav")
    assert spans(read("onset_s,offset_s,label\n1.5,2.5,owl\n", "a.csv")[1]) == [(1.5, 2.5, "owl")]


def test_rttm(read):
    rows = ["SPEAKER a 1 1.500 1.000 <NA> <NA> owl <NA> <NA>", "SPKR-INFO a 1 <NA> <NA> <NA> unknown owl <NA> <NA>"]
    format, found = read("\n".join([*rows, "SPEAKER a 1 x 1", "SPEAKER b 1 2 0.5 <NA> <NA> <NA> <NA> <NA>"]), "x.rttm")
    assert (format, spans(found)) == ("rttm", [(1.5, 2.5, "owl"), (2.0, 2.5, "")])
    assert [label.recording for label in found.labels] == ["a", "b"]
    assert [(row.line, row.recording) for row in found.damaged] == [(3, "a")]


def test_lab(read):
    assert read("1.500 2.500 owl call\n7.25 8 fox\n", "a.lab")[0] == "lab"
    assert spans(read("1.500 2.500 owl call\n7.25 8 fox\nx 9 bad\n", "a.lab")[1]) == [
        (1.5, 2.5, "owl call"),
        (7.25, 8, "fox"),
    ]
    assert spans(read("0 2500000 sil\n2500000 10000000 dog\n", "a.lab")[1]) == [
        (0, 0.25, "sil"),
        (0.25, 1.0, "dog"),
    ]  # of HTK
    assert spans(read("1.5\t2.5\towl\n", "a.ann")[1]) == [(1.5, 2.5, "owl")]  # as DCASE 2016 and dcase_util name it


def test_ravens_views_and_channels_of_one_selection(read):
    """Columns in another order, with others between; a selection in two views and two channels; a path of Windows."""
    head = "View\tSelection\tAnnotation\tChannel\tInband Power (dB)\tEnd Time (s)\tBegin Time (s)\tBegin Path\tEnd Path\tFile Offset (s)\n"
    rows = [
        f"{view} 1\t{number}\t{label}\t{channel}\t-40\t{end}\t{start}\tD:\\n\\b.wav\tD:\\n\\b.wav\t{offset}\n"
        for number, label, start, end, offset in ((1, "owl", 61, 62.5, 1), (2, "owl", 70, 71, 10))
        for view in ("Waveform", "Spectrogram")
        for channel in (1, 2)
    ]
    _, found = read(head + "".join(rows))
    assert spans(found) == [(1, 2.5, "owl"), (10, 11, "owl")]
    assert found.labels[0].recording == "D:\\n\\b.wav"
