"""Segments of several labels a clip."""

from labcore.batch.segments import (
    Segment,
    notes_of,
    segments_of,
    threshold_in_use,
    told_if_full,
    with_events,
    with_labels,
)
from labcore.task.thresholds import LabelThresholds


def window(start_s, dog, rain, **more):
    shares = {"dog": dog, "rain": rain}
    labels = [label for label, share in shares.items() if share >= 0.5]
    return {
        "start_s": start_s, "end_s": start_s + 2.0, "label": ";".join(labels) or "none of these", "labels": labels,
        "probability": max(dog, rain), "probabilities": shares, "silent": False, "unknown": False, **more,
    }  # fmt: skip


RECORDING = {
    "seconds": 5.0, "label": "dog", "labels": ["dog"], "probability": 0.6, "probabilities": {"dog": 0.6, "rain": 0.4},
    "windows": [window(0.0, 0.9, 0.2), window(1.0, 0.7, 0.8), window(2.0, 0.1, 0.6), window(3.0, 0.9, 0.3)],
}  # fmt: skip


def test_each_label_has_segments_of_its_own_which_may_overlap():
    found = [(each.label, each.start_s, each.end_s, each.windows) for each in segments_of(RECORDING, 0.5)]
    assert found == [("dog", 0.0, 2.5, 2), ("rain", 1.5, 3.5, 2), ("dog", 3.5, 5.0, 1)]


def test_thresholds_of_labels_and_one_that_is_asked_for():
    limits = LabelThresholds(values={"rain": 0.25}, source="10 clips")
    threshold = threshold_in_use(None, None, limits)
    rain = [each for each in segments_of(RECORDING, threshold) if each.label == "rain"]
    assert [(each.start_s, each.end_s) for each in rain] == [(1.5, 5.0)]
    assert threshold_in_use(0.7, None, limits) == 0.7
    told = with_labels(RECORDING, 0.7)
    assert (told["labels"], told["label"]) == ([], "none of these")
    assert [each["label"] for each in told["windows"]] == ["dog", "rain;dog", "none of these", "dog"]
    assert with_labels(RECORDING, threshold)["labels"] == ["dog", "rain"]


def test_silent_and_refused_windows_have_no_label():
    windows = [window(0.0, 0.9, 0.9, silent=True), window(1.0, 0.9, 0.9, unknown=True, label="none of these")]
    told = with_labels(RECORDING | {"windows": windows}, 0.5)
    assert [each["labels"] for each in told["windows"]] == [[], []]
    assert [each["label"] for each in with_events(told, 0.5)["events"]] == ["none of these"]


def test_events_that_fill_a_long_recording_are_told():
    """Unless the network knows what is no event, or refuses what it does not know."""
    hour = [Segment(0.0, 3400.0, "dog", 0.9, 0.9, 3400), Segment(3500.0, 3600.0, "rain", 0.9, 0.9, 100)]
    assert told_if_full(hour, 3600.0, ["dog", "rain"]).startswith("events fill 97 % of the recording: ")
    assert told_if_full(hour, 3600.0, ["dog", "rain", "background"]) == ""
    windows = [{"start_s": float(n), "end_s": n + 1.0, "label": "dog", "probability": 0.9} for n in range(90)]
    told = {"seconds": 90.0, "probabilities": {"dog": 0.9, "rain": 0.1}, "windows": windows, "notes": ["mono"]}
    assert [note[:30] for note in notes_of(told, 0.5)] == ["mono", "events fill 100 % of the recor"]
    assert notes_of(told, 0.95) == notes_of(told | {"windows": windows[:1]}, 0.5) == ["mono"]
    assert told_if_full(hour[1:], 3600.0, ["dog", "rain"]) == ""
    assert told_if_full([Segment(0.0, 3600.0, "none of these", 0.0, 0.0, 9)], 3600.0, ["dog", "rain"]) == ""
    assert told_if_full([Segment(0.0, 20.0, "dog", 0.9, 0.9, 9)], 20.0, ["dog", "rain"]) == ""
