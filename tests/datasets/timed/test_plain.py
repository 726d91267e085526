"""A list of labels with times that people write by themselves: where it is one of annotations, and where one of clips."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import Lay
from .test_dataset import LABELS, clips, read


@pytest.mark.parametrize(
    "header", ["file,start,end,label", "Audio File;Start (s);End (s);Species", "path,start_s,duration,class"]
)
def test_a_list_with_times_beside_annotations_of_other_recordings_is_read_with_them(
    lay: Lay, told: Callable[..., list[str]], header: str
) -> None:
    ends = ("1", "1", "1") if "duration" in header else ("2", "2", "13")
    rows = zip(("b.wav", "gone.wav", "b.wav"), ("1", "1", "12"), ends, ("dog", "dog", "cat"), strict=True)
    text = "\n".join([header, *map((";" if ";" in header else ",").join, rows)])
    root = lay({"a.wav": 20.0, "b.wav": 20.0, "a.txt": LABELS, "labels.csv": text})
    dataset = read(root, window_seconds=2)
    assert clips(dataset) == [
        ("a.wav", "dog", 0.5, 2.5), ("a.wav", "cat", 7.5, 9.5), ("b.wav", "dog", 0.5, 2.5), ("b.wav", "cat", 11.5, 13.5),
    ]  # fmt: skip
    assert any(
        "dropped: no such recording" in sentence and "labels.csv line 3" in sentence for sentence in told(dataset)
    )
    (root / "b.txt").write_text("")
    (root / "a.txt").unlink()
    dataset = read(root)
    assert (dataset.layout, len(dataset.table)) == ("csv", 2), "no annotations but of what it names: each row is a clip"


def test_a_list_with_folds_or_without_times_stays_one_of_clips(lay: Lay, told: Callable[..., list[str]]) -> None:
    root = lay({"a.wav": 20.0, "b.wav": 20.0, "a.txt": LABELS})
    for text in (
        "path,label,start,end,fold\nb.wav,dog,1,2,1\nb.wav,cat,5,6,2\n",
        "path,label\nb.wav,dog\nb.wav,cat\n",
        "path,label,start_ms,end_ms\nb.wav,dog,1000,2000\nb.wav,cat,5000,6000\n",
    ):
        (root / "labels.csv").write_text(text)
        dataset = read(root)
        assert dataset.layout == "csv"
        assert any("1 file of annotations was not used" in sentence for sentence in told(dataset, "note"))
    (root / "labels.csv").write_text("file,start_s,end_s,label,probability,error,notes\nb.wav,1,2,dog,0.9,,\n")
    assert {name for name, *_ in clips(read(root))} == {"a.wav"}, "predictions of the lab are no labels"
