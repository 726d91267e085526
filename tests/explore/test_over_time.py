from dataclasses import replace

import numpy as np

from labcore.explore.view import CELLS, MOST_LABELS, probabilities_view
from labcore.inference.prediction import NONE_OF_THESE, Window


def window(start_s: float, end_s: float, **shares: float) -> Window:
    label = max(shares, key=shares.__getitem__)
    return Window(start_s, end_s, label, shares[label], shares)


WINDOWS = [window(0, 2, bark=0.9, hum=0.1), window(1, 3, bark=0.2, hum=0.8), window(2, 4, bark=0.6, hum=0.4)]


def at(view, seconds: float) -> list[int]:
    return view.values[:, int(np.searchsorted(view.x_seconds, seconds))].tolist()


def test_windows_lie_at_their_width_and_the_highest_counts_where_several_do():
    view, labels = probabilities_view(WINDOWS, 0.0, 4.0)
    assert labels == ["hum", "bark"]  # the likeliest is on top
    assert view.values.shape == (2, CELLS)
    assert [at(view, seconds) for seconds in (0.5, 1.5, 2.5, 3.5)] == [[10, 90], [80, 90], [80, 60], [40, 60]]
    assert (view.low, view.high, view.unit) == (0.0, 100.0, "%")


def test_windows_that_are_refused_are_a_row_above_the_labels():
    refused = replace(WINDOWS[1], label=NONE_OF_THESE, unknown=True)
    view, labels = probabilities_view([WINDOWS[0], refused, replace(WINDOWS[2], unknown=True, silent=True)], 0.0, 4.0)
    assert labels == ["hum", "bark", NONE_OF_THESE]
    assert [at(view, seconds)[2] for seconds in (0.5, 1.5, 2.5, 3.5)] == [0, 100, 100, 0]
    assert [at(view, seconds)[:2] for seconds in (0.5, 2.5)] == [[10, 90], [80, 60]]


def test_of_a_section_only_its_own_windows_count():
    view, labels = probabilities_view(WINDOWS[:2], 2.1, 2.9)
    assert labels == ["bark", "hum"]
    assert (view.values == [[20], [80]]).all()


def test_no_window_is_lost_where_there_are_more_than_cells_and_few_labels_are_drawn():
    quiet = {f"label {n}": 0.01 for n in range(40)}
    many = [window(n / 2, n / 2 + 1, **quiet, horn=float(n == 4000)) for n in range(8000)]
    view, labels = probabilities_view(many, 0.0, 4000.5)
    assert (len(labels), labels[-1], view.values.max()) == (MOST_LABELS, "horn", 100)
