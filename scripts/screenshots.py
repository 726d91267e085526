"""Pictures of the running app for README and docs: ``make screenshots`` writes docs/images/*.png.

Starts the app on a workspace of its own (or on ``--home``), makes the demo set, trains the quick preset, and takes the
pictures on the way. Needs Playwright (requirements-dev.txt) and a Chromium.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from scipy.signal import lfilter

from labcore.datasets import register
from labcore.runs import Run, list_runs
from labcore.workspace import Workspace

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1280, 860
PATIENCE_MS = 240_000
HEADER = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tAnnotation"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, help="a workspace to use; without it, a temporary one")
    parser.add_argument("--chromium", default=os.environ.get("LABCORE_CHROMIUM") or shutil.which("chromium"))
    parser.add_argument("--epochs", type=int, default=15, help="how long the pictured run trains")
    arguments = parser.parse_args()
    if not arguments.chromium:
        sys.exit("There is no Chromium: name one with --chromium")
    with tempfile.TemporaryDirectory() as folder:
        home = arguments.home or Path(folder) / "workspace"
        process, url = start_app(home)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=arguments.chromium,
                    args=[
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-background-networking",
                        *microphone(Path(folder)),
                    ],
                )
                page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
                take_all(page, url, Workspace(home), arguments.epochs)
                browser.close()
        finally:
            for run in list_runs(Workspace(home)):  # workers outlive the server by design
                if run.status().active:
                    run.request_stop()
            process.terminate()
            process.wait(timeout=60)


def microphone(folder: Path) -> list[str]:
    """Flags for a browser whose microphone hears a dog."""
    from labcore.datasets.demo import example_clip

    sound = folder / "microphone.wav"
    sound.write_bytes(example_clip("dog_bark", 1))
    fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    return [*fake, f"--use-file-for-fake-audio-capture={sound}"]


def start_app(home: Path) -> tuple[subprocess.Popen, str]:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless", "true"]
    process = subprocess.Popen(
        [*command, "--server.port", str(port)],
        cwd=ROOT,
        env={**os.environ, "LABCORE_HOME": str(home), "HOME": str(home.parent)},  # the page then says ~/workspace
        stdout=subprocess.DEVNULL,
    )
    url = f"http://localhost:{port}"
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).close()
            return process, url
        except OSError:
            time.sleep(0.2)
    process.terminate()
    sys.exit("The app did not come up")


def take_all(page: Page, url: str, workspace: Workspace, epochs: int) -> None:
    """A run that trains, and what its network predicts, along one training."""
    from labcore.datasets.demo import make_demo

    make_demo(workspace.datasets / "demo")
    page.set_default_timeout(PATIENCE_MS)
    run = submit(page, url, epochs, workspace)
    wait_for_epoch(run, epochs // 2)
    page.goto(f"{url}/train?run={run.id}")
    page.get_by_text("Time per epoch, by stage").wait_for()
    save(page, "train-running")
    page.get_by_text("Confusion matrix").wait_for()

    siren = sorted((workspace.datasets / "demo" / "audio" / "fold1").glob("*-8-*.wav"))[0]
    page.goto(f"{url}/classify?run={run.id}")
    page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(str(siren))
    page.get_by_text("The log-mel spectrogram").wait_for()
    save(page, "classify")

    take_bring(page, url, workspace)
    take_datasets(page, url)
    take_check(page, url, workspace)
    take_annotations(page, url, workspace)
    take_recorded(page, url, workspace)
    shorter = submit(page, url, max(1, epochs // 3), workspace)  # one that makes mistakes
    wait_for_epoch(shorter, epochs)
    take_runs(page, url, shorter, run)


def take_bring(page: Page, url: str, workspace: Workspace) -> None:
    """The demo set as an archive that is uploaded: what is recognised in it."""
    with tempfile.TemporaryDirectory() as folder:
        archive = shutil.make_archive(f"{folder}/street-sounds", "zip", workspace.datasets / "demo")
        page.goto(f"{url}/datasets?bring=upload")
        page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(archive)
        page.get_by_text("Clips by class:").wait_for()
        save(page, "datasets-bring")
        page.get_by_role("button", name="Start over").click()


def take_datasets(page: Page, url: str) -> None:
    """The demo set to look through, measured, and the map of its clips."""
    page.goto(f"{url}/datasets?dataset=demo")
    page.get_by_role("button", name="Measure the clips").click()
    page.get_by_role("button", name="Measure again").wait_for()
    save(page, "datasets")
    page.goto(f"{url}/datasets?dataset=demo&view=map")
    page.get_by_role("button", name="Make the map").click()
    page.get_by_text("Press a point to hear it").wait_for()
    save(page, "datasets-map")
    take_splits(page, url)


def take_splits(page: Page, url: str) -> None:
    """The folds of the demo set, and a new split before it is kept."""
    for split, name in (("official", "datasets-split"), ("new", "datasets-split-new")):
        page.goto(f"{url}/datasets?dataset=demo&tab=Split&split={split}")
        page.get_by_text("Clips by class and fold").wait_for()
        save(page, name)


def take_check(page: Page, url: str, workspace: Workspace) -> None:
    """What the check finds in a set with faults, and the copies that it finds side by side."""
    make_faulty(workspace)
    page.goto(f"{url}/datasets?dataset=yard&tab=Check")
    page.get_by_role("button", name="Check the data set").click()
    silent, copies = (page.locator(f".st-key-check-{kind}") for kind in ("silent", "near-duplicates"))
    silent.get_by_role("button", name="Exclude them").click()
    page.get_by_role("button", name="Undo").wait_for()
    copies.locator("summary").click()
    copies.get_by_role("button", name="Keep only this").first.wait_for()
    save(page, "datasets-check")


def make_faulty(workspace: Workspace) -> None:
    """Demo clips of two classes in three folds, with a copy in another fold, two silent clips, and one whose channels cancel."""
    folder, lines = workspace.home.parent / "yard", ["path,label,fold,group"]
    folder.mkdir(exist_ok=True)

    def put(name: str, samples: np.ndarray, label: str, fold: int, group: str = "") -> None:
        soundfile.write(folder / name, samples, rate)
        lines.append(f"{name},{label},{fold},{group or name}")

    for fold in (1, 2, 3):
        for file in sorted((workspace.datasets / "demo" / "audio" / f"fold{fold}").glob("*-[38]-*.wav")):
            samples, rate = soundfile.read(file)
            put(file.name, samples, "siren" if "-8-" in file.name else "dog", fold, file.name.partition("-")[0])
    first = lines[1].split(",")
    samples, _ = soundfile.read(folder / first[0])
    put("again.ogg", 0.5 * samples, first[1], 2)
    for fold in (1, 2):
        put(f"night{fold}.wav", np.zeros(2 * rate), "dog", fold)
    hum = 0.3 * lfilter([1.0], [1.0, -0.9], np.random.default_rng(0).normal(0, 0.3, 2 * rate))
    put("phone.wav", np.stack([hum, 0.2 * np.roll(hum, rate // 2) - hum], axis=1), "dog", 3)
    (folder / "clips.csv").write_text("\n".join(lines) + "\n")
    register(workspace, folder / "clips.csv", "yard")


def take_annotations(page: Page, url: str, workspace: Workspace) -> None:
    """An hour with Raven's table: one of its events, edited, and the windows that it is cut into."""
    folder = workspace.home.parent / "nights"
    make_nights(folder, workspace.datasets / "demo")
    register(workspace, folder, "nights")
    page.goto(f"{url}/datasets?dataset=nights&tab=Annotations")
    canvas = page.locator(".viewer canvas.over")
    canvas.nth(1).wait_for()
    page.wait_for_timeout(2500)
    box = canvas.first.bounding_box()
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 30)
    page.wait_for_timeout(2500)
    box = canvas.nth(1).bounding_box()
    canvas.nth(1).click(position={"x": 0.46 * box["width"], "y": 0.8 * box["height"]})
    page.get_by_text("Selected event").wait_for()
    save(page, "datasets-annotations")
    page.get_by_text("Preview the windows").click()
    page.get_by_role("radio", name="grid").click()
    page.get_by_role("radio", name="complete").click()
    page.get_by_text("windows of background").wait_for()
    save(page, "datasets-windows")


