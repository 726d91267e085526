"""What README, CONTRIBUTING, change log and docs promise of themselves: short lines, paths that exist, links that lead somewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/decisions/*.md")])
COLUMNS = 120
FOLDERS = "labcore|ui|pages|tests|docs|scripts|benchmarks|notebooks|static"
PATH = re.compile(rf"(?<![\w./-])(?:\.\./)?((?:{FOLDERS})/[\w./-]*)")
"""A path from the root of the repository, as sentences and command lines name it."""
MODULE = re.compile(r"`([\w-]+(?:/[\w-]+)*\.(?:py|js|css|ipynb))`")
"""The name of a file in code, from whatever folder."""
LINK = re.compile(r"\]\(([^)\s]+)\)")


def outside_of_fences(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors_of(page: Path) -> set[str]:
    """Where a link into a page can lead, as GitHub makes it from headings."""
    headings = re.findall(r"^#+ (.*)$", outside_of_fences(page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_lines_are_short(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    most = 100 if page.name == "ARCHITECTURE.md" else COLUMNS
    assert not [f"line {number}: {len(line)}" for number, line in enumerate(lines, 1) if len(line) > most]
    assert page.name != "ARCHITECTURE.md" or len(lines) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    paths = {path.rstrip(".") for path in PATH.findall(text) if "…" not in path}
    if page.name == "LOG.md":  # it tells of what was; its commands are to work still
        paths = {path for path in paths if path.startswith(("benchmarks/", "scripts/"))}
    assert not [path for path in sorted(paths) if not (ROOT / path).exists()]
    files = {file.name for folder in FOLDERS.split("|") for file in (ROOT / folder).rglob("*")}
    names = {name for name in MODULE.findall(text) if not name.startswith(tuple(f"{f}/" for f in FOLDERS.split("|")))}
    assert not [name for name in sorted(names) if not (ROOT / name).exists() and name.rpartition("/")[2] not in files]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    astray = []
    for link in LINK.findall(outside_of_fences(page.read_text(encoding="utf-8"))):
        path, _, anchor = link.partition("#")
        if "://" in path or path.startswith("mailto:"):
            continue
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            astray.append(link)
    assert not astray


def test_every_page_is_linked() -> None:
    """From the README, or from the index of the decisions."""
    indexes = (ROOT / "README.md", ROOT / "docs" / "decisions" / "README.md")
    linked = {
        (index.parent / link.partition("#")[0]).resolve()
        for index in indexes
        for link in LINK.findall(index.read_text(encoding="utf-8"))
    }
    assert not [page.name for page in PAGES if page not in linked and page.name != "README.md"]


def test_entry_points_exist() -> None:
    """The table of packages in ARCHITECTURE.md: what stands in its last column is defined where its first one says."""
    table = (
        (ROOT / "docs" / "ARCHITECTURE.md")
        .read_text(encoding="utf-8")
        .partition("## Packages")[2]
        .partition("\n## ")[0]
    )
    missing = []
    for row in re.findall(r"^\| `(.*)$", table, re.MULTILINE):
        cells = [re.findall(r"`([^`]+)`", cell) for cell in f"`{row}".strip(" |").split(" | ")]
        places = [name if "/" in name else f"labcore/{name}" for name in cells[0]]
        source = "".join(
            file.read_text(encoding="utf-8")
            for place in places
            for file in ([ROOT / place] if place.endswith(".py") else (ROOT / place).rglob("*.py"))
        )
        for name in cells[-1] if len(cells) > 2 else ():
            word = re.split(r"[(.]", name)[0]
            if not ("/" in name or re.search(rf"^(?:class|def) {word}\b", source, re.MULTILINE)):
                missing.append(f"{places}: {name}")
    assert len(table.splitlines()) > 30
    assert not missing


def test_the_citation_names_the_version_and_licence_of_the_package() -> None:
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = dict(re.findall(r"^([\w-]+): (.+)$", cited, re.MULTILINE))
    assert (told["version"], told["license"]) == (package["version"], package["license"])
    assert re.findall(r"^  - name: (.+)$", cited, re.MULTILINE) == [author["name"] for author in package["authors"]]
