from __future__ import annotations

import pytest

from labcore.datasets.labels import alike, doubtful, is_missing, places, several_in_a_cell, speakers, tidy, unified


@pytest.mark.parametrize(
    "cell", ["", "  ", "nan", "NaN", "NAN", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "None", "NA", " nan "]
)
def test_words_for_no_value(cell):
    assert is_missing(cell)


@pytest.mark.parametrize("cell", ["none", "na", "naan", "0", "unknown", "Nana", "no", "-", "null island"])
def test_what_may_be_a_class_is_one(cell):
    assert not is_missing(cell)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("dog\u200b", "dog"),
        ("\ufeffdog", "dog"),
        ("dog\u00a0bark", "dog bark"),
        ("  dog \t bark\n", "dog bark"),
        ("dog\nbark", "dog bark"),
        ("Ku\u0308ken", "Küken"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # within a word it is spelling
        ("dog\u00ad \u200b", "dog"),
    ],
)
def test_tidy(written, meant):
    assert tidy(written) == meant


def test_what_looks_the_same_is_the_same_and_told():
    labels, findings = unified(["dog", "dog\u200b", "dog\u00a0", "d\u200bog", "cat", "cat"])
    assert labels == ["dog"] * 4 + ["cat"] * 2
    (finding,) = findings
    assert finding.level == "warning"
    assert "'dog'" in finding.what
    assert "cat" not in finding.what
    assert unified(["dog", "cat"]) == (["dog", "cat"], [])


@pytest.mark.parametrize(
    "pair", [("dog", "Dog"), ("dog bark", "dog_bark"), ("dog-bark", "DOG BARK"), ("ﬁre", "fire"), ("a", "a\u2060")]
)
def test_labels_spelled_alike_are_told_and_stay(pair):
    (finding,) = alike({*pair, "rain"})
    assert finding.level == "warning"
    assert finding.remedy
    assert all(repr(label) in finding.what for label in pair)
    assert not list(alike({"dog", "cat", "犬", "_", "-"}))


def test_several_labels_in_a_cell():
    assert list(several_in_a_cell(["dog,rain", "dog,wind", "rain"]))
    assert list(several_in_a_cell(["dog;rain", "rain;dog", "x"]))
    assert not list(several_in_a_cell(["Turdus merula, song", "rain"]))


def test_doubtful_labels_are_told():
    (note,) = doubtful(["none", "dog", "unknown"])
    assert note.level == "note"
    assert "'none'" in note.what
    assert not list(doubtful(["dog"]))


@pytest.mark.parametrize(
    "folders",
    [
        ["Actor_01", "Actor_02"],
        ["speaker3", "speaker4", "Speaker10"],
        ["subject-2", "subject-3"],
        ["sub-01", "sub-02"],
        ["s01", "s02", "s03"],
        ["p225", "p226", "p227"],
        ["id10270", "id10271"],
        ["Speaker_Anna", "Speaker_Bo"],
        ["speakerA", "speakerB"],
        ["Patient 1", "Patient 2"],
    ],
)
def test_folders_of_people(folders):
    (finding,) = speakers([(folder, f"{number}.wav") for folder in folders for number in range(3)])
    assert "group" in finding.remedy
    assert "label" in finding.remedy


def test_the_same_telling_names_in_all_folders():
    words = ["angry", "happy", "sad"]
    (finding,) = speakers([(folder, f"{word}_{n}.wav") for folder in ("Anna", "Bo") for word in words for n in (1, 2)])
    assert "same names" in finding.what


def test_numbers_of_people_in_the_names_of_files():
    spoken = [
        (f"{person:02}", f"{digit}_{person:02}_{take}.wav")
        for person in (1, 2, 60)
        for digit in range(3)
        for take in (0, 1)
    ]
    assert "same names" in next(speakers(spoken)).what
    assert not list(speakers([(f"{label}", f"{label}-{n * label}.wav") for label in (10, 11) for n in range(4)]))


@pytest.mark.parametrize(
    "files",
    [
        [(label, f"{number}.wav") for label in ("dog", "cat") for number in range(5)],
        [(label, f"clip_{number}.wav") for label in ("dog", "cat") for number in range(5)],
        [(label, f"{label}{number}.wav") for label in ("dog", "cat") for number in range(5)],
        [(label, "0.wav") for label in ("s1", "s2")],  # heart sounds
        [(label, "0.wav") for label in ("child_crying", "child_laughing")],
        [(label, "0.wav") for label in ("singer", "speaker")],
        [(str(digit), f"{digit}_{name}_0.wav") for digit in range(10) for name in ("anna", "bo", "cy")],
        [],
    ],
)
def test_folders_of_classes(files):
    assert list(speakers(files)) == []


def test_figures_as_pandas_writes_them_are_alike():
    (finding,) = alike(["3", "3.0", "30", "0.30"])
    assert "'3' = '3.0'" in finding.what
    assert "30" not in finding.what


@pytest.mark.parametrize(
    ("folders", "told"),
    [
        (("SITE01", "SITE02", "site 3a"), True),
        (("20260514", "2026-05-15"), True),
        (("ARU_7", "20260514"), True),
        (("SITE01",), False),
        (("SITE01", "dog"), False),
        (("unit", "point"), False),
        (("20261399", "20260514"), False),
    ],
)
def test_folders_of_sites_recorders_and_days(folders, told):
    found = list(places(folders * 2))
    assert bool(found) == told
    assert all("look like sites, recorders or days" in finding.what for finding in found)
