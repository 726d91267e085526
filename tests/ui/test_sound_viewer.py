"""The sound viewer: its scripts are modules in themselves and one text where they are joined, and what is sent stays small."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from labcore.config.presets import preset
from labcore.explore.views import view_of, waveform_view
from ui.charts.colours import colours
from ui.components import sound_viewer
from ui.components.sound_viewer.rows import MOST_BYTES, Row, image_row, pack, wave_row

FOLDER = sound_viewer.FOLDER
SCRIPTS = sorted(FOLDER.glob("*.js"))


def sent(app: AppTest) -> list[dict]:
    """The headers of what the viewers of a page were sent; their sizes are checked on the way."""
    contents = [content for element in app.get("bidi_component") if (content := element.proto.bytes)]
    assert all(len(content) < 1_000_000 for content in contents)
    return [header_of(content) for content in contents]


def header_of(content: bytes) -> dict:
    (size,) = struct.unpack("<I", content[:4])
    return json.loads(content[4 : 4 + size]) | {"content": content[4 + size :]}


def numbers(header: dict, told: dict) -> np.ndarray:
    """An array that a row of a header points to."""
    return np.frombuffer(header["content"], dtype=told["type"], count=told["count"], offset=told["at"])


def test_each_script_exports_what_the_others_import():
    assert {script.stem for script in SCRIPTS} == set(sound_viewer.MODULES)
    exported = {s.name: set(re.findall(r"^export (?:function|const) (\w+)", s.read_text(), re.M)) for s in SCRIPTS}
    for script in SCRIPTS:
        for names, source in re.findall(r"^import \{ (.+) \} from \"\./(.+)\"$", script.read_text(), re.M):
            assert set(names.split(", ")) <= exported[source], script.name
    joined = sound_viewer.script()
    assert not re.search(r"^import ", joined, re.M)
    assert re.findall(r"^export .*", joined, re.M) == ["export default function (component) {"]


def test_scripts_are_valid_alone_and_joined():
    """Joined, two of them must not give the same name to two things."""
    if (node := shutil.which("node")) is None:
        pytest.skip("there is no node")
    for text in [sound_viewer.script(), *(script.read_text() for script in SCRIPTS)]:
        checked = subprocess.run([node, "--input-type=module", "--check"], input=text, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr


def test_what_is_sent_stays_small_and_says_what_was_computed():
    config = preset("balanced").replace({"features.hop_length": 16, "features.n_fft": 8192})
    samples = np.random.default_rng(0).normal(0, 0.1, 47_849).astype(np.float32)
    picture, wave = view_of("spectrogram", samples, config), waveform_view(samples, 22050)
    rows = [wave_row(wave, "w")] + [image_row(picture, "p", colours(), axis="log") for _ in range(3)]
    content = pack(rows, of="x", start=0.0, end=2.17)
    assert len(content) < MOST_BYTES + 20_000
    small = view_of("log-mel", samples[:22050], preset("balanced"))
    content = pack([image_row(small, "log-mel", colours(), axis="bands")])
    header = header_of(content)
    row = header["rows"][0]
    assert np.array_equal(numbers(header, row["values"]).reshape(row["rows"], row["columns"]), small.values)


def test_equal_pictures_are_known_as_equal():
    row = Row({"kind": "image", "rows": 1, "columns": 2}, {"values": np.array([[1, 2]], np.int8)})
    assert pack([row], of="a") == pack([row], of="a")
    assert pack([row], of="a") != pack([row], of="b")


def test_a_player_is_found_whatever_its_key_holds(monkeypatch):
    """Streamlit makes a class of the key of a container, and the names of runs come in any script and with dots."""
    given: list[bytes] = []
    monkeypatch.setattr(sound_viewer, "_component", lambda: lambda data, **_: given.append(data))
    row = Row({"kind": "image", "rows": 1, "columns": 2}, {"values": np.array([[1, 2]], np.int8)})
    sound_viewer.viewer([row], key="v", of="a", start_s=0.0, end_s=1.0, alt="a", player="play-20261129-птицы.v2-3")
    assert header_of(given[0])["player"] == "play-20261129-------v2-3"
