import json
import sys

import pytest

from labcore.config import RunConfig
from labcore.errors import DatasetError, LabError
from labcore.events import Preparing
from labcore.jobs import forecast as module
from labcore.workspace import Workspace

RESULT = {
    "type": "forecast", "time": 0.0, "seconds_per_epoch": 2.0, "seconds_total": 8.0, "batch_size": 32, "micro_batch": 32,
    "peak_bytes": 10, "memory_bytes": 20, "largest_batch": 64, "steps_timed": 10,
}  # fmt: skip


def child(monkeypatch, *lines):
    """A child process that reads its configuration and says ``lines``."""
    script = f"import sys; config = sys.stdin.read(); assert 'epochs' in config; print({chr(10).join(lines)!r})"
    real = module.subprocess.Popen
    monkeypatch.setattr(
        module.subprocess, "Popen", lambda command, **options: real([sys.executable, "-c", script], **options)
    )


def test_the_last_word_of_the_process_is_the_forecast(monkeypatch, tmp_path):
    child(monkeypatch, "a warning of some library", Preparing(what="x", done=0, total=1).to_json(), json.dumps(RESULT))
    seen = []
    result = module.forecast(RunConfig(), Workspace(tmp_path), seen.append)
    assert result.seconds_total == 8.0
    assert [event.what for event in seen] == ["x"]


def test_an_error_of_the_process_is_raised_here(monkeypatch, tmp_path):
    error = module.ForecastFailed(kind="DatasetError", what="there is no data set 'x'", remedy="Make one")
    child(monkeypatch, error.to_json())
    with pytest.raises(DatasetError, match="no data set 'x'"):
        module.forecast(RunConfig(), Workspace(tmp_path))


def test_a_process_that_ends_without_a_word_is_told(monkeypatch, tmp_path):
    child(monkeypatch, "Killed")
    with pytest.raises(LabError, match="Killed"):
        module.forecast(RunConfig(), Workspace(tmp_path))


@pytest.mark.parametrize(
    ("largest", "clips", "words"),
    [
        (48, 100, "up to about 48 clips fit"),
        (1, 100, "up to about 1 clip fits"),
        (100, 100, "all 100 training clips fit"),
        (5000, 2, "all 2 training clips fit"),
        (5000, 1, "the one training clip fits"),
        (48, 0, "up to about 48 clips fit"),
    ],
)
def test_what_bounds_a_batch_is_told(largest, clips, words):
    assert module.room(largest, clips) == words
