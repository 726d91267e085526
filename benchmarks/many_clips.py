"""What a data set of very many clips costs: taking it in, opening it again, the page that shows it, search, filters, check and splits.

    python benchmarks/many_clips.py [--clips 100000] [--sets 300] [--no-check]

Makes as many WAV files of some 300 bytes in a temporary folder, a block of the disk each (`TMPDIR=/dev/shm` spares the disk), and deletes
them at its end. Each step runs in a new process, as a user starts it, unless it is said to be the same again; "work" is the processor's
time of all threads: on a busy machine it says more than the clock. Memory is the most that the process held. Then the list of many data
sets is timed in another workspace.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from labcore.audio import encode_wav
from labcore.datasets.registry import register
from labcore.device import usable_cores
from labcore.workspace import Workspace

ROOT = Path(__file__).parents[1]
CLASSES, RATE, SAMPLES = 50, 8000, 128
NAME = "many"
HEAD = """
import resource, sys, time
from pathlib import Path
from labcore.workspace import Workspace
home = Workspace.default()
def told(what, work):
    began, worked = time.perf_counter(), time.process_time()
    given = work()
    wall, work = time.perf_counter() - began, time.process_time() - worked
    print(f"{what:44} {wall:7.2f} s, {work:6.2f} s of it work", flush=True)
    return given
def peak():
    print(f"{'  most memory':44} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:7.0f} MiB", flush=True)
"""
IMPORT = """
from dataclasses import replace
import labcore.datasets.headers as headers
from labcore.datasets.layouts import read_dataset
from labcore.datasets.registry import register
threads = int(sys.argv[2])
if threads:
    headers.usable_cores = lambda: threads
    data = read_dataset(Path(sys.argv[1]))
    told(f"headers, {threads} thread(s)", lambda: headers.header_troubles(data, lambda done, total: None))
else:
    told("take it in (folders, copies, headers)", lambda: register(home, sys.argv[1], "many"))
peak()
"""
OPEN = """
from labcore.datasets import find_dataset, list_datasets
told("the list of data sets", lambda: list_datasets(home))
told("open it", lambda: find_dataset(home, "many"))
peak()
"""
LOOK = """
from labcore.datasets import find_dataset
from labcore.explore.clips.facts import known_facts
from labcore.explore.clips.table import ClipFilter, SetFacts, clip_table, counts
data = find_dataset(home, "many")
frame = told("the table of its clips", lambda: clip_table(data, known_facts(home, data)))
told("its figures", lambda: (SetFacts.of(frame), counts(frame)))
for what, wanted in {
    "filter by class and fold": ClipFilter(labels=(data.labels[0],), folds=data.folds[:1]),
    "search for two words": ClipFilter(words="class 77"),
    "search once more": ClipFilter(words="Class 7"),
    "order by name": ClipFilter(order="name"),
}.items():
    rows = told(what, lambda: wanted.rows(frame))
    assert 0 < len(rows) <= len(frame)
peak()
"""
SPLIT = """
from labcore.datasets import find_dataset, split
from labcore.datasets.drawing import make_folds
from labcore.datasets.grouping import group_by
data = find_dataset(home, "many")
told("the split of a training", lambda: split(data))
told("draw five folds", lambda: make_folds(data, group_by(data, "source")))
peak()
"""
PAGE = """
from streamlit.testing.v1 import AppTest
page = AppTest.from_file("streamlit_app.py", default_timeout=300)
page.switch_page("pages/datasets.py")
def show(name):
    page.query_params["dataset"] = name
    page.run()
if sys.argv[1]:
    told("page of a small data set, with all imports", lambda: show("few"))
    told("page of the large one, first", lambda: show(sys.argv[1]))
    show("few")
    told("  once it is known", lambda: show(sys.argv[1]))
else:
    told("page of all data sets, with all imports", page.run)
    told("  again", page.run)
if sys.argv[1]:
    told("  a search", page.text_input(key="words").set_value("77").run)
    told("  a class", page.multiselect(key="class").set_value(["class 7"]).run)
    told("  its next page", lambda: page.multiselect(key="class").set_value([]).run())
assert not page.exception, page.exception
peak()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=100_000)
    parser.add_argument("--sets", type=int, default=300)
    parser.add_argument("--no-check", dest="check", action="store_false", help="do not check it, which is done twice")
    asked = parser.parse_args()
    print(f"{asked.clips:,} clips; {usable_cores()} cores, load average {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        clips, home = Path(folder, "clips"), Path(folder, "home")
        make(clips, asked.clips)
        for threads in sorted({1, usable_cores()}):
            step(home, IMPORT, str(clips), str(threads))
        step(home, IMPORT, str(clips), "0")
        for script in (OPEN, LOOK, SPLIT):
            step(home, script)
        make(Path(folder, "few"), 2 * CLASSES)
        register(Workspace(home), Path(folder, "few"), "few")
        step(home, PAGE, NAME)
        commands(home, asked.check)
    with tempfile.TemporaryDirectory() as folder:
        print(f"{asked.sets} data sets", flush=True)
        sets(Path(folder), asked.sets)
        step(Path(folder), PAGE, "")
        command(Path(folder), "datasets", "list")


def make(folder: Path, clips: int) -> None:
    """Clips of noise, no two alike, in folders of classes."""
    drawn = np.random.default_rng(0)
    for number in range(CLASSES):
        place = folder / f"class {number}"
        place.mkdir(parents=True)
        for clip in range(number, clips, CLASSES):
            noise = drawn.uniform(-0.5, 0.5, SAMPLES).astype(np.float32)
            (place / f"clip {clip:06d}.wav").write_bytes(encode_wav(noise, RATE))


def sets(home: Path, many: int) -> None:
    """A workspace with as many small data sets."""
    make(home / "clips", 4 * CLASSES)
    for number in range(many):
        register(Workspace(home), home / "clips", f"set {number}")


def step(home: Path, script: str, *words: str) -> None:
    subprocess.run([sys.executable, "-c", HEAD + script, *words], cwd=ROOT, env=environment(home), check=True)


def commands(home: Path, check: bool) -> None:
    command(home, "datasets", "list")
    command(home, "datasets", "split", NAME, "--by", "source")
    for _ in range(2 if check else 0):
        command(home, "datasets", "check", NAME)


def command(home: Path, *words: str) -> None:
    """A command as a user starts it."""
    began, before = time.perf_counter(), os.times()
    line = [sys.executable, "-m", "labcore", *words]
    subprocess.run(line, cwd=ROOT, env=environment(home), check=True, capture_output=True)
    wall, after = time.perf_counter() - began, os.times()
    work = sum(after[2:4]) - sum(before[2:4])
    print(f"{'labcore ' + ' '.join(words):44} {wall:7.2f} s, {work:6.2f} s of it work", flush=True)


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "LABCORE_HOME": str(home)}


if __name__ == "__main__":
    main()
