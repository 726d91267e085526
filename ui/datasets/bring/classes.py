"""Which class uploaded sounds are of, where nothing says it: the visitor does, for all of them or by their names."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from ui.app import long_work
from ui.app.shell import action_button, one_of, tell
from ui.app.text import counted, plain
from ui.components import long_bar

if TYPE_CHECKING:
    from labcore.datasets.look import Look
    from labcore.importing.staging import Staging

GROUP = "bring-unpack"
BY = {"one": "All of one class", "names": "By their file names"}


def ask(staging: Staging, about: Look) -> bool:
    """Ask for the classes where they are missing. Returns whether that is all there is to say: nothing else is wrong."""
    if not staging.packed().is_open:
        if staging.packed().is_archive and ("no labels" in about.error or "one class" in about.error):
            unpack(staging, "Unpack, and say which class its sounds are of")
        return False
    tops = staging.tops()
    loose = tops.get("", [])
    if loose and (about.error or about.layout == "folders"):
        _ask(staging, loose)
        return about.error.endswith("no labels for them")  # else a list is there, and it tells what is wrong with that
    (top, sounds), *others = tops.items() or [("", [])]
    flat = all(path.parent == staging.files / top for path in sounds)
    if "one class" in about.error and top and flat and not others and len(sounds) == len(staging.all()):
        st.info(
            f"One class so far: {plain(top)}. A classifier needs at least two: upload sounds of another one.",
            icon=":material/add_circle:",
        )
        with st.expander("They are of several classes"):
            _ask(staging, sounds, by=("names",))
        return True
    return False


def _ask(staging: Staging, sounds: list[Path], by: tuple[str, ...] = ("one", "names")) -> None:
    from labcore.importing.loose import WAYS, best_way, class_in

    key = f"bring-classes-{staging.path.name}-{staging.revision}"
    names = ", ".join(plain(path.name) for path in sounds[:4])
    st.markdown(
        f"**Which class {'is this sound' if len(sounds) == 1 else f'are these {len(sounds)} sounds'} of?** "
        f":gray[{names}{', …' if len(sounds) > 4 else ''}]"
    )
    how = one_of("Class", {each: BY[each] for each in by}, default=by[0], key=f"{key}-by", label_visibility="collapsed")
    if how == "one":
        st.text_input("Class", key=f"{key}-label", placeholder="dog")
        labels = dict.fromkeys(sounds, "")
    else:
        first = best_way(path.name for path in sounds)
        way = st.selectbox(
            "Where the class stands", WAYS, index=list(WAYS).index(first), format_func=WAYS.get, key=f"{key}-way"
        )
        labels = {path: label for path in sounds if (label := class_in(path.name, way))}
        many = "  ·  ".join(f"**{plain(label)}** {count}" for label, count in Counter(labels.values()).most_common(40))
        missing = len(sounds) - len(labels)
        st.markdown(f":small[{many}{f'  ·  no class in {missing}' if missing else ''}]")
    action_button(
        "Set class" if how == "one" else f"Use {counted(len(set(labels.values())), 'class', 'classes')}",
        lambda: staging.classify(dict.fromkeys(sounds, st.session_state[f"{key}-label"]) if how == "one" else labels),
        key=f"{key}-set",
        type="primary" if len(by) > 1 else "secondary",
        icon=":material/sell:",
        disabled=not labels,
    )
    st.caption("Or upload a CSV file with the columns path and label beside them.")


def unpack(staging: Staging, label: str) -> None:
    """A button that unpacks the archives among the uploads: what is asked or shown of their sounds is of files then."""
    key = f"{GROUP} {staging.path.name} {staging.revision}"
    work = long_work.held().get(key)
    if work is not None and work.running:
        long_bar.bar(work)
        return
    if work is not None and work.task.error is not None:
        tell(work.task.error)

    def begin() -> None:
        long_work.held().pop(key, None)
        long_work.start(key, staging.title, GROUP, "Unpacking", lambda share: staging.unpack(lambda *_: share(0.0)))

    action_button(label, begin, key="bring-unpack", icon=":material/folder_zip:")
