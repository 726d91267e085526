"""axe-core over pages, and what it cannot see: text in charts, and the height of the contrast where nothing is wrong.

``python -m tests.browser.axe`` prints the lowest contrast of each page of a furnished workspace, for docs/LOG.md.
"""

from __future__ import annotations

import importlib.util
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

GRAVE = ("serious", "critical")
ORDERLY = ("heading-order", "page-has-heading-one", "image-alt", "svg-img-alt", "role-img-alt")
"""Rules that count however grave axe finds them."""
LEFT_OUT = {"region": {"enabled": False}}
"""A rule that finds nothing grave, and takes a tenth of the time."""
LEAST = 4.5
"""The contrast of text that WCAG 2 (AA) asks for."""

TEXT_OF_CHARTS = """() => {
  const part = (text) => text.match(/[\\d.]+/g).map(Number)
  const light = (rgb) => rgb.slice(0, 3)
    .map((x) => x / 255).map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4))
    .reduce((sum, x, n) => sum + x * [0.2126, 0.7152, 0.0722][n], 0)
  const ground = part(getComputedStyle(document.querySelector(".stApp")).backgroundColor)
  const found = []
  for (const text of document.querySelectorAll("[data-testid=stMain] svg text")) {
    const cell = text.closest(".textpoint, .mark-text.role-mark:not([class*=_note])")  // of a matrix, on a ground of its own
    if (cell || !text.textContent.trim()) continue
    const style = getComputedStyle(text)
    const [one, two] = [light(part(style.fill)), light(ground)].sort((a, b) => b - a)
    found.push([(one + 0.05) / (two + 0.05), text.textContent])
  }
  return found
}"""
CUT_OFF = """() => [...document.querySelectorAll(
    "[data-testid=stMain] :is(button, a, h1, h2, label), [data-testid=stMain] [data-testid=stSelectbox] input")]
  // Names of runs and sets are as long as they are; words of the lab's own are short.
  .filter((one) => !one.closest("[data-testid=stSelectbox]") || (one.value ?? one.textContent).length < 15)
  .filter((one) => [one, ...one.querySelectorAll("p")]
    .filter((e) => !e.matches("[data-testid=stPopoverButton]"))  // its arrow is wider than its box
    .some((e) => e.clientWidth > 1 && e.scrollWidth > e.clientWidth + 1))
  .map((one) => one.value || one.textContent)
  .concat(document.documentElement.scrollWidth > innerWidth + 1 ? ["the page is wider than the window"] : [])"""
BETWEEN = 1024
"""A width at which a page still has its columns, and little room in them."""


@dataclass
class Findings:
    """What was found on a page: faults in words, and the contrasts of its text, the lowest first."""

    faults: list[str]
    contrasts: list[tuple[float, str]]


def script() -> str | None:
    """axe-core itself, from the package that carries it; None where that is not installed."""
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None or not found.submodule_search_locations:
        return None
    return (Path(found.submodule_search_locations[0]) / "axe.min.js").read_text(encoding="utf-8")


def settle(page) -> None:
    """Wait until a page of Streamlit's has run, and drawn what it has."""
    page.locator("[data-testid=stMain] h1").first.wait_for()
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
        " && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')"
        " && [...document.querySelectorAll('.stVegaLiteChart')].every((chart) => chart.querySelector('svg, canvas'))",
        polling=50,
    )
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(200)


TURN = """(address) => {
  const heading = document.querySelector("[data-testid=stMain] h1")
  heading.dataset.left = heading.innerText
  history.pushState(null, "", address)
  dispatchEvent(new PopStateEvent("popstate"))
}"""
TURNED = """() => {
  const heading = document.querySelector("[data-testid=stMain] h1")
  return heading && heading.innerText !== heading.dataset.left
}"""


def turn_to(page, url: str) -> None:
    """Another page of the lab, as its links lead there: half of what a page costs is to load Streamlit's scripts anew.

    A window that is not in the lab yet opens it, and so does one that shows the same page with other words in its address.
    """
    here, there = urlsplit(page.url), urlsplit(url)
    outside = here.netloc != there.netloc or not page.locator("[data-testid=stMain] h1").count()
    if outside or here.path == there.path:
        page.goto(url)
    else:
        page.evaluate(TURN, url)
        page.wait_for_function(TURNED, polling=50)
    settle(page)


def examine(page, *, contrasts: bool = False) -> Findings:
    """Everything that is wrong with the page as it stands; its contrasts where they are asked for: they take most of the time."""
    page.evaluate("(axe) => window.axe || (0, eval)(axe)", script())
    options = {
        "resultTypes": ["violations", "passes"] if contrasts else ["violations"],
        "preload": False,
        "rules": LEFT_OUT,
    }
    told = page.evaluate("(options) => axe.run(document, options)", options)
    faults = [
        f"{one['id']}: {node['html'][:200]} ({' '.join(node.get('failureSummary', '').split())[:200]})"
        for one in told["violations"]
        if one["impact"] in GRAVE or one["id"] in ORDERLY
        for node in one["nodes"]
    ]
    ratios = [
        (data["contrastRatio"], node["html"][:120])
        for one in (*told["violations"], *told["passes"])
        if one["id"] == "color-contrast"
        for node in one["nodes"]
        for check in node["any"]
        if isinstance(data := check.get("data"), dict) and data.get("contrastRatio")
    ]
    charts = [(ratio, f"chart: {text}") for ratio, text in page.evaluate(TEXT_OF_CHARTS)]
    faults += [f"text in a chart at {ratio:.2f}: {text}" for ratio, text in charts if ratio < LEAST]
    faults += [f"cut off: {text}" for text in page.evaluate(CUT_OFF)]
    return Findings(faults, sorted([*ratios, *charts]))


def main() -> None:
    from playwright.sync_api import sync_playwright

    from labcore.workspace import Workspace

    from .conftest import FLAGS, PATIENCE_MS, find_chromium, free_port, running
    from .furnished import furnish

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder) / "home"
        addresses = furnish(Workspace(home)).addresses()
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        with running(home, Path(folder) / "server.log", free_port()) as server:
            for scheme in ("light", "dark"):
                for width in (1440, 390):
                    page = browser.new_page(viewport={"width": width, "height": 1000}, color_scheme=scheme)
                    page.set_default_timeout(PATIENCE_MS)
                    for name, address in addresses.items():
                        page.goto(f"{server.url}/{address}")
                        settle(page)
                        found = examine(page, contrasts=True)
                        ratio, what = found.contrasts[0]
                        print(
                            f"| {name} | {scheme} | {width} | {ratio:.2f} | {len(found.faults)} |",
                            what,
                            *found.faults,
                            sep="\n    ",
                            flush=True,
                        )
                    page.close()
        browser.close()


if __name__ == "__main__":
    main()
