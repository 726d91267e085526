"""The frame of every page: page config, sidebar, header, and how errors are shown in place."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from labcore import __version__
from labcore.errors import LabError
from labcore.texts import shown
from ui.app import long_work
from ui.app.services import workspace
from ui.app.text import capital, plain
from ui.auth import visitor

PAGES = [
    ("streamlit_app.py", "Overview", ":material/home:"),
    ("pages/environment.py", "Environment", ":material/memory:"),
    ("pages/datasets.py", "Data sets", ":material/library_music:"),
    ("pages/explore.py", "Explore", ":material/hearing:"),
    ("pages/train.py", "Train", ":material/model_training:"),
    ("pages/crossval.py", "Cross-validation", ":material/view_week:"),
    ("pages/curve.py", "Learning curve", ":material/trending_up:"),
    ("pages/tune.py", "Tune", ":material/tune:"),
    ("pages/runs.py", "Runs", ":material/list_alt:"),
    ("pages/classify.py", "Classify", ":material/graphic_eq:"),
    ("pages/benchmark.py", "Benchmark", ":material/speed:"),
]
PRESS_SECONDS = 20.0
"""A press that no form has taken up for so long, since its visitor went on to another page, is over."""
SUBJECT = "subject"
"""In the session: whether what the page shows is still there."""
UNTOLD = "untold"
"""In the session: troubles that were there when the page was drawn the last time."""
LOGO = str(Path(__file__).with_name("logo.svg"))
log = logging.getLogger("audio_gpu_lab")


def open_page(title: str, subtitle: str = "") -> None:
    """Begin a page: config, guard, sidebar and header. The first streamlit call of each page."""
    # The menu keeps the themes; without an entry of the lab's own it would not be there.
    about = {"About": f"**Audio GPU Lab** {__version__}  \nFrom sound clips to a trained classifier."}
    st.set_page_config(page_title=f"{title} · Audio GPU Lab", page_icon=LOGO, layout="wide", menu_items=about)
    visitor.guard()
    st.session_state.pop(SUBJECT, None)
    _forget_untold()
    long_work.leave(title)
    with st.sidebar:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.image(LOGO, width=34, alt="")
            st.markdown("**Audio GPU Lab**", width="content")
        st.space("small")
        for path, label, icon in PAGES:
            st.page_link(path, label=label, icon=icon, width="stretch")
        st.space("medium")
        visitor.sign_out_link()
        # No code here: the face of code would be 91 kB more of a first visit.
        st.caption(f"Workspace {plain(_short(workspace().home))}  \nVersion {__version__}")
    st.title(title, anchor=False)
    if subtitle:
        st.markdown(f":gray[{subtitle}]")


def heading(title: str, more: str = "", *, level: int = 3, before: str = "", **looks: Any) -> None:
    """The heading of a section, which looks like a line of text in bold: page.css knows it by that. All texts are Markdown.

    Args:
        more, before: what stands behind the title and before it, not in bold.
        level: 2 where no heading but the page's stands above it, else 3.
    """
    show = st.header if level == 2 else st.subheader
    show(f"{before}**{title}** {more}".rstrip(), anchor=False, **looks)


def unseen_heading(text: str, level: int = 2) -> None:
    """A heading for who hears the page, where the eye has something else, without room of its own. ``level`` as of :func:`heading`."""
    st.html(f'<h{level} class="unseen">{escape(text)}</h{level}>')


def moved(page: str) -> None:
    """Lead from a page's former address to the page, with the words of the address."""
    st.switch_page(page, query_params={name: st.query_params.get_all(name) for name in st.query_params})


def show_error(error: LabError) -> None:
    """What is wrong, and the remedy, in place."""
    body = f"{plain(capital(error.what))}." + (f"\n\n{plain(error.remedy)}." if error.remedy else "")
    st.error(body, icon=":material/error:")


@contextlib.contextmanager
def errors_in_place() -> Iterator[None]:
    """Show whatever goes wrong inside where it happened; the rest of the page goes on.

    A LabError is told as it is. Anything else is a fault of the lab: its traceback goes to the server's log.
    """
    try:
        yield
    except Exception as error:
        if by_itself() and not st.session_state.get(SUBJECT, lambda: True)():
            st.rerun()  # what the page shows was deleted elsewhere: the whole of it tells that
        tell(error)


def shows(there: Callable[[], bool]) -> None:
    """What the page shows is something that may be deleted while it is on view; ``there`` says whether it was not."""
    st.session_state[SUBJECT] = there


def by_itself() -> bool:
    """Whether a part of the page is drawn, and not the whole of it."""
    return bool(getattr(get_script_run_ctx(suppress_warning=True), "fragment_ids_this_run", None))


def tell(error: Exception) -> None:
    """What went wrong, as :func:`errors_in_place` does."""
    if isinstance(error, LabError):
        show_error(error)
        return
    log.error("a page failed", exc_info=error)
    st.error(
        f"Something went wrong inside the lab ({plain(type(error).__name__)}). The server log has the details.",
        icon=":material/bug_report:",
    )


