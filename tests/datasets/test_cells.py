"""Cells of several labels."""

import pytest

from labcore.datasets.cells import Cell, labels_of, mark_between, rarest, read_cell, states


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


def test_states_of_many_clips_ask_for_the_labels_that_are_named_alone(monkeypatch):
    cells = ["b;-c;?d;x", "?;a", "a;-a", "", "-b;?"]
    labels = [*"abcd", *(f"species {number}" for number in range(50))]
    found, asked = states(cells, labels), []
    assert found.tolist() == [[read_cell(cell).state(label) for label in labels] for cell in cells]
    true = Cell.state
    monkeypatch.setattr(Cell, "state", lambda cell, label: asked.append(label) or true(cell, label))
    states(cells, labels)
    assert sorted(asked) == list("aabbcd")
    assert states([], labels).shape == (0, 54)
