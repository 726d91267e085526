"""What forms say of where a time is from."""

from __future__ import annotations

import pytest

from labcore.runs.times import RunTime
from ui.forms.estimates import source


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (None, ""),
        (RunTime(600.0, measured=False), "A usual time for a processor like this"),
        (RunTime(600.0, measured=True), "from an earlier run on this machine."),
        (RunTime(600.0, measured=True, busy=True), "beside other work: shorter on an idle machine."),
        (RunTime(600.0, measured=True, busy=True, idle=500.0), "beside other work: shorter on an idle machine."),
        (RunTime(600.0, measured=True, busy=True, idle=100.0), "an idle machine is usually about 6 times as fast."),
    ],
)
def test_where_a_time_is_from(one: RunTime | None, told: str) -> None:
    assert source(one).endswith(told) if told.endswith(".") else told in source(one)
