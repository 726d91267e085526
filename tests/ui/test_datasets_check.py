"""The tab Check: a check beside the page, findings with their clips, remedies that are pressed and undone, and what is told of old ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from labcore.audio import decode, encode_wav
from labcore.checking import Check, CheckPlan
from labcore.config import DataConfig
from labcore.datasets import check_dataset, find_dataset, register
from labcore.datasets.checked import last_check
from labcore.datasets.mending import health_of, mend, mendings_of
from labcore.datasets.remedies import ClipAt
from labcore.datasets.resuming import pin
from ui.components import clip_player

from .conftest import unfold, words

PAGE, NAME = "pages/datasets.py", "sounds"
CLEAN = "Nothing was found that would harm training."


class Sounds:
    """A data set of two classes of ten clips in two folds, to which faults are added."""

    def __init__(self, root: Path) -> None:
        self.root, self.lines, self.random = root, ["path,label,fold"], np.random.default_rng(0)
        root.mkdir()
        for number in range(20):
            self.put(f"{number}.wav", self.noise(), "hum" if number % 2 else "bark", 1 + number // 2 % 2)

    def noise(self) -> np.ndarray:
        return self.random.normal(0, 0.1, 2000).astype(np.float32)

    def put(self, name: str, wave: np.ndarray, label: str = "bark", fold: int = 1) -> None:
        (self.root / name).write_bytes(encode_wav(wave, 8000))
        self.lines.append(f"{name},{label},{fold}")
        (self.root / "list.csv").write_text("\n".join(self.lines) + "\n")


@pytest.fixture
def sounds(tmp_path, workspace) -> Sounds:
    made = Sounds(tmp_path / "sounds")
    register(workspace, made.root / "list.csv", NAME)
    return made


@pytest.fixture
def faulty(sounds, workspace) -> Sounds:
    """With two silent clips, one sound in both folds, and one whose channels cancel; checked."""
    sounds.put("still.wav", np.zeros(2000, np.float32))
    sounds.put("mute.wav", np.zeros(2000, np.float32), "hum", 2)
    sounds.put("one.wav", sounds.noise())
    shutil.copy(sounds.root / "one.wav", sounds.root / "other.wav")
    sounds.lines.append("other.wav,bark,2")
    left = sounds.noise()
    sounds.put("phase.wav", np.stack([left, 0.05 * sounds.noise() - left], axis=1))
    check_dataset(find_dataset(workspace, NAME))
    return sounds


def opened(open_page, **query):
    app = open_page(PAGE, dataset=NAME, tab="Check", **query)
    assert not app.exception
    return app


def found(app) -> list[str]:
    """The findings on the page, in its order."""
    return [each.value.split("**")[1].replace("\\", "") for each in app.markdown if "] **" in each.value]


def press(app, label: str, which: int = 0):
    buttons = [each for each in app.button if each.label.replace("\\", "").startswith(label)]
    app = buttons[which].click().run()
    assert not app.exception
    return app


def left_out(workspace) -> set[str]:
    table = find_dataset(workspace, NAME).table
    return {Path(path).name for path in table["path"][table["label"] == ""]}


def test_clean_data_are_told_so_once_they_are_checked_beside_the_page(open_page, sounds, inline):
    app = opened(open_page)
    assert "A check decodes every clip once" in words(app)
    press(app, "Check the data set")
    assert "Check: next in the queue" in words(app)
    assert [each.label for each in app.button if each.label == "Stop"]
    inline.look()
    app.run()
    assert CLEAN in app.success[0].value
    assert "20 clips · 2 folds · 5 s · 8 kHz" in words(app)
    assert "Looked for, and nothing is open: equal files in several folds" in words(app)
    assert found(app) == []
    assert Check.every(inline.workspace)[0].plan == CheckPlan(dataset=NAME)


def test_a_check_of_clips_in_a_folder_within_is_shown_when_it_ends(open_page, sounds, workspace, inline):
    """As of an archive with one folder at its top: a data set lies in another folder than its clips."""
    outer = workspace.datasets / "outer"
    for number in range(20):
        folder = outer / "my sounds" / ("hum" if number % 2 else "bark")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(sounds.root / f"{number}.wav", folder)
    assert find_dataset(workspace, "outer").root != outer
    app = open_page(PAGE, dataset="outer", tab="Check")
    form = open_page("pages/train.py", **{"data.dataset": "outer"})
    assert "The data set was not checked yet." in words(form)
    press(app, "Check the data set")
    inline.look()
    assert CLEAN in app.run().success[0].value
    assert "The check found nothing that would harm training." in words(form.run())
    assert last_check(find_dataset(workspace, str(outer))).clean  # by its path as by its name


def test_what_spoils_figures_comes_first_and_each_finding_tells_why(open_page, faulty):
    app = opened(open_page)
    assert [each.split(" ", 1)[1][:17] for each in found(app)] == [
        "sound found sever", "clips silent.", "channels of 1 cli",
    ]  # fmt: skip
    assert [each.value.split(" ")[0] for each in app.subheader] == ["Figures", "Faults"]
    assert "On what it was trained on, a network looks better than it is." in words(app)
    assert CLEAN not in [each.value for each in app.success]


def test_a_remedy_is_pressed_and_undone_also_after_a_reload(open_page, faulty, workspace):
    app = press(opened(open_page), "Exclude them (2)")
    assert left_out(workspace) == {"still.wav", "mute.wav"}
    assert len(found(app)) == 2
    app = press(press(opened(open_page), "Keep the first"), "Take the left channel alone")
    assert CLEAN in app.success[0].value
    app = opened(open_page)
    assert "2 clips excluded" in words(app)
    assert "1 clip heard by channel 1 alone" in words(app)
    press(app, "Undo", 1)
    assert left_out(workspace) == {"still.wav", "mute.wav"}
    assert found(app)[0].startswith("1 sound found several times, in several folds")
    press(app, "Undo all")
    assert mendings_of(workspace, NAME) == ()
    assert len(found(app)) == 3


def test_all_views_count_the_same_clips_and_no_warning_outlives_its_remedy(open_page, sounds, workspace):
    (sounds.root / "notes.wav").write_text("a text")
    sounds.put("still.wav", np.zeros(2000, np.float32))
    (sounds.root / "list.csv").write_text("\n".join([*sounds.lines, "notes.wav,bark,1"]) + "\n")
    register(workspace, sounds.root / "list.csv", NAME)
    check_dataset(find_dataset(workspace, NAME))
    app = opened(open_page)
    assert "1 of 22 files cannot be read as audio" in words(app)
    press(app, "Exclude")
    assert "cannot be read as audio" not in words(app)
    assert "22 clips, 1 of them left out" in words(app)
    press(app, "Exclude")
    app.query_params.pop("tab")
    assert "22 clips, 2 of them left out" in words(app.run())
    assert "20 clips in 2 classes, 2 left out" in words(open_page(PAGE))


def test_chosen_clips_alone_and_the_copy_that_is_kept(open_page, faulty, workspace):
    app = unfold(opened(open_page), f"check-{NAME}-silent-open")
    assert "every sample is 0" in words(app)
    app.checkbox[1].check().run()
    press(app, "Exclude the 1 chosen")
    assert left_out(workspace) == {"mute.wav"}
    app = unfold(app, f"check-{NAME}-duplicates-open")
    press(app, "Keep only this", 1)
    assert left_out(workspace) == {"mute.wav", "one.wav"}


def test_a_press_on_what_has_changed_meanwhile_changes_nothing(open_page, faulty, workspace):
    app = opened(open_page)
    mend(workspace, NAME, "silent", who="Bo", clips=[ClipAt(str(faulty.root / "mute.wav"), 0.0)])
    press(app, "Exclude them (2)")
    assert "The finding has changed meanwhile" in words(app)
    assert left_out(workspace) == {"mute.wav"}
    press(app, "Exclude them (1)")
    assert left_out(workspace) == {"mute.wav", "still.wav"}
    assert "Bo" in words(app)
    asked = [each.label for each in app.button if "Undo" in each.label]
    assert asked == ["Undo", "Undo anyway"]  # another's after a question, and never all at once


def test_one_sound_under_two_labels_gets_the_right_one(open_page, sounds, workspace):
    wave = sounds.noise()
    for label in ("bark", "hum"):
        sounds.put(f"{label}.wav", wave, label)
    check_dataset(find_dataset(workspace, NAME))
    app = opened(open_page)
    (finding,) = [each for each in health_of(workspace, NAME)[1].found if each.kind == "mislabelled"]
    press(unfold(app, f"check-{NAME}-{finding.id}-open"), "This label is right", 1)
    table = find_dataset(workspace, NAME).table
    assert set(table["label"][table["path"].str.endswith(("bark.wav", "hum.wav"))]) == {"hum"}


def test_many_remedies_stand_in_a_list(open_page, sounds, workspace):
    for label in ("cow", "goat", "hen", "pig"):
        sounds.put(f"{label}.wav", sounds.noise(), label)
    check_dataset(find_dataset(workspace, NAME))
    app = opened(open_page)
    box = app.selectbox(key=f"check-{NAME}-few-clips-what")
    assert box.options[0] == "Leave these classes out (4)"
    box.set_value("exclude=hen").run()
    press(app, "Do it")
    assert left_out(workspace) == {"hen.wav"}


def test_files_that_change_make_a_check_old(open_page, faulty, workspace):
    mend(workspace, NAME, "silent")
    app = opened(open_page)
    (faulty.root / "3.wav").write_bytes(encode_wav(faulty.noise()[:1000], 8000))
    app.run()
    assert "is old: 1 clip is new or changed. Check again" in app.warning[0].value
    assert found(app) == []
    assert "2 clips excluded" in words(app)  # can be undone all the same
    app = open_page("pages/train.py", **{"data.dataset": NAME})
    assert "The data set has changed since it was checked." in words(app)


def test_a_check_that_failed_says_why(open_page, sounds, inline):
    app = press(opened(open_page), "Check the data set")
    shutil.move(sounds.root, sounds.root.parent / "away")
    inline.look()
    shutil.move(sounds.root.parent / "away", sounds.root)
    app.run()
    assert "does not exist" in app.error[0].value.replace("\\", "")
    assert [each.label for each in app.button if each.label == "Check the data set"]


def test_a_check_in_the_list_of_jobs_leads_to_its_tab(open_page, sounds, inline):
    press(opened(open_page), "Check the data set")
    app = open_page()
    (link,) = [each.proto for each in app.get("page_link") if each.proto.label.startswith("check sounds")]
    assert link.page.endswith("datasets")
    assert "dataset=sounds" in link.query_string
    assert "tab=Check" in link.query_string


def test_the_train_page_tells_what_is_open_and_that_at_once(open_page, faulty, workspace):
    app = open_page("pages/train.py", **{"data.dataset": NAME})
    assert "3 findings of the check are open" in words(app)
    assert [each.proto.label for each in app.get("page_link")].count("Check") == 1
    for kind in ("silent", "duplicates", "opposite-phase"):
        mend(workspace, NAME, kind)
    app.run()
    assert "The check found nothing that would harm training." in words(app)
    assert "Check" not in [each.proto.label for each in app.get("page_link")]


def test_a_run_tells_what_was_done_before_it_began(open_page, faulty, workspace, make_run):
    mend(workspace, NAME, "silent")
    run = make_run("finished")
    pin(run, workspace, DataConfig(dataset=NAME))
    app = open_page("pages/runs.py", run=run.id)
    told = "Labels of revision 1: 0 corrected, 2 clips left out. Done about findings of the check: 2 clips excluded (silent)."
    assert told in words(app)


def test_a_player_plays_the_channel_that_a_training_takes(open_page, faulty, workspace, monkeypatch):
    played = []
    real = clip_player.wav
    monkeypatch.setattr(clip_player, "wav", lambda row: played.append(row) or real(row))
    mend(workspace, NAME, "opposite-phase", "right")
    app = open_page(PAGE, dataset=NAME)
    app.text_input(key="words").set_value("phase").run()
    assert "right channel" in words(app)
    right, _ = decode(faulty.root / "phase.wav", channel=2)
    assert decode(real(played[-1]))[0] == pytest.approx(right, abs=1e-4)
    listed = [row for row in played if row.path.endswith("phase.wav")]
    assert {row.channel for row in listed} == {2}
