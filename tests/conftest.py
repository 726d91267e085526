"""Sounds and small data sets that tests of all parts share."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from labcore.device import THREAD_ENVIRONMENT
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.inference.classifier import Classifier
    from labcore.runs import Run

# A shell that starts the tests in the background has them ignore Ctrl-C, and children inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Where memory serves as a disk, the files of the tests lie there: they are many and small, and a real disk takes a sixth of the time.
IN_MEMORY = Path("/dev/shm")
if os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free > 4 * 2**30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))

# Torch's threads wait awake for each other, and so take the cores from the tests beside them: here as short as where the lab trains.
for name, value in THREAD_ENVIRONMENT.items():
    os.environ.setdefault(name, value)

# A collection makes millions of objects and hardly any garbage: to look for it took a third of its time.
gc.disable()

REPOSITORY = Path(__file__).resolve().parent.parent
BROWSER = "tests/browser/"
SERVERS_OF_THEIR_OWN = tuple(f"{BROWSER}test_{name}.py" for name in ("main_job", "access", "oidc"))
TOGETHER = (
    (
        "tests/extract/",
        "tests/cli/test_extract.py",
        "tests/cli/test_documented.py",
    ),  # one process makes the workers of all
    ("tests/explore/test_views.py", "tests/test_features.py"),  # librosa takes a second to load
    ("tests/test_architecture.py", "tests/test_words.py"),  # they read the same trees
)
"""Files that run in one process, since they share what is dear to start or to load."""
TRAININGS = ("tests/cli/", "tests/training/", "tests/search/")
Sound = Callable[..., np.ndarray]
WriteWav = Callable[..., Path]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first: all that shares a server of the browser, in one process, which waits more than it works; the main
    job in another; then trainings, and all the rest."""
    main_job, *others = SERVERS_OF_THEIR_OWN

    def place(item: pytest.Item) -> int:
        name = item.nodeid
        if name.startswith(BROWSER):
            return 1 if name.startswith(main_job) else 3 if name.startswith(tuple(others)) else 0
        return 2 if name.startswith(TRAININGS) else 4

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests of a file run in one process, and so do those of the browser that share a server and those of :data:`TOGETHER`."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            shares = nodeid.startswith(BROWSER) and not nodeid.startswith(SERVERS_OF_THEIR_OWN)
            if shares:
                return BROWSER
            return next((files[0] for files in TOGETHER if nodeid.startswith(files)), super()._split_scope(nodeid))

    return Scheduling(config, log)


class Collector:
    """The collector of garbage does not walk through what was imported, which stays: Streamlit collects after every run of a page, and
    every job at its end."""

    modules = 0

    def forget_modules(self) -> None:
        if len(sys.modules) > self.modules + 100:
            gc.collect()
            gc.freeze()
            self.modules = len(sys.modules)


COLLECTOR = Collector()


def pytest_collection_finish() -> None:
    if torch := sys.modules.get("torch"):
        for kind in (torch.cuda, torch.xpu):  # of each seed they note thrice where in the tests it was set
            kind.traceback = SimpleNamespace(format_stack=list)
    COLLECTOR.forget_modules()
    gc.enable()
    gc.set_threshold(20_000)


def pytest_runtest_teardown() -> None:
    COLLECTOR.forget_modules()  # the first training loads torch's compiler


