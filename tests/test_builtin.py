"""The network that travels with the lab: that it travels, what it says, and that it says what it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labcore import builtin
from labcore.datasets.demo import CLASSES, build
from labcore.errors import RunError
from labcore.events import Evaluated
from labcore.inference.classifier import Classifier
from labcore.runs import Run

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def network() -> Classifier:
    return Classifier.load(builtin.RUN.path)


def test_it_is_small_and_goes_along_with_package_and_image() -> None:
    files = [file for file in builtin.RUN.path.iterdir() if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 1_000_000
    package = ROOT / "labcore" / "builtin"
    (pattern,) = re.findall(r'^"labcore\.builtin" = \["(.*)"\]$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert set(package.glob(pattern)) == set(files)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "!labcore" in ignored
    assert not any(
        file.match(line.removeprefix("**/"))
        for file in files
        for line in ignored[ignored.index("!labcore") :]
        if line[:1] == "*"
    )


def test_it_answers_as_at_the_end_of_its_training(network: Classifier) -> None:
    worst = network.verify()
    assert worst is not None
    assert network.labels == list(CLASSES)


def test_it_hears_what_the_examples_are_and_they_were_held_out(network: Classifier) -> None:
    assert {builtin.example(number)[2] for number in range(len(CLASSES))} == set(CLASSES)
    for number in range(len(CLASSES)):
        name, content, label = builtin.example(number)
        assert name == f"{label}.wav"
        assert network.classify(content).label == label
    held_out = {
        item.number
        for item in build._recordings("siren", 0, build.SOURCES)
        if str(item.fold) == network.config.data.fold
    }
    assert set(build.sources_of(builtin.FOLD)) == held_out
    assert builtin.example(0) != builtin.example(len(CLASSES))
    assert builtin.example(0) == builtin.example(2 * len(CLASSES))


def test_it_says_what_it_is_from_its_own_file() -> None:
    result = builtin.RUN.last_event(Evaluated)
    assert result is not None
    assert f"{round(result.accuracy * result.clips)} of {result.clips} held-out" in builtin.what()
    assert "synthetic" in builtin.what()
    assert "dog bark" in builtin.what()
    assert (builtin.RUN.status().state, builtin.RUN.config.data.dataset) == ("finished", "demo")


def test_it_tells_nothing_of_the_machine_that_made_it() -> None:
    for file in builtin.RUN.path.glob("*.json*"):
        assert "/" not in file.read_text(encoding="utf-8")


def test_a_package_without_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(builtin, "RUN", Run(tmp_path))
    with pytest.raises(RunError, match="built-in network is missing"):
        builtin.require_weights()
    assert builtin.what()