def make_nights(folder: Path, demo: Path) -> None:
    """Recordings of quiet noise with clips of the demo set in them, and a selection table of Raven for each."""
    random = np.random.default_rng(0)
    clips = sorted((demo / "audio").rglob("*.wav"))
    names = {
        row.split(",")[0]: row.split(",")[-1].strip()
        for row in (demo / "metadata" / "UrbanSound8K.csv").read_text().splitlines()
    }
    folder.mkdir(exist_ok=True)
    for name, seconds, many in (("night-1", 3600, 150), ("night-2", 600, 40), ("night-3", 600, 40)):
        rows, sound, rate = [HEADER], np.zeros(0, dtype=np.float32), 0
        for number, at in enumerate(np.linspace(5, seconds - 15, many)):
            path = clips[int(random.integers(len(clips)))]
            clip, rate = soundfile.read(path, dtype="float32", always_2d=True)
            if not len(sound):
                sound = random.normal(0, 2e-3, seconds * rate).astype(np.float32)
            start, clip = at + random.uniform(0, 5), 0.4 * clip[: 4 * rate].mean(1)
            first = round(start * rate)
            sound[first : first + len(clip)] += clip
            cells = [
                number + 1,
                "Spectrogram 1",
                1,
                start,
                start + len(clip) / rate,
                200,
                random.integers(3, 8) * 1000,
                names[path.name],
            ]
            rows.append("\t".join(map(str, cells)))
        soundfile.write(folder / f"{name}.flac", sound, rate)
        (folder / f"{name}.Table.1.selections.txt").write_text("\n".join(rows) + "\n")


