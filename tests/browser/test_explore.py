"""The Explore page in a real Chromium: pictures are drawn and read, a stretch is selected and heard, the microphone is taken."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
import soundfile

from labcore.audio import Recording, encode_wav

from .axe import settle
from .conftest import MICROPHONE_HZ, Server
from .test_main_job import visible

pytestmark = pytest.mark.browser

RATE = 22050
TONE_HZ = 1000.0


@pytest.fixture
def tone() -> bytes:
    """A second of silence, then a second of 1 kHz at −6 dBFS, as 32-bit float."""
    samples = np.zeros(2 * RATE, np.float32)
    samples[RATE:] = 0.5 * np.sin(2 * np.pi * TONE_HZ * np.arange(RATE) / RATE)
    return encode_wav(samples, RATE, exact=True)


def explore(page, server: Server) -> None:
    page.goto(f"{server.url}/explore")
    page.locator(".viewer[data-drawn]").first.wait_for()


def give(page, name: str, content: bytes) -> None:
    page.get_by_text("Upload", exact=True).first.click()
    chooser = page.locator("[data-testid=stFileUploader] input[type=file]").first
    chooser.set_input_files({"name": name, "mimeType": "audio/wav", "buffer": content})
    page.locator(".st-key-explore-facts").get_by_text(name).wait_for()


def point(page, time: float, share: float, seconds: float = 2.0) -> str:
    """Put the cursor on the pictures at a time and at a share of their height; what is read there."""
    box = page.locator("canvas.over").first.bounding_box()
    left, right = box["x"] + 58, box["x"] + box["width"] - 52
    page.mouse.move(left + time / seconds * (right - left), box["y"] + share * box["height"])
    return page.locator(".readout").first.inner_text()


def pitch(samples: np.ndarray, rate: int) -> float:
    """The strongest frequency, in Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


def played(page) -> np.ndarray:
    """The samples of the file that the player was given."""
    content = page.locator(".st-key-explore-player audio").first.evaluate(
        "async (player) => [...new Uint8Array(await (await fetch(player.src)).arrayBuffer())]"
    )
    return soundfile.read(io.BytesIO(bytes(content)), dtype="float32", always_2d=True)[0].T


def test_pictures_are_read_a_stretch_is_selected_heard_and_classified(server: Server, page, tone, until):
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    explore(page, server)
    give(page, "tone.wav", tone)
    visible(page, re.compile(r"44.100 samples"))
    settle(page)
    until(lambda: np.array_equal(played(page), Recording(tone).channels()[0]))  # the caption is there sooner

    read = [point(page, 1.5, share) for share in np.arange(0.60, 0.95, 0.01)]
    levels = {text: re.search(r"(−?\d+) dB$", text) for text in read if "Hz" in text}
    loud = max(levels, key=lambda text: float(levels[text][1].replace("−", "-")))
    hertz = float(re.search(r"([\d.]+) (k?)Hz", loud)[1]) * (1000 if "kHz" in loud else 1)
    assert hertz == pytest.approx(TONE_HZ, rel=0.08)
    assert loud.startswith("1.5")

    point(page, 1.0, 0.3)
    page.mouse.down()
    point(page, 1.5, 0.3)
    page.mouse.up()
    visible(page, re.compile(r"Plays the selection, (0\.99|1\.0)"))
    settle(page)
    until(lambda: abs(played(page).shape[1] - RATE // 2) < 300)
    part = played(page)
    whole = Recording(tone).channels()[0][0]
    first = int(
        np.flatnonzero(
            [np.array_equal(whole[at : at + part.shape[1]], part[0]) for at in range(RATE - 300, RATE + 300)]
        )[0]
    )
    assert abs(first - 300) < 300

    page.get_by_role("combobox", name="Network").click()
    page.keyboard.press("ArrowDown")
    page.get_by_role("option", name=re.compile("tones")).first.click()
    visible(page, re.compile(r"(0\.99|1\.0)\d*–1\.\d+ s · probability"))
    assert not faults


def test_a_slider_redraws_and_an_impossible_setting_is_told(server: Server, page):
    explore(page, server)
    viewer = page.locator(".viewer").first
    shown = viewer.get_attribute("data-shown")
    pictures, told = viewer.get_by_role("application"), viewer.locator(".readout")
    for key, values in (("ArrowRight", "dBFS"), ("ArrowDown", "Hz"), ("ArrowUp", "dBFS"), ("Tab", "Point to read")):
        pictures.press(key)
        told.get_by_text(values).wait_for()
    page.get_by_role("slider", name="Mel bands").press("ArrowRight")
    page.wait_for_url("**features.n_mels=80**")
    page.wait_for_function(
        "(before) => [...document.querySelectorAll('*')].some((e) => { const v = e.shadowRoot?.querySelector('.viewer');"
        " return v && v.dataset.shown !== before })",
        arg=shown,
    )
    for title, key in (
        ("FFT size", "ArrowRight"),
        ("Window length", "End"),
    ):  # the shortest transform, the longest window
        page.get_by_role("slider", name=title).press(key)
        settle(page)
    visible(page, "The pictures show the last valid settings")
    assert viewer.is_visible()
    page.get_by_text("Augmentation", exact=True).first.click()
    visible(page, "Resample")
    page.locator(".viewer[data-drawn]").nth(2).wait_for()
    page.get_by_role("button", name="Resample").click()


@pytest.mark.slow
def test_a_recording_from_the_microphone_is_explored(server: Server, page, until):
    """Chromium's fake device plays a file; the page records it, as Classify does, and the tone stands in the picture."""
    explore(page, server)
    page.get_by_text("Record", exact=True).first.click()
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_text(re.compile(r"^00:0[2-9]$")).first.wait_for()
    page.get_by_role("button", name="Stop recording").click()
    page.locator(".st-key-explore-facts").get_by_text("recording.wav").wait_for()
    visible(page, re.compile(r"samples at 48.000 Hz"))
    settle(page)
    until(lambda: pitch(played(page)[0], 48000) == pytest.approx(MICROPHONE_HZ, rel=0.02))
