from __future__ import annotations

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


def test_other_kinds_are_told_only_where_they_are_named() -> None:
    with (
        pytest.raises(ConfigError, match="it is none: no number"),
        ConfigError.on_os_error("it is none", "", ValueError),
    ):
        raise ValueError("no number")
    with pytest.raises(ValueError, match="no number"), ConfigError.on_os_error("it is none"):
        raise ValueError("no number")
