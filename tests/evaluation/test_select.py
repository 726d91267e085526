import numpy as np
import pandas as pd
import pytest

from labcore.config import DataConfig
from labcore.datasets.splits import split_for
from labcore.datasets.table import SEVERAL
from labcore.errors import DatasetError
from labcore.evaluation.select import select_clips, targets_of
from labcore.task.several import SeveralLabels
from labcore.task.single import SingleLabel


@pytest.fixture
def table():
    """Three folds of two classes, two recordings a class and fold; the first recording of fold 3 has a clip in fold 1, too."""
    rows = [
        (f"{label}{fold}{number}.wav", label, str(fold), f"{label}{fold}{number}", 0.0, np.nan)
        for fold in (1, 2, 3)
        for label in ("a", "b")
        for number in (0, 1)
    ]
    rows.append(("again.wav", "a", "1", "a30", 1.0, 2.0))
    return pd.DataFrame(rows, columns=["path", "label", "fold", "group", "start_s", "end_s"])


def test_what_was_held_out_is_what_the_run_held_out(table):
    own = DataConfig(fold="1", leave_out="3")
    chosen = select_clips(table, own)
    assert chosen.rows.tolist() == split_for(table, own).held_out.tolist()
    assert len(chosen.rows) == 4  # not the clip of a recording that is left out
    assert chosen.sentence == "4 clips of fold 1, held out from training."
    assert not chosen.trained_on


def test_a_class_alone(table):
    chosen = select_clips(table, DataConfig(fold="2"), label="b")
    assert set(table["label"][chosen.rows]) == {"b"}
    assert set(table["fold"][chosen.rows]) == {"2"}
    assert chosen.sentence == "2 clips of b of fold 2, held out from training."
    with pytest.raises(DatasetError, match="fold 2 has no clips of dog"):
        select_clips(table, DataConfig(fold="2"), label="dog")


def test_clips_that_it_was_trained_on_only_where_that_is_wanted(table):
    own = DataConfig(fold="1", validation_share=0.3)
    with pytest.raises(DatasetError, match="trained on clips of fold 2"):
        select_clips(table, own, fold="2")
    with pytest.raises(DatasetError, match="trained on clips of these"):
        select_clips(table, own, fold="all")
    chosen = select_clips(table, own, fold="2", trained_on=True)
    assert (len(chosen.rows), chosen.trained_on, chosen.held_out) == (4, 4, "1")  # for validation counts as well
    assert "trained on" in chosen.sentence
    assert len(select_clips(table, own, fold="all", trained_on=True).rows) == len(table)
    with pytest.raises(DatasetError, match="no fold 9") as refused:
        select_clips(table, own, fold="9", trained_on=True)
    assert "1, 2, 3" in refused.value.remedy


def test_of_another_data_set_all_is_new(table):
    chosen = select_clips(table, None)
    assert (len(chosen.rows), chosen.fold, chosen.trained_on, chosen.leaks) == (len(table), "all", 0, False)
    assert select_clips(table, None, fold="3").sentence == "4 clips of fold 3."
    assert select_clips(table.assign(fold="test"), None, fold="test").fold == "test"  # nothing else need be there


def test_what_was_trained_on_leaks(table):
    own = DataConfig(fold="1", split="random")
    assert select_clips(table, own).leaks == split_for(table, own).leaks
    chosen = select_clips(table, own, fold="all", trained_on=True)
    assert chosen.leaks
    assert chosen.trained_on == len(split_for(table, own).train)
    assert chosen.sentence == f"13 clips; the classifier was trained on {chosen.trained_on} of them."


def test_clips_learnt_under_another_name(table):
    learnt = (table["path"] == "a30.wav").to_numpy()
    with pytest.raises(DatasetError, match="trained on clips of these"):
        select_clips(table, None, learnt=learnt)
    chosen = select_clips(table, None, trained_on=True, learnt=learnt)
    assert (chosen.trained_on, chosen.leaks) == (1, True)
    assert "trained on 1 of them" in chosen.sentence
    other = select_clips(table, None, fold="1", learnt=learnt)  # a clip of the same recording
    assert (other.trained_on, other.leaks) == (0, True)
    assert not select_clips(table, None, fold="2", learnt=learnt).leaks


