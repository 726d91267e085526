import numpy as np
import pytest
import soundfile

from labcore.audio import decode
from labcore.config import RunConfig
from labcore.errors import ConfigError
from labcore.explore import views
from labcore.explore.snippet import KINDS, snippet


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "audio.sample_rate": 16000,
            "features.n_fft": 512,
            "features.win_length": 400,
            "features.hop_length": 160,
            "features.window": "rectangular",
            "features.mel_scale": "slaney",
            "features.mel_norm": "slaney",
            "features.f_max": 7600.5,
            "features.floor_db": -65.0,
        },
    ],
)
def test_the_lines_make_the_picture(kind, changes, noise, write_wav, tmp_path):
    config = RunConfig().replace(changes)
    rate = config.sample_rate
    file = write_wav(tmp_path / "it's a clip.wav", noise(0.5, rate), rate)
    lines = snippet(kind, config, file=str(file))
    assert len(lines.splitlines()) <= 6
    names: dict = {}
    exec(lines, names)
    seen = views.view_of(kind, soundfile.read(file, dtype="float32")[0], config)
    np.testing.assert_allclose(names["picture"].numpy(), seen.levels, atol=max(0.51 * seen.scale, 1e-4 * seen.high))


@pytest.mark.parametrize("of", ["level", "magnitude", "power"])
def test_the_lines_resample_and_cut_as_the_page_does(of, noise, write_wav, tmp_path):
    config = RunConfig()
    file = write_wav(tmp_path / "clip.wav", noise(1.0, 44100), 44100)
    names: dict = {}
    exec(snippet("spectrogram", config, file=str(file), stretch=(0.25, 0.75), of=of), names)
    waveform, _ = decode(file, config.sample_rate, start_s=0.25, end_s=0.75)
    seen = views.view_of("spectrogram", waveform, config, of=of)
    np.testing.assert_allclose(names["picture"].numpy(), seen.levels, atol=max(0.51 * seen.scale, 1e-4 * seen.high))


def test_there_are_no_lines_for_other_views():
    with pytest.raises(ConfigError, match="no code for the view 'waveform'"):
        snippet("waveform", RunConfig())
