"""How long a turned slider takes on the Explore page: from the key press in a real Chromium to the redrawn picture.

Starts the app on an empty workspace, uploads a 5-second clip, and turns the sliders of mel bands and of the hop step by step.
Measured in the browser with one clock: from the key press to the end of drawing of a picture with other contents. Between
two steps it waits until the page is quiet.
"""

from __future__ import annotations

import io
import os
import statistics
import tempfile

import numpy as np
import soundfile
from _pages import app, chromium, parser
from playwright.sync_api import Page, sync_playwright

AIM_MS = 300
SECONDS, RATE = 5.0, 44100
SLIDERS = ("Mel bands", "Hop")
# Begins to watch before the key goes down; ends when the viewer has drawn something else.
WATCH = """
() => { window.redraw = new Promise((done) => {
    const root = [...document.querySelectorAll("*")].map((e) => e.shadowRoot?.querySelector(".viewer")).find((e) => e)
    const shown = root.dataset.shown
    let begin = 0
    document.addEventListener("keydown", () => { begin = performance.now() }, { once: true, capture: true })
    const eye = new MutationObserver(() => {
      if (root.dataset.shown === shown) return
      eye.disconnect()
      requestAnimationFrame(() => done(performance.now() - begin))
    })
    eye.observe(root, { attributes: true })
}) }
"""


def main() -> None:
    flags = parser(__doc__ or "")
    flags.add_argument("--repeats", type=int, default=30, help="turns of each slider (default: %(default)s)")
    arguments = flags.parse_args()
    load = f"load average {os.getloadavg()[0]:.1f}"
    print(
        f"A clip of {SECONDS:g} s at {RATE} Hz; waveform, spectrogram and log-mel on view; {os.cpu_count()} cores {load}"
    )
    with tempfile.TemporaryDirectory() as home, app(home) as (url, _), sync_playwright() as playwright:
        browser = chromium(playwright, arguments)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(120_000)
        page.goto(f"{url}/explore")
        page.locator(".viewer[data-drawn]").first.wait_for()
        page.get_by_text("Upload", exact=True).first.click()
        uploader = page.locator("[data-testid=stFileUploader] input[type=file]").first
        uploader.set_input_files({"name": "noise.wav", "mimeType": "audio/wav", "buffer": clip()})
        page.get_by_text("5.00 s").first.wait_for()
        for slider in SLIDERS:
            report(slider, measure(page, slider, arguments.repeats))
        browser.close()


def measure(page: Page, name: str, repeats: int) -> list[float]:
    """Milliseconds of each turn. The first two, to and fro, warm up."""
    handle = page.get_by_role("slider", name=name)
    taken = []
    for number in range(repeats + 2):
        page.wait_for_timeout(700)
        page.evaluate(WATCH)
        handle.press("ArrowLeft" if number % 2 else "ArrowRight")
        taken.append(page.evaluate("() => window.redraw"))
    return taken[2:]


def report(name: str, taken: list[float]) -> None:
    first, median, third = statistics.quantiles(taken, n=4)
    verdict = "within" if median <= AIM_MS else "beyond"
    print(
        f"{name}: median {median:.0f} ms, quartiles {first:.0f} to {third:.0f} ms, {len(taken)} turns; {verdict} {AIM_MS} ms"
    )


def clip() -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).normal(0, 0.1, round(SECONDS * RATE))
    soundfile.write(buffer, noise, RATE, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


if __name__ == "__main__":
    main()
