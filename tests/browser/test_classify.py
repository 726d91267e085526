"""The Classify page in a real Chromium: what the microphone hears is answered."""

from __future__ import annotations

import re

import pytest

from .conftest import Server
from .furnished import HEARD, Furnished
from .test_main_job import gone, visible

pytestmark = pytest.mark.browser


def test_a_recording_from_the_microphone_is_answered(server: Server, furnished: Furnished, page):
    """Chromium's fake device plays a file; the page records it and says what it hears."""
    page.goto(f"{server.url}/classify?run={furnished.finished}")
    page.get_by_text("Record", exact=True).click()
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_text(re.compile(r"^00:0[2-9]$")).first.wait_for()
    page.get_by_role("button", name="Stop recording").click()
    visible(page, "Prediction for recording.wav")
    gone(page, "Classifying")
    page.get_by_role("heading", name=HEARD, exact=True).wait_for()
