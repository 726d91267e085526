"""Data sets by keyboard: one is uploaded; a thumbnail is heard, and the way back changes the address; a finding is mended and undone."""

from __future__ import annotations

import shutil

import pytest

from tests.datasets.made import folders, zipped

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


def test_a_finding_is_mended_and_undone_in_two_windows(server, furnished, browser):
    """What one window does not know of yet is told in it, and spoils nothing; both are as they were at the end."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    one, other = context.new_page(), context.new_page()
    cards = []
    for page in (one, other):
        page.goto(f"{server.url}/{furnished.addresses()['check']}")
        cards.append(page.locator(".st-key-check-silent"))
        cards[-1].locator("summary").wait_for()
    cards[0].locator("summary").press("Enter")
    cards[0].get_by_role("checkbox").first.press("Space")
    cards[0].get_by_role("button", name="Exclude the 1 chosen").press("Enter")
    one.get_by_text("1 clip excluded").wait_for()
    cards[1].get_by_role("button", name="Exclude them (2)").press("Enter")
    other.get_by_text("The finding has changed meanwhile").wait_for()
    cards[1].get_by_role("button", name="Exclude them (1)").press("Enter")
    other.get_by_text("Nothing was found that would harm training").wait_for()
    other.reload()
    other.get_by_role("button", name="Undo all").press("Enter")
    cards[1].get_by_role("button", name="Exclude them (2)").wait_for()
    one.reload()
    cards[0].get_by_role("button", name="Exclude them (2)").wait_for()
    assert not one.get_by_text("Undo").count()


def test_an_archive_is_uploaded_imported_and_opened(server, browser, tmp_path):
    """By the browser's own upload. The files lie on the disk while they wait, and nothing but the data set stays."""
    archive = zipped(tmp_path / "kennel.zip", folders().files)
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server.url}/datasets?bring=upload")
    page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(str(archive))
    page.get_by_text("Is read as class folders: 6 clips, 2 classes, 5 folds.").wait_for()
    page.get_by_role("button", name="Import").click()
    page.get_by_role("button", name="Open kennel").click()
    page.wait_for_url("**/datasets?**dataset=kennel")
    page.get_by_role("heading", name="kennel").wait_for()
    hidden = [entry.name for entry in (server.home / "datasets").iterdir() if entry.name.startswith(".")]
    assert hidden == []
    page.close()
    for left in (server.home / "datasets" / "kennel", server.home / "imports"):  # other tests share the workspace
        shutil.rmtree(left)
