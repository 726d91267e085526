"""Events of a recording with the pointer: a box is pressed and heard, a stretch is selected with its frequencies and becomes an event."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from labcore.audio import encode_wav
from labcore.datasets import register
from labcore.datasets.timed.edits import edits_of
from labcore.workspace import Workspace

from .conftest import PATIENCE_MS

pytestmark = [pytest.mark.browser, pytest.mark.slow]  # the page without a pointer: tests/ui/test_datasets_events.py
RATE = 8000
HEARD = """() => document.querySelector(".st-key-events-player audio")?.getAttribute("aria-label").includes(", dog, from 0:05")"""


@pytest.fixture
def evening(server, tmp_path) -> Iterator[Workspace]:
    """A recording of 20 s with two events, as long as the test lasts."""
    (tmp_path / "a.wav").write_bytes(
        encode_wav(np.random.default_rng(0).normal(0, 0.01, 20 * RATE).astype(np.float32), RATE)
    )
    (tmp_path / "a.txt").write_text("5\t9\tdog\n\\\t500\t3500\n15\t16\tcat\n")
    workspace = Workspace(server.home)
    register(workspace, tmp_path, "evening")
    yield workspace
    for file in workspace.datasets.glob("evening.*"):
        file.unlink()


def test_a_box_is_pressed_and_a_selection_becomes_an_event(server, evening, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 1500})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server.url}/datasets?dataset=evening&tab=Annotations")
    viewer = page.locator(".viewer[data-drawn]")
    viewer.wait_for()
    over = viewer.locator("canvas.over")
    box = over.bounding_box()
    left, width = box["x"] + 58, box["width"] - 58 - 52
    middle = box["y"] + box["height"] / 2
    page.mouse.click(left + width * 7 / 20, middle)
    page.get_by_text("Selected event").wait_for()
    page.wait_for_function(HEARD)

    box = over.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(left + width * 10 / 20, middle + 60)
    page.mouse.down()
    page.mouse.move(left + width * 11 / 20, middle, steps=3)
    page.mouse.move(left + width * 12 / 20, middle - 60, steps=3)
    page.mouse.up()
    page.get_by_text("Selected event").wait_for(state="hidden")
    label = page.get_by_role("combobox", name="Label")
    label.fill("owl")
    label.press("Enter")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("Playing owl").wait_for()
    ((_, edit),) = edits_of(evening, "evening").lines
    assert (edit.label, round(edit.start_s), round(edit.end_s)) == ("owl", 10, 12)
    assert 500 < edit.low_hz < 1800
    assert 2200 < edit.high_hz < 3500


def test_the_chosen_recording_stands_in_the_address(server, evening, tmp_path, browser):
    (tmp_path / "b.wav").write_bytes((tmp_path / "a.wav").read_bytes())
    page = browser.new_page(viewport={"width": 1280, "height": 1500})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server.url}/datasets?dataset=evening&tab=Annotations")
    page.locator(".viewer[data-drawn]").wait_for()
    box = page.get_by_test_id("stDataFrame").first.bounding_box()
    page.mouse.click(box["x"] + 12, box["y"] + 2.5 * box["height"] / 3)
    page.wait_for_url("**recording=b.wav*")
    page.reload()
    page.get_by_text("0 events").wait_for()
    page.get_by_role("tab", name="Look").click()
    page.get_by_text("Clips by class").wait_for()
    page.get_by_role("tab", name="Annotations").click()
    page.get_by_text("0 events").wait_for()