@pytest.fixture(autouse=True, scope="session")
def _unhurried_disk() -> Iterator[None]:
    """No test cuts the power, so none of this process waits for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def _cheap_passwords() -> Iterator[None]:
    """A hash is meant to be slow; tests/access/test_passwords.py tries the real ones."""
    import argon2

    with pytest.MonkeyPatch.context() as patch:
        cheap = argon2.PasswordHasher.from_parameters(argon2.profiles.CHEAPEST)
        patch.setattr(argon2, "PasswordHasher", lambda: cheap)
        yield


@pytest.fixture(scope="session")
def tone() -> Sound:
    """tone(frequency=440, seconds=1, sample_rate=16000, level=0.5) → float32 (samples,)."""

    def make(
        frequency: float = 440.0, seconds: float = 1.0, sample_rate: int = 16000, level: float = 0.5
    ) -> np.ndarray:
        time = np.arange(round(seconds * sample_rate)) / sample_rate
        return (level * np.sin(2 * np.pi * frequency * time)).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def noise() -> Sound:
    """noise(seconds=1, sample_rate=16000, level=0.1, seed=0) → float32 (samples,), white, within ±1."""

    def make(seconds: float = 1.0, sample_rate: int = 16000, level: float = 0.1, seed: int = 0) -> np.ndarray:
        drawn = np.random.default_rng(seed).normal(0, level, round(seconds * sample_rate))
        return np.clip(drawn, -1, 1).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def write_wav() -> WriteWav:
    """write_wav(path, waveform, sample_rate=16000, subtype=None) → path; the format by the name's ending, folders are made."""

    def write(path: Path, waveform: np.ndarray, sample_rate: int = 16000, subtype: str | None = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, waveform, sample_rate, subtype=subtype)
        return path

    return write


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of two folders, low and high tones, ten clips each."""
    rate = 8000
    root, random = tmp_path_factory.mktemp("data") / "tones", np.random.default_rng(0)
    seconds = np.arange(rate // 5) / rate
    for label, hertz in (("low", 300.0), ("high", 1500.0)):
        (root / label).mkdir(parents=True)
        for number in range(10):
            clip = 0.3 * np.sin(2 * np.pi * hertz * random.uniform(0.9, 1.1) * seconds)
            soundfile.write(
                root / label / f"{label}{number}.wav", clip + 0.01 * random.standard_normal(len(clip)), rate
            )
    return root


@pytest.fixture
def short_benchmark(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Clips of half a second, small matrix products, one thread: what a benchmark does, in a fraction of its time."""
    from labcore.benchmark import inputs, peak, plan, run, stepper, tuning

    for module in (peak, plan, run, stepper, tuning):
        monkeypatch.setattr(module, "usable_cores", lambda: 1, raising=False)
    monkeypatch.setattr(peak, "SIZES", (64, 128))
    monkeypatch.setattr(inputs, "CLIP_SECONDS", 0.5)
    made = (inputs._clips, inputs._files)
    for each in made:
        each.cache_clear()
    yield
    for each in made:
        each.cache_clear()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def urbansound(tmp_path: Path, noise: Sound, write_wav: WriteWav) -> Path:
    """A tiny data set in UrbanSound8K's layout: 3 folds, 2 classes, a recording of two slices for each. 12 clips of 0.25 s."""
    root = tmp_path / "UrbanSound8K"
    lines = ["slice_file_name,fsID,start,end,salience,fold,classID,class"]
    for fold in (1, 2, 3):
        for target, label in ((3, "dog_bark"), (1, "car_horn")):
            source = 1000 + 10 * fold + target
            for cut in (0, 1):
                name = f"{source}-{target}-0-{cut}.wav"
                write_wav(root / "audio" / f"fold{fold}" / name, noise(0.25, seed=source + cut))
                lines.append(f"{name},{source},0.0,0.25,1,{fold},{target},{label}")
    (root / "metadata").mkdir()
    (root / "metadata" / "UrbanSound8K.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture
def class_folders(tmp_path: Path, tone: Sound, write_wav: WriteWav) -> Path:
    """A tiny data set of class folders: "high" and "low tones", 6 clips of 0.25 s each, all different."""
    root = tmp_path / "tones"
    for label, base in (("high", 2000), ("low tones", 200)):
        for i in range(6):
            write_wav(root / label / f"{i}.wav", tone(base + 20 * i, 0.25))
    return root


@pytest.fixture(scope="session")
def esc10() -> Path:
    """The ESC-10 clips, where they are: LABCORE_TEST_DATA names the folder that holds ``esc10``, or that folder itself."""
    named = os.environ.get("LABCORE_TEST_DATA")
    places = [Path(named), Path(named) / "esc10"] if named else [REPOSITORY.parent / "shared" / "data" / "esc10"]
    for place in places:
        if (place / "meta" / "esc50.csv").is_file():
            return place
    pytest.skip(f"ESC-10 is not at {' or '.join(map(str, places))}; LABCORE_TEST_DATA names another place")


@pytest.fixture(scope="session")
def make_classifier() -> Callable[..., Classifier]:
    """make_classifier(seed=0, labels=("cat", "dog", "Ärger"), golden=2) → one of half-second clips at 8 kHz."""

    def make(seed: int = 0, labels: tuple[str, ...] = ("cat", "dog", "Ärger"), golden: int = 2) -> Classifier:
        import torch

        from labcore.config import RunConfig
        from labcore.inference.classifier import Classifier

        torch.manual_seed(seed)
        config = RunConfig().replace({"audio.sample_rate": 8000, "audio.clip_seconds": 0.5, "model.width": 0.25})
        made = Classifier(config, list(labels))
        made.log_mel.mean.normal_(-40, 5)
        with torch.no_grad():
            made.network[-1].weight.mul_(2)
        made.remember(np.random.default_rng(seed).normal(0, 0.1, (golden, 4000)).astype(np.float32))
        return made.eval()

    return make


@pytest.fixture
def make_run(workspace: Workspace, make_classifier: Callable[..., Classifier]) -> Callable[..., Run]:
    """make_run(seed=0, …) → a run that has weights, as :func:`make_classifier` makes them."""

    def make(seed: int = 0, **options: object) -> Run:
        from labcore.runs import Run

        classifier = make_classifier(seed, **options)
        run = Run.create(workspace, classifier.config)
        classifier.save(run.weights)
        return run

    return make


@pytest.fixture
def long_from_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings of more than a second or so are taken block by block."""
    from labcore.audio import blocks

    monkeypatch.setattr(blocks, "ONE_GO", 10_000)
    monkeypatch.setattr(blocks, "BLOCK", 9000)


@pytest.fixture
def until() -> Callable[..., None]:
    """Wait for something to become true; a generous limit turns a hang into a failure."""

    def wait(condition: Callable[[], object], seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.01)

    return wait
