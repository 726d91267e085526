"""Data sets get other names and are removed; runs that use them are named and still find theirs."""

from __future__ import annotations

import shutil
import unicodedata

import pytest

from labcore.checking import Check, CheckPlan
from labcore.config import RunConfig
from labcore.datasets import dataset_of, find_dataset, list_datasets, register
from labcore.datasets.keeping import remove, rename, use_of
from labcore.datasets.record import ClipRecord
from labcore.datasets.registry import with_whole_paths
from labcore.datasets.resuming import find_again, require_data
from labcore.errors import DatasetError, RunError
from labcore.events import RunFinished, RunStarted
from labcore.runs import Run


def run_on(workspace, dataset: str, *, begun: bool = True) -> Run:
    run = Run.create(workspace, RunConfig().replace({"data.dataset": dataset}))
    run.append(RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="here"))
    run.append(RunFinished(state="stopped", seconds=1.0))
    if begun:
        found = find_dataset(workspace, dataset)
        ClipRecord.of(found, found.table).save(run)
    return run


def names(workspace) -> list[str]:
    return [info.name for info in list_datasets(workspace)]


def test_a_reference_is_only_forgotten(workspace, class_folders):
    register(workspace, class_folders, "tones")
    run = run_on(workspace, "tones")
    use = remove(workspace, "tones")
    assert (use.own, [each.id for each, _ in use.runs], use.open) == (False, [run.id], [run])
    assert f"1 run uses it: {run.id}" in use.sentence
    assert names(workspace) == []
    assert len(list(class_folders.glob("*/*.wav"))) == 12
    require_data(run, workspace)  # what a run has begun with is found where it lay
    assert len(find_again(run, workspace, "tones")) == 12
    shutil.rmtree(class_folders)
    with pytest.raises(DatasetError, match="was at"):
        find_again(run, workspace, "tones")


def test_what_lies_in_the_workspace_is_deleted_only_where_that_was_confirmed(workspace, class_folders):
    own = class_folders.rename(workspace.datasets / "demo")
    with pytest.raises(DatasetError, match="deletes its files") as caught:
        remove(workspace, "demo")
    assert "--yes" in caught.value.remedy
    assert names(workspace) == ["demo"]
    assert remove(workspace, "demo", delete=True).own
    assert not own.exists()
    assert list(workspace.datasets.iterdir()) == []


def test_a_link_is_forgotten_and_what_it_leads_to_stays(workspace, class_folders):
    (workspace.datasets / "linked").symlink_to(class_folders)
    assert not remove(workspace, "linked").own
    assert names(workspace) == []
    assert len(list(class_folders.glob("*/*.wav"))) == 12


def test_a_broken_reference_can_be_removed(workspace):
    (workspace.datasets / "broken.json").write_text("{")
    assert use_of(workspace, "broken").path is None
    remove(workspace, "broken")
    assert names(workspace) == []


@pytest.mark.parametrize("own", [False, True])
def test_a_renamed_one_is_found_by_its_runs(workspace, class_folders, own):
    if own:
        class_folders.rename(workspace.datasets / "tones")
    else:
        register(workspace, class_folders, "tones")
    run = run_on(workspace, "tones")
    assert rename(workspace, "tones", "my sounds").name == "my-sounds"
    assert names(workspace) == ["my-sounds"]
    assert [each.id for each, _ in use_of(workspace, "my-sounds").runs] == [run.id]
    assert rename(workspace, "my-sounds", "third").name == "third"
    for name in ("tones", "my-sounds", "third"):
        assert find_dataset(workspace, name).name == "third"
    require_data(run, workspace)
    assert len(find_again(run, workspace, "tones")) == len(dataset_of(run, workspace, "tones")) == 12
    assert (
        with_whole_paths(workspace, run.config) == run.config
    )  # a former name stays a name, whatever lies in the folder
    assert rename(workspace, "third", "tones").name == "tones"  # its own old name is free for it
    assert names(workspace) == ["tones"]
    assert find_dataset(workspace, "my-sounds").name == "tones"


def test_names_in_two_spellings_are_one(workspace, class_folders, urbansound):
    composed, apart = (unicodedata.normalize(form, "лай") for form in ("NFC", "NFD"))
    register(workspace, class_folders, composed)
    run = run_on(workspace, apart)
    assert [each.id for each, _ in use_of(workspace, apart).runs] == [run.id]
    assert rename(workspace, apart, "dogs").name == "dogs"
    assert find_dataset(workspace, apart).name == "dogs"
    with pytest.raises(DatasetError, match="was that of 'dogs'"):
        register(workspace, urbansound, apart)


def test_names_that_are_taken(workspace, class_folders, urbansound):
    register(workspace, class_folders, "tones")
    register(workspace, urbansound, "city")
    with pytest.raises(DatasetError, match="'city' is used"):
        rename(workspace, "tones", "city")
    rename(workspace, "tones", "sounds")
    for ask in (lambda: register(workspace, urbansound, "tones"), lambda: rename(workspace, "city", "tones")):
        with pytest.raises(DatasetError, match="was that of 'sounds'"):
            ask()
    remove(workspace, "sounds")
    assert register(workspace, urbansound, "tones").clips == 12  # nobody has it any more
    with pytest.raises(DatasetError, match="no new name"):
        rename(workspace, "tones", " ")


@pytest.mark.parametrize("act", [remove, lambda workspace, name: rename(workspace, name, "other")])
def test_nothing_happens_to_it_while_a_run_trains_on_it(workspace, class_folders, act):
    register(workspace, class_folders, "tones")
    run = Run.create(workspace, RunConfig().replace({"data.dataset": "tones"}))
    run.append(RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="here"))
    with run.hold(), pytest.raises(RunError, match=run.id):
        act(workspace, "tones")
    assert names(workspace) == ["tones"]


@pytest.mark.parametrize("act", [remove, lambda workspace, name: rename(workspace, name, "other")])
def test_nothing_happens_to_it_while_a_job_of_another_kind_works_on_it(workspace, class_folders, act):
    register(workspace, class_folders, "tones")
    check = Check.create(workspace, CheckPlan(dataset=str(class_folders)), queued=True)
    assert use_of(workspace, "tones").waiting == (check,)
    check.append(check.started())
    with check.hold(), pytest.raises(RunError, match=f"check {check.id} works on it"):
        act(workspace, "tones")
    assert names(workspace) == ["tones"]
    act(workspace, "tones")
    assert "tones" not in names(workspace)


def test_runs_that_name_its_path_use_it_too(workspace, class_folders):
    register(workspace, class_folders, "tones")
    run = run_on(workspace, str(class_folders))
    assert [each for each, _ in use_of(workspace, "tones").runs] == [run]


def test_a_name_that_is_none(workspace, class_folders):
    register(workspace, class_folders, "tones")
    for act in (use_of, remove, lambda workspace, name: rename(workspace, name, "x")):
        with pytest.raises(DatasetError, match="no data set 'tonse'") as caught:
            act(workspace, "tonse")
        assert "Did you mean 'tones'" in caught.value.remedy
