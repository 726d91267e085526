"""The starter notebook runs from top to bottom, in a kernel of its own, as a newcomer would run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labcore.runs import list_runs
from labcore.workspace import Workspace

ROOT = Path(__file__).parents[1]
STARTER = ROOT / "notebooks" / "starter.ipynb"
TINY = (
    'epochs=2, batch_size=8, model="small_cnn", sample_rate=8000, n_mels=16, precision="fp32", memory_format="contiguous", '
    'threads=1, device="cpu"'
)
PLOTLY = "application/vnd.plotly.v1+json"
# In a process of its own: what Jupyter's libraries warn about is theirs. The kernel is this Python, whatever kernels are installed.
RUN = """
import sys
import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

source, result = sys.argv[1:]
manager = AsyncKernelManager()
manager._kernel_spec = KernelSpec(argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], language="python")
notebook = nbformat.read(source, as_version=4)
try:
    NotebookClient(notebook, km=manager, timeout=200).execute()
finally:
    nbformat.write(notebook, result)
"""


def test_nothing_is_stored_in_the_notebook_but_its_text() -> None:
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(STARTER, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


@pytest.mark.slow
def test_the_starter_notebook_runs_from_top_to_bottom(class_folders: Path, tmp_path: Path) -> None:
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    workspace, source, result = Workspace(tmp_path / "home"), tmp_path / "starter.ipynb", tmp_path / "done.ipynb"
    text = STARTER.read_text(encoding="utf-8")
    for whole, small in (
        ('\\"demo\\")', json.dumps(f'"{class_folders}")')[1:-1]),
        ("epochs=25", json.dumps(TINY)[1:-1]),
    ):
        assert text.count(whole) == 1
        text = text.replace(whole, small)
    source.write_text(text, encoding="utf-8")
    environment = os.environ | {
        "LABCORE_HOME": str(workspace.home),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",  # threads that wait for each other on a busy machine take ten times as long
        "HOME": str(tmp_path),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_PLATFORM_DIRS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(source), str(result)],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]

    outputs = {cell["id"]: cell["outputs"] for cell in json.loads(result.read_text())["cells"] if "outputs" in cell}
    text = {name: "".join("".join(each.get("text", "")) for each in found) for name, found in outputs.items()}
    html = {
        name: "".join("".join(each.get("data", {}).get("text/html", "")) for each in found)
        for name, found in outputs.items()
    }
    assert "12" in html["data"]
    assert "tones: 12 clips" in html["check"]
    assert "epoch 2/2" in text["train"]
    assert "accuracy" in html["curves"]
    assert "is predicted as" in text["predict"]
    assert "predicted" in html["table"]
    pictures = [name for name, found in outputs.items() if any(PLOTLY in each.get("data", {}) for each in found)]
    assert pictures == ["curves", "confusion", "embeddings"]
    assert (tmp_path / "classifier.zip").is_file()
    assert not any(each.get("name") == "stderr" for found in outputs.values() for each in found)
    (run,) = list_runs(workspace)
    assert run.status().state == "finished"
