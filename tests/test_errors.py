from __future__ import annotations

import errno
import sys
from pathlib import Path

import pytest

from labcore.errors import ConfigError, WorkspaceError


def test_what_the_system_refuses_is_told_with_its_reason(tmp_path: Path) -> None:
    refused = WorkspaceError.on_os_error("it cannot be read", "Check the path")
    with (
        pytest.raises(
            WorkspaceError, match=r"^it cannot be read: No such file or directory\. Check the path\.$"
        ) as told,
        refused,
    ):
        (tmp_path / "gone").read_bytes()
    assert isinstance(told.value.__cause__, FileNotFoundError)


@pytest.mark.parametrize(
    ("system", "number", "remedy"),
    [("darwin", errno.EPERM, "Privacy & Security"), ("darwin", errno.EACCES, "Check"), ("linux", errno.EPERM, "Check")],
)
def test_a_folder_that_macos_keeps_from_a_program(
    monkeypatch: pytest.MonkeyPatch, system: str, number: int, remedy: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    refused = WorkspaceError.on_os_error("the folder cannot be read", "Check its permissions")
    with pytest.raises(WorkspaceError) as told, refused:
        raise PermissionError(number, "Operation not permitted")
    assert remedy in told.value.remedy


def test_other_kinds_are_told_only_where_they_are_named() -> None:
    with (
        pytest.raises(ConfigError, match="it is none: no number"),
        ConfigError.on_os_error("it is none", "", ValueError),
    ):
        raise ValueError("no number")
    with pytest.raises(ValueError, match="no number"), ConfigError.on_os_error("it is none"):
        raise ValueError("no number")
