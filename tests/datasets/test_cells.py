"""Cells of several labels."""

import pytest

from labcore.datasets.cells import labels_of, mark_between, rarest, read_cell


def test_what_a_cell_says():
    cell = read_cell("Bark; Dog;-Rain;?Wind;?")
    assert (cell.present, cell.absent, cell.unsure, cell.open) == (("Bark", "Dog"), ("Rain",), ("Wind",), True)
    assert labels_of("-;Dog;;Dog") == ["-", "Dog"]  # a sign alone is a name
    assert labels_of("-Rain") == []


@pytest.mark.parametrize(
    ("labels", "mark"),
    [
        (["dog;rain", "rain"], ";"),
        (["dog|rain", "dog"], "|"),
        (["dog,cat", "dog", "cat,bird"], ","),
        (["dog;rain", "cat;wind"], None),  # no part is a label elsewhere
        (["Speech, male", "Speech, female", "rain"], None),
        (["Turdus merula, song", "rain"], None),
        (["dog", "-dog"], ""),
        (["dog", "-cat", "cat;dog"], ";"),
        (["dog", "-3 dB"], None),
        (["dog", "cat"], None),
    ],
)
def test_what_separates_labels(labels, mark):
    assert mark_between(labels) == mark


def test_the_rarest_label_stands_for_a_clip():
    assert rarest(["dog", "dog;rain", "rain;wind", "-dog"]) == ["dog", "dog", "wind", "-dog"]
