from __future__ import annotations

import math

import pytest

from labcore.datasets.spans import time_columns
from labcore.errors import DatasetError


def span(columns: dict[str, str], rate: int = 16000) -> tuple[float, float]:
    """Where the clip of a list with one row begins and ends."""
    times = time_columns(list(columns), lambda name: [columns[name]], (), "list.csv")
    return times.span(columns, lambda: rate)


@pytest.mark.parametrize(
    "columns",
    [
        {"start": "2", "end": "3.5"},
        {"start": "2", "duration": "1.5"},
        {"offset": "2", "duration": "1.5"},
        {"offset": "2", "end": "3.5"},
        {"onset": "2", "offset": "3.5"},
        {"Onset": "2", "Offset": "3.5", "duration": "1.5"},
        {"onset_s": "2", "offset_s": "3.5"},
        {"Begin Time (s)": "2", "End Time (s)": "3.5"},
        {"Begin Time (s)": "2", "Delta Time (s)": "1.5"},
        {"Start (s)": "2", "Stop [sec]": "3.5"},
        {"start_ms": "2000", "end_ms": "3500"},
        {"startMs": "2000", "durationMs": "1500"},
        {"start_time_ms": "2000", "end_time_s": "3.5"},
        {"tmin": "2", "tmax": "3,5"},
        {"t_start": "2", "t_end": "3.5"},
        {"StartTime": "2", "EndTime": "3.5"},
        {"start_seconds": "2", "duration_sec": "1.5"},
        {"start_sample": "32000", "end_sample": "56000"},
        {"Begin (samples)": "32000", "Length (samples)": "24000"},
        {"start": "0:02", "end": "00:00:03.5"},
        {"start": "2s", "end": "3500 ms"},
        {"begin (min)": "0.0333333333333", "end": "3.5"},
        {"end": "3.5", "duration": "1.5"},
        {"Begin Time (s)": "602", "End Time (s)": "603.5", "File Offset (s)": "2"},  # Raven, second file
        {"segment_start": "2", "segment_end": "3.5"},
        {"from": "2", "to": "3.5"},
        {"start": "2", "end": "3.5", "start_date": "2020", "Low Freq (Hz)": "20", "dc_offset": "0.1", "time": "08:00"},
    ],
)
def test_names_and_units(columns):
    assert span(columns) == pytest.approx((2, 3.5), abs=1e-9)


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"duration": "4.2"},
        {"length": "4.2"},
        {"time": "12:00"},
        {"from": "freesound"},
        {"start": "", "end": ""},
        {"end": "nan"},
    ],
)
def test_no_times(columns):
    start_s, end_s = span(columns)
    assert start_s == 0
    assert math.isnan(end_s)


@pytest.mark.parametrize(
    "columns",
    [
        {"offset": "2"},
        {"start": "2", "offset": "3"},
        {"start_frame": "2", "end_frame": "3"},
        {"begin_idx": "2"},
        {"onset_bin": "4"},
        {"start_min": "1"},
        {"Start (bars)": "1"},
        {"time_s": "2"},
        {"Time (ms)": "2"},
        {"start": "morning"},
    ],
)
def test_a_column_that_looks_like_a_time_and_is_not_understood_is_named(columns):
    with pytest.raises(DatasetError) as caught:
        span(columns)
    assert any(name in caught.value.what for name in columns)
    assert "start" in caught.value.remedy


@pytest.mark.parametrize(
    "columns",
    [
        {"start": "3", "end": "1"},
        {"start": "-1"},
        {"start": "1", "duration": "0"},
        {"start": "nan"},
        {"start": "inf"},
        {"tmin": "1", "tmax": "1"},
    ],
)
def test_spans_that_cannot_be(columns):
    with pytest.raises(ValueError, match=r"start|end|duration"):
        span(columns)
