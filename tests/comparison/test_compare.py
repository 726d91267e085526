"""Runs side by side: recipes, seeds, what can be compared and what cannot."""

from __future__ import annotations

import json

import pytest

from labcore.comparison.compare import compare
from labcore.datasets.corrections import Corrections
from labcore.errors import ConfigError, RunError
from labcore.runs import Run
from tests.judged import LABELS, drawn, finished_run, judged, sure

TRUTH = [LABELS[number % 3] for number in range(60)]


def right_on(count: int, **more):
    """Predictions that are right on the first clips, so many."""
    said = [label if number < count else LABELS[number % 3 - 1] for number, label in enumerate(TRUTH)]
    return judged(TRUTH, sure(said), **more)


def test_settings_that_differ_and_the_sentence(workspace):
    one = finished_run(workspace, right_on(40))
    other = finished_run(workspace, right_on(42), {"optim.lr": 0.02, "optim.epochs": 7})
    found = compare(workspace, [one.id, other.id])
    assert [(setting.path, values) for setting, values in found.settings] == [
        ("optim.epochs", ("automatic", "7")),
        ("optim.lr", ("automatic", "0.02")),
    ]
    assert found.against[0].sentence == "B is better by 3.3 points (0.0 to 8.3): this may be chance with 60 clips"
    facts = json.loads(json.dumps(found.to_dict()))
    assert [each["members"][0]["id"] for each in facts["sides"]] == [one.id, other.id]
    assert len(facts["comparisons"][0]["won"]) == 2
    assert facts["comparisons"][0]["lost"] == []
    assert facts["comparisons"][0]["difference"]["p"] == 0.5


def test_seeds_of_a_recipe_are_one_side(workspace):
    seeds = [finished_run(workspace, right_on(30 + 6 * seed), {"runtime.seed": seed}) for seed in range(2)]
    other = finished_run(workspace, right_on(60), {"optim.lr": 0.02})
    found = compare(workspace, [seeds[0].id, other.id, seeds[1].id])
    assert [len(side.members) for side in found.sides] == [2, 1]
    assert found.sides[0].mean == pytest.approx(0.55)
    assert found.sides[0].deviation == pytest.approx(0.0707, abs=1e-4)
    told = found.against[0].difference
    assert told is not None
    assert (told.one, told.other, told.p) == (pytest.approx(0.55), 1.0, None)
    assert any("train each recipe with several" in note for note in found.notes)
    second = finished_run(workspace, right_on(57), {"optim.lr": 0.02, "runtime.seed": 1})
    several = compare(workspace, [each.id for each in (*seeds, other, second)])
    error = f"other seeds move the difference by a standard error of {100 * (0.05**2 + 0.025**2) ** 0.5:.1f} points"
    assert any(note.endswith(error) for note in several.against[0].notes)
    assert not several.notes
    alone = compare(workspace, [seed.id for seed in seeds])
    assert [len(side.members) for side in alone.sides] == [1, 1]
    assert (
        alone.notes[0]
        == "All are of one recipe with different seeds: one that is better had luck in training, not a better recipe"
    )
    assert alone.notes[1] == "Together: mean accuracy 55.0 ± 7.1 % (standard deviation) of 2 seeds"
    again = finished_run(workspace, right_on(30), {"runtime.seed": 0})
    assert (
        compare(workspace, [each.id for each in (*seeds, again)])
        .notes[1]
        .endswith("% (standard deviation) of 3 runs of 2 seeds")
    )


def test_one_recipe_with_other_labels_is_another_side(workspace):
    before, after = (finished_run(workspace, right_on(40)) for _ in range(2))
    Corrections(14, "of them", {("0.wav", 0.0, "cat"): "dog", ("1.wav", 0.0, "dog"): ""}).save(after)
    found = compare(workspace, [before.id, after.id])
    assert dict(found.facts)["Labels"] == ("as given", "revision 14: 1 corrected, 1 clip left out")
    assert not [note for note in found.notes if note.startswith("All are of one recipe")]


def test_other_folds_data_sets_and_ends_are_told(workspace):
    run = finished_run(workspace, right_on(40))
    names = [f"other-{number}.wav" for number in range(60)]
    fold = finished_run(workspace, right_on(40, names=names, fold="2"), {"data.fold": "2"})
    data = finished_run(workspace, right_on(40), {"data.dataset": "elsewhere"})
    queued = Run.create(workspace, run.config.replace({"optim.lr": 0.3}), queued=True)
    found = compare(workspace, [run.id, fold.id, data.id, queued.id])
    told = [each.sentence for each in found.against]
    start = "cannot be compared clip by clip: "
    assert told[0].endswith(f"{start}no clip was judged by both: A held out fold 1, B held out fold 2")
    assert told[1].endswith(f"{start}they are of different data sets: A is of made and C is of elsewhere")
    assert told[2].endswith(f"{start}run {queued.id} has no predictions: it is queued")
    assert {setting.path for setting, _ in found.settings} == {"data.dataset", "data.fold", "optim.lr"}
    json.dumps(found.to_dict())


def test_other_classes_and_clips_of_one_side(workspace):
    one = finished_run(workspace, drawn(40))
    names = [f"{number}.wav" for number in range(30)]
    other = judged(
        ["cat", "cow", "dog"] * 10,
        sure(["cat"] * 30, labels=("cat", "cow", "dog")),
        names=names,
        labels=("cat", "cow", "dog"),
    )
    found = compare(workspace, [one.id, finished_run(workspace, other, {"optim.lr": 0.02}).id])
    pairs = found.against[0].pairs
    assert pairs is not None
    assert set(pairs.frame["label"]) == {"cat", "dog"}
    assert "10 clips of classes that not both know are left out" in found.against[0].notes
    assert "10 clips that A alone judged are left out" in found.against[0].notes


def test_fewer_than_two_and_none_of_the_name(workspace):
    run = finished_run(workspace, right_on(40))
    for names in ([run.id], [run.id, run.id], [run.id, str(run.path)]):
        with pytest.raises(ConfigError, match="two runs at least"):
            compare(workspace, names)
    with pytest.raises(RunError, match="no run"):
        compare(workspace, [run.id, "nothing"])
