"""The files of a run as a page offers them: its own, and nothing that a link leads to."""

from __future__ import annotations

import pytest

from labcore.config import RunConfig
from labcore.errors import RunError
from labcore.runs import Run
from labcore.runs.files import content_of, files_of


def test_only_files_of_the_folder_are_offered(workspace, tmp_path):
    run = Run.create(workspace, RunConfig())
    (tmp_path / "secret").write_text("x")
    (run.path / "link").symlink_to(tmp_path / "secret")
    (run.path / "folder").symlink_to(tmp_path)
    (run.path / "lock").touch()
    (run.path / ".hidden").touch()
    run.checkpoint.write_bytes(b"1234")
    assert [(file.name, file.size) for file in files_of(run) if file.name != "config.json"] == [
        ("checkpoints/last.pt", 4)
    ]
    assert content_of(run, "checkpoints/last.pt") == b"1234"
    for name in ("link", "folder/secret", "../../secret", "lock"):
        with pytest.raises(RunError, match="has no file"):
            content_of(run, name)
