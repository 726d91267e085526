"""The glossary of docs/ARCHITECTURE.md: one name for one thing, in code, on pages and in docs."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

from tests.trees import tree_of

ROOT = Path(__file__).parents[1]
FORMER_NAMES = {
    "turned",
    "turns",
    "turn",
    "turning",
    "knob",
    "knobs",
    "bank",
    "banks",
    "crops",
    "spent",
    "judge",
    "judged",
    "judging",
    "heard",
    "said",
    "shelf",
    "lease",
    "desk",
    "passage",
    "gate",
    "standing",
    "door",
    "ticket",
    "tickets",
    "attend",
    "teller",
    "tellers",
    "board",
    "divided",
    "survey",
    "ranks",
    "twin",
    "leaking",
    "bench",
    "draw",
    "draws",
    "drawn",
    "picture",
    "pictures",
    "obstacle",
    "material",
    "derive",
    "exchange",
    "forecast",
    "uneven",
    "people",
    "roots",
    "too_much",
    "late",
}
"""Words that no module, class, function, parameter or attribute is called by: the glossary has another one."""
ALLOWED = {
    ("labcore/access/settings.py", "people"): "the table of passwords in secrets.toml",
    ("labcore/audio/loudness.py", "ABSOLUTE_GATE"): "BS.1770 calls it so",
    ("labcore/audio/loudness.py", "RELATIVE_GATE"): "BS.1770 calls it so",
    ("labcore/audio/loudness.py", "shelf"): "a shelving filter",
    ("labcore/datasets/demo/machines.py", "turn"): "of an engine",
    ("labcore/datasets/demo/parts.py", "turns"): "of a phase",
    ("labcore/datasets/demo/tones.py", "turn"): "of a phase",
    ("labcore/datasets/folds.py", "DRAWN_FOLDS"): "folds dealt by the lab, not by the data set",
    ("labcore/datasets/folds.py", "drawn_in"): "a key of files",
    ("labcore/datasets/record.py", "drawn_in"): "a key of files",
    ("labcore/ensembles.py", "drawn_in"): "a key of files",
    ("labcore/doctor/checks/cards.py", "divided"): "cards into instances (MIG)",
    ("labcore/doctor/checks/pytorch.py", "late"): "a version, not a request",
    ("labcore/events.py", "spent"): "a key of events, and of `labcore train --json`",
    ("labcore/search/driver.py", "late"): "an epoch, not a request",
    ("labcore/serving/slots.py", "ticket"): "a place in a line",
    ("labcore/training/advisor.py", "TOO_LATE"): "an epoch, not a request",
    ("labcore/training/advisor.py", "late"): "an epoch, not a request",
    ("labcore/training/class_balancer.py", "uneven"): "what it balances",
    ("labcore/training/distributed.py", "exchange"): "of gradients",
    ("labcore/training/tensorboard.py", "TensorBoardWriter"): "TensorBoard",
    ("labcore/training/tensorboard.py", "draw"): "Pillow calls it so",
}
"""File and name that hold such a word in another sense, or in a contract."""
FORMER_WORDS = re.compile(
    r"\bknobs?\b|leaking twin|reported fold|what was taken for what|\btaken for\b|class by class|gradient limit|averaged weights|"
    r"part of a batch|uneven classes|learning rate of the body|\bforecasts?\b|\bat work\b|\btake turns\b|\btaking turns\b|"
    r"\bturn(ed|s)? (a |the )?(setting|slider|value)s?\b|take(n)? home",
    re.IGNORECASE,
)


FORMER_KEYS = {"forecast", "--forecast"}
"""Texts that are read for one version: the former names of an event and of a flag."""


def files(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


NAMED = {
    ast.ClassDef: "name", ast.FunctionDef: "name", ast.AsyncFunctionDef: "name", ast.arg: "arg", ast.Name: "id",
    ast.Attribute: "attr",
}  # fmt: skip


@cache
def said() -> dict[Path, tuple[set[str], list[str]]]:
    """The names that each file of the product gives, and its texts."""
    return {file: names_and_texts(tree_of(file)) for file in files("labcore/**.py", "ui/**.py", "pages/*.py")}


def names_and_texts(tree: ast.AST) -> tuple[set[str], list[str]]:
    names, texts = set(), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                texts.append(node.value)
        elif (attribute := NAMED.get(type(node))) and not isinstance(getattr(node, "ctx", None), ast.Load):
            names.add(getattr(node, attribute))
    return names, texts


@cache
def words_of(name: str) -> set[str]:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return {snake.strip("_"), *snake.split("_")}


def test_no_name_of_the_former_vocabulary() -> None:
    found = []
    for file, (names, _) in said().items():
        place = str(file.relative_to(ROOT))
        for name in {file.stem, *names}:
            if words_of(name) & FORMER_NAMES and (place, name) not in ALLOWED:
                found.append(f"{place}: {name}")
    assert not found, "\n".join(sorted(found))


def test_no_word_of_the_former_vocabulary_in_texts() -> None:
    found = []
    for file, (_, texts) in said().items():
        for text in texts:
            hits = () if text in FORMER_KEYS else FORMER_WORDS.finditer(text)
            found += [f"{file.relative_to(ROOT)}: {hit[0]!r} in {text[:90]!r}" for hit in hits]
    for file in files("README.md", "CONTRIBUTING.md", "docs/*.md", "docs/decisions/*.md"):
        if file.name != "LOG.md":
            found += [
                f"{file.relative_to(ROOT)}: {hit[0]!r}"
                for hit in FORMER_WORDS.finditer(file.read_text(encoding="utf-8"))
            ]
    assert not found, "\n".join(sorted(found))
