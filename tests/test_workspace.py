"""Names of data sets, runs and caches: what people type, in any script, as the name of a file."""

from __future__ import annotations

import random
import re
import unicodedata

import pytest

from labcore import workspace as module
from labcore.config import RunConfig
from labcore.datasets.annotations import SUFFIX
from labcore.evaluation.jobs import Evaluation, EvaluationPlan
from labcore.runs import Run
from labcore.workspace import Workspace, slug

NAME_MAX = 255
"""Bytes of a name that a disk takes."""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("птицы", "птицы"),
        ("鳥の声", "鳥の声"),
        ("أصوات الطيور", "أصوات-الطيور"),
        ("Vögel Süd", "Vögel-Süd"),
        ("हिन्दी पक्षी", "हिन्दी-पक्षी"),  # vowels and viramas are marks
        ("เสียงนก", "เสียงนก"),
        ("قَمَر ٣", "قَمَر-٣"),
        ("Größe №5/²", "Größe-5-²"),
        ("../птицы", "птицы"),
        (".\u202eفجر", "فجر"),  # right-to-left override
        ("пти\u200bцы\u00ad\ufeff", "птицы"),
        ("می\u200cخواهم", "میخواهم"),
        ("ㅤ\u115f", "unnamed"),  # letters that nothing is drawn for
        ("鳥\U000e0100\ufe0f", "鳥"),
        ("\u0308x \u0308y", "x-y"),  # marks without a letter
        ("a\n\x00\x7f\x85b", "a-b"),
        ("\udc84a\udcff", "a"),  # bytes that are not UTF-8
        ("🦉🎵", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_a_name_in_any_script(text: str, name: str) -> None:
    assert slug(text) == name
    assert slug(name) == name
    assert slug(unicodedata.normalize("NFD", text)) == name


def test_names_of_ascii_are_what_they_were() -> None:
    """Paths of workspaces that are there hang on them."""
    drawn = random.Random(1)
    for _ in range(2000):
        text = "".join(chr(drawn.randrange(128)) for _ in range(drawn.choice((2, 8, 50, 120))))
        was = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:80]
        assert (slug(text), slug(text, 40)) == (was or "unnamed", was[:40] or "unnamed")


@pytest.mark.parametrize("letter", ["ж", "鳥", "𝒳", "क्षि", "e\u0331"])
def test_a_long_name_is_cut_between_letters(letter: str) -> None:
    cut = slug(letter * 100)
    assert 140 < len(cut.encode()) <= 160 or len(cut) > 78
    assert len(cut) <= 80
    rest = unicodedata.normalize("NFC", letter * 100).removeprefix(cut)
    assert not unicodedata.category(rest[0]).startswith("M")


def test_all_that_is_made_of_the_longest_name_fits_on_a_disk(workspace: Workspace) -> None:
    name = slug("鳥" * 100)
    (workspace.datasets / f"{name}{SUFFIX}").touch()
    run = Run.create(workspace, RunConfig().replace({"data.dataset": name, "model.name": f"timm:{'x' * 100}"}))
    assert len(run.id.encode()) < NAME_MAX - len("..deleted")
    evaluation = Evaluation.create(workspace, EvaluationPlan(run=run.id))
    assert run.id[16:25] in evaluation.id
    assert len(evaluation.id.encode()) < NAME_MAX - len(".import-.deleted")


def test_a_process_whose_disk_names_are_not_utf8_stays_with_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_UTF_8", False)
    assert slug("Vögel Süd 2") == "V-gel-S-d-2"
