import io
from functools import partial

import numpy as np
import pytest
from PIL import Image

from labcore.config import RunConfig
from labcore.errors import ConfigError
from labcore.explore import views
from labcore.explore.render import ABOVE, COLOURS, LEFT, colour_map, png, ticks

CONFIG = RunConfig()
RATE = CONFIG.sample_rate


def opened(content):
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def test_a_tone_is_a_bright_line_at_its_height(tone):
    view = views.view_of("spectrogram", tone(RATE / 8, 1.0, RATE), CONFIG)
    plot = opened(png(view, low=-40.0))[ABOVE : ABOVE + 400, LEFT : LEFT + 1000]
    brightness = plot.sum(2).mean(1)
    assert brightness.argmax() == pytest.approx(400 * 3 / 4, abs=3)  # an eighth of the rate is a quarter of the way up
    assert tuple(plot[50, 500]) == tuple(colour_map("magma")[0])


@pytest.mark.parametrize("colours", COLOURS)
def test_every_map_grows_brighter(colours):
    brightness = colour_map(colours).astype(float) @ [0.2126, 0.7152, 0.0722]
    assert colour_map(colours).shape == (256, 3)
    assert (np.diff(brightness) > -1.0).all()
    assert brightness[-1] - brightness[0] > 100


def test_every_view_has_a_picture(noise):
    sound = noise(0.5, RATE)
    made = [views.view_of(kind, sound, CONFIG) for kind in views.KINDS[1:]]
    made += [views.waveform_view(np.stack([sound] * 8), RATE), views.average_spectrum(sound, CONFIG)]
    for view in made:
        assert opened(png(view)).std() > 10


@pytest.mark.parametrize("samples", [1, 3000])
def test_silence_has_a_picture(samples):
    silence = np.zeros(samples, dtype=np.float32)
    for view in (*(partial(views.view_of, kind) for kind in views.KINDS[1:]), views.average_spectrum):
        opened(png(view(silence, CONFIG)))
    opened(png(views.waveform_view(silence, RATE)))


def test_an_unknown_map_is_told(noise):
    with pytest.raises(ConfigError, match="no colour map 'jet'"):
        png(views.view_of("mel", noise(0.1, RATE), CONFIG), colours="jet")


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(0.0, 5.0, [0, 1, 2, 3, 4, 5]), (-80.0, 0.0, list(range(-80, 1, 10))), (2.0, 2.0, [2.0]), (0.1, 0.14, None)],
)
def test_ticks_are_round_numbers(first, last, expected):
    made = ticks(first, last)
    assert expected is None or made == expected
    assert all(first - 1e-9 <= value <= last + 1e-9 for value in made)
    assert len(made) <= 10
