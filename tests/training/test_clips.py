"""The clips of a run: what a split leaves out is told, whether it leaks or not."""

from __future__ import annotations

import soundfile

from labcore.events import Log, each_of
from labcore.runs import Run
from labcore.training.clips import open_clips


def opened(tiny, path, **changes):
    """The clips, and what was told of them."""
    config = tiny.config.replace({"data.dataset": str(path), "runtime.advisor": "off", **changes})
    events, steps = [], open_clips(config, Run.create(tiny.workspace, config), tiny.workspace, lambda: False, None)
    while True:
        try:
            events.append(next(steps))
        except StopIteration as end:
            return end.value[1], each_of(events, Log)


def test_what_a_split_leaves_out_is_told(tiny, tmp_path, noise):
    """Half of the recordings have clips in both folds."""
    lines = ["path,label,fold,group"]
    for number in range(24):
        soundfile.write(tmp_path / f"{number}.wav", noise(0.5, 8000, seed=number), 8000)
        fold, group = (
            ("test" if number < 8 else "train" if number < 20 else "val"),
            number % 8 if number < 12 else number,
        )
        lines.append(f"{number}.wav,{'ab'[number % 2]},{fold},{group}")
    (tmp_path / "clips.csv").write_text("\n".join(lines))
    clips, logs = opened(tiny, tmp_path / "clips.csv", **{"data.fold": "test"})
    assert len(clips.split.train) == 8
    (told,) = (each for each in logs if "excluded from training" in each.message)
    assert told.level == "info"
    assert told.message.startswith("4 clips excluded from training: the test fold has clips of the same recordings")
    assert "4 clips of other parts not used" in told.message
