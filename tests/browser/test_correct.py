"""By ear and by keyboard alone: ten labels are corrected, a network is trained with them, and compared with the one before."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from labcore.comparison.compare import compare
from labcore.datasets import find_dataset
from labcore.datasets.annotations import file_of, read_annotations
from labcore.events import RunFinished, last_of
from labcore.runs import Run
from labcore.workspace import Workspace

from .axe import settle
from .conftest import PATIENCE_MS, POLLING_MS, Server
from .furnished import Furnished
from .test_main_job import visible

pytestmark = pytest.mark.browser
PREDICTED = "the network predicted"


@pytest.fixture
def annotated(server: Server) -> Iterator[Workspace]:
    """The furnished workspace, whose labels are its own again when the test is over, and whose runs are those of before."""
    workspace = Workspace(server.home)
    before = {run.id for run in Run.every(workspace)}
    yield workspace
    for run in Run.every(workspace):
        if run.id not in before:
            run.request_stop()
            run.path.rename(server.home / run.id)
    file_of(workspace, "tones").unlink(missing_ok=True)


def told(page) -> str:
    return page.get_by_test_id("stMain").inner_text()


ASKED = """before => {
    const name = document.querySelector("[data-testid=stMain]").innerText.match(/Is this \\w+\\?\\s+(\\S+\\.wav)/)?.[1]
    const sound = document.querySelector(".st-key-correct-player audio")
    const plays = sound?.getAttribute("aria-label")?.includes(name) && sound.played.length > 0
    return name && name !== before && plays ? name : null
}"""


def heard(page, number: int, before: str = "") -> str:
    """The name of the clip at hand, once so many are done, it is another one than before, and it plays."""
    visible(page, re.compile(rf"^{number} of 24 clips"))
    return page.wait_for_function(ASKED, arg=before, timeout=PATIENCE_MS, polling=POLLING_MS).json_value()


def opened(browser, server: Server, furnished: Furnished):
    """The tab of a run with every clip in it: three mistakes and as many others before that."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server.url}/runs?run={furnished.finished}&tab=Correct")
    visible(page, re.compile("^0 of 6 clips"))
    page.get_by_role("radio", name="All clips").or_(page.get_by_role("button", name="All clips")).first.press("Enter")
    visible(page, re.compile("^0 of 24 clips"))
    page.keyboard.press("p")  # a first clip that stands there already has a player that came before any key
    return page


def test_ten_clips_are_corrected_by_keyboard(server: Server, furnished: Furnished, browser, annotated: Workspace):
    page = opened(browser, server, furnished)
    first = heard(page, 0)
    assert PREDICTED not in told(page)

    names = [first]
    for number, key in enumerate(["y", "w", "u", "1", "2", "3", "y", "y", "y"], 1):
        page.keyboard.press(key)
        names.append(heard(page, number, names[-1]))
        assert names[number - 1] in told(page).split(PREDICTED)[0].splitlines()[-1]
    page.keyboard.press("o")
    visible(page, "Which class is it?")
    page.keyboard.press("2")
    heard(page, 10, names[-1])

    known = read_annotations(file_of(annotated, "tones"))
    assert [each.clip.rpartition("/")[2] for each in known.decisions] == names
    assert [each.verdict for each in known.decisions[:3]] == ["right", "wrong", "unsure"]
    assert all(each.blind and each.who and furnished.finished in each.why for each in known.decisions)
    third = known.decisions[3]
    assert (third.new, third.verdict) == ("bark", "right" if third.old == "bark" else "other")
    for _ in range(3):  # held down, it is one press
        page.keyboard.down("z")
    page.keyboard.up("z")
    heard(page, 9)
    known = read_annotations(file_of(annotated, "tones"))
    assert (len(known.decisions), known.revision) == (9, 11)
    page.keyboard.press("s")
    visible(page, "9 of 24 clips, 1 skipped")
    corrections = find_dataset(annotated, "tones").corrections
    assert corrections.left_out == 1
    assert corrections.corrected == sum(each.verdict == "other" for each in known.decisions)


@pytest.mark.slow
def test_what_is_corrected_is_trained_with_and_compared(
    server: Server, furnished: Furnished, browser, annotated: Workspace, until
):
    """What the keys below the clips do: "Train again" trains the same network with the labels as they are by now, M compares the two."""
    first, before = Run(server.home / "runs" / furnished.finished), {run.id for run in Run.every(annotated)}
    page = opened(browser, server, furnished)
    name = heard(page, 0)
    for number, key in enumerate("123" * 6, 1):
        page.keyboard.press(key)
        name = heard(page, number, name)
    settle(page)
    page.get_by_role("button", name="Train again").click()
    page.get_by_role("button", name="Compare the two").wait_for()
    (again,) = [run for run in Run.every(annotated) if run.id not in before]
    until(lambda: last_of(again.events(), RunFinished) is not None)
    assert last_of(again.events(), RunFinished).state == "finished"
    page.keyboard.press("m")
    page.wait_for_url(f"**/runs?compare={first.id}*{again.id}")
    found = compare(annotated, [first.id, again.id])
    visible(page, f"{found.against[0].sentence}.")
    visible(page, re.compile("have other labels by now: both sides are judged by those of B"))
    labels = dict(found.facts)["Labels"]
    assert labels == ("as given", find_dataset(annotated, "tones").corrections.sentence.removeprefix("labels of "))
