"""Views as PNG pictures, axes aside."""

from __future__ import annotations

import io
import math
from functools import lru_cache

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont
from plotly.colors import sequential

from labcore.errors import ConfigError
from labcore.explore.view import Envelope, Spectrum, View

COLOURS = ("magma", "inferno", "viridis", "cividis", "plasma", "grey")
"""Maps in which equal steps look equal. Plotly knows all of them by these names but ``grey``, which is its ``gray``."""
WIDTH, HEIGHT, LEFT, BELOW, ABOVE, RIGHT = 1000, 400, 70, 44, 12, 90
INK, PAPER, LINE = (32, 32, 32), (255, 255, 255), (38, 84, 160)
CURVES = (LINE, (200, 80, 30), (40, 130, 60), (130, 70, 160))
"""The colours of the channels' curves."""


def png(
    view: View | Envelope | Spectrum,
    *,
    colours: str = "magma",
    low: float | None = None,
    high: float | None = None,
) -> bytes:
    """A picture with its axes, and a bar that says which colour is which level.

    Args:
        view: what to draw.
        colours: one of :data:`COLOURS`; curves have one colour.
        low, high: the levels of the first and the last colour, or of the lower and upper edge of a spectrum; the view's own
            where they are not given.

    Raises:
        ConfigError: there is no such colour map.
    """
    if isinstance(view, Envelope):
        return _Sheet().envelope(view)
    if isinstance(view, Spectrum):
        return _Sheet().spectrum(view, low, high)
    return _Sheet().view(view, colours, low, high)


