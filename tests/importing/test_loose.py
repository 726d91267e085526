"""What the names of loose sounds say of their classes."""

from __future__ import annotations

import pytest

from labcore.errors import DatasetError
from labcore.importing.loose import best_way, class_folder, class_in


@pytest.mark.parametrize(
    ("name", "way", "label"),
    [
        ("dog_01.wav", "number", "dog"),
        ("dog bark (2).wav", "number", "dog bark"),
        ("猫3.wav", "number", "猫"),
        ("कुत्ती_1.wav", "number", "कुत्ती"),
        ("dog.wav", "number", ""),
        ("01_dog.wav", "number", ""),
        ("dog_loud.wav", "mark", "dog"),
        ("dog.wav", "mark", ""),
        ("01 - dog.wav", "last", "dog"),
        ("2024-05-01_owl.flac", "last", "owl"),
    ],
)
def test_the_class_in_a_name(name, way, label):
    assert class_in(name, way) == label


@pytest.mark.parametrize(
    ("names", "way"),
    [
        (["dog_1.wav", "dog_2.wav", "cat_1.wav", "cat_2.wav"], "number"),
        (["dog_loud.wav", "dog_low.wav", "cat_loud.wav", "cat_low.wav"], "mark"),
        (["1_dog.wav", "2_dog.wav", "3_cat.wav", "4_cat.wav"], "last"),
    ],
)
def test_the_way_that_gives_classes_of_several_clips_is_proposed(names, way):
    assert best_way(names) == way


@pytest.mark.parametrize("label", ["", "  ", "../up", "a/b", ".hidden", "__MACOSX", "x" * 121, "狼" * 81, "a\0b"])
def test_what_no_folder_can_be_called_is_refused(label):
    with pytest.raises(DatasetError):
        class_folder(label)


def test_a_class_in_any_script_keeps_its_name():
    assert class_folder("  Grauer  Wolf 狼 ") == "Grauer Wolf 狼"
    assert class_folder("й" * 120) == "й" * 120
