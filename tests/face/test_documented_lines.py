"""The lines of docs/python.md run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labcore.datasets.registry import register
from labcore.workspace import Workspace

ROOT = Path(__file__).parents[2]


def lines() -> str:
    (found,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


@pytest.mark.slow
def test_the_ten_lines(tones: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    register(Workspace(tmp_path / "home"), tones, "esc10")
    shutil.copyfile(tones / "low" / "low0.wav", tmp_path / "dog.wav")
    program = (
        f"if __name__ == '__main__':\n{re.sub('^', '    ', lines(), flags=re.MULTILINE)}\n    print(run.result, model)"
    )
    environment = os.environ | {"LABCORE_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "on the 4 clips of fold 1" in done.stdout
    assert "epoch 25/25" in done.stderr
    assert (tmp_path / "bark.onnx").stat().st_size > 100_000
