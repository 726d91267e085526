"""The form of a new run in a real browser: it outlives a reload, Back undoes, and Start stays in view."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from . import axe
from .conftest import PATIENCE_MS, POLLING_MS, Server
from .test_main_job import visible

pytestmark = pytest.mark.browser

STANDS_FREE = """(button) => {
    const box = button.getBoundingClientRect()
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
    return box.top >= 0 && box.bottom <= innerHeight && button.contains(document.elementFromPoint(x, y))
}"""
"""The button is wholly in the window, and nothing covers it."""


def epochs(page):
    return page.get_by_role("spinbutton", name="Epochs")


def epochs_are(page, number: str) -> None:
    """Wait until the one field of epochs says so: while a page runs again, the field from before is still beside the new one."""
    page.wait_for_function(
        """number => {
            const fields = [...document.querySelectorAll("input[aria-label=Epochs]")]
            return fields.length === 1 && fields[0].value === number
        }""",
        arg=number,
        timeout=PATIENCE_MS,
        polling=POLLING_MS,
    )


def address_says(page, *words: str) -> None:
    page.wait_for_function(
        "words => words.every(word => location.search.includes(word))", arg=list(words), timeout=PATIENCE_MS
    )


def test_the_form_outlives_a_reload_and_back_undoes(server: Server, page):
    page.goto(server.url)
    page.get_by_role("link", name="Train", exact=True).click()
    visible(page, "This run")
    address_says(page, "data.dataset=")  # which the form writes by itself: no step of Back
    page.go_back()
    page.wait_for_url(f"{server.url}/")
    page.go_forward()
    visible(page, "This run")
    page.get_by_role("radio", name="Quick look").or_(page.get_by_role("button", name="Quick look")).first.click()
    address_says(page, "preset=quick")
    epochs(page).fill("25")
    epochs(page).press("Enter")
    address_says(page, "optim.epochs=25")
    visible(page, "25 epochs ×")
    page.get_by_role("tab", name="Hardware").click()
    address_says(page, "tab=hardware")

    page.reload()
    visible(page, "25 epochs ×")
    epochs_are(page, "25")
    address_says(page, "preset=quick", "optim.epochs=25")
    page.get_by_role("tab", name="Hardware", selected=True).wait_for()

    epochs(page).fill("31")
    epochs(page).press("Enter")
    address_says(page, "optim.epochs=31")
    visible(page, "31 epochs ×")
    page.go_back()
    visible(page, "25 epochs ×")
    epochs_are(page, "25")


@pytest.fixture(scope="module")
def window(context) -> Iterator:
    """One for several forms, which turns from each to the next."""
    opened = context.new_page()
    yield opened
    opened.close()


@pytest.mark.parametrize("address", ["train", "tune", "crossval"])
def test_start_stays_in_view(server: Server, window, address):
    page = window
    axe.turn_to(page, f"{server.url}/{address}")
    if address == "train":
        page.get_by_role("tab", name="Augmentation").click()
    start = page.get_by_role("button", name=re.compile("^Start"))
    start.wait_for()
    for width, height in ((1440, 700), (1024, 600), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for where in (0, 400, 10_000):
            page.evaluate("top => document.querySelector('[data-testid=stMain]').scrollTo(0, top)", where)
            page.wait_for_function(STANDS_FREE, arg=start.element_handle(), timeout=PATIENCE_MS)
