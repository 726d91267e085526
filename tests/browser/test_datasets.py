"""A data set looked through by keyboard: a thumbnail is pressed and heard, and the way back to the list changes the address."""

from __future__ import annotations

import pytest

from .conftest import PATIENCE_MS

pytestmark = pytest.mark.browser
HEARD = """name => {
    const sound = document.querySelector(".st-key-look-card audio")
    return sound?.getAttribute("aria-label") === `Playback of ${name}` && sound.played.length > 0
}"""


def test_a_thumbnail_is_pressed_and_heard(server, furnished, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server.url}/datasets")
    page.get_by_role("button", name="tones", exact=True).press("Enter")
    page.wait_for_url("**/datasets?dataset=tones")
    page.get_by_text("Thumbnails").first.click()
    page.wait_for_url("**/datasets?dataset=tones&view=thumbnails")
    tiles = page.locator(".grid button")
    tiles.nth(4).wait_for()
    assert tiles.count() == 24
    name = tiles.nth(4).locator(".name").inner_text()
    tiles.nth(4).press("Enter")
    page.wait_for_function(HEARD, arg=name)
    assert tiles.nth(4).get_attribute("aria-pressed") == "true"
    page.get_by_role("textbox", name="Search").fill("1")
    page.get_by_role("textbox", name="Search").press("Enter")
    page.wait_for_url("**/datasets?**words=1**")  # a reload, or a link, opens the same clips
    page.get_by_role("button", name="All data sets").press("Enter")
    page.wait_for_url("**/datasets")
    page.get_by_role("tab", name="Upload").wait_for()
