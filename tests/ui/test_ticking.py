"""Parts that draw themselves anew: each in a place of its own, so that none is ever drawn over its neighbour."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]


def page() -> None:
    import streamlit as st

    from ui.app.ticking import ticking

    @ticking(1.0)
    def part(word: str) -> None:
        st.markdown(word)

    part("part")
    st.markdown("neighbour")


def test_a_ticking_part_stands_alone_in_its_place():
    place, neighbour = AppTest.from_function(page).run().main.children.values()
    (part,) = place.children.values()
    assert [element.value for element in part.children.values()] == ["part"]
    assert neighbour.value == "neighbour"


def test_nothing_else_ticks():
    sources = [path for folder in ("ui", "pages") for path in (ROOT / folder).rglob("*.py")]
    assert [path.name for path in sources if "run_every" in path.read_text(encoding="utf-8")] == ["ticking.py"]