@pytest.mark.parametrize("sample", [{"train_clips": 2}, {"train_recordings": 1}])
def test_of_a_sample_only_the_clips_that_were_drawn_were_learnt(table, sample):
    own = DataConfig(fold="1", **sample)
    learnt = table["path"].isin(["a20.wav", "b31.wav"]).to_numpy()
    chosen = select_clips(table, own, fold="2", trained_on=True, learnt=learnt)
    assert (chosen.trained_on, chosen.leaks) == (1, True)
    assert select_clips(table, own, fold="all", trained_on=True, learnt=learnt).trained_on == 2
    nowhere = np.zeros(len(table), dtype=bool)  # its files lie elsewhere by now: nobody knows which were drawn
    assert select_clips(table, own, fold="2", trained_on=True, learnt=nowhere).trained_on == 4


def test_clips_that_came_after_a_training_are_new_to_it(table):
    """Where all that it learnt from is still there; else they may be its files under other names."""
    learnt = table["path"].isin(["a20.wav", "b31.wav"]).to_numpy()
    own = DataConfig(fold="1")
    assert select_clips(table, own, fold="all", trained_on=True, learnt=learnt, all_known=True).trained_on == 2
    assert select_clips(table, own, fold="all", trained_on=True, learnt=learnt).trained_on > 2


def test_classes_as_numbers_and_those_that_are_not_known_refused():
    def targets(known: list[str], labels: list[str], **further: object) -> list[object]:
        table = pd.DataFrame({"label": pd.Series(labels, dtype=object)}).assign(**further)
        task = SeveralLabels() if further.get("task") else SingleLabel()
        return targets_of(task, known, table, np.arange(len(labels))).tolist()

    assert targets(["b", "a"], ["a", "b", "a"]) == [1, 0, 1]
    with pytest.raises(DatasetError, match="does not know c, d") as refused:
        targets(["a"], ["d", "a", "c"])
    assert refused.value.remedy == "It knows a"
    with pytest.raises(DatasetError, match="no clips"):
        targets(["a"], [])
    several = {SEVERAL: True}
    with pytest.raises(DatasetError, match="have several labels, and the classifier gives one"):
        targets(["a", "b"], ["a;b"], **several)
    assert targets(["a", "b"], ["a;b", "-a", "b;?"], task="several", **several) == [[1, 1], [0, 0], [-1, 1]]
    with pytest.raises(DatasetError, match="does not know c"):
        targets(["a", "b"], ["a;c"], task="several", **several)


def test_clips_set_aside_for_validation(table):
    own = DataConfig(fold="1", validation_share=0.3)
    chosen = select_clips(table, own, validation=True)
    assert chosen.rows.tolist() == sorted(split_for(table, own).validation.tolist())
    assert not set(chosen.rows) & set(split_for(table, own).held_out)
    assert (chosen.validation, chosen.trained_on) == (True, 0)
    assert chosen.sentence == f"{len(chosen.rows)} clips, set aside from training for validation."
    assert set(table["label"][select_clips(table, own, label="a", validation=True).rows]) == {"a"}
    for none in (DataConfig(fold="1"), None):
        with pytest.raises(DatasetError, match="no clips were set aside"):
            select_clips(table, none, validation=True)


def test_clips_of_excluded_classes_are_left_out_wherever_they_are(table):
    table = pd.concat(
        [table, table.assign(label="c", path="c" + table["path"], group="c" + table["group"])], ignore_index=True
    )
    own = DataConfig(fold="2", exclude_classes=("b",))
    for fold in (None, "1", "all"):
        chosen = select_clips(table, own, fold=fold, trained_on=True)
        assert set(table["label"][chosen.rows]) == {"a", "c"}
    with pytest.raises(DatasetError, match=r"fold 2 has no clips of b that the run did not exclude \(b\)"):
        select_clips(table, own, label="b")
    assert set(table["label"][select_clips(table, None).rows]) == {"a", "b", "c"}