def take_recorded(page: Page, url: str, workspace: Workspace) -> None:
    """A data set that is being recorded."""
    from labcore.datasets.takes.recorded import RecordedSet

    classes = {"dog": 3, "drill": 4, "siren": 8}
    made = RecordedSet.create(workspace, "my street", list(classes))
    clips = workspace.datasets / "demo" / "audio" / "fold2"
    for (label, takes), number in zip(classes.items(), (3, 4, 8), strict=True):
        for clip in sorted(clips.glob(f"*-{number}-*.wav"))[:takes]:
            made.add(clip.read_bytes(), label, session="Ada, balcony")
    page.goto(f"{url}/datasets?record={made.name}")
    page.get_by_role("heading", name="Takes of dog").wait_for()
    page.get_by_role("textbox", name="Session").fill("Ada, balcony")
    page.get_by_role("textbox", name="Session").press("Enter")
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_text("The level is good").wait_for()
    save(page, "datasets-record")
    page.get_by_role("button", name="Stop recording").click()


def take_runs(page: Page, url: str, run: Run, other: Run) -> None:
    """The list of runs, what one of them got wrong, and which of two is better."""
    page.goto(f"{url}/runs")
    page.get_by_text("Choose rows to compare").wait_for()
    save(page, "runs")
    for tab, word in (("Evaluation", "Confusion matrix"), ("Mistakes", "mistakes among"), ("Correct", "Use the keys")):
        page.goto(f"{url}/runs?run={run.id}&tab={tab}")
        page.get_by_text(word).first.wait_for()
        save(page, f"runs-{tab.lower()}")
    take_alarms(page, url, run)
    page.goto(f"{url}/runs?compare={other.id},{run.id}")
    page.get_by_text("What differs").wait_for()
    save(page, "runs-compare")


def take_alarms(page: Page, url: str, run: Run) -> None:
    """False alarms of a run in two hours of wind."""
    make_background(run.workspace.home.parent / "background")
    page.goto(f"{url}/runs?run={run.id}&tab=False+alarms")
    field = page.get_by_role("textbox", name="Recordings without targets")
    field.fill("~/background")
    field.press("Control+Enter")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("Most probable alarms").wait_for()
    save(page, "runs-alarms")


def make_background(folder: Path) -> None:
    """Two hours of wind: brown noise that rises and falls."""
    rate, random = 16_000, np.random.default_rng(0)
    folder.mkdir(exist_ok=True)
    for name in ("evening", "night"):
        samples = 3600 * rate
        gusts = np.interp(np.arange(samples), np.arange(0, samples + rate, rate), random.uniform(0, 1, 3601)) ** 3
        brown = lfilter([1.0], [1.0, -0.98], random.standard_normal(samples))
        soundfile.write(folder / f"{name}.flac", 0.03 * brown * (0.02 + gusts), rate)


def submit(page: Page, url: str, epochs: int, workspace: Workspace) -> Run:
    """Start the quick preset from the form, as a visitor does."""
    page.goto(f"{url}/train")
    page.get_by_role("radio", name="Quick look").click()
    page.get_by_text("A first result.").wait_for()
    field = page.get_by_role("spinbutton", name="Epochs")
    field.fill(str(epochs))
    field.press("Enter")
    page.get_by_text(re.compile(rf"^{epochs} epochs ×")).wait_for()
    before = {run.id for run in list_runs(workspace)}
    page.get_by_role("button", name="Start").click()
    page.wait_for_url(re.compile(r"\brun="))
    return next(run for run in list_runs(workspace) if run.id not in before)


def wait_for_epoch(run: Run, epoch: int) -> None:
    while (status := run.status()).epoch < epoch and status.active:
        time.sleep(0.3)


def save(page: Page, name: str) -> None:
    """The page as a PNG of 256 colours, as high as its content but no higher than two screens."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(2500)  # charts draw themselves in
    height = page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight")
    page.set_viewport_size({"width": WIDTH, "height": max(560, min(height, 2 * HEIGHT))})
    page.wait_for_timeout(1000)
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    IMAGES.mkdir(parents=True, exist_ok=True)
    image.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        IMAGES / f"{name}.png", optimize=True
    )
    print(f"docs/images/{name}.png {(IMAGES / f'{name}.png').stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
