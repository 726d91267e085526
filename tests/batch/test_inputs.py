"""Sound files and folders as people name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from labcore.batch.inputs import find_sounds
from labcore.errors import AudioError


def test_an_empty_name_is_not_the_current_folder(tones: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a variable of the shell that is not set."""
    monkeypatch.chdir(tones)
    assert len(find_sounds(["."]).files) == 20
    for name in ("", "  "):
        with pytest.raises(AudioError, match=r"empty\. .*`\.` is the current folder"):
            find_sounds([name])
