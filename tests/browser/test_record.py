"""A data set recorded in a real Chromium: named, a take of each class, its level told meanwhile, and a microphone that is refused."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from labcore.audio import decode
from labcore.datasets import find_dataset
from labcore.workspace import Workspace

from .conftest import MICROPHONE_HZ

pytestmark = pytest.mark.browser
BROWSER = """
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
navigator.mediaDevices.getUserMedia = (wanted) => {
    window.asked = wanted.audio
    return window.refuses ? Promise.reject(new DOMException("no", "NotAllowedError")) : open(wanted)
}
"""
"""Notes what it is asked for, and refuses it where ``refuses`` says so."""


def test_two_classes_are_recorded(server, furnished, page):
    page.add_init_script(BROWSER)
    page.goto(f"{server.url}/datasets?bring=record")
    page.get_by_role("textbox", name="Classes").fill("tone\nother")
    page.get_by_role("textbox", name="Name").fill("by voice")
    page.get_by_role("button", name="Begin").click()
    page.wait_for_url("**/datasets?record=by-voice")
    try:
        for number, label in enumerate(("tone", "other"), 1):
            page.get_by_role("radio", name=label).check(force=True)
            page.get_by_role("heading", name=f"Takes of {label}").wait_for()
            page.get_by_role("button", name="Record", exact=True).click()
            page.get_by_text("The level is good.").wait_for()
            page.get_by_role("button", name="Stop recording").click()
            page.get_by_text(f"Take {number} of {label}").wait_for()
        page.get_by_text("Needed before training: 1 more clip of tone").wait_for()
        asked = page.evaluate("asked")
        page.evaluate("refuses = true")
        page.get_by_role("button", name="Record", exact=True).click()
        told = page.get_by_text("The browser does not let this page use the microphone.")
        told.first.wait_for()  # the recorder of the take before may still stand beside the new one
        table = find_dataset(Workspace(server.home), "by-voice").table
        waveform, rate = decode(table["path"][0])
    finally:
        shutil.rmtree(server.home / "datasets" / "by-voice", ignore_errors=True)
    assert list(table["label"]) == ["tone", "other"]
    assert [asked[name] for name in ("echoCancellation", "noiseSuppression", "autoGainControl")] == [False] * 3
    loudest = np.abs(np.fft.rfft(waveform)).argmax() * rate / len(waveform)
    assert loudest == pytest.approx(MICROPHONE_HZ, abs=20)
