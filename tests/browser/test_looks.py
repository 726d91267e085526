"""Every page as axe-core sees it, in both themes, wide and narrow; the menu of a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labcore.access import Access
from labcore.access.settings import SHARED
from ui.auth import pages as gate_pages

from . import axe
from .conftest import PATIENCE_MS, missing
from .furnished import Furnished

pytestmark = pytest.mark.browser

ADDRESSES = Furnished("", "", "", "", "", ("", "")).addresses()
NAMES = sorted(ADDRESSES, key=lambda name: "=" in ADDRESSES[name])
"""The pages, then their faces: two of one page are seldom in a row, so that one window turns from each to the next."""
LIKE_OTHERS = ("stopped", "failed", "speed", "crossval", "search")
"""Faces that another one has, but for a line or two: they are looked at with the slow tests."""


@pytest.fixture(scope="module")
def windows(context) -> Iterator:
    """One window for all pages, made to fit: ``windows("dark", 390)``."""
    if axe.script() is None:
        missing("axe-playwright-python is not installed")
    page = context.new_page()

    def window(scheme: str, width: int):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 1000})
        return page

    yield window
    page.close()


def faults(windows, lab, name: str, scheme: str, width: int) -> list[str]:
    server, furnished = lab
    page = windows(scheme, width)
    axe.turn_to(page, f"{server.url}/{furnished.addresses()[name]}")
    assert page.evaluate("document.documentElement.style.colorScheme") == scheme
    return axe.examine(page).faults


SIGHTS = [("light", 1440), ("dark", 390)]


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    [(name, *SIGHTS[number % 2]) for number, name in enumerate(name for name in NAMES if name not in LIKE_OTHERS)],
)
def test_axe_finds_nothing_grave(windows, lab, name, scheme, width):
    """Every second page in the light and wide, the others dark and narrow, and what is cut off between. The slow tests see all of each."""
    assert faults(windows, lab, name, scheme, width) == []
    page = windows(scheme, axe.BETWEEN)
    page.wait_for_function(f"innerWidth === {axe.BETWEEN}")
    assert page.evaluate(axe.CUT_OFF) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing_grave_any_way_round(windows, lab, name):
    page = windows("light", 1440)
    assert faults(windows, lab, name, "light", 1440) == []
    for scheme, width in (("light", 390), ("dark", 390), ("dark", 1440)):
        windows(scheme, width)
        page.wait_for_function(f"innerWidth === {width} && document.documentElement.style.colorScheme === '{scheme}'")
        axe.settle(page)
        assert axe.examine(page).faults == []
    assert faults(windows, lab, name, "light", 390) == []  # opened so


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_gates_own_pages(windows, scheme):
    page = windows(scheme, 390)
    access = Access(demanded=True, why="", passwords={"ada": "hash", SHARED: "hash"}, providers=("uni",))
    for answer in (
        gate_pages.sign_in("", "/", access, trouble="That is not the password."),
        gate_pages.closed("server.address is 0.0.0.0", []),
        gate_pages.wrong_host("lab.example.org"),
    ):
        page.set_content(bytes(answer.body).decode())
        page.evaluate(axe.script())
        found = page.evaluate("axe.run()")["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in axe.GRAVE] == []


def test_the_menu_of_a_phone_closes_after_a_tap(browser, server):
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.set_default_timeout(PATIENCE_MS)
    page.goto(server.url)
    axe.settle(page)
    menu = page.locator("[data-testid=stSidebar]")
    page.locator("[data-testid=stExpandSidebarButton]").tap()
    menu.get_by_role("link", name="Benchmark").tap()
    page.get_by_role("heading", name="Benchmark", exact=True).wait_for()
    page.locator("[data-testid=stSidebar][data-collapsed=true]").wait_for(state="attached")


def test_the_keyboard_is_seen_otherwise_than_what_is_selected(windows, server):
    page = windows("light", 1440)
    axe.turn_to(page, f"{server.url}/train")
    selected = page.locator("[aria-label=Preset] [data-selected=true]")
    selected.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    ring, border = selected.evaluate("(one) => [getComputedStyle(one).outlineColor, getComputedStyle(one).borderColor]")
    assert selected.evaluate("(one) => getComputedStyle(one).outlineStyle") == "solid"
    assert ring != border


def test_high_contrast_tells_what_is_chosen_and_where_sliders_stand(windows, server):
    page = windows("light", 1440)
    axe.turn_to(page, f"{server.url}/train")
    page.emulate_media(forced_colors="active")

    def ground(where: str) -> str:
        return page.locator(where).first.evaluate("(one) => getComputedStyle(one).backgroundColor")

    page_itself, choice = ground("body"), "[aria-label=Preset] [role=radio]"
    assert ground(f"{choice}[aria-checked=true]") != ground(f"{choice}[aria-checked=false]")
    for part in (
        ".stTabs [aria-selected=true] .react-aria-SelectionIndicator",
        ".stSlider [data-rac]:has(> div > input)",
        ".stSlider [data-orientation][style] > :first-child",
    ):
        assert ground(part) != page_itself
    page.emulate_media(forced_colors="none")