def callback(act: Callable[[], object], key: str) -> Callable[[], None]:
    """An action as a widget's callback. What goes wrong is kept under a key, for :func:`tell_trouble`."""

    def called() -> None:
        try:
            act()
        except Exception as error:
            st.session_state[f"trouble-{key}"] = error

    return called


def _forget_untold() -> None:
    """What went wrong in a press before the last one, and whose button is gone, is not told beside the same button of something else."""
    before = st.session_state.get(UNTOLD, {})
    there = {str(name): st.session_state[name] for name in st.session_state if str(name).startswith("trouble-")}
    untold = {name for name, error in there.items() if before.get(name) is error}
    for name in untold:
        del st.session_state[name]
    st.session_state[UNTOLD] = {name: error for name, error in there.items() if name not in untold}


def tell_trouble(key: str) -> None:
    """Tell once what went wrong in the last :func:`callback` with this key."""
    if error := st.session_state.pop(f"trouble-{key}", None):
        tell(error)


def action_button(label: str, act: Callable[[], object], *, key: str, **looks: Any) -> None:
    """A button that does something on the server; what goes wrong is told under it.

    The action is a callback: it runs before anything is drawn. A press that is told by the return value of ``st.button``
    is lost where another part of the page asks for a rerun in the same moment.
    """
    st.button(label, key=key, on_click=callback(act, key), **looks)
    tell_trouble(key)


def start_button(label: str, act: Callable[[], object], *, key: str, **looks: Any) -> None:
    """An :func:`action_button` for what a form asks for, with all that was typed before the press.

    Its callback would know the form as it was drawn before: of what is typed, and started by Ctrl+Enter at once, the page hears in the
    same moment as of the press. So the press is kept until the form is drawn with its values of now.
    """
    pressed = f"pressed-{key}"
    st.button(label, key=key, on_click=lambda: st.session_state.update({pressed: time.monotonic()}), **looks)
    when = st.session_state.pop(pressed, -math.inf)
    if time.monotonic() - when < PRESS_SECONDS and not looks.get("disabled"):
        with errors_in_place():
            act()
            st.rerun()


def next_button(label: str, counter: str, *, key: str, icon: str = ":material/shuffle:", **looks: Any) -> None:
    """A button that counts up a number of the session's: the next of many."""

    def count_up() -> None:
        st.session_state[counter] = st.session_state.get(counter, 0) + 1

    action_button(label, count_up, key=key, icon=icon, **looks)


def address_button(label: str, words: Mapping[str, str] | None = None, *, key: str, **looks: Any) -> None:
    """A button that leads to another view of the page at hand, with these words in its address.

    A link of Streamlit's to the page at hand has the page drawn and leaves the address as it was.
    """
    st.button(label, key=key, type="tertiary", on_click=st.query_params.from_dict, args=(dict(words or {}),), **looks)


def one_of(label: str, options: Sequence[Any] | Mapping[Any, str], *, key: str, **looks: Any) -> Any:
    """A few options side by side, one of which is always chosen; of a mapping the values are shown."""
    if isinstance(options, Mapping):
        looks["format_func"] = options.__getitem__
    return st.segmented_control(label, list(options), required=True, key=key, wrap=True, **looks)


def controlled(
    key: str, value: Any, take: Callable[[Any], object], options: Container[Any] | None = None
) -> dict[str, Any]:
    """Key and callback of a widget whose value is kept elsewhere, and is its default. ``take`` is told what a visitor chooses.

    With every press and tick a browser sends what its widgets show, also before it has heard that something else changed the value, or
    that the widget is gone. That is no choice of the visitor's: with a value that something else has changed comes another key. Nor is the
    text of an option that is called otherwise by now: Streamlit gives it as it came, and not as one of ``options``, where there are any.
    """
    numbers = st.session_state.setdefault("controlled", {})
    now = f"{key}-{numbers[key]}" if key in numbers else key
    if st.session_state.get(now, value) != value:
        numbers[key] = numbers.get(key, 0) + 1
        now = f"{key}-{numbers[key]}"
    number = numbers.get(key)

    def chosen() -> None:
        chosen_now = st.session_state[now]
        if numbers.get(key) == number and chosen_now != value and (options is None or chosen_now in options):
            take(chosen_now)

    return {"key": now, "on_change": chosen}


def download(
    label: str, data: str | bytes | Callable[[], str | bytes], file_name: str, mime: str, **looks: Any
) -> None:
    """A button that hands a file to the browser; a function makes it when it is asked for. The page does not run again for it."""
    st.download_button(label, data, file_name, mime, on_click="ignore", **{"icon": ":material/download:"} | looks)


def place(path: str | Path) -> str:
    """A path as it is shown: with the home folder as ``~``."""
    with contextlib.suppress(ValueError, RuntimeError):
        path = Path("~") / Path(path).relative_to(Path.home())
    return shown(path)


def _short(path: Path) -> str:
    """A path as it is shown, and only its end where it is long."""
    text = place(path)
    return text if len(text) <= 34 else "…" + text[-33:]
