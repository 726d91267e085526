"""``labcore datasets`` and training with data as people have them: names of any bytes, a stdout of any encoding, ultrasound."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labcore.events import Log, each_of
from labcore.runs import Run, list_runs
from labcore.workspace import Workspace

Labcore = Callable[..., Any]
NOT_UTF8 = os.fsdecode(b"M\x84dchen")


@pytest.fixture
def bad_names(tones: Path, tmp_path: Path) -> Path:
    """The tones, with a folder, a class and a clip whose names are not UTF-8."""
    root = shutil.copytree(tones, tmp_path / f"{NOT_UTF8} €")
    (root / "low" / "low0.wav").rename(root / "low" / f"{NOT_UTF8}.wav")
    (root / "low").rename(root / NOT_UTF8)
    return root


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"LC_ALL": "C.UTF-8"}, marks=pytest.mark.slow),
        pytest.param({"LC_ALL": "POSIX"}, marks=pytest.mark.slow),
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        pytest.param({"PYTHONIOENCODING": "cp1252"}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_names_of_any_bytes_on_a_stdout_of_any_encoding(
    workspace: Workspace, bad_names: Path, environment: dict[str, str]
) -> None:
    script = (
        "import sys; from labcore.cli.main import main; path = sys.argv[1];"
        "sys.exit(max(main(['datasets', *words]) for words in (['import', path, '--json'], ['check', path, '--json'],"
        " ['list', '--json'], ['list'], ['import', path], ['check', path])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, bad_names],
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])} | environment,
        check=False,
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    lines = done.stdout.decode(environment.get("PYTHONIOENCODING", "utf-8")).splitlines()
    taken, health, listed = map(json.loads, lines[:3])
    assert (taken["clips"], listed["clips"], health["clips"], health["unreadable"]) == (20, 20, 20, [])
    assert set(health["counts"]) == {"high", r"M\x84dchen"}
    assert r"M\x84dchen" in "\n".join(lines[3:])


def test_a_training_on_names_of_any_bytes(
    workspace: Workspace, labcore: Labcore, bad_names: Path, tiny: tuple[str, ...], tmp_path: Path
) -> None:
    (bad_names / "high" / f"{NOT_UTF8}.wav").write_bytes(b"RIFF")
    told = labcore("train", "--dataset", bad_names, "--epochs", "1", *tiny)
    assert told.status == 0, told.err
    assert r"M\x84dchen.wav: " in told.err  # the clip that is left out
    (run,) = list_runs(workspace)
    assert run.config.data.dataset == str(bad_names)
    assert run.load("labels") == ["high", r"M\x84dchen"]
    assert labcore("evaluate", "--run", run.id).status == 0
    assert labcore("export", "--run", run.id, "-o", tmp_path / "x.zip").status == 0
    assert r"M\x84dchen" in labcore("runs", "list").out


def test_one_bad_data_set_harms_no_other(
    workspace: Workspace, labcore: Labcore, tones: Path, tiny: tuple[str, ...]
) -> None:
    shutil.copytree(tones, workspace.datasets / "good")
    (workspace.datasets / "empty").mkdir()
    (workspace.datasets / "dead").symlink_to(workspace.home / "nowhere")
    (workspace.datasets / "broken.json").write_text("[")
    (workspace.datasets / "quote.csv").write_text('path,label\na.wav,"x\nb.wav,y\n')
    told = labcore("datasets", "list")
    assert told.status == 0
    assert told.out.count("Cannot be read: ") == 3
    assert labcore("train", "--dataset", "good", "--epochs", "1", *tiny).status == 0


def test_import_and_check_tell_how_a_data_set_was_read(
    workspace: Workspace, labcore: Labcore, tones: Path, tmp_path: Path
) -> None:
    root = shutil.copytree(tones, tmp_path / "set")
    (root / "some.csv").write_text("fname,emotion\nlow0.wav,calm\nhigh0.wav,glad\nlow1.wav,Calm\n")
    taken = labcore("datasets", "import", root)
    assert taken.status == 0
    assert "warning: 17 of 20 audio files" in taken.err
    told = labcore("datasets", "check", root)
    assert "note: In some.csv: columns taken: fname → path, emotion → label." in told.out
    assert "warning: 17 of 20 audio files" in told.out
    assert "unlisted: and 12 more; --json lists them all" in told.out
    (facts,) = labcore("datasets", "check", root, "--json").lines
    assert {finding["kind"] for finding in facts["findings"]} == {"columns", "unlisted", "alike"}
    assert len(facts["warnings"]) >= 2
    assert len(facts["notes"]) == 1


def test_a_warning_reaches_the_log_of_a_run(
    workspace: Workspace, labcore: Labcore, tones: Path, tmp_path: Path, tiny: tuple[str, ...]
) -> None:
    root = shutil.copytree(tones, tmp_path / "set")
    (root / "low").rename(root / "Actor_01")
    (root / "high").rename(root / "Actor_02")
    labcore("train", "--dataset", root, "--epochs", "1", *tiny)
    (run,) = list_runs(workspace)
    assert isinstance(run, Run)
    logs = [event for event in each_of(run.events(), Log) if event.level == "warning"]
    assert any("look like speakers" in event.message for event in logs)


def test_ultrasound_is_warned_of_and_trained_on_at_its_own_rate(
    workspace: Workspace, labcore: Labcore, tone: Any, write_wav: Any, tmp_path: Path
) -> None:
    root = tmp_path / "bats"
    for label, hertz in (("noctule", 25_000), ("pipistrelle", 46_000)):
        for n in range(4):
            write_wav(root / label / f"{n}.WAV", tone(hertz + 200 * n, 0.1, 384_000), 384_000)
    assert "kHz" not in labcore("datasets", "check", root).out
    assert "--audio.sample_rate 384000" in labcore("datasets", "check", root, "--audio.sample_rate", "22050").out
    assert "kHz" not in labcore("datasets", "check", root, "--audio.sample_rate", "384000").out
    assert labcore("datasets", "check", root, "--audio.sample_rate", "1").status == 2
    words = [
        "--model",
        "compact",
        "--model.width",
        "0.25",
        "--device",
        "cpu",
        "--precision",
        "fp32",
        "--runtime.memory_format",
        "contiguous",
    ]
    told = labcore("train", "--dataset", root, "--audio.sample_rate", "384000", "--epochs", "1", *words)
    assert told.status == 0, told.err
    config = list_runs(workspace)[0].config
    assert (config.audio.sample_rate, config.f_max) == (384_000, 172_800)


def test_renaming_and_removing(labcore: Labcore, workspace: Workspace, tones: Path, tiny: tuple[str, ...]) -> None:
    outside = shutil.copytree(tones, workspace.home.parent / "elsewhere")
    assert labcore("datasets", "import", f"'{outside}'", "--name", "mine").status == 0
    assert labcore("train", "--dataset", "mine", "--epochs", 1, *tiny, "--json").status == 0
    run = list_runs(workspace)[0]
    done = labcore("datasets", "rename", "mine", "sounds")
    assert (done.status, done.out.strip()) == (0, "sounds")
    assert f"1 run uses it: {run.id}" in done.err
    assert labcore("evaluate", "--run", run.id, "--json").status == 0  # a run finds its set by the old name
    done = labcore("datasets", "remove", "sounds")
    assert done.status == 0
    assert f"removed from the workspace; its files stay at {outside}" in done.out
    assert run.id in done.err
    assert (outside / "low").is_dir()
    shutil.copytree(tones, workspace.datasets / "demo")
    done = labcore("datasets", "remove", "demo")
    assert done.status == 2
    assert "Confirm it with --yes" in done.err
    assert json.loads(labcore("datasets", "remove", "demo", "--yes", "--json").out)["deleted"]
    assert not (workspace.datasets / "demo").exists()
    assert labcore("datasets", "remove", "demo").status == 2


@pytest.mark.parametrize(
    ("path", "told"), [("/", "whole disk"), ("/no/such", "Check the path"), ("~/nowhere-at-all", "is there; it holds")]
)
def test_paths_that_lead_to_no_data_set(
    labcore: Labcore, workspace: Workspace, path: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(workspace.home.parent))
    done = labcore("datasets", "import", path)
    assert done.status == 2
    assert told in done.err


def test_a_text_named_wav_is_told_at_the_import(labcore: Labcore, workspace: Workspace, tones: Path) -> None:
    root = shutil.copytree(tones, workspace.home.parent / "elsewhere")
    (root / "low" / "notes.wav").write_text("a text")
    done = labcore("datasets", "import", root.as_uri())
    assert done.status == 0
    assert "files cannot be read as audio and will be skipped: notes.wav is a text file" in done.err


def test_files_to_classify_are_understood_as_they_are_pasted(tones: Path) -> None:
    from labcore.cli.inputs import sound_files

    clip = tones / "low" / "low0.wav"
    assert sound_files([f'"{clip}"', clip.as_uri(), f" {clip} "]).files == [clip]


def test_annotations_are_listed_exported_and_taken_back(
    workspace: Workspace, tones: Path, labcore: Labcore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from labcore.datasets.annotations import annotate, decided

    assert labcore("datasets", "import", tones, "--name", "tones").status == 0
    assert "no label was annotated yet" in labcore("datasets", "annotations", "tones").out
    clips = sorted(path.name for path in (tones / "low").iterdir())
    for number, clip in enumerate(clips[:4]):
        size = (tones / "low" / clip).stat().st_size
        for who in ("Ann", "=Bo()"):
            verdict = "right" if number == 0 or (who, number) == ("=Bo()", 1) else "other"
            more = {} if verdict == "right" else {"new": "high"}
            annotate(workspace, "tones", decided((f"low/{clip}", 0.0, "low"), verdict, who=who, size=size, **more))
    told = labcore("datasets", "annotations", "tones").out
    assert "labels of revision 8: 2 corrected; 8 annotations" in told
    assert "=Bo() and Ann: agree on 3 of 4 clips, Cohen's kappa 0.50" in told
    assert f"low/{clips[1]}: Ann: low is high; =Bo(): low is right" in told
    (facts,) = labcore("datasets", "annotations", "tones", "--json").lines
    assert (facts["revision"], facts["corrected"], facts["agreement"][0]["agreed"]) == (8, 2, 3)
    labcore("datasets", "annotations", "tones", "--csv", tmp_path / "all.csv")
    for stdout in (["--csv", "-"], ["--csv"]):
        assert (tmp_path / "all.csv").read_text() == labcore("datasets", "annotations", "tones", *stdout).out
    assert (tmp_path / "all.csv").read_text().count(",'=Bo(),") == 4  # no formula

    monkeypatch.setenv("LABCORE_USER", "Ann")
    assert f"low/{clips[3]}" in labcore("datasets", "annotations", "tones", "--undo", "last").out
    other = labcore("datasets", "annotations", "tones", "--json").lines[0]["disputed"][0][1]["id"]
    refused = labcore("datasets", "annotations", "tones", "--undo", other)
    assert (refused.status, "--anyone" in refused.err) == (2, True)
    assert labcore("datasets", "annotations", "tones", "--undo", other, "--anyone").status == 0
    assert labcore("datasets", "annotations", "tones", "--json").lines[0]["revision"] == 10


def test_a_training_says_which_labels_it_takes(
    workspace: Workspace, tones: Path, labcore: Labcore, tiny: tuple[str, ...]
) -> None:
    from labcore.datasets.annotations import annotate, decided

    labcore("datasets", "import", tones, "--name", "tones")
    for file in sorted((tones / "low").iterdir())[:3]:
        key = (f"low/{file.name}", 0.0, "low")
        annotate(workspace, "tones", decided(key, "other", who="Ann", size=file.stat().st_size, new="high"))
    done = labcore("train", "--dataset", "tones", "--epochs", "1", *tiny)
    assert "labels of revision 3: 3 corrected" in done.err
    (run,) = list_runs(workspace)
    assert run.load("environment")["labels"] == "labels of revision 3: 3 corrected"
    assert run.load("corrections")["revision"] == 3
    assert "revision 3: 3 corrected" in labcore("runs", "show", "last").out
    (result,) = labcore("evaluate", "--run", "last", "--fold", "all", "--json").lines
    assert (result["corrected"], result["confusion"]["high"]) == (3, result["confusion"]["high"])
    assert sum(result["confusion"]["high"].values()) == 13


class TestDatasets:
    def test_import_and_list(self, workspace: Workspace, labcore: Labcore, tones: Path) -> None:
        assert "labcore datasets demo" in labcore("datasets", "list").err
        (taken,) = labcore("datasets", "import", tones, "--name", "beeps", "--json").lines
        assert (taken["name"], taken["clips"], taken["classes"], taken["layout"]) == ("beeps", 20, 2, "folders")
        assert labcore("datasets", "list", "--json").lines == [taken]
        assert "beeps" in labcore("datasets", "list").out

    def test_demo(self, workspace: Workspace, labcore: Labcore, monkeypatch: pytest.MonkeyPatch) -> None:
        made: list[Any] = []

        def make_demo(folder: Path, *, seed: int, progress: Callable[[int, int], None]) -> Path:
            made.append((folder, seed))
            progress(1, 2)
            return folder

        monkeypatch.setattr("labcore.datasets.demo.make_demo", make_demo)
        told = labcore("datasets", "demo", "--seed", "3", "--json")
        assert told.lines == [{"name": "demo", "path": str(workspace.datasets / "demo")}]
        assert made == [(workspace.datasets / "demo", 3)]

    def test_check(self, workspace: Workspace, labcore: Labcore, tones: Path, tmp_path: Path) -> None:
        sound = labcore("datasets", "check", tones)
        assert sound.status == 0
        for word in ("20 clips", "8000 Hz", "high", "low"):
            assert word in sound.out
        shutil.copytree(tones, tmp_path / "set")
        (tmp_path / "set" / "low" / "broken.wav").write_text("no sound")
        told = labcore("datasets", "check", tmp_path / "set")
        assert told.status == 0
        assert "broken.wav" in told.out
        assert "warning: 1 clip cannot be read" in told.out
        (facts,) = labcore("datasets", "check", tmp_path / "set", "--json").lines
        assert [Path(problem["path"]).name for problem in facts["unreadable"]] == ["broken.wav"]
