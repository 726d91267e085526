"""Single clips of a data set: what is heard of each is what a network is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labcore.audio import decode
from labcore.datasets import check_dataset, find_dataset, register
from labcore.datasets.clip_finder import ClipFinder
from labcore.datasets.mending import mend
from labcore.datasets.rows import rows_of
from labcore.explore.clips.facts import known_facts, measure
from labcore.explore.clips.map import arrange, keep_map, known_map
from labcore.explore.clips.table import clip_table, row_at
from labcore.explore.clips.thumbnails import thumbnails


@pytest.fixture
def phased(tmp_path, workspace, noise, write_wav) -> Path:
    """A data set whose file ``a/0.wav`` has two channels that nearly cancel, the right one far softer at its end."""
    root = tmp_path / "phased"
    left = noise(0.4, seed=9)
    right = 0.3 * noise(0.4, seed=10) - left
    right[len(right) // 2 :] *= 0.5
    write_wav(root / "a" / "0.wav", np.stack([left, right], axis=1))
    write_wav(root / "b" / "1.wav", noise(0.4, seed=11))
    write_wav(root / "b" / "2.wav", noise(0.4, seed=12))
    register(workspace, root, "phased")
    return root


def test_one_channel_is_heard_seen_and_measured_wherever_a_clip_is(phased, workspace):
    file = phased / "a" / "0.wav"
    before = find_dataset(workspace, "phased")
    measure(workspace, before)
    keep_map(workspace, before, "", None, np.arange(3), arrange(np.eye(3)))
    check_dataset(before)
    whole = rows_of(before.table)[0]
    assert (whole.channel, whole.whole) == (0, True)
    (image,) = thumbnails(workspace, before, [whole])

    mend(workspace, "phased", "opposite-phase", "right")
    dataset = find_dataset(workspace, "phased")
    row = rows_of(dataset.table)[0]
    right, rate = decode(file, channel=2)
    assert (row.channel, row.whole) == (2, False)
    assert row.key != whole.key
    assert decode(row.content())[0] == pytest.approx(right, abs=1e-4)
    assert decode(row.beginning(0.1))[0] == pytest.approx(right[: rate // 10], abs=1e-4)
    assert row.recording(8000).whole().waveform == pytest.approx(decode(file, 8000, channel=2)[0])
    assert ClipFinder(dataset).find("a/0.wav", 0.1, 0.2).row.channel == 2
    assert thumbnails(workspace, dataset, [row]) != [image]
    assert not known_map(workspace, dataset, "", None).current

    frame = clip_table(dataset, known_facts(workspace, dataset))
    assert frame["measured"].tolist() == [False, True, True]  # what was measured is of the mean
    assert row_at(frame, 0) == row
    facts, _ = measure(workspace, dataset)
    assert facts["level_db"][0] == pytest.approx(20 * np.log10(np.sqrt(np.mean(np.square(right)))), abs=0.05)
    assert clip_table(dataset, known_facts(workspace, dataset))["measured"].all()
