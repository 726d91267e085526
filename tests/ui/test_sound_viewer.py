"""The scripts of the sound viewer: modules in themselves, and one text where they are joined."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from ui.components import sound_viewer

FOLDER = sound_viewer.FOLDER
SCRIPTS = sorted(FOLDER.glob("*.js"))


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
