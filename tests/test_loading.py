"""The collector of garbage rests while modules are loaded, and then is as it was."""

from __future__ import annotations

import gc
import sys
from types import ModuleType

import pytest

from labcore.loading import MANY, collector_resting


def test_it_rests_meanwhile_and_works_again_even_after_a_fault() -> None:
    with collector_resting():
        assert not gc.isenabled()
        with collector_resting():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ImportError), collector_resting():
        raise ImportError
    assert gc.isenabled()


@pytest.mark.parametrize(("modules", "left_alone"), [(MANY, True), (1, False)])
def test_what_many_modules_made_is_left_alone_for_good(
    modules: int, left_alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[None] = []
    monkeypatch.setattr(gc, "freeze", lambda: asked.append(None))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    with collector_resting():
        sys.modules.update({f"made_up_{number}": ModuleType("made_up") for number in range(modules)})
    assert bool(asked) == left_alone
