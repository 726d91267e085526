"""What a terminal gets, and what a pipe gets: tables, bars and colour."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labcore.cli import console as consoles
from labcore.cli import progress
from labcore.cli.output import emit, say, table
from labcore.cli.progress import Bar, bars
from labcore.cli.reporter import ConsoleReporter
from labcore.events import Preparing

EVIL = "[bold]\x1b]0;title\x07 :smile:\n\udcff"


@pytest.fixture(autouse=True)
def _new_consoles() -> Iterator[None]:
    consoles.console.cache_clear()
    yield
    bars.clear()
    consoles.console.cache_clear()


def at_a_terminal(script: str, columns: int = 40, **environment: str) -> str:
    """What a script writes to stdout and stderr, both a terminal."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    variables = {
        name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")
    }
    variables |= {"TERM": "xterm-256color", "PYTHONPATH": str(Path(__file__).parents[2]), **environment}
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=theirs, stdout=theirs, stderr=theirs, env=variables
    )
    os.close(theirs)
    written = b""
    try:
        while piece := os.read(ours, 65536):
            written += piece
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(60) == 0, written
    return written.decode()


def test_a_pipe_gets_whole_plain_lines(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("FORCE_COLOR", "1")
    bars.show(Bar("not drawn", 1, 2))
    emit(table(["name", "n", "state"], [["x" * 300, "1", "failed"], [EVIL, "10", "y" * 300]]))
    say(f"{EVIL} {'z' * 300}", "red")
    out, err = capfd.readouterr()
    harmless = "[bold]\\x1b]0;title\\x07 :smile:"
    assert out.splitlines() == [
        f"{'name':300}   n  state",
        f"{'x' * 300}   1  failed",
        f"{harmless + ' ' + chr(92) + 'xff':300}  10  {'y' * 300}",
    ]
    assert err == f"{harmless}\n\\xff {'z' * 300}\n"


def test_columns_of_figures_stand_right(capfd: pytest.CaptureFixture[str]) -> None:
    emit(table(["a", "n"], [["x", "1"], ["yy", "10"]]), table(["a", "n"], []))
    assert capfd.readouterr().out.splitlines() == ["a    n", "x    1", "yy  10", "a  n"]


TABLE = """
from labcore.cli.output import emit, say, table
emit(table(["run", "state", "note"], [["20261127-101010-demo", "failed", "a note of many words that is wide"]]))
say("an error", "red")
"""


def test_a_terminal_gets_colour_and_cuts_nothing_off() -> None:
    seen = at_a_terminal(TABLE)
    assert "\x1b[31mfailed" in seen
    assert "\x1b[31man error" in seen
    assert "20261127-101010-demo  failed  a note of many words that is wide" in re.sub("\x1b\\[[0-9;]*m", "", seen)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_it_is_not_wanted(environment: dict[str, str]) -> None:
    assert "\x1b[3" not in at_a_terminal(TABLE, **environment)


BARS = """
import time
from labcore.cli.output import emit, say
from labcore.cli.progress import Bar, bars, counting
report = counting("reading [b]\x1b[2J")
for done in range(40):
    report(done, 40)
    time.sleep(0.01)
say("a line")
emit("a result")
report(1, 2)
report(2, 2)
"""


def test_bars_stand_below_the_lines_and_go_away() -> None:
    seen = at_a_terminal(BARS, columns=70)
    assert "reading [b]\\x1b[2J" in seen
    assert "/40 clips" in seen
    assert "\x1b[?25l" not in seen, "a killed process would leave the terminal without a cursor"
    assert seen.index("a line") < seen.index("a result")
    assert not re.sub("\x1b\\[[0-9;]*[A-Za-z]|\\s", "", seen.rpartition("\x1b[2K")[2])


EPOCHS = """
from labcore.cli.output import say
from labcore.cli.reporter import ConsoleReporter
from labcore.events import Epoch, Preparing, Progress, TrainingStarted
report = ConsoleReporter()
report(Preparing(what="timing", done=1, total=24, unit="steps"))
report(TrainingStarted(
    labels=["a", "b"], train_clips=8, val_clips=2, fold="1", device="cpu", device_reason="", precision="fp32",
    memory_format="contiguous", precision_reason="", parameters=1, epochs=2, first_epoch=1,
))
report(Progress(epoch=1, step=1, steps=3, train_loss=1.0, seconds_left=1.0))
report(Epoch(
    epoch=1, epochs=2, train_loss=1.0, train_accuracy=0.5, val_loss=1.0, val_accuracy=0.5, lr=0.1, clips_per_second=1.0, seconds=1.0,
    seconds_left=1.0, averaged=False,
))
say("a line")
"""


def test_the_bar_of_work_that_is_over_goes_away() -> None:
    """Also where the work was broken off, as the timing of precisions in a short run."""
    seen = at_a_terminal(EPOCHS, columns=70)
    before, _, behind = seen.partition("training on")
    assert "1/24 steps" in before
    assert "timing" not in behind
    assert "epoch 1  " in behind.partition("epoch 1/2")[0]
    assert "epoch 1  " not in behind.partition("epoch 1/2")[2]


def test_stderr_that_is_closed_or_full_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        encoding = "utf-8"
        isatty: Callable[[], bool] = staticmethod(lambda: True)

        def write(self, text: str = "") -> int:
            raise OSError(28, "No space left on device")

        flush = write

    for stream in (Full(), None):
        consoles.console.cache_clear()
        monkeypatch.setattr("sys.stderr", stream)
        bars.show(Bar("work", 1, 2))
        say("nobody reads this")
        bars.clear()


def test_without_a_terminal_long_preparation_tells_how_far_it_is(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = ConsoleReporter()
    report(Preparing(what="downloading", done=1, total=646, unit="MB"))
    assert capfd.readouterr().err == "downloading\n"
    monkeypatch.setattr(progress, "EVERY_SECONDS", 0.0)
    report(Preparing(what="downloading", done=120, total=646, unit="MB"))
    report(Preparing(what="reading headers", done=3, total=0, unit="files"))
    assert capfd.readouterr().err.splitlines() == [
        "downloading: 120/646 MB",
        "reading headers",
        "reading headers: 3 files",
    ]
