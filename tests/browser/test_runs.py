"""The list of runs in a real browser, by keyboard: a run is found, named in place, chosen, deleted and brought back."""

from __future__ import annotations

import pytest

from labcore.jobs.about import read_about
from labcore.runs import Run

pytestmark = pytest.mark.browser


def test_a_run_is_named_deleted_and_brought_back_by_keyboard(server, furnished, page, until):
    run = Run(server.home / "runs" / furnished.failed)
    page.goto(f"{server.url}/runs?q={run.id}")
    row = page.locator(f"[data-run='{run.id}']")
    row.wait_for()
    assert page.locator("[data-run]").count() == 1
    row.get_by_role("button", name="Rename").press("Enter")
    page.keyboard.type("A first try")
    page.keyboard.press("Enter")
    until(lambda: read_about(run.path).name == "A first try")
    row.get_by_role("link", name="A first try").wait_for()
    page.get_by_role("button", name="Undo").press("Enter")
    until(lambda: read_about(run.path).name == "")
    row.get_by_role("link", name="tones · quick").wait_for()
    row.get_by_role("checkbox").press("Space")
    page.get_by_role("button", name="Delete", exact=True).press("Enter")
    row.wait_for(state="detached")
    assert not run.there
    page.get_by_role("button", name="Undo").press("Enter")
    row.wait_for()
    assert run.there
    row.get_by_role("link").press("Enter")
    page.wait_for_url(f"**/runs?run={run.id}*")
    page.get_by_role("tab", name="Overview").wait_for()


def test_folds_are_unfolded_under_their_cross_validation(server, furnished, page):
    page.goto(f"{server.url}/runs")
    row = page.locator(f"[data-run='{furnished.crossval}']")
    fold = row.get_by_role("button", expanded=False)
    fold.wait_for()
    before = page.locator("[data-run]").count()
    fold.press("Enter")
    row.get_by_role("button", expanded=True).wait_for()
    page.locator("tr.part").nth(2).wait_for()
    assert page.locator("[data-run]").count() == before + 3


def test_runs_that_are_chosen_are_compared(server, furnished, page):
    """Pressed within the list, which is drawn by itself: the page around it follows."""
    page.goto(f"{server.url}/runs")
    for name in (furnished.finished, furnished.crossval):
        page.locator(f"[data-run='{name}']").get_by_role("checkbox").press("Space")
    page.get_by_role("button", name="Compare").and_(page.locator(":enabled")).press("Enter")
    page.wait_for_url(f"**/runs?compare={furnished.finished}*{furnished.crossval}*")
    page.locator("[data-run]").first.wait_for(state="detached")
