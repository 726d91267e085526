"""What somebody names is written where it is named, and what hinders it is told with its remedy."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from labcore import outputs
from labcore.batch.journal import PredictionJournal
from labcore.cli.output import emit_csv
from labcore.errors import ConfigError, WorkspaceError, if_unwritable
from labcore.outputs import output_or_stdout, output_path, require_writable, write_output


def test_the_folder_of_an_output_is_made(tmp_path: Path) -> None:
    require_writable(tmp_path / "a" / "r.md")
    assert not list((tmp_path / "a").iterdir())
    write_output(tmp_path / "b" / "c" / "r.md", "text")
    assert [path.name for path in (tmp_path / "b" / "c").iterdir()] == ["r.md"]


def test_what_is_no_place_for_a_file_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for write in (require_writable, lambda path: write_output(path, "text")):
        with pytest.raises(
            ConfigError, match=r"r.md cannot be written: .*/file is a file and no folder\. Choose another"
        ):
            write(tmp_path / "file" / "r.md")
        with pytest.raises(ConfigError, match=r" is a folder\. Name a file in it\.$"):
            write(tmp_path)
        with pytest.raises(WorkspaceError, match=r"File name too long\. Choose a shorter name\.$"):
            write(tmp_path / f"{'r' * 300}.md")
    require_writable(tmp_path, folder=True)
    write_output(tmp_path / ("é" * 127), "text")
    with pytest.raises(ConfigError, match=r"file cannot be written: .*/file is a file and no folder"):
        require_writable(tmp_path / "file", folder=True)


def test_an_output_is_never_looked_for_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "r.csv").write_text("kept")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    emit_csv("a\n", "r.csv", "a cell")
    assert (Path("r.csv").read_text(), Path("home/r.csv").read_text()) == ("a\n", "kept")
    assert output_path("~/r.csv") == tmp_path / "home" / "r.csv"


def test_an_output_without_a_name_is_refused() -> None:
    for text in ("", " ", "''"):
        with pytest.raises(ConfigError, match=r"the output has no name\. Give its path"):
            output_or_stdout(text)
    with pytest.raises(ConfigError, match="does not go to stdout"):
        output_path("-")
    assert (output_or_stdout("-"), output_path("./-")) == (None, Path("-"))


def test_a_pipe_stays_one_and_a_link_is_followed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    require_writable(tmp_path / "pipe")
    write_output(tmp_path / "pipe", "text")
    assert os.read(reader, 9) == b"text"
    os.close(reader)
    (tmp_path / "link").symlink_to(tmp_path / "there")
    write_output(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_text() == "text"


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Free some space, then do it again, or choose another place"),
        (errno.EDQUOT, "Free some space, then do it again, or choose another place"),
        (errno.EACCES, "Check the permissions of {}, or choose another place"),
        (errno.EROFS, "{} is read-only: choose another place"),
        (errno.ENAMETOOLONG, "Choose a shorter name"),
        (errno.EIO, "Choose another place"),
    ],
)
def test_the_remedy_is_that_of_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(outputs, "whole_file", refused)
    with pytest.raises(WorkspaceError) as told:
        write_output(tmp_path / "r.md", "text", again="do it again")
    assert told.value.what == f"{tmp_path / 'r.md'} cannot be written: {os.strerror(number)}"
    assert told.value.remedy == remedy.format(tmp_path)


def test_a_folder_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    assert if_unwritable(gone, "go")(FileNotFoundError(errno.ENOENT, "")) == f"There is no folder {gone}: go"


def test_a_prediction_that_cannot_be_kept_is_told_of_the_output(tmp_path: Path) -> None:
    (tmp_path / ".p.csv.answers.jsonl").mkdir()
    journal = PredictionJournal(tmp_path / "none" / "p", tmp_path / "p.csv", "key")
    journal.file = tmp_path / ".p.csv.answers.jsonl"
    with pytest.raises(WorkspaceError, match=r"/p\.csv cannot be written: Is a directory"):
        journal.add(tmp_path / "a.wav", {"file": "a.wav", "error": "none"})
