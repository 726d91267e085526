"""Make static/lab-serif.woff2, the face of the headings: the Latin letters of Streamlit's Source Serif at the weight of headings.

Streamlit's own file has every script and weight, 429 kB of a first visit. What the smaller one lacks is still drawn with it. Needs
``pip install fonttools brotli``, which nothing else here does. The licence wants another name for a changed font: static/OFL.txt.
"""

from __future__ import annotations

from pathlib import Path

import streamlit
from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

ROOT = Path(__file__).parents[1]
NAME = "Lab Serif"
WEIGHT = 600
OPTICAL = 24
"""The size in points for which the letters are drawn: between a page's title and the smallest of its headings."""
CHARACTERS = [*range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x2010, 0x2030), 0x20AC, 0x2190, 0x2192, 0x2212]
"""As ``unicodeRange`` in .streamlit/config.toml."""


def main() -> None:
    (source,) = (Path(streamlit.__file__).parent / "static").rglob("SourceSerifVariable-Roman*.woff2")
    font = TTFont(source)
    options = subset.Options(
        layout_features=["kern", "liga", "mark"], name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], hinting=False
    )
    taken = subset.Subsetter(options)
    taken.populate(unicodes=CHARACTERS)
    taken.subset(font)
    instancer.instantiateVariableFont(font, {"wght": WEIGHT, "opsz": OPTICAL}, inplace=True)
    for record in font["name"].names:
        if record.nameID in (1, 3, 4, 6):
            record.string = NAME.replace(" ", "") if record.nameID == 6 else NAME
    font.flavor = "woff2"
    made = ROOT / "static" / "lab-serif.woff2"
    made.parent.mkdir(exist_ok=True)
    font.save(made)
    print(f"{made.relative_to(ROOT)}: {made.stat().st_size} bytes from {source.stat().st_size}")


if __name__ == "__main__":
    main()