@lru_cache
def colour_map(name: str) -> np.ndarray:
    """(256, 3) uint8, from the first colour to the last.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in COLOURS:
        raise ConfigError(f"there is no colour map {name!r}", f"Choose {', '.join(COLOURS)}")
    stops = ["#000000", "#ffffff"] if name == "grey" else getattr(sequential, name.capitalize())
    anchors = [ImageColor.getrgb(colour) for colour in stops]
    places = np.linspace(0, 255, len(anchors))
    columns = [np.interp(np.arange(256), places, [anchor[part] for anchor in anchors]) for part in range(3)]
    return np.rint(np.stack(columns, axis=1)).astype(np.uint8)


class _Sheet:
    """White paper with a plot on it, and axes to the left and below."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (LEFT + WIDTH + RIGHT, ABOVE + HEIGHT + BELOW), PAPER)
        self.pen = ImageDraw.Draw(self.image)
        self.font = ImageFont.load_default(13)

    def view(self, view: View, colours: str, low: float | None, high: float | None) -> bytes:
        first, last = view.low if low is None else low, view.high if high is None else high
        span = max(last - first, 1e-12)
        numbers = np.clip((view.levels - first) / span * 255, 0, 255).astype(np.uint8)
        pixels = Image.fromarray(colour_map(colours)[numbers[::-1]])
        self.image.paste(pixels.resize((WIDTH, HEIGHT), Image.Resampling.NEAREST), (LEFT, ABOVE))
        edges = _edges(view.x_seconds)
        self._along("time (s)", [(value, (value - edges[0]) / (edges[1] - edges[0])) for value in ticks(*edges)])
        rows = np.arange(len(view.y))
        wanted = (
            ticks(float(view.y[0]), float(view.y[-1])) if view.kind in ("spectrogram", "mfcc") else _octaves(view.y)
        )
        places = [(value, (float(np.interp(value, view.y, rows)) + 0.5) / len(rows)) for value in wanted]
        self._up(view.y_label, places)
        bar = Image.fromarray(np.repeat(colour_map(colours)[::-1][:, None], 14, axis=1))
        self.image.paste(bar.resize((14, HEIGHT)), (LEFT + WIDTH + 14, ABOVE))
        for value in ticks(first, last, 5):
            at = ABOVE + HEIGHT * (1 - (value - first) / span)
            self.pen.text((LEFT + WIDTH + 33, at), f"{value:g} {view.unit}", INK, self.font, anchor="lm")
        return self._done()

    def envelope(self, envelope: Envelope) -> bytes:
        channels, columns = envelope.low.shape
        edges = _edges(envelope.x_seconds)
        peak = max(1.0, envelope.scale * 32767)
        lane = HEIGHT / channels
        x = LEFT + (np.arange(columns) + 0.5) * WIDTH / columns
        for channel in range(channels):
            middle = ABOVE + lane * (channel + 0.5)
            above = middle - envelope.high[channel] * envelope.scale / peak * lane * 0.48
            below = middle - envelope.low[channel] * envelope.scale / peak * lane * 0.48
            self.pen.line([(LEFT, middle), (LEFT + WIDTH, middle)], (200, 200, 200))
            outline = [*zip(x, above, strict=True), *zip(x[::-1], below[::-1], strict=True)]
            if len(outline) > 2:
                self.pen.polygon(outline, LINE, LINE)
            self.pen.point(outline, LINE)
            for value, share in ((peak / 2, 0.26), (0.0, 0.5), (-peak / 2, 0.74)):
                at = ABOVE + lane * (channel + share)
                self.pen.text((LEFT - 8, at), f"{value:g}", INK, self.font, anchor="rm")
        self._along("time (s)", [(value, (value - edges[0]) / (edges[1] - edges[0])) for value in ticks(*edges)])
        return self._done()

    def spectrum(self, spectrum: Spectrum, low: float | None, high: float | None) -> bytes:
        last = float(spectrum.decibels.max()) + 3 if high is None else high
        first = max(float(spectrum.decibels.min()), last - 100) if low is None else low
        span, end = max(last - first, 1e-12), float(spectrum.hz[-1])
        x = LEFT + spectrum.hz / max(end, 1e-12) * WIDTH
        for number, levels in enumerate(spectrum.decibels):
            y = ABOVE + HEIGHT * (1 - np.clip((levels - first) / span, 0, 1))
            self.pen.line([*zip(x.tolist(), y.tolist(), strict=True)], CURVES[number % len(CURVES)])
        self._along("frequency (Hz)", [(value, value / end) for value in ticks(0.0, end)])
        self._up("level (dB)", [(value, (value - first) / span) for value in ticks(first, last)])
        return self._done()

    def _along(self, label: str, places: list[tuple[float, float]]) -> None:
        edge = ABOVE + HEIGHT
        for value, share in places:
            at = LEFT + share * WIDTH
            self.pen.line([(at, edge), (at, edge + 4)], INK)
            self.pen.text((at, edge + 6), f"{value:g}", INK, self.font, anchor="ma")
        self.pen.text((LEFT + WIDTH / 2, edge + 24), label, INK, self.font, anchor="ma")

    def _up(self, label: str, places: list[tuple[float, float]]) -> None:
        for value, share in places:
            at = ABOVE + HEIGHT * (1 - share)
            self.pen.line([(LEFT - 4, at), (LEFT, at)], INK)
            self.pen.text((LEFT - 7, at), f"{value:g}", INK, self.font, anchor="rm")
        written = Image.new("RGB", (HEIGHT, 18), PAPER)
        ImageDraw.Draw(written).text((HEIGHT / 2, 9), label, INK, self.font, anchor="mm")
        self.image.paste(written.rotate(90, expand=True), (0, ABOVE))

    def _done(self) -> bytes:
        frame = [LEFT - 1, ABOVE - 1, LEFT + WIDTH, ABOVE + HEIGHT]
        self.pen.rectangle(frame, outline=INK)
        buffer = io.BytesIO()
        self.image.save(buffer, "PNG")
        return buffer.getvalue()


def ticks(first: float, last: float, about: int = 8) -> list[float]:
    """Round numbers between two ends, about so many."""
    span = last - first
    if not span > 0:
        return [first]
    rough = span / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough * (1 - 1e-9))
    start = math.ceil(first / step - 1e-9)
    return [round(number * step, 12) for number in range(start, math.floor(last / step + 1e-9) + 1)]


def _octaves(hz: np.ndarray) -> list[float]:
    """Frequencies that double, between the first and the last."""
    return [float(value) for value in (62.5 * 2**power for power in range(12)) if hz[0] <= value <= hz[-1]]


def _edges(middles: np.ndarray) -> tuple[float, float]:
    """Where the first column begins and the last one ends."""
    half = float(middles[1] - middles[0]) / 2 if len(middles) > 1 else 0.5e-3
    return float(middles[0]) - half, float(middles[-1]) + half
