"""The collector of garbage rests while modules are loaded, and then is as it was. A process with torch ends at once."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from labcore.loading import MANY, collector_resting, load_torchaudio


def test_it_rests_meanwhile_and_works_again_even_after_a_fault() -> None:
    with collector_resting():
        assert not gc.isenabled()
        with collector_resting():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ImportError), collector_resting():
        raise ImportError
    assert gc.isenabled()


@pytest.mark.parametrize(("modules", "left_alone"), [(MANY, True), (1, False)])
def test_what_many_modules_made_is_left_alone_for_good(
    modules: int, left_alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[None] = []
    monkeypatch.setattr(gc, "freeze", lambda: asked.append(None))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    with collector_resting():
        sys.modules.update({f"made_up_{number}": ModuleType("made_up") for number in range(modules)})
    assert bool(asked) == left_alone


def test_a_torchaudio_for_another_cuda_is_loaded_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torchaudio.py").write_text(
        "import torch\n"
        "if torch.version.cuda not in (None, '13.0'):\n"
        "    raise RuntimeError('PyTorch and TorchAudio were compiled with different CUDA versions')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torchaudio", raising=False)
    monkeypatch.setattr(torch.version, "cuda", "13.2")
    assert load_torchaudio().__file__ == str(tmp_path / "torchaudio.py")
    assert torch.version.cuda == "13.2"


@pytest.mark.parametrize(
    ("main", "status", "ends_at_once"),
    [
        ("return 3", 3, True),
        ("sys.exit(2)", 2, True),
        ("sys.exit('told')", 1, False),
        ("raise KeyError", 1, False),
        ("del sys.modules['torch']; return 3", 3, False),
    ],
)
def test_a_process_with_torch_ends_without_taking_it_apart(main: str, status: int, ends_at_once: bool) -> None:
    script = f"""
import atexit, sys, threading, time
from types import ModuleType
from labcore.loading import quick_exit

class Heavy(ModuleType):
    def __del__(self):
        sys.stderr.write("taken apart")

kept = sys.modules["torch"] = Heavy("torch")

def late():
    time.sleep(0.05)
    print("thread", end=" ")

def main():
    threading.Thread(target=late).start()
    atexit.register(print, "exit function", end=" ")
    print("work", end=" ")
    {main}

sys.exit(quick_exit(main))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("work thread exit function ", status)
    assert ("taken apart" in done.stderr) != ends_at_once
